#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Guests of an unmodified QEMU: several CPUs, relocation, places, processes, fwnmi attach.

usage: test_guests.py [--build DIR] QEMU        (7.2 or 10)
"""

import os
import re
import signal
import struct
import sys

import qemu
import guest as harness
import scenarios
from guest import Booted, Check, expect
from qemu import QemuGuest

CPUS = 4
VAIN = 10  # seconds: the limit where nothing ever fits; a busy host must get that far in time
VICTIM_CPU = 2
RUN_AT_LOAD = 0x5C  # offset of __run_at_load in Linux's image: arch/powerpc/kernel/head_64.S


def printed_cpu(guest, mark):
    return int(scenarios.printed_mce(guest, mark)["cpu"])


class Smp(Booted):
    """One guest with four CPUs, its victim on one of them."""

    def __init__(self, build, which, stack):
        self.build, self.which, self.stack = build, which, stack
        self.kernel = harness.guest_file("6.12")

    def boots(self):
        guest = self.stack.enter_context(
            QemuGuest(
                self.build,
                self.which,
                self.kernel,
                append=f"loglevel=8 fwnmi.cpu={VICTIM_CPU}",
                smp=CPUS,
            )
        )
        guest.boot()
        guest.settle()
        self.booted = guest

    def each_cpu(self):
        for cpu in range(CPUS):
            mark = self.guest.mark()
            injection = self.guest.inject("machine-check", cpu=cpu, type="ERAT")
            yield Check(
                f"CPU {cpu}: the guest called ibm,nmi-interlock",
                injection.interlocked,
                injection.errors,
            )
            yield expect(f"CPU {cpu}: the one that Linux names", printed_cpu(self.guest, mark), cpu)
            yield expect(
                f"CPU {cpu}: handler",
                injection.report.get("handler"),
                self.guest.registration["machine-check"],
            )

    def victim_cpu(self):
        pid = self.guest.victim()
        mark, outcome = scenarios.machine_check(
            self.guest, "SLB Multihit", cpu=VICTIM_CPU, victim=pid, type="SLB", context="user"
        )
        scenarios.victim_lives(self.guest, outcome, pid)
        yield from outcome.checks
        yield expect(
            "found by name", outcome.injection.report.get("process"), {"pid": pid, "name": "victim"}
        )
        yield Check(
            "it came back to the interrupted instruction",
            outcome.injection.returned,
            outcome.injection.report,
        )

    def by_pid(self):
        pid = self.guest.victim()
        injection = self.guest.inject("machine-check", cpu=VICTIM_CPU, process=pid)
        yield expect("process", injection.report.get("process"), {"pid": pid, "name": "victim"})

    def in_process_at_symbol(self):
        """Of all processes that reach the place, selects the one that interrupts the victim."""
        injection = self.guest.inject(
            "machine-check", cpu=VICTIM_CPU, at="hrtimer_interrupt", process="victim"
        )
        yield Check("the guest called ibm,nmi-interlock", injection.interlocked, injection.errors)
        yield expect("context", injection.report.get("context"), "kernel")
        yield expect("process", injection.report.get("process", {}).get("name"), "victim")

    def ended_process(self):
        """The report says that the process will not return."""
        pid = self.guest.victim()
        mark, outcome = scenarios.machine_check(
            self.guest,
            "UE Load/Store",
            cpu=VICTIM_CPU,
            recovered=False,
            victim=pid,
            type="UE",
            disposition="not-recovered",
            context="user",
        )
        scenarios.victim_died(self.guest, outcome, mark, scenarios.SIGBUS)
        yield from outcome.checks
        for key, wanted in (("entered", True), ("returned", False), ("process-ended", True)):
            yield expect(key, outcome.injection.report.get(key), wanted)
        yield Check("another victim runs", self.guest.victim() != pid, "")

    def wrong_cpu(self):
        injection = self.guest.inject("machine-check", cpu=0, process="victim", timeout=2)
        yield expect("exit status", injection.status, 1)
        yield Check(
            "one line",
            re.fullmatch(r"fwnmi: inject: time limit: CPU 0 .*", injection.errors),
            injection.errors,
        )
        yield Check("nothing was delivered", not injection.delivered, injection.json)
        yield Check("the guest runs", self.guest.monitor.running(), "")

    def others(self):
        done = self.guest.fwnmi(
            "inject",
            "machine-check",
            "--cpu",
            f"others:{VICTIM_CPU}",
            "--type",
            "TLB",
            "--timeout",
            str(harness.INJECT),
            "--json",
            timeout=9 * harness.INJECT,
        )
        yield expect("exit status", done.returncode, 0)
        yield expect("the CPUs", re.findall(r'"cpu-index": (\d+)', done.stdout), ["0", "1", "3"])

    def at_symbol(self):
        address = harness.kernel_symbols(self.kernel, ["hrtimer_interrupt"])["hrtimer_interrupt"]
        injection = self.guest.inject("machine-check", cpu=VICTIM_CPU, at="hrtimer_interrupt")
        yield Check(
            "it is hit there",
            injection.nip in (address, address + 8) if injection.delivered else False,
            injection.errors or injection.report,
        )
        yield expect("context", injection.report.get("context"), "kernel")
        yield Check("the guest called ibm,nmi-interlock", injection.interlocked, injection.errors)

    def at_unrecoverable(self):
        """An interrupt's first instruction never has MSR[RI]=1."""
        injection = self.guest.inject(
            "machine-check", cpu=VICTIM_CPU, at="0xc000000000004900", timeout=VAIN
        )
        yield Check(
            "it says so",
            re.search(r"time limit: CPU 2 did not reach .* with MSR\[RI\]=0", injection.errors),
            injection.errors,
        )

    def another_kernel(self):
        """A kernel file of another version than the guest's is refused."""
        for command, *words in (("inject", "machine-check"), ("attach", "--timeout", "5")):
            done = self.guest.fwnmi(command, *words, kernel=harness.guest_file("6.1"))
            yield expect(f"{command}: exit status", done.returncode, 1)
            yield Check(
                f"{command}: one line",
                re.fullmatch(
                    rf"fwnmi: {command}: \S+ is not the kernel that the guest runs, .*\n",
                    done.stderr,
                ),
                done.stderr,
            )
        yield Check("the guest runs", self.guest.monitor.running(), "")
        yield Check("and lives", self.guest.victim(), "")

    def interrupted(self):
        """Ctrl-C while it waits for a place that is never reached."""
        process = self.guest.start_fwnmi("inject", "machine-check", "--at", "panic")
        self.guest.wait_attached()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=harness.ANSWER * harness.patience())
        yield expect("exit status", process.returncode, 1)
        yield expect("one line", errors, "fwnmi: inject: interrupted\n")
        yield Check("the guest runs", self.guest.monitor.running(), "")
        yield Check("and lives", self.guest.victim(), "")

    def killed_before_detach(self):
        """A killed debugger leaves the guest stopped; the next session resumes it."""
        process = self.guest.start_fwnmi("inject", "machine-check", "--at", "panic")
        self.guest.wait_attached()
        process.kill()
        process.communicate(timeout=harness.ANSWER * harness.patience())
        injection = self.guest.inject("machine-check", cpu=VICTIM_CPU, context="user")
        yield Check("the next injection succeeds", injection.interlocked, injection.errors)
        yield Check("the guest runs", self.guest.monitor.running(), "")

    def whole_partition(self):
        """Without a crash kernel, Linux panics."""
        mark = self.guest.mark()
        reset = self.guest.inject("system-reset")
        cpus = reset.json.get("cpus", [])
        yield expect("exit status", (reset.status, reset.errors), (0, ""))
        yield expect(
            "each CPU",
            [(cpu["injection"]["cpu-index"], cpu["delivered"]) for cpu in cpus],
            [(cpu, True) for cpu in range(CPUS)],
        )
        self.guest.wait_for(r"Oops: System Reset", mark)


