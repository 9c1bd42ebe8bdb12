#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs every scenario on an unmodified QEMU and on our engine; the consoles must agree.

usage: test_scenarios.py [--build DIR] KERNEL QEMU        (6.1 or 6.12, 7.2 or 10)
"""

import difflib
import re
import sys
import time

import qemu
import guest as harness
import scenarios
from guest import Check, Failure, Guest, expect

# Seconds, multiplied by the harness's patience, to wait for missing lines, alternating between the
# guests.
SETTLE, SLICE = 60, 0.5

# A line without times and addresses is the guest's verdict. These are applied in order.
ASIDE = [
    (r"^\[ *\d+\.\d+\] ?", ""),
    (r"0x[0-9a-f]+", "0x*"),
    (r"\b[0-9a-f]{8,16}\b", "*"),
    # Places in the kernel, by symbol.
    (r"NIP: \[\*\] [\w.]+\+0x\*/0x\*", "NIP: [*] *"),
    (r"Memory failure: 0x\*", "Memory failure: *"),
    (r"(pid |PID: |victim=|Killing victim:|victim\[|victim:)\d+", r"\1*"),
    (r"RTAS: event: \d+", "RTAS: event: *"),
    (r"#\d+ *(Debian|NONE|$)", r"#* \1"),
    # Addresses of pages that Linux has taken offline.
    (r"Memory failure: \*: (\w+) (\w+) page", r"Memory failure: *: \1 \2 page"),
    (r"Hardware name: .*", "Hardware name: *"),
    # Code bytes and registers of the interrupted code contain counters.
    (r"^((?:GPR\d+|NIP|REGS|MSR|CFAR|XER):).*", r"\1 *"),
    (r" CR: .*", " CR: *"),
]
# Messages about the machine, not the event, at arbitrary times; also those about delays on a busy
# host.
OTHER_MATTERS = re.compile(
    r"random: crng init done|hrtimer: interrupt took|clocksource: |sched_clock: |sched: |rcu: |workqueue: |"
    r"perf: interrupt took|systemd|cfg80211|Spectre|watchdog: CPU|input: |process \d+ \(|"
    r"SED: |Freeing unused|fwnmi-guest: victim page"
)


def verdict(console):
    """The console lines that form the guest's verdict, without times and addresses."""
    lines = []
    for line in console.splitlines():
        if not line.strip() or OTHER_MATTERS.search(line):
            continue
        for pattern, replacement in ASIDE:
            line = re.sub(pattern, replacement, line)
        lines.append(line.strip())
    return lines


def lines_end(guest):
    """The end of the last whole line of the console."""
    return guest.transcript.rfind("\n") + 1


def settle(guest):
    """Waits for an answer from user mode: only lines of timers can still follow it."""
    if guest.ended or guest.process.poll() is not None:
        guest.reader.join(SETTLE)
    else:
        guest.victim()


def difference(ours, theirs):
    return "\n".join(
        difflib.unified_diff(
            verdict(ours), verdict(theirs), "embedded engine", "QEMU", lineterm="", n=1
        )
    )


class Pair:
    """The same kernel twice: on the embedded engine and in QEMU.

    Everything on the two consoles is compared, piece by piece: a line that misses the piece of one
    scenario is compared with the next.
    """

    def __init__(self, build, kernel, which, stack, smp=1, victim_cpu=0):
        self.build, self.which, self.stack = build, which, stack
        self.kernel = harness.guest_file(kernel)
        qemu.qemu_path(which)  # skip all if missing
        self.smp, self.victim_cpu = smp, victim_cpu
        self.guests, self.marks = {}, {}

    def boots(self):
        append = "loglevel=8" + (f" fwnmi.cpu={self.victim_cpu}" if self.victim_cpu else "")
        self.guests = {}
        theirs = self.stack.enter_context(
            qemu.QemuGuest(self.build, self.which, self.kernel, append=append, smp=self.smp)
        )
        ours = self.stack.enter_context(
            Guest(self.build, self.kernel, append=append, smp=self.smp, clock="insn")
        )
        for guest in (ours, theirs):
            guest.boot()
            guest.victim_page()  # it has begun
            # Otherwise their victims would keep two processors busy.
            guest.monitor.command("stop")
        self.guests = {"embedded": ours, "QEMU": theirs}
        self.marks = {name: lines_end(guest) for name, guest in self.guests.items()}

    def registers(self):
        symbols = harness.kernel_symbols(self.kernel, ["system_reset_fwnmi", "machine_check_fwnmi"])
        for key, name in (
            ("system-reset", "system_reset_fwnmi"),
            ("machine-check", "machine_check_fwnmi"),
        ):
            yield expect(
                f"{name} in QEMU",
                int(self.guests["QEMU"].registration[key], 16),
                symbols[name] & ~(0xC << 60),
            )

    def said(self):
        """Lines not yet compared, and the mark after them."""
        ends = {name: lines_end(guest) for name, guest in self.guests.items()}
        return [
            guest.transcript[self.marks[name] : ends[name]] for name, guest in self.guests.items()
        ], ends

    def compare(self):
        """Compares the consoles since the last time. Waits for a line that one still owes."""
        deadline = time.monotonic() + SETTLE * harness.patience()
        while (
            difference(*self.said()[0])
            and time.monotonic() < deadline
            and not any(guest.ended for guest in self.guests.values())
        ):
            for guest in self.guests.values():
                before = lines_end(guest)
                guest.monitor.command("cont")
                qemu.wait_until(guest, lambda: lines_end(guest) > before, SLICE)
                guest.monitor.command("stop")
        (ours, theirs), self.marks = self.said()
        different = difference(ours, theirs)
        return Check(
            "the guests say the same, line by line",
            not different and verdict(ours),
            different or "nothing was said",
        )

    def scenario(self, function, *args, **options):
        if not self.guests:
            raise Failure("there are no guests: they did not boot")
        for name, guest in self.guests.items():
            if guest.ended:
                raise Failure(f"{name}: the guest has ended before")
            guest.monitor.command("cont")
            try:
                outcome = function(guest, *args, **options)
                settle(guest)
            finally:
                if guest.process.poll() is None:
                    guest.monitor.command("stop")
            for check in outcome.checks:
                yield Check(f"{name}: {check.what}", check.ok, check.detail)
        yield self.compare()


