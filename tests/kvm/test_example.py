#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""examples/kvm-host.c, which uses libfwnmi and nothing else of ours, under a real kvm-hv.

usage: test_example.py [--build DIR]

Its guest counts the machine checks and system resets that it receives, and checks its registers.
"""

import os
import re
import shutil
import subprocess
import sys

from host import CC, TESTS, TOP, KvmHost, harness, program, set_patience
from guest import Check, Failure, Missing, expect
from test_linux import KVM_CAP_PPC_FWNMI

CPUS, INJECTED = 4, 25
COUNTS = re.compile(r"^vCPU (\d+): (\d+) machine checks, (\d+) system resets$", re.MULTILINE)
RUN = 120
EXAMPLE = os.path.join(TOP, "examples", "kvm-host.c")
# With nmi.c KVM seems to report machine checks of its own.
WITH_NMI = [os.path.join(TESTS, "kvm", "nmi.c"), "-Wl,--wrap=ioctl,--wrap=mmap"]


class Example:
    """A KVM host with the example in it, that starts on first use."""

    def __init__(self, build, stack):
        self.directory = os.path.join(build.directory, "ppc64el")
        self.build, self.stack = build, stack
        self.started = None

    @property
    def host(self):
        if not self.started:
            files = program(self.build.directory)
            files["kvm-host"] = self.compiled("kvm-host", [EXAMPLE])
            files["kvm-host-nmi"] = self.compiled("kvm-host-nmi", [EXAMPLE, *WITH_NMI])
            self.started = self.stack.enter_context(KvmHost(files))
        return self.started

    def compiled(self, name, sources):
        """Builds it as the example's first lines say, with the library that program() has built."""
        path = os.path.join(self.directory, name)
        done = subprocess.run(
            [
                CC,
                "-static",
                "-O2",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-o",
                path,
                "-I" + os.path.join(TOP, "include"),
                *sources,
                os.path.join(self.directory, "lib", "libfwnmi.a"),
                "-pthread",
            ],
            text=True,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise Failure(f"{name} does not build", done.stderr)
        return path

    def run(self, command):
        """Returns {vCPU: [machine checks, system resets]}. The guest has checked the registers."""
        status, said = self.host.ask(f"{command} 2>&1", RUN)
        if status:
            raise Failure(f"{command}: exit status {status}", said)
        counts = [tuple(map(int, numbers)) for numbers in COUNTS.findall(said)]
        return {cpu: numbers for cpu, *numbers in counts}

    def injects(self):
        counts = self.run("/watch /tmp/caps /kvm-host")
        yield expect(
            "machine checks",
            {cpu: count[0] for cpu, count in counts.items()},
            dict.fromkeys(range(CPUS), INJECTED),
        )
        yield Check(
            "each vCPU had system resets", all(count[1] for count in counts.values()), counts
        )
        enabled = [
            line
            for line in self.host.command("cat /tmp/caps").splitlines()
            if line.startswith(f"{KVM_CAP_PPC_FWNMI} ")
        ]
        yield expect("KVM_CAP_PPC_FWNMI is enabled once", enabled, [f"{KVM_CAP_PPC_FWNMI} 0"])

    def registers(self):
        """fwnmi/linux_kvm.h alone, on a vCPU that is a struct."""
        program(self.build.directory)
        path = self.compiled(
            "registers", [os.path.join(TESTS, "kvm", "registers.c"), "-Wl,--wrap=ioctl"]
        )
        if not shutil.which("qemu-ppc64le"):
            raise Missing("there is no qemu-ppc64le")
        done = subprocess.run(
            ["qemu-ppc64le", path], text=True, capture_output=True, check=False, timeout=RUN
        )
        yield Check("all is as KVM wants it", done.returncode == 0, done.stderr)

    def nmi_exits(self):
        counts = self.run("/kvm-host-nmi")
        yield expect("vCPUs", list(counts), list(range(CPUS)))
        yield Check(
            "each vCPU had more machine checks than were injected",
            all(count[0] > INJECTED for count in counts.values()),
            counts,
        )


def define(tap, build, words, stack):
    set_patience()
    example = Example(build, stack)
    tap.test("registers_are_read_and_written_when_and_as_kvm_wants", example.registers)
    tap.test(
        "the_example_delivers_machine_checks_and_system_resets_to_four_vcpus_and_no_register_is_lost",
        example.injects,
    )
    tap.test("the_example_delivers_what_kvm_reports_among_what_it_injects", example.nmi_exits)


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n", maxsplit=1)[0]))