def from_the_start(build, which, version):
    """Only the stub's address is given: no kernel, no addresses."""
    kernel = harness.guest_file(version)
    symbols = harness.kernel_symbols(kernel, ["system_reset_fwnmi", "machine_check_fwnmi"])
    with QemuGuest(build, which, kernel, stopped=True) as guest:
        report = guest.learn_by_watching()
        yield expect("the call was seen", report["call-seen"], True)
        for key, name in (
            ("system-reset", "system_reset_fwnmi"),
            ("machine-check", "machine_check_fwnmi"),
        ):
            yield expect(name, int(report[key], 16), symbols[name] & ~(0xC << 60))
        harness.Guest.boot(guest)
        mark = guest.mark()
        done = guest.fwnmi(
            "inject",
            "machine-check",
            "--context",
            "user",
            "--timeout",
            str(harness.INJECT),
            kernel="",
            timeout=3 * harness.INJECT,
        )
        yield expect("exit status of inject", done.returncode, 0)
        yield Check(
            "its report",
            re.search(r"\n  interlock +after [\d.]+ us of host time\n", done.stdout),
            done.stdout + done.stderr,
        )
        yield expect(
            "what Linux says of it", scenarios.printed_mce(guest, mark)["disposition"], "Recovered"
        )
        # The guest has registered already, so the call can no longer be seen.
        done = guest.fwnmi("attach", "--timeout", "5", kernel="")
        yield expect("exit status of a late attach", done.returncode, 1)
        yield Check(
            "its line",
            re.fullmatch(r"fwnmi: attach: time limit: no ibm,nmi-register call: .*\n", done.stderr),
            done.stderr,
        )
        yield Check("the guest runs", guest.monitor.running(), "")