# ---- scenarios from programs of tests/linux ------------------------------------------------------


def in_kernel(guest, cpu=0):
    mark, outcome = scenarios.machine_check(
        guest, "SLB Multihit", cpu=cpu, type="SLB", context="kernel"
    )
    outcome.equal("the report's CPU", outcome.injection.report.get("cpu-index"), cpu)
    outcome.equal("it hit the kernel", outcome.injection.report.get("context"), "kernel")
    # Linux queues this and prints it in its timer interrupt, which also logs the event.
    guest.wait_for(r"RTAS: event: \d+, Type: Platform Error \(224\), Severity: 3", mark)
    outcome.check("user processes live", guest.victim())
    return outcome


def unrecovered_ue(guest, **options):
    """Only the victim dies: the shells that answer and that start a new victim live."""
    outcome = scenarios.unrecovered_ue(guest, **options)
    outcome.equal(
        "it did not come back to the interrupted instruction", outcome.injection.returned, False
    )
    outcome.equal("processes that died", outcome.console.count("fwnmi-guest: victim died"), 1)
    return outcome


def victim_on_its_cpu(guest, cpu):
    pid = guest.victim()
    address, _, _ = guest.victim_page()
    mark, outcome = scenarios.machine_check(
        guest,
        "SLB Multihit",
        cpu=cpu,
        victim=pid,
        dar=address,
        type="SLB",
        ea=address,
        context="user",
    )
    scenarios.victim_lives(guest, outcome, pid)
    return scenarios.finish(guest, outcome, mark)


def killed_on_its_cpu(guest, cpu):
    mark, outcome = scenarios.machine_check(
        guest,
        "UE Load/Store",
        cpu=cpu,
        recovered=False,
        victim=guest.victim(),
        type="UE",
        disposition="not-recovered",
        context="user",
    )
    scenarios.victim_died(guest, outcome, mark, scenarios.SIGBUS)
    return outcome


def system_reset(guest):
    """The CPU does not return, which takes a tenth of the time limit to find out."""
    outcome = scenarios.system_reset(guest, timeout=10 * harness.INJECT)
    if isinstance(guest, qemu.QemuGuest):
        outcome.equal(
            "the report says that it ended itself",
            outcome.injection.report.get("guest-ended"),
            True,
        )
    return outcome


CPUS, VICTIM_CPU = 4, 2


def define(tap, build, words, stack):
    kernel, which = words or ["6.1", "7.2"]
    pair = Pair(build, kernel, which, stack)
    smp = Pair(build, kernel, which, stack, smp=CPUS, victim_cpu=VICTIM_CPU)

    def test(name, function, *args, **options):
        tap.test(f"linux_{kernel}_in_qemu_{which}_{name}", lambda: function(*args, **options))

    test("boots_beside_the_embedded_engine", pair.boots)
    test("has_registered_the_routines_of_its_symbol_table", pair.registers)
    test("lives_through_a_recovered_slb_multihit", pair.scenario, scenarios.recovered_slb_multihit)
    test("takes_the_page_of_a_recovered_ue_from_its_owner", pair.scenario, scenarios.recovered_ue)
    test("kills_the_process_of_an_unrecovered_ue_and_only_it", pair.scenario, unrecovered_ue)
    test("recovers_from_a_machine_check_in_the_kernel", pair.scenario, in_kernel)
    for name, what, options in scenarios.RECOVERABLE:
        test("names_a_recovered_" + name, pair.scenario, scenarios.recovered, what, **options)
    for severity, word in scenarios.SEVERITIES.items():
        test(
            "takes_severity_" + severity,
            pair.scenario,
            scenarios.recovered,
            "SLB Multihit",
            severity=word,
            severity_reported=severity,
        )
    for initiator, word in scenarios.INITIATORS.items():
        test(
            "takes_initiator_" + initiator,
            pair.scenario,
            scenarios.recovered,
            "SLB Multihit",
            initiator=word,
            initiator_reported=initiator,
        )
    for disposition in ("not-recovered", "limited-recovery"):
        test(
            f"recovers_an_slb_multihit_reported_{disposition}",
            pair.scenario,
            scenarios.recovered,
            "SLB Multihit",
            disposition=disposition,
        )
    test("kills_the_process_of_a_fatal_machine_check_and_lives", pair.scenario, scenarios.fatal)
    test(
        "takes_what_was_already_reported_for_unrecovered", pair.scenario, scenarios.already_reported
    )
    test("ends_by_a_system_reset_that_names_the_process", pair.scenario, system_reset)

    test("boots_four_cpus_beside_the_embedded_engine", smp.boots)
    for cpu in range(CPUS):
        test(f"recovers_in_the_kernel_on_cpu_{cpu}_of_four", smp.scenario, in_kernel, cpu)
    test(
        "recovers_where_the_victim_runs_on_one_cpu_of_four",
        smp.scenario,
        victim_on_its_cpu,
        VICTIM_CPU,
    )
    test("kills_the_process_on_one_cpu_of_four", smp.scenario, killed_on_its_cpu, VICTIM_CPU)


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n")[0]))
