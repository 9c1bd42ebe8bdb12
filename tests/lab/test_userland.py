#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The lab's userland, by its console: every workload runs, and sees what it is there to see.

usage: test_userland.py [--build DIR] [KERNEL]    (6.1 unless named)
"""

import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "linux"))

import guest as harness  # noqa: E402
from guest import Booted, Check, Guest, Missing, expect  # noqa: E402

KINDS = ("victim", "syscall", "fault", "fork", "signal")
WORKLOADS = {**{kind: (kind,) for kind in (*KINDS, "idle")}, "mixed": KINDS}
ROUNDS = 3  # of each process
PATTERN = 0x20000000  # payload/lab/registers.h


class Lab(Booted):
    """A guest with the lab's userland, up to "ready"."""

    def __init__(self, build, kernel):
        self.build, self.kernel = build, kernel

    def start(self, stack, smp):
        if not os.path.getsize(self.build.initramfs):
            raise Missing("fwnmi has been built without a cross compiler")
        guest = stack.enter_context(
            Guest(
                self.build,
                harness.guest_file(self.kernel),
                append=f"quiet {harness.QUIET}",
                smp=smp,
            )
        )
        ready = guest.wait_for(r"fwnmi-lab: ready (\d+) (\S+)$", timeout=harness.BOOT)
        yield expect("processors", int(ready[1]), smp)
        yield Check("its release is the kernel's", ready[2].startswith(self.kernel + "."), ready[2])
        self.booted = guest

    def go(self, command):
        """Starts a workload; returns a mark from before its first line."""
        mark = self.guest.mark()
        self.guest.send(f"go {command}")
        self.guest.wait_for(rf"fwnmi-lab: running {command.split()[0]}$", mark)
        return mark

    def rounds(self, name, number, mark):
        """Waits for a round of the first process of that name that begins after the mark."""
        begun = self.guest.wait_for(rf"fwnmi-lab: round {name} 1$", mark).start()
        self.guest.wait_for(rf"fwnmi-lab: round {name} {number}$", begun)

    def others(self, mark):
        """Lines of the lab that say anything but that all is well."""
        return re.findall(r"fwnmi-lab: ((?:corrupt|died|failed) .*)$", self.guest.since(mark), re.M)

    def runs(self, workload, smp):
        mark = self.go(workload)
        for kind in WORKLOADS[workload]:
            for cpu in range(smp):
                self.rounds(f"{kind}{cpu}", ROUNDS, mark)
        yield expect("complaints", self.others(mark), [])

    def refuses(self):
        for command, answer in (("go away", "workload"), ("halt", "command")):
            mark = self.guest.mark()
            self.guest.send(command)
            self.guest.wait_for(rf"fwnmi-lab: failed init no such {answer}$", mark)
        yield from self.runs("victim", 1)

    def sees(self, changes, facilities):
        """Each instruction makes the victim name the one thing that it changes."""
        words = ([] if facilities == "vsx" else [facilities]) + [
            f"{word:08x}" for word, *_ in changes
        ]
        mark = self.go(" ".join(["victim", *words]))
        self.rounds("victim0", len(changes) + 2 + ROUNDS, mark)
        yield expect("deaths and failures", [s for s in self.others(mark) if s[0] != "c"], [])
        reports = re.findall(
            r"fwnmi-lab: corrupt victim0 (.*) is (0x\w+) not (0x\w+)$", self.guest.since(mark), re.M
        )
        wanted = [name for _, name, *_ in changes]
        yield expect("what it has named", [name for name, *_ in reports], wanted)
        for (_, name, *flipped), (_, value, known) in zip(changes, reports):
            if flipped:
                yield expect(f"{name}'s bits", int(value, 16) ^ int(known, 16), flipped[0])

    def reports(self):
        """Of a recovered error Linux warns only, and it was told to be quiet."""
        mark = self.go("victim")
        self.rounds("victim0", ROUNDS, mark)
        self.guest.settle()
        injection = self.guest.inject(
            "machine-check", context="user", type="slb", severity="warning"
        )
        yield Check("it is delivered", injection.delivered, injection.errors)
        seen = self.guest.wait_for(r"MCE: CPU0: machine check \(Warning\)", mark).end()
        self.guest.wait_for(r"fwnmi-lab: round victim0 \d+$", seen)
        yield expect("complaints", self.others(mark), [])

    def restarts(self):
        mark = self.go("victim")
        self.rounds("victim0", ROUNDS, mark)
        self.guest.settle()
        injection = self.guest.inject(
            "machine-check", context="user", disposition="not-recovered", type="ue"
        )
        yield Check("it is delivered", injection.delivered, injection.errors)
        died = self.guest.wait_for(r"fwnmi-lab: died victim0 signal (\d+)$", mark)
        yield expect("the signal", int(died[1]), 7)
        self.rounds("victim0", ROUNDS, died.end())
        yield expect("all complaints", self.others(mark), ["died victim0 signal 7"])


