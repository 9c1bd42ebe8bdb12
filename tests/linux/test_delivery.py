#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A Debian kernel recovers just as well when trampolines deliver its events.

usage: test_delivery.py [--build DIR] KERNEL SOURCE     (6.1 or 6.12; embedded, elf:PATH, blob:PATH)

The engine runs without the capability to report machine checks; the trampolines come from SOURCE.
Linux must do the same as with direct delivery, which test_recovery.py tests.
"""

import struct
import sys

import guest as harness
import scenarios
from guest import Check, Guest, expect
from test_recovery import Recovery


class ByTrampoline(Recovery):
    def __init__(self, build, kernel, source, stack):
        super().__init__(build, kernel, stack)
        self.options = [
            "--engine-mc-exit=off",
            "--fwnmi-delivery=trampoline",
            f"--trampoline={source}",
        ]

    def boots(self):
        guest = self.stack.enter_context(
            Guest(self.build, self.kernel, append="loglevel=8", options=self.options)
        )
        guest.boot()
        self.booted = guest
        state = guest.monitor.command("query-fwnmi")
        yield expect("delivery", state["delivery"], "trampoline")
        yield Check("it has registered", state["registered"], state)

    def need_not_return(self, nip):
        """An interrupt in the exit path of a system call makes Linux restart that path.

        One follows at once, because Linux reports the machine check by an interrupt.
        arch/powerpc/kernel/interrupt_64.S has the table: start, end, and restart address.
        """
        table = harness.kernel_section(self.kernel, "__restart_table")
        return any(start <= nip < end for start, end, _ in struct.iter_unpack("<QQQ", table))

    def other_cpus(self):
        """Four at once: three wait in their trampolines, and all are delivered."""
        with Guest(
            self.build, self.kernel, smp=4, append="loglevel=8", options=self.options
        ) as guest:
            guest.boot()
            outcome = guest.inject("machine-check", cpu="all", type="ERAT")
            yield expect("fwnmi inject succeeds", outcome.status, 0)
            yield expect(
                "all are delivered, interlocked and return",
                [
                    (
                        each["delivered"],
                        each["interlocked"],
                        each["injection"]["returned"]
                        or self.need_not_return(int(each["injection"]["nip"], 16)),
                    )
                    for each in outcome.json["cpus"]
                ],
                [(True, True, True)] * 4,
            )
            yield Check("user processes live", guest.victim(), "")

    def system_reset(self):
        with Guest(self.build, self.kernel, clock="host", options=self.options) as guest:
            guest.boot()
            yield from scenarios.system_reset(guest).checks


def define(tap, build, words, stack):
    kernel, source = words or ["6.1", "embedded"]
    guest = ByTrampoline(build, kernel, source, stack)

    def test(name, function, *args, **options):
        tap.test(
            f"linux_{kernel}_by_{source.partition(':')[0]}_trampoline_{name}",
            lambda: function(*args, **options),
        )

    test("boots_to_userland", guest.boots)
    test("registers_the_routines_of_its_symbol_table", guest.registers)
    test("lives_through_a_recovered_slb_multihit", guest.scenario, scenarios.recovered_slb_multihit)
    test("takes_the_page_of_a_recovered_ue_from_its_owner", guest.scenario, scenarios.recovered_ue)
    test("kills_the_process_of_an_unrecovered_ue", guest.scenario, scenarios.unrecovered_ue)
    test("recovers_from_a_machine_check_in_the_kernel", guest.in_kernel)
    for name, what, options in scenarios.RECOVERABLE:
        test("names_a_recovered_" + name, guest.of_victim, what, options)
    test("kills_the_process_of_a_fatal_machine_check_and_lives", guest.fatal)
    test("takes_what_was_already_reported_for_unrecovered", guest.already_reported)
    test("powers_off", guest.powers_off)
    test("recovers_on_four_cpus_at_once", guest.other_cpus)
    test("ends_by_a_system_reset_that_names_the_process", guest.system_reset)


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n", maxsplit=1)[0]))
