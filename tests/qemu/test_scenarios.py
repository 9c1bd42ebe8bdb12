#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every scenario on a guest of a stock QEMU, and on our own engine: the same verdict, line by line.

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

QUIET_S = 0.15  # a console that says nothing for so long has said all
SETTLE_S = 10

# What a line says besides times and addresses is the guest's verdict. In the order of application.
ASIDE = [
    (r"^\[ *\d+\.\d+\] ?", ""),
    (r"0x[0-9a-f]+", "0x*"),
    (r"\b[0-9a-f]{8,16}\b", "*"),
    # Where the kernel was, by name.
    (r"NIP: \[\*\] [\w.]+\+0x\*/0x\*", "NIP: [*] *"),
    (r"Memory failure: 0x\*", "Memory failure: *"),
    (r"(pid |PID: |victim=|Killing victim:|victim\[|victim:)\d+", r"\1*"),
    (r"RTAS: event: \d+", "RTAS: event: *"),
    (r"#\d+ *(Debian|NONE|$)", r"#* \1"),
    # Memory that Linux has taken out is at another place.
    (r"Memory failure: \*: (\w+) (\w+) page", r"Memory failure: *: \1 \2 page"),
    (r"Hardware name: .*", "Hardware name: *"),
    # Bytes of code and the registers at the interrupted instruction hold counts.
    (r"^((?:GPR\d+|NIP|REGS|MSR|CFAR|XER):).*", r"\1 *"),
    (r" CR: .*", " CR: *"),
]
# Said of the machine at a time of its own choosing, not of the event.
OTHER_MATTERS = re.compile(
    r"random: crng init done|hrtimer: interrupt took|clocksource: |sched_clock: |rcu: |workqueue: |"
    r"perf: interrupt took|systemd|cfg80211|Spectre|watchdog: CPU|input: |process \d+ \(|"
    r"SED: |Freeing unused|fwnmi-guest: victim page")


def verdict(console):
    """The lines of a console that are the guest's verdict, without times and addresses."""
    lines = []
    for line in console.splitlines():
        if not line.strip() or OTHER_MATTERS.search(line):
            continue
        for pattern, replacement in ASIDE:
            line = re.sub(pattern, replacement, line)
        lines.append(line.strip())
    return lines


def settled(guest, mark):
    """The console since a mark, once it has come to rest."""
    deadline = time.monotonic() + SETTLE_S
    text = guest.since(mark)
    while time.monotonic() < deadline:
        time.sleep(QUIET_S)
        more = guest.since(mark)
        if more == text:
            break
        text = more
    return text


def compare(ours, theirs):
    ours, theirs = verdict(ours), verdict(theirs)
    # printk of different contexts may come in another order; each context's lines stay in theirs.
    difference = list(difflib.unified_diff(ours, theirs, "embedded engine", "QEMU", lineterm="", n=1))
    return Check("the guests say the same, line by line", not difference and bool(ours),
                 "\n".join(difference) or "nothing was said")


class Pair:
    """The same kernel twice: on the embedded engine and in QEMU."""

    def __init__(self, build, kernel, which, stack):
        self.build, self.which, self.stack = build, which, stack
        self.kernel = harness.guest_file(kernel)
        qemu.qemu_path(which)  # missing: skip all
        self.ours = self.theirs = None

    def boots(self):
        append = "loglevel=8"
        self.theirs = self.stack.enter_context(
            qemu.QemuGuest(self.build, self.which, self.kernel, append=append))
        self.ours = self.stack.enter_context(
            Guest(self.build, self.kernel, append=append, clock="insn"))
        self.pause_both()

    def pause_both(self):
        """Their victims would keep two processors busy all the time."""
        for guest in (self.ours, self.theirs):
            guest.boot()
            guest.monitor.command("stop")

    def registers(self):
        symbols = harness.kernel_symbols(self.kernel, ["system_reset_fwnmi", "machine_check_fwnmi"])
        for key, name in (("system-reset", "system_reset_fwnmi"),
                          ("machine-check", "machine_check_fwnmi")):
            yield expect(f"{name} in QEMU", int(self.theirs.registration[key], 16),
                         symbols[name] & ~(0xc << 60))

    def scenario(self, function, *args, **options):
        if not self.ours or not self.theirs:
            raise Failure("there are no guests: they did not boot")
        said = []
        for guest, name in ((self.ours, "embedded"), (self.theirs, "QEMU")):
            mark = guest.mark()
            guest.monitor.command("cont")
            try:
                outcome = function(guest, *args, **options)
                said.append(settled(guest, mark))
            finally:
                if not guest.ended:
                    guest.monitor.command("stop")
            for check in outcome.checks:
                yield Check(f"{name}: {check.what}", check.ok, check.detail)
        yield compare(*said)

    def system_reset(self):
        """New guests, by the host's clock: Linux spins for two seconds before it panics."""
        for guest in (self.ours, self.theirs):
            if guest:
                guest.close()
        append = "loglevel=8"
        with Guest(self.build, self.kernel, append=append, clock="host") as self.ours, \
                qemu.QemuGuest(self.build, self.which, self.kernel, append=append) as self.theirs:
            self.pause_both()
            yield from self.scenario(scenarios.system_reset)


