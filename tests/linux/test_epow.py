#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Debian is told of environmental and power warnings: by the interrupt of an event source, and by
event-scan.

usage: test_epow.py [--build DIR] KERNEL            (6.1 or 6.12)
"""

import subprocess
import sys

import guest as harness
from guest import Check, Failure, OneGuest, expect


class Epow(OneGuest):
    """One guest for all tests; the last one ends it."""

    def event(self, *options):
        argv = [self.build.fwnmi, "inject", "--monitor", self.guest.monitor_path, "event"]
        done = subprocess.run([*argv, *options], text=True, capture_output=True, check=False)
        if done.returncode:
            raise Failure(f"{options}: {done.stderr}")

    def warns(self, action, pattern):
        """arch/powerpc/platforms/pseries/ras.c, rtas_parse_epow_errlog()"""
        mark = self.guest.mark()
        self.event("--epow", action)
        fetched = self.guest.monitor.wait_event("RTAS_LOG_FETCHED")
        yield expect("bytes of the log", fetched["length"], 116)
        self.guest.wait_for(pattern, mark, what=pattern)
        pid = self.guest.victim()
        yield Check("it lives on", pid, pid)

    def scans(self):
        """rtasd prints what event-scan brings, and does nothing about it."""
        mark = self.guest.mark()
        self.event("--epow", "warn-power", "--call", "event-scan")
        self.guest.wait_for(r"RTAS: event: \d+, Type: EPOW \(64\), Severity: 2", mark)

    def powers_off(self):
        mark = self.guest.mark()
        self.event("--epow", "system-shutdown", "--modifier", "temperature")
        yield expect("exit status", self.guest.wait(), 0)
        said = self.guest.since(mark)
        yield Check("it says why", "emperature" in said, said[-2000:])


def define(tap, build, words, stack):
    (kernel,) = words or ["6.1"]
    epow = Epow(build, kernel, stack)

    def test(name, function, *args):
        tap.test(f"linux_{kernel}_{name}", lambda: function(*args))

    test("boots_to_userland", epow.boots)
    test("reports_a_cooling_warning", epow.warns, "warn-cooling", "Non-critical cooling issue")
    test("reports_a_power_warning", epow.warns, "warn-power", "Non-critical power issue")
    test("logs_a_warning_that_event_scan_brings", epow.scans)
    test("powers_off_when_it_is_too_hot", epow.powers_off)


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n", maxsplit=1)[0]))
