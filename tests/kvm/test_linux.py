#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A Debian kernel runs under a real kvm-hv, registers, takes machine checks and system resets.

usage: test_linux.py [--build DIR] KERNEL HOW        (6.1 or 6.12; direct, trampoline, smp)

The host is Debian under QEMU with nested HV, and our program runs in it. direct: KVM has
KVM_CAP_PPC_FWNMI, and machine checks are delivered to the registered routine. trampoline: the same
with the capability hidden. smp: two vCPUs. The scenarios are those of the embedded engine.
"""

import sys

from host import KvmGuest, KvmHost, harness, program, set_patience
from guest import Booted, Check, expect
import scenarios

KVM_CAP_PPC_FWNMI = 146
HOST_MEMORY = "1536M"


class Played(Booted):
    """One guest for the tests that leave it alive."""

    def __init__(self, build, kernel, how, stack):
        self.how, self.kernel = how, kernel
        self.build, self.stack = build, stack
        self.smp = 2 if how == "smp" else 1
        self.options = ["--engine-mc-exit=off"] if how == "trampoline" else []
        self.started = None

    @property
    def host(self):
        if not self.started:
            files = {
                **program(self.build.directory),
                "vmlinux": harness.guest_file(self.kernel),
                "initramfs": self.build.initramfs,
            }
            self.started = self.stack.enter_context(KvmHost(files, HOST_MEMORY))
        return self.started

    def start(self, append="", options=()):
        return KvmGuest(
            self.host,
            smp=self.smp,
            options=[*self.options, *options],
            watched=True,
            append=f"loglevel=8 fwnmi.cpu={self.smp - 1} {append}",
        )

    def boots(self):
        guest = self.stack.enter_context(self.start())
        before = guest.capabilities()
        guest.boot()
        self.booted = guest
        yield Check(
            "KVM_CAP_PPC_FWNMI is not enabled before the guest registers",
            KVM_CAP_PPC_FWNMI not in [number for number, _ in before],
            before,
        )
        state = guest.monitor.command("query-fwnmi")
        yield Check("it has registered", state["registered"], state)
        symbols = harness.kernel_symbols(
            harness.guest_file(self.kernel), ["system_reset_fwnmi", "machine_check_fwnmi"]
        )
        for key, name in (
            ("system-reset", "system_reset_fwnmi"),
            ("machine-check", "machine_check_fwnmi"),
        ):
            yield expect(name, int(state[key], 16), symbols[name] & ~(0xC << 60))
        if self.smp > 1:
            yield Check(
                "Linux brought up both CPUs",
                f"smp: Brought up 1 node, {self.smp} CPUs" in guest.since(0),
                guest.tail(),
            )

    def direct(self):
        enabled = [pair for pair in self.guest.capabilities() if pair[0] == KVM_CAP_PPC_FWNMI]
        yield expect(
            "KVM_CAP_PPC_FWNMI, once for each vCPU, and KVM agreed",
            enabled,
            [(KVM_CAP_PPC_FWNMI, 0)] * self.smp,
        )
        yield expect("delivery", self.guest.monitor.command("query-fwnmi")["delivery"], "direct")

    def by_trampoline(self):
        enabled = [pair for pair in self.guest.capabilities() if pair[0] == KVM_CAP_PPC_FWNMI]
        yield expect("KVM_CAP_PPC_FWNMI was never asked for", enabled, [])
        yield expect(
            "delivery", self.guest.monitor.command("query-fwnmi")["delivery"], "trampoline"
        )
        said = [line for line in self.guest.stderr().splitlines() if "trampoline" in line]
        yield expect("one line says so", len(said), 1)

    def scenario(self, function):
        return function(self.guest, cpu=self.smp - 1).checks

    def of_victim(self, what, options):
        return scenarios.recovered(self.guest, what, cpu=self.smp - 1, **options).checks

    def in_kernel(self):
        _, outcome = scenarios.machine_check(
            self.guest, "SLB Multihit", type="SLB", context="kernel"
        )
        yield from outcome.checks
        yield Check("user processes live", self.guest.victim(), "")

    def both_at_once(self):
        """The second waits for the first one's interlock and is then delivered: neither is lost."""
        outcome = self.guest.inject("machine-check", cpu="all", type="ERAT")
        yield expect("fwnmi inject succeeds", outcome.status, 0)
        yield expect(
            "both are delivered and interlocked",
            [(each["delivered"], each["interlocked"]) for each in outcome.json["cpus"]],
            [(True, True)] * self.smp,
        )
        yield Check("user processes live", self.guest.victim(), "")

    def powers_off(self):
        yield expect("exit status", self.guest.power_off(), 0)
        self.guest.close()

    def system_reset(self):
        with self.start() as guest:
            guest.boot()
            yield from scenarios.system_reset(guest, cpu=self.smp - 1).checks

    def debugger(self):
        """With a debugger, Linux survives a system reset."""
        with self.start("xmon=on") as guest:
            guest.boot()
            pid = guest.victim()
            mark = guest.mark()
            injection = guest.inject("system-reset", cpu=self.smp - 1, context="user")
            yield Check("it was delivered", injection.delivered, injection.errors)
            guest.wait_for(r"mon> ", mark, whole_lines=False, what="xmon's prompt")
            yield Check(
                "it names the interrupt",
                "100 (System Reset)" in guest.since(mark),
                guest.since(mark),
            )
            guest.send("x")
            yield expect("the victim goes on", guest.victim(), pid)
            _, outcome = scenarios.machine_check(
                guest, "SLB Multihit", cpu=self.smp - 1, type="SLB", context="user"
            )
            yield from outcome.checks
            yield expect("exit status", guest.power_off(), 0)


def define(tap, build, words, stack):
    kernel, how = words or ["6.1", "direct"]
    set_patience()
    guest = Played(build, kernel, how, stack)

    def test(name, function, *args):
        tap.test(f"linux_{kernel}_on_kvm_{how}_{name}", lambda: function(*args))

    test("boots_to_userland_and_registers", guest.boots)
    if how == "trampoline":
        test("never_asks_kvm_for_its_exit_and_says_so", guest.by_trampoline)
    else:
        test("has_kvm_exit_for_machine_checks_from_its_registration_on", guest.direct)
    test("lives_through_a_recovered_slb_multihit", guest.scenario, scenarios.recovered_slb_multihit)
    test("takes_the_page_of_a_recovered_ue_from_its_owner", guest.scenario, scenarios.recovered_ue)
    test("kills_the_process_of_an_unrecovered_ue", guest.scenario, scenarios.unrecovered_ue)
    test("recovers_from_a_machine_check_in_the_kernel", guest.in_kernel)
    if how == "smp":
        test("takes_machine_checks_on_both_cpus_at_once", guest.both_at_once)
    else:
        for name, what, options in scenarios.RECOVERABLE:
            test("names_a_recovered_" + name, guest.of_victim, what, options)
    test("powers_off", guest.powers_off)
    test("ends_by_a_system_reset_that_names_the_process", guest.system_reset)
    if how != "smp":
        test("goes_on_after_a_system_reset_with_a_debugger", guest.debugger)


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n", maxsplit=1)[0]))
