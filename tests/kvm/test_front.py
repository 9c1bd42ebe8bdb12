#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a user of a KVM host sees: the choice of engine, refusals, guests that never register.

usage: test_front.py [--build DIR] PAYLOADS           (the directory of payload)
"""

import os
import sys

from host import KvmGuest, OnDemand, harness, set_patience
from guest import Check, expect
from test_linux import KVM_CAP_PPC_FWNMI

PAYLOAD = "code"  # calls RTAS only to power off


class Front(OnDemand):
    def run(self, order, accel, options=(), watched=True):
        """Runs the payload to its end; yields results, then (status, stderr, capabilities)."""
        with KvmGuest(
            self.host,
            f"/{PAYLOAD}_{order}",
            initrd=None,
            accel=accel,
            smp=2,
            monitor=False,
            options=options,
            watched=watched,
        ) as guest:
            guest.wait_for(r"^@answer$", timeout=harness.ANSWER, what="that it waits for us")
            guest.send("!")
            status = guest.wait(harness.ANSWER)
            said = guest.since(0)
            good = said.count("\nok "), said.count("\nnot ok ")
            return status, good, guest.stderr(), guest.capabilities() if watched else []

    def never_registers(self, order):
        status, (good, bad), _, enabled = self.run(order, "kvm")
        yield expect("exit status", status, 0)
        yield Check("the payload has run, and liked what it saw", good and not bad, (good, bad))
        yield Check("KVM was asked for PAPR guests", enabled, enabled)
        yield Check(
            "but not for KVM_CAP_PPC_FWNMI",
            KVM_CAP_PPC_FWNMI not in [number for number, _ in enabled],
            enabled,
        )

    def first_that_works(self):
        status, _, errors, enabled = self.run("little", "kvm:emu")
        yield expect("exit status", status, 0)
        yield Check("KVM ran it", enabled, enabled)
        yield expect("one line says so", errors.strip(), "fwnmi: run: -accel kvm:emu: kvm is used")

    def without_kvm(self):
        self.host.command("mv /dev/kvm /dev/kvm.away")
        try:
            status, (good, bad), errors, _ = self.run("little", "kvm:emu", watched=False)
            yield expect("exit status", status, 0)
            yield Check("the payload has run on the embedded engine", good and not bad, (good, bad))
            yield expect(
                "one line says why",
                errors.strip(),
                "fwnmi: run: -accel kvm:emu: emu is used; "
                "cannot open /dev/kvm: No such file or directory",
            )
            yield from self.refused("-accel kvm -kernel /code_little", "/dev/kvm")
        finally:
            self.host.command("mv /dev/kvm.away /dev/kvm")

    def refused(self, arguments, *words):
        status, said = self.host.ask(f"/fwnmi run {arguments} 2>&1")
        yield expect(f"{arguments}: exit status", status, 1)
        yield Check("one line", said.startswith("fwnmi: run: ") and "\n" not in said, said)
        for word in words:
            yield Check(f"it names {word}", word in said, said)

    def signalled(self):
        with KvmGuest(self.host, f"/{PAYLOAD}_little", initrd=None, smp=2, monitor=False) as guest:
            guest.wait_for(r"^@answer$", timeout=harness.ANSWER, what="that it waits for us")
            guest.kill("TERM")
            yield expect("exit status", guest.wait(), 128 + 15)
            yield expect("it says nothing", guest.stderr().strip(), "")
            yield expect("no process is left", self.host.ask("ps | grep -c '[f]wnmi run'")[1], "0")

    def insn_clock(self):
        yield from self.refused(
            "-accel kvm --clock insn -kernel /code_little", "--clock insn", "-accel emu"
        )


def define(tap, build, words, stack):
    (payloads,) = words or [os.path.join(build.directory, "guest", "payload")]
    set_patience()
    front = Front(build, payloads, PAYLOAD, stack)
    for order in ("little", "big"):
        tap.test(
            f"a_{order}_endian_guest_that_never_registers_leaves_kvms_exit_alone",
            front.never_registers,
            order,
        )
    tap.test("of_accel_kvm_emu_a_kvm_host_takes_kvm_and_says_so", front.first_that_works)
    tap.test("of_accel_kvm_emu_a_power_host_without_kvm_takes_emu_and_says_why", front.without_kvm)
    tap.test("a_signal_ends_a_guest_on_kvm_at_once", front.signalled)
    tap.test("what_kvm_cannot_do_is_refused_with_what_can", front.insn_clock)


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n", maxsplit=1)[0]))
