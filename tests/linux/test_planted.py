#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A Debian kernel's processes use bad ERAT, TLB and SLB entries: who repairs them, and what Linux
says.

usage: test_planted.py [--build DIR] KERNEL [hash]          (6.1 or 6.12)
"""

import sys

import guest as harness
import scenarios
from guest import VICTIM_CODE, VICTIM_DATA, Check, Failure, OneGuest, expect

LOAD = VICTIM_CODE + 0x18  # tests/initramfs/victim.S: the loop's first instruction


class Planted(OneGuest):
    """One guest for all tests, in their order."""

    def plant(self, **arguments):
        arguments.setdefault("effective_address", hex(VICTIM_DATA))
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

    def repaired_by_linux(self, kind="ERAT"):
        """
        ras.c, mce_handle_err_realmode(): Linux flushes the ERAT by slbia and goes on. With a SLB it
        also loads the entries of its shadow buffer.
        """
        guest = self.guest
        pid = guest.victim()
        guest.settle()
        mark = guest.mark()
        self.plant(type=kind, disposition="not-recovered")
        yield from self.reported(mark, f"{kind} Multihit", "Recovered", nip=LOAD, dar=VICTIM_DATA)
        guest.settle()
        yield expect("errors left", self.nr_planted(), 0)
        yield expect("reports", guest.since(mark).count("MCE: CPU0: machine check"), 1)
        yield expect("the victim lives on", guest.victim(), pid)

    def kernels_segment(self):
        """The first use is the fetch of an interrupt's routine, with MSR[RI]=0."""
        guest = self.guest
        pid = guest.victim()
        guest.settle()
        mark = guest.mark()
        self.plant(
            type="SLB",
            disposition="not-recovered",
            effective_address=hex(0xC << 60),
            length=hex(1 << 40),
        )
        mce = scenarios.printed_mce(guest, mark)
        yield expect(
            "the kernel names it",
            (mce["what"].strip(), mce["disposition"]),
            ("SLB Multihit", "Not recovered"),
        )
        yield expect("the kernel was hit", int(mce["nip"], 16) >> 60, 0xC)
        new = guest.wait_for(r"fwnmi-guest: victim pid (\d+)\s", mark, what="a new victim")[1]
        yield Check("a new victim runs", int(new) != pid, f"pid {new}")
        yield Check("Linux says why", "unrecoverable: MSR(RI=0)" in guest.since(mark), "")
        guest.settle()
        yield expect("errors left", self.nr_planted(), 0)
        yield expect("it lives on", guest.victim(), int(new))

    def refuses_slb(self):
        try:
            self.plant(type="SLB")
            why = "it was planted"
        except Failure as e:
            why = str(e)
        yield Check("why not", "a guest with radix translation has no SLB entries" in why, why)

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
    kernel, *mmu = words or ["6.1"]
    planted = Planted(build, kernel, stack, *mmu)

    def test(name, function, *args, **options):
        subject = "_".join(["linux", kernel, *mmu])
        tap.test(f"{subject}_{name}", lambda: function(*args, **options))

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
    if mmu == ["hash"]:
        test(
            "hears_once_of_an_slb_parity_error_that_the_hypervisor_repairs",
            planted.repaired,
            "SLB Parity",
            type="SLB",
            subtype="parity",
        )
        test("repairs_an_slb_multihit_of_a_process_itself", planted.repaired_by_linux, "SLB")
        test(
            "kills_the_process_whose_interrupt_meets_an_slb_multihit_with_ri_0",
            planted.kernels_segment,
        )
    else:
        test("has_no_slb_entry_to_plant_an_error_in", planted.refuses_slb)
    test("powers_off", planted.powers_off)


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n")[0]))
