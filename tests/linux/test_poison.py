#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A Debian kernel meets poisoned memory: the access itself is the error, and Linux must name it.

usage: test_poison.py [--build DIR] KERNEL            (6.1 or 6.12)
"""

import re
import subprocess
import sys

import guest as harness
import scenarios
from guest import VICTIM_CODE, Check, Failure, OneGuest, expect

LINE = 128
LOAD = VICTIM_CODE + 0x18  # tests/initramfs/victim.S: the loop's first instruction


class Poison(OneGuest):
    """One guest for all tests, in their order."""

    def command(self, what, address, *options):
        argv = [
            self.build.fwnmi,
            "inject",
            "--monitor",
            self.guest.monitor_path,
            what,
            "--address",
            hex(address),
            *options,
        ]
        done = subprocess.run(argv, text=True, capture_output=True, check=False)
        if done.returncode:
            raise Failure(f"{argv}: {done.stderr}")

    def victim_lives(self, pid):
        self.guest.settle()
        yield expect("the victim lives on", self.guest.victim(), pid)

    def elsewhere(self):
        """Poison in the victim's page, but not where it loads and stores."""
        pid = self.guest.victim()
        _, real, size = self.guest.victim_page()
        self.command("poison", real + LINE, "--length", str(size - LINE))
        yield from self.victim_lives(pid)
        self.command("heal", real, "--length", str(size))
        yield from self.victim_lives(pid)

    def load(self):
        ea, real, size = self.guest.victim_page()
        guest = self.guest
        pid = guest.victim()
        mark = guest.mark()
        self.command("poison", real)
        event = guest.monitor.wait_event("MACHINE_CHECK")
        yield expect(
            "the monitor names the access",
            {
                key: event.get(key)
                for key in (
                    "cpu-index",
                    "nip",
                    "type",
                    "subtype",
                    "effective-address",
                    "logical-address",
                )
            },
            {
                "cpu-index": 0,
                "nip": hex(LOAD),
                "type": "UE",
                "subtype": "load-store",
                "effective-address": hex(ea),
                "logical-address": hex(real),
            },
        )
        mce = scenarios.printed_mce(guest, mark)
        yield expect(
            "the kernel names it",
            (mce["severity"], mce["what"].strip(), mce["disposition"]),
            ("Severe", "UE Load/Store", "Not recovered"),
        )
        yield expect("its effective address", int(mce["dar"], 16), ea)
        yield expect("its real address", int(mce["paddr"], 16), real)
        yield expect("its instruction", int(mce["nip"], 16), LOAD)
        yield expect("its process", (mce["comm"], mce["pid"]), ("victim", str(pid)))
        outcome = scenarios.Outcome()
        scenarios.victim_died(guest, outcome, mark, scenarios.SIGBUS)
        yield from outcome.checks
        guest.wait_for(rf"Memory failure: {real // size:#x}: ", mark, what="Memory failure")
        yield Check("a new victim runs", guest.victim() != pid, f"pid {pid}")
        scenarios.buffer_is_free(guest, outcome)
        yield from outcome.checks[-1:]

    def load_of_new_victim(self):
        """The poison is still there, but Linux has not given the page to anybody."""
        yield expect("ranges", len(self.guest.monitor.command("query-poisoned-memory")), 1)
        yield from self.victim_lives(self.guest.victim())

    def fetch(self):
        """The file is in the initramfs alone, so that no later victim can run either."""
        _, real, _ = self.guest.victim_page(VICTIM_CODE)
        # Its loop is in the first cache line.
        guest = self.guest
        pid = guest.victim()
        mark = guest.mark()
        self.command("poison", real)
        mce = scenarios.printed_mce(guest, mark)
        yield expect(
            "the kernel names it",
            (mce["severity"], mce["what"].strip(), mce["disposition"]),
            ("Severe", "UE Instruction fetch", "Not recovered"),
        )
        offset = int(mce["nip"], 16) - VICTIM_CODE
        yield Check("its instruction is in the line", 0 <= offset < LINE, mce["nip"])
        # Where the address is the instruction's, Linux prints the real one beside NIP.
        paddr = re.search(r"NIP: \[\w+\] paddr: (\w+)", guest.since(mark))
        yield expect("its real address", paddr and int(paddr[1], 16), real + offset)
        yield expect("its process", (mce["comm"], mce["pid"]), ("victim", str(pid)))
        guest.wait_for(r"fwnmi-guest: victim died: signal 7", mark, what="victim died")

    def powers_off(self):
        yield expect("exit status", self.guest.power_off(), 0)
        yield expect("nothing on standard error but --stats", self.guest.stderr().count("\n"), 1)


def define(tap, build, words, stack):
    (kernel,) = words or ["6.1"]
    poison = Poison(build, kernel, stack)

    def test(name, function, *args):
        tap.test(f"linux_{kernel}_{name}", lambda: function(*args))

    test("boots_to_userland", poison.boots)
    test("does_not_notice_poison_that_nobody_touches", poison.elsewhere)
    test("kills_the_process_that_loads_from_poison_and_takes_its_page", poison.load)
    test("gives_the_page_to_nobody_else", poison.load_of_new_victim)
    test("kills_the_process_that_fetches_from_poison", poison.fetch)
    test("powers_off", poison.powers_off)


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n")[0]))