def changes(facilities):
    """(instruction, name of what it changes, bits that it flips)"""
    vsx = facilities == "vsx"
    for n in range(32):
        yield 0x68000001 | n << 21 | n << 16, f"r{n}", 1  # xori n,n,1
    for n in range(32):
        if vsx:
            m = (n + 1) % 32
            # xxpermdi n,m,n,1: only the first doubleword, which is the FPR
            yield 0xF0000150 | n << 21 | m << 16 | n << 11, f"f{n}"
            # xxpermdi n,n,m,0: only the second
            yield 0xF0000050 | n << 21 | n << 16 | m << 11, f"vs{n}"
        else:
            yield 0xFC000050 | n << 21 | n << 11, f"f{n}", 1 << 63  # fneg n,n
    for n in range(32 if facilities != "fp" else 0):
        yield 0x10000504 | n << 21 | n << 16 | n << 11, f"v{n}", (1 << 128) - 1  # vnor n,n,n
    for bit in (0, 1, 6, 11, 12, 17, 22, 27, 31):
        # crnor bit,bit,bit
        yield 0x4C000042 | bit << 21 | bit << 16 | bit << 11, "cr", 1 << (31 - bit)
    yield 0x7CA103A6, "xer"  # mtxer 5
    yield 0x7CA803A6, "lr"  # mtlr 5
    yield 0x7CA903A6, "ctr"  # mtctr 5
    yield 0x7CAFCBA6, "tar"  # mtspr 815,5
    yield 0x7CA303A6, "dscr"  # mtspr 3,5
    yield 0x7C210B78, "ppr", 1 << 50  # or 1,1,1: low
    yield 0xFFE0008C, "fpscr", 1  # mtfsb0 31
    if facilities != "fp":
        yield 0x7CA043A6, "vrsave"  # mtspr 256,5
        yield 0x10000644, "vscr"  # mtvscr 0
    yield 0xF8B50000, f"memory at {PATTERN:#x}"  # std 5,0(21)


def define(tests, build, words, stack):
    kernel = words[0] if words else "6.1"
    for smp in (1, 2):
        lab = Lab(build, kernel)
        tests.test(f"{smp}_processors_boot_to_ready", lab.start, stack, smp)
        for workload in WORKLOADS:
            tests.test(
                f"{workload}_makes_rounds_on_{smp}_processors_and_has_no_complaint",
                lab.runs,
                workload,
                smp,
            )
        if smp == 1:
            for facilities in ("fp", "vmx", "vsx"):
                tests.test(
                    f"a_victim_with_{facilities}_names_each_register_that_is_changed_and_no_other",
                    lab.sees,
                    list(changes(facilities)),
                    facilities,
                )
            tests.test("what_linux_reports_as_a_warning_is_seen_despite_quiet", lab.reports)
            tests.test("a_killed_victim_is_started_again_under_its_name", lab.restarts)
            tests.test("an_unknown_command_changes_nothing", lab.refuses)


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n")[0]))