def in_kernel(guest):
    mark, outcome = scenarios.machine_check(guest, "SLB Multihit", type="SLB", context="kernel")
    outcome.equal("it hit the kernel", outcome.injection.report.get("context"), "kernel")
    # Queued by Linux, and printed by its timer interrupt, which also logs the event.
    guest.wait_for(r"RTAS: event: \d+, Type: Platform Error \(224\), Severity: 3", mark)
    outcome.check("user processes live", guest.victim())
    return outcome


def fatal(guest):
    pid = guest.victim()
    mark, outcome = scenarios.machine_check(
        guest, "UE Load/Store", recovered=False, severity="Fatal", victim=pid, type="UE",
        severity_reported="fatal", context="user")
    guest.wait_for(r"Oops: Machine check, sig: 7 ", mark, what="Oops: Machine check")
    scenarios.victim_died(guest, outcome, mark, scenarios.SIGBUS)
    return outcome


def already_reported(guest):
    """What was fatal is remembered, from one invocation of the program to the next."""
    guest.victim_page()  # the new victim runs
    pid = guest.victim()
    mark, outcome = scenarios.machine_check(
        guest, "Unknown", recovered=False, severity="Harmless", initiator="Unknown", victim=pid,
        type="SLB", context="user")
    guest.wait_for(r"Oops: Machine check, sig: 7 ", mark, what="Oops: Machine check")
    scenarios.victim_died(guest, outcome, mark, scenarios.SIGBUS)
    return outcome


def define(tap, build, words, stack):
    kernel, which = words or ["6.1", "7.2"]
    pair = Pair(build, kernel, which, stack)

    def test(name, function, *args, **options):
        tap.test(f"linux_{kernel}_in_qemu_{which}_{name}", lambda: function(*args, **options))

    test("boots_beside_the_embedded_engine", pair.boots)
    test("has_registered_the_routines_of_its_symbol_table", pair.registers)
    test("lives_through_a_recovered_slb_multihit", pair.scenario, scenarios.recovered_slb_multihit)
    test("takes_the_page_of_a_recovered_ue_from_its_owner", pair.scenario, scenarios.recovered_ue)
    test("kills_the_process_of_an_unrecovered_ue_and_only_it", pair.scenario, scenarios.unrecovered_ue)
    test("recovers_from_a_machine_check_in_the_kernel", pair.scenario, in_kernel)
    for name, what, options in scenarios.RECOVERABLE:
        test("names_a_recovered_" + name, pair.scenario, scenarios.recovered, what, **options)
    for severity, word in scenarios.SEVERITIES.items():
        test("takes_severity_" + severity, pair.scenario, scenarios.recovered, "SLB Multihit",
             severity=word, severity_reported=severity)
    for initiator, word in scenarios.INITIATORS.items():
        test("takes_initiator_" + initiator, pair.scenario, scenarios.recovered, "SLB Multihit",
             initiator=word, initiator_reported=initiator)
    for disposition in ("not-recovered", "limited-recovery"):
        test(f"recovers_an_slb_multihit_reported_{disposition}", pair.scenario, scenarios.recovered,
             "SLB Multihit", disposition=disposition)
    test("kills_the_process_of_a_fatal_machine_check_and_lives", pair.scenario, fatal)
    test("takes_what_was_already_reported_for_unrecovered", pair.scenario, already_reported)
    test("ends_by_a_system_reset_that_names_the_process", pair.system_reset)


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n")[0]))
