#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A Debian kernel's processes use bad ERAT and TLB entries: who repairs them, and what Linux says.

usage: test_planted.py [--build DIR] KERNEL            (6.1 or 6.12)
"""

import sys

import guest as harness
import scenarios
from guest import VICTIM_CODE, VICTIM_DATA, Check, OneGuest, expect

LOAD = VICTIM_CODE + 0x18  # tests/initramfs/victim.S: the loop's first instruction


class Planted(OneGuest):
    """One guest for all tests, in their order."""

    def plant(self, **arguments):
        arguments.setdefault("effective-address", hex(VICTIM_DATA))
        return self.guest.monitor.command(
            "plant-error", **{key.replace("_", "-"): value for key, value in arguments.items()}
        )

    def nr_planted(self):
        return len(self.guest.monitor.command("query-planted-errors"))

    def reported(self, mark, what, disposition, **places):
        """Yields the checks of what Linux prints; places are its own words and numbers."""
        mce = scenarios.printed_mce(self.guest, mark)
        yield expect(
            "the kernel names it",
            (mce["what"].strip(), mce["disposition"]),
            (what, disposition),
        )
        for key, value in places.items():
            yield expect(key, int(mce[key], 16), value)
        yield expect("its process", mce["comm"], "victim")

    def repaired(self, what, **arguments):
        """The hypervisor flushes before it reports: once, and the victim goes on."""
        guest = self.guest
        pid = guest.victim()
        guest.settle()
        mark = guest.mark()
        self.plant(**arguments)
        yield from self.reported(mark, what, "Recovered", nip=LOAD, dar=VICTIM_DATA)
        guest.settle()
        yield expect("errors left", self.nr_planted(), 0)
        yield expect("reports", guest.since(mark).count("MCE: CPU0: machine check"), 1)
        yield expect("the victim lives on", guest.victim(), pid)

    def repaired_by_linux(self):
        """ras.c, mce_handle_err_realmode(): Linux flushes the ERAT by slbia and goes on."""
        guest = self.guest
        pid = guest.victim()
        guest.settle()
        mark = guest.mark()
        self.plant(type="ERAT", disposition="not-recovered")
        yield from self.reported(mark, "ERAT Multihit", "Recovered", nip=LOAD, dar=VICTIM_DATA)
        guest.settle()
        yield expect("errors left", self.nr_planted(), 0)
        yield expect("the victim lives on", guest.victim(), pid)

    def fetched(self):
        guest = self.guest
        pid = guest.victim()
        guest.settle()
        mark = guest.mark()
        self.plant(type="ERAT", effective_address=hex(VICTIM_CODE))
        mce = scenarios.printed_mce(guest, mark)
        yield expect("the kernel names it", mce["what"].strip(), "ERAT Multihit")
        page = ~0xFFF
        yield expect("its page", int(mce["nip"], 16) & page, VICTIM_CODE & page)
        yield expect("the victim lives on", guest.victim(), pid)

    def unrepaired(self):
        """Linux has no flush for the TLB: it kills the process, whose end flushes its entries."""
        guest = self.guest
        pid = guest.victim()
        guest.settle()
        mark = guest.mark()
        self.plant(type="TLB", disposition="not-recovered")
        yield from self.reported(mark, "TLB Multihit", "Not recovered", nip=LOAD, dar=VICTIM_DATA)
        new = guest.wait_for(
            r"fwnmi-guest: victim died: signal 7\s[^\0]*fwnmi-guest: victim pid (\d+)\s",
            mark,
            what="victim died",
        )[1]
        yield Check("a new victim runs", int(new) != pid, f"pid {new}")
        guest.settle()
        yield expect("errors left", self.nr_planted(), 0)
        yield expect("it lives on", guest.victim(), int(new))

    def powers_off(self):
        yield expect("exit status", self.guest.power_off(), 0)


def define(tap, build, words, stack):
    (kernel,) = words or ["6.1"]
    planted = Planted(build, kernel, stack)

    def test(name, function, *args, **options):
        tap.test(f"linux_{kernel}_{name}", lambda: function(*args, **options))

    test("boots_to_userland", planted.boots)
    test(
        "hears_once_of_a_tlb_multihit_that_the_hypervisor_repairs",
        planted.repaired,
        "TLB Multihit",
    )
    test(
        "hears_once_of_an_erat_parity_error_that_the_hypervisor_repairs",
        planted.repaired,
        "ERAT Parity",
        type="ERAT",
        subtype="parity",
    )
    test("hears_of_a_fetch_through_a_bad_erat_entry", planted.fetched)
    test("repairs_an_erat_multihit_itself", planted.repaired_by_linux)
    test("kills_the_process_of_a_tlb_multihit_that_nobody_repairs", planted.unrepaired)
    test("powers_off", planted.powers_off)


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n")[0]))
