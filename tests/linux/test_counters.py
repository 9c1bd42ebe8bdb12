#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The performance monitor, as Linux gives it to perf, and event-based branches.

usage: test_counters.py [--build DIR]
"""

import sys

import guest as harness
from guest import Check, Guest, expect

# 1000 further turns of two instructions, a sample each 10 000 of 1 000 000, and a branch each 1003
# of 200 200, of which the handler has three.
SEEN = """instructions: 2000
cycles: 2000
samples: 100
samples elsewhere: 0
branches of PMC1: 200
branches of PMC5: 200
""".splitlines()


class Counters:
    def __init__(self, build):
        self.build = build
        self.kernel = harness.guest_file("6.1")

    def seen(self, cpu, name):
        options = ["-cpu", cpu]
        append = f"{harness.QUIET} loglevel=7"
        with Guest(
            self.build, self.kernel, job="count", options=options, append=append, monitor=False
        ) as guest:
            yield expect("exit status", guest.wait(harness.BOOT), 0)
            console = guest.since(0)
            said = [line.partition("fwnmi-guest: ")[2] for line in console.splitlines()]
            first = said.index(next((line for line in said if line.startswith("instr")), said[0]))
        yield Check(
            "the kernel knows the performance monitor",
            f"{name} performance monitor hardware support registered" in console,
            guest.tail(),
        )
        yield expect("what the guest saw", said[first : first + len(SEEN)], SEEN)


def define(tap, build, words, stack):
    counters = Counters(build)
    for cpu in ("power8", "power9", "power10"):
        tap.test(
            f"linux_on_{cpu}_counts_samples_and_branches_exactly", counters.seen, cpu, cpu.upper()
        )


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n", maxsplit=1)[0]))
