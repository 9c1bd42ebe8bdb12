#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The processor's watchpoints, as Linux gives them to debuggers and to perf; its debugger's CIABR.

usage: test_watch.py [--build DIR]
"""

import re
import sys

import guest as harness
from guest import Guest, expect

PROMPT = r"[0-9a-f]+:mon> "
BY_PTRACE = """ptrace: set 1
ptrace: store 5
ptrace: code 4
ptrace: offset 0
ptrace: set 1
ptrace: load 5
ptrace: code 4
ptrace: offset 0
ptrace: exit 7
perf: stores 5
perf: accesses 8
""".splitlines()
ENOSPC = 28


class Watch:
    def __init__(self, build):
        self.build = build
        self.kernel = harness.guest_file("6.1")

    def start(self, cpu, **options):
        return Guest(self.build, self.kernel, options=["-cpu", cpu], **options)

    def seen(self, cpu, *expected):
        with self.start(cpu, job="watch", append=harness.QUIET, monitor=False) as guest:
            yield expect("exit status", guest.wait(harness.BOOT), 0)
            said = [line.partition("fwnmi-guest: ")[2] for line in guest.since(0).splitlines()]
            lines = [line for line in said if line.startswith(("ptrace", "perf"))]
        yield expect("what the guest saw", lines, list(expected))

    @staticmethod
    def prompt(guest, mark):
        guest.wait_for(PROMPT, mark, what="xmon's prompt", whole_lines=False)

    def ask(self, guest, command):
        mark = guest.mark()
        guest.send(command)
        self.prompt(guest, mark)
        return guest.since(mark)

    def breaks(self, cpu):
        """xmon stops at a hardware breakpoint in a routine that every system call runs through."""
        with self.start(cpu, append="xmon=rw loglevel=8") as guest:
            guest.boot()
            mark = guest.mark()
            guest.monitor.command("inject-nmi")
            self.prompt(guest, mark)
            self.ask(guest, "bi $ksys_read")
            (address,) = re.findall(r"inst +([0-9a-f]{16})", self.ask(guest, "b"))
            # Calls enter behind the two instructions that load the TOC's address.
            self.ask(guest, f"bi {int(address, 16) + 8:x}")
            # An idle guest reads nothing, so the line behind xmon's "x" is for its shell.
            yield expect("where it stops", "ksys_read+0xc/" in self.ask(guest, "x\n"), True)
            self.ask(guest, "bc")
            guest.send("x")
            yield expect("exit status", guest.power_off(), 0)


def define(tap, build, words, stack):
    watch = Watch(build)
    tap.test(
        "linux_on_power8_stops_a_program_and_counts_at_its_one_watchpoint",
        watch.seen,
        "power8",
        "ptrace: watchpoints 1",
        *BY_PTRACE,
        f"perf: second -{ENOSPC}",
    )
    tap.test(
        "linux_on_power10_has_two_watchpoints",
        watch.seen,
        "power10",
        "ptrace: watchpoints 2",
        *BY_PTRACE,
        "perf: first 5",
        "perf: second 5",
    )
    tap.test("linux_stops_in_its_debugger_at_ciabr", watch.breaks, "power9")


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n", maxsplit=1)[0]))
