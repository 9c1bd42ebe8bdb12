#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A Debian kernel boots, and handles machine checks of every kind and a system reset as Linux must.

usage: test_recovery.py [--build DIR] KERNEL [hash]          (6.1 or 6.12)
"""

import re
import sys
from concurrent.futures import ThreadPoolExecutor

import guest as harness
import scenarios
from guest import Check, Guest, OneGuest, expect


class Recovery(OneGuest):
    """One guest for all machine checks, in the order of the tests; another for the system reset."""

    def registers(self):
        state = self.guest.monitor.command("query-fwnmi")
        yield Check("it has registered", state["registered"], state)
        symbols = harness.kernel_symbols(self.kernel, ["system_reset_fwnmi", "machine_check_fwnmi"])
        for key, name in (
            ("system-reset", "system_reset_fwnmi"),
            ("machine-check", "machine_check_fwnmi"),
        ):
            yield expect(name, int(state[key], 16), symbols[name] & ~(0xC << 60))

    def scenario(self, function, *args, **options):
        return function(self.guest, *args, **options).checks

    def of_victim(self, what, options, expected=None):
        return scenarios.recovered(self.guest, what, **(expected or {}), **options).checks

    def in_kernel(self):
        mark, outcome = scenarios.machine_check(
            self.guest, "SLB Multihit", type="SLB", context="kernel"
        )
        yield from outcome.checks
        yield expect("it hit the kernel", outcome.injection.report["context"], "kernel")
        # Linux queues this and prints it in its timer interrupt, which also logs the event.
        self.guest.wait_for(r"RTAS: event: \d+, Type: Platform Error \(224\), Severity: 3", mark)
        yield Check("user processes live", self.guest.victim(), "")

    def storm(self):
        mark = self.guest.mark()
        storm = self.guest.inject("machine-check", context="user", repeat=100, every=5000)
        yield expect("status", storm.status, 0)
        counts = {"events": 100, "delivered": 100, "returned": 100}
        yield expect("the storm", storm.json.get("storm"), counts)
        yield expect("the last", storm.report.get("storm"), {"number": 100, "of": 100})
        reports = self.guest.since(mark).count("Machine check interrupt [Recovered]")
        yield Check("Linux has reported them", reports in (0, 100), reports)
        yield Check("user processes live", self.guest.victim(), "")

    def storm_ends_with_the_guest(self):
        events = 1000000
        with Guest(self.build, self.kernel) as guest, ThreadPoolExecutor(1) as pool:
            guest.boot()
            injection = pool.submit(guest.inject, "machine-check", context="user", repeat=events)
            guest.monitor.wait_event("FWNMI_DELIVERED")
            guest.power_off()
            storm = injection.result()
            yield expect("status", storm.status, 1)
            yield expect("one line", storm.errors.count("\n"), 0)
            yield Check(
                "it says why", re.search("machine (has )?ended", storm.errors), storm.errors
            )
            delivered = storm.json["storm"]["delivered"]
            yield Check("it has ended early", 1 <= delivered < events, delivered)

    def fatal(self):
        outcome = scenarios.fatal(self.guest)
        # Linux has restored R3 from the buffer: exec cleared it, and the victim never changes it.
        r3 = re.search(r"GPR00: \S+ \S+ \S+ (\S+)", outcome.console)[1]
        yield expect("R3", r3, "0" * 16)
        yield from outcome.checks

    def already_reported(self):
        yield from scenarios.already_reported(self.guest).checks

    def powers_off(self):
        yield expect("exit status", self.guest.power_off(), 0)
        yield expect("nothing on standard error but --stats", self.guest.stderr().count("\n"), 1)

    def system_reset(self):
        # The host's clock: Linux spins for two seconds before it panics.
        append = "disable_radix" if self.mmu == "hash" else ""
        with Guest(self.build, self.kernel, append=append, clock="host") as guest:
            guest.boot()
            yield from scenarios.system_reset(guest).checks


def define(tap, build, words, stack):
    kernel, *mmu = words or ["6.1"]
    recovery = Recovery(build, kernel, stack, *mmu)

    def test(name, function, *args, **options):
        subject = "_".join(["linux", kernel, *mmu])
        tap.test(f"{subject}_{name}", lambda: function(*args, **options))

    test("boots_to_userland", recovery.boots)
    test("registers_the_routines_of_its_symbol_table", recovery.registers)
    test(
        "lives_through_a_recovered_slb_multihit",
        recovery.scenario,
        scenarios.recovered_slb_multihit,
    )
    test(
        "takes_the_page_of_a_recovered_ue_from_its_owner", recovery.scenario, scenarios.recovered_ue
    )
    test("kills_the_process_of_an_unrecovered_ue", recovery.scenario, scenarios.unrecovered_ue)
    test("recovers_from_a_machine_check_in_the_kernel", recovery.in_kernel)
    for name, what, options in scenarios.RECOVERABLE:
        test("names_a_recovered_" + name, recovery.of_victim, what, options)
    for severity, word in scenarios.SEVERITIES.items():
        test(
            "takes_severity_" + severity,
            recovery.of_victim,
            "SLB Multihit",
            {"severity_reported": severity},
            {"severity": word},
        )
    for initiator, word in scenarios.INITIATORS.items():
        test(
            "takes_initiator_" + initiator,
            recovery.of_victim,
            "SLB Multihit",
            {"initiator_reported": initiator},
            {"initiator": word},
        )
    for disposition in ("not-recovered", "limited-recovery"):
        # ras.c, mce_handle_err_realmode(): Linux reloads the SLB itself.
        test(
            f"recovers_an_slb_multihit_reported_{disposition}",
            recovery.of_victim,
            "SLB Multihit",
            {"disposition": disposition},
        )
    test("recovers_from_a_hundred_machine_checks_in_a_row", recovery.storm)
    test("kills_the_process_of_a_fatal_machine_check_and_lives", recovery.fatal)
    test("takes_what_was_already_reported_for_unrecovered", recovery.already_reported)
    test("powers_off", recovery.powers_off)
    test("ends_a_storm_of_machine_checks_early", recovery.storm_ends_with_the_guest)
    test("ends_by_a_system_reset_that_names_the_process", recovery.system_reset)


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n")[0]))