def moved_kernel(build, which):
    """Like a crash kernel, it runs where it was loaded, with trampolines at 0."""
    kernel = harness.guest_file("6.1")
    with open(kernel, "rb") as f:
        data = bytearray(f.read())
    (start,) = struct.unpack_from("<Q", data, struct.unpack_from("<Q", data, 0x20)[0] + 8)
    struct.pack_into("<I", data, start + RUN_AT_LOAD, 1)
    with QemuGuest(build, which, qemu.temporary(data), append="loglevel=8") as guest:
        guest.kernel = kernel  # the original; the guest's own file has no symbols
        guest.boot()
        moved = re.search(r"physical_start += 0x([0-9a-f]+)", guest.since(0))
        yield Check("the kernel does not run at 0", moved and int(moved[1], 16), guest.tail())
        pid = guest.victim()
        _, outcome = scenarios.machine_check(
            guest, "SLB Multihit", victim=pid, type="SLB", context="user"
        )
        yield from outcome.checks
        address = (
            int(moved[1], 16)
            + harness.kernel_symbols(kernel, ["hrtimer_interrupt"])["hrtimer_interrupt"]
        )
        injection = guest.inject("machine-check", at="hrtimer_interrupt")
        yield Check(
            "its symbols have moved along",
            injection.delivered and injection.nip in (address, address + 8),
            injection.errors or injection.report,
        )


def default_firmware(build, which):
    """QEMU's default firmware has a different memory layout."""
    with QemuGuest(
        build, which, harness.guest_file("6.12"), machine=qemu.MACHINE.replace("x-vof=on,", "")
    ) as guest:
        guest.boot()
        _, outcome = scenarios.machine_check(
            guest, "SLB Multihit", victim=guest.victim(), type="SLB", context="user"
        )
        yield from outcome.checks


def not_yet(build, which):
    """The guest has not registered: QEMU's firmware has not even started."""
    for name, kernel, line in (
        (
            "with its kernel",
            None,
            r"the guest has not registered: .*|.* is not the kernel that the guest runs, .*",
        ),
        ("without", "", r"no device tree with an RTAS area in guest memory: .*--rtas BASE"),
    ):
        # A new guest for each, because it runs afterwards.
        with QemuGuest(build, which, harness.guest_file("6.1"), stopped=True) as guest:
            done = guest.fwnmi("inject", "machine-check", kernel=kernel)
            yield expect(f"exit status {name}", done.returncode, 1)
            yield Check(
                f"one line {name}",
                re.fullmatch(f"fwnmi: inject: (?:{line})\n", done.stderr),
                done.stderr,
            )
            yield Check("the guest runs", guest.monitor.running(), "")


def without_fwnmi(build, which):
    """QEMU can disable the option; Linux then runs without registering."""
    with QemuGuest(
        build, which, harness.guest_file("6.1"), machine=qemu.MACHINE + ",cap-fwnmi=off"
    ) as guest:
        harness.Guest.boot(guest)
        done = guest.fwnmi("inject", "machine-check")
        yield expect("exit status", done.returncode, 1)
        yield expect(
            "one line", done.stderr, "fwnmi: inject: the guest has not registered for FWNMI yet\n"
        )
        yield Check("the guest runs", guest.monitor.running() and guest.victim(), "")


def define(tap, build, words, stack):
    (which,) = words or ["7.2"]
    qemu.qemu_path(which)
    smp = Smp(build, which, stack)

    def test(name, function, *args):
        tap.test(f"qemu_{which}_{name}", function, *args)

    test("boots_four_cpus", smp.boots)
    test("hits_the_cpu_that_is_named", smp.each_cpu)
    test("hits_the_process_that_is_named", smp.victim_cpu)
    test("hits_the_process_of_a_pid", smp.by_pid)
    test("hits_a_process_at_a_symbol", smp.in_process_at_symbol)
    test("tells_that_the_process_was_ended", smp.ended_process)
    test("gives_up_on_a_process_of_another_cpu", smp.wrong_cpu)
    test("hits_all_cpus_but_one", smp.others)
    test("hits_at_a_symbol", smp.at_symbol)
    test("never_hits_where_nothing_is_recoverable", smp.at_unrecoverable)
    test("refuses_the_kernel_of_another_guest", smp.another_kernel)
    test("leaves_the_guest_running_when_interrupted", smp.interrupted)
    test("frees_a_guest_whose_debugger_was_killed", smp.killed_before_detach)
    test("resets_every_cpu", smp.whole_partition)
    for version in ("6.1", "6.12"):
        test(
            f"learns_the_registration_from_the_start_of_{version}",
            from_the_start,
            build,
            which,
            version,
        )
    test("finds_a_kernel_that_does_not_run_at_0", moved_kernel, build, which)
    test("knows_a_guest_of_the_usual_firmware", default_firmware, build, which)
    test("refuses_a_guest_that_has_not_started", not_yet, build, which)
    test("refuses_a_guest_that_has_not_registered", without_fwnmi, build, which)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(harness.main(define, __doc__.split("\n")[0]))
