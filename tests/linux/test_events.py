#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Debian's event-scan daemon fetches queued logs: those of the platform, and those of unsafe CPUs.

usage: test_events.py [--build DIR] KERNEL              (6.1 or 6.12)

It scans about every thirty seconds, which pass at once in an idle guest on the instruction clock.
"""

import sys

import guest as harness
from guest import Check, Failure, Guest, expect
from scenarios import TIMEBASE_HZ

# Fixed parts only: severity warning or event, fully recovered, initiator CPU; type 0xe0.
WARNING, EVENT = "064010e000000000", "062010e000000000"
CPUS = 4
TURN = 30  # seconds of guest time: arch/powerpc/kernel/rtasd.c, with one scan a minute
STOPS = 200  # attempts to stop while every CPU is idle
PRINTED = r"RTAS: event: \d+, Type: Platform Error \(224\), Severity: "


class Events:
    def __init__(self, build, kernel, stack):
        self.kernel = harness.guest_file(kernel)
        self.guest = stack.enter_context(
            Guest(build, self.kernel, job="shell", smp=CPUS, append="loglevel=8")
        )

    def boots(self):
        self.guest.wait_for("fwnmi-guest: userland up", timeout=harness.BOOT)
        self.guest.wait_for("RTAS daemon started")

    def queued(self):
        """Logs arrive whole, oldest first, each once."""
        guest = self.guest
        mark = guest.mark()
        guest.monitor.events.clear()
        for log in (WARNING, EVENT, WARNING):
            guest.monitor.command("queue-event", log=log)
        for severity in (2, 1, 2):
            mark = guest.wait_for(PRINTED + str(severity), mark).end()
        insns = guest.monitor.command("query-cpus-fast")[0]["instructions"]
        while guest.monitor.command("query-cpus-fast")[0]["instructions"] < insns + 100_000_000:
            pass  # many more scans
        yield Check("none comes twice", "RTAS: event" not in guest.since(mark), guest.since(mark))

    def stop_at_rest(self):
        """Stops the machine while no CPU holds a lock; returns the CPU that scanned last.

        If a CPU that stops for good holds a lock, Linux hangs, as LoPAR warns. Only an idle CPU
        surely holds none. Linux lets its CPUs scan in turn, each after a full TURN.
        """
        guest = self.guest
        for _ in range(STOPS):
            guest.monitor.command("queue-event", log=WARNING)
            looked = guest.monitor.wait_event("RTAS_LOG_FETCHED")
            for _ in range(STOPS):
                guest.monitor.command("stop")
                now = guest.monitor.wait_event("STOP")["timebase"]
                cpus = guest.monitor.command("query-cpus-fast")
                # Idle time passes at once, so another CPU may have scanned.
                late = now - looked["timebase"] >= (TURN - 1) * TIMEBASE_HZ
                if not late and all(cpu["state"] == "idle" for cpu in cpus):
                    return looked["cpu-index"]
                guest.monitor.command("cont")
                if late:
                    break
        raise Failure("the guest never rests soon after a look", guest.tail())

    def unsafe(self):
        """Scanning never gets past a dead CPU, so stop the one that has just scanned."""
        guest = self.guest
        guest.monitor.command("query-status")  # reads on
        guest.monitor.events.clear()
        dead = self.stop_at_rest()
        mark = guest.mark()
        injection = guest.inject("machine-check", cpu=dead, unsafe=True, type="SLB", no_wait=True)
        yield expect("fwnmi inject succeeds", injection.status, 0)
        guest.monitor.events.clear()
        guest.monitor.command("cont")
        stopped = guest.monitor.wait_event("FWNMI_CPU_STOPPED")
        yield expect("it is stopped", stopped["cpu-index"], dead)
        cpus = guest.monitor.command("query-cpus-fast")
        yield expect(
            "and stays so",
            [cpu["state"] == "stopped" for cpu in cpus],
            [cpu == dead for cpu in range(len(cpus))],
        )
        guest.wait_for(PRINTED + "5", mark, what="a fatal event")
        # LoPAR: after a fatal report, all later ones are "already reported".
        mark = guest.mark()
        other = (dead + 1) % len(cpus)
        injection = guest.inject("machine-check", cpu=other, type="SLB", no_wait=True)
        yield expect("another machine check is accepted", injection.status, 0)
        guest.wait_for(rf"MCE: CPU{other}: machine check \(Harmless\) +Unknown", mark)


def define(tap, build, words, stack):
    (kernel,) = words or ["6.1"]
    events = Events(build, kernel, stack)

    def test(name, function):
        tap.test(f"linux_{kernel}_{name}", function)

    test("starts_its_event_scan_daemon", events.boots)
    test("fetches_each_queued_log_once_and_in_order", events.queued)
    test("learns_of_an_unsafe_cpu_by_a_fatal_event", events.unsafe)


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n", maxsplit=1)[0]))
