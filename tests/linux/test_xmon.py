#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""System resets that return: Debian's kernel debugger takes them, and its `x` goes on.

usage: test_xmon.py [--build DIR] KERNEL            (6.1 or 6.12)
"""

import sys

import guest as harness
from guest import Guest, expect

PROMPT = r"[0-9a-f]+:mon> "


class Xmon:
    def __init__(self, build, kernel):
        self.build = build
        self.kernel = harness.guest_file(kernel)

    def returns(self, smp, times):
        with Guest(
            self.build, self.kernel, append="xmon=on loglevel=8", clock="insn", smp=smp
        ) as guest:
            guest.boot()
            pid = guest.victim()
            for _ in range(times):
                yield from self.once(guest)
                yield expect("the victim lives on", guest.victim(), pid)
            yield expect("exit status", guest.power_off(), 0)

    def once(self, guest):
        """While xmon waits for input, it spends more instructions than a return is watched for."""
        mark = guest.mark()
        guest.monitor.command("inject-nmi")
        guest.wait_for(PROMPT, mark, what="xmon's prompt", whole_lines=False)
        yield expect("why", "System Reset" in guest.since(mark), True)
        guest.send("x")


def define(tap, build, words, stack):
    (kernel,) = words or ["6.1"]
    xmon = Xmon(build, kernel)

    def test(name, *args):
        tap.test(f"linux_{kernel}_{name}", lambda: xmon.returns(*args))

    test("returns_from_system_resets_that_its_debugger_takes", 1, 3)
    test("returns_on_every_cpu_from_a_system_reset_of_all", 4, 1)


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n", maxsplit=1)[0]))
