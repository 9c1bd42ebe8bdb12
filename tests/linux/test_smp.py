#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Debian 6.1 on several CPUs: they come up, and events reach the right one.

usage: test_smp.py [--build DIR] [xics|xive [threads [hash]]]
       (the interrupt controller, xics; threads: each CPU has one, and the clock is the host's;
       hash: Linux translates by a hash table)
"""

import sys

import guest as harness
import scenarios
from guest import Booted, Check, Guest, expect

CPUS = 4
VICTIM_CPU = 2


class Smp(Booted):
    def __init__(self, build, stack, interrupts="xics", threads=None, mmu="auto"):
        self.build, self.stack = build, stack
        self.interrupts = interrupts
        self.options = [f"--interrupts={interrupts}", f"--mmu={mmu}"]
        self.options += ["--threads=many"] * bool(threads)
        self.clock = "host" if threads else "insn"
        self.kernel = harness.guest_file("6.1")

    def start(self, **options):
        return Guest(self.build, self.kernel, options=self.options, clock=self.clock, **options)

    def boots(self):
        guest = self.stack.enter_context(
            self.start(smp=CPUS, append=f"loglevel=8 fwnmi.cpu={VICTIM_CPU}")
        )
        guest.boot()
        self.booted = guest
        yield from came_up(guest, CPUS)
        said = "xive: Interrupt handling initialized" in guest.since(0)
        yield expect("it has XIVE", said, self.interrupts == "xive")

    def hit(self):
        pid = self.guest.victim()
        address, _, _ = self.guest.victim_page()
        _, outcome = scenarios.machine_check(
            self.guest,
            "SLB Multihit",
            cpu=VICTIM_CPU,
            victim=pid,
            dar=address,
            type="SLB",
            ea=address,
            context="user",
        )
        yield from outcome.checks
        yield expect("the victim lives", self.guest.victim(), pid)

    def idle(self):
        """With the host's clock the CPU may have been about to do something."""
        was_idle = False
        for _ in range(1 if self.clock == "insn" else 10):
            _, outcome = scenarios.machine_check(
                self.guest, "TLB Multihit", cpu=3, type="TLB", context="kernel"
            )
            yield from outcome.checks
            was_idle = outcome.injection.report.get("idle")
            if was_idle:
                break
        yield expect("it was idle", was_idle, True)

    def two_at_once(self):
        """The second waits for the first one's interlock and is then delivered: neither is lost."""
        guest = self.guest
        guest.monitor.command("query-fwnmi")
        guest.monitor.events.clear()
        mark = guest.mark()
        # Nothing runs between stop and cont, so both arrive at the same instant.
        guest.monitor.command("stop")
        for cpu in (0, 1, 2, 3):
            guest.monitor.command("inject-machine-check", cpu_index=cpu, type="ERAT", context="any")
        guest.monitor.command("cont")
        for cpu in (0, 1, 2, 3):
            guest.wait_for(
                rf"MCE: CPU{cpu}: machine check \(Severe\) +ERAT Multihit .*\[Recovered\]",
                mark,
                what=f"CPU{cpu}'s machine check",
            )
        guest.monitor.command("query-fwnmi")  # collects the events
        order = [
            (e["event"], e["data"]["cpu-index"])
            for e in guest.monitor.events
            if e["event"] in ("FWNMI_DELIVERED", "FWNMI_INTERLOCK")
        ]
        deliveries = [cpu for event, cpu in order if event == "FWNMI_DELIVERED"]
        yield expect("each CPU got one", sorted(deliveries), [0, 1, 2, 3])
        pairs = [
            pair
            for cpu in deliveries
            for pair in (("FWNMI_DELIVERED", cpu), ("FWNMI_INTERLOCK", cpu))
        ]
        yield expect("each had the buffer to itself until its interlock", order, pairs)
        state = guest.monitor.command("query-fwnmi")
        yield expect("the buffer is free", state["interlock-held"], False)

    def no_such_cpu(self):
        injection = self.guest.inject("machine-check", cpu=CPUS)
        yield Check("it fails", injection.status != 0 and not injection.delivered, injection.json)
        yield Check(
            "in one line",
            injection.errors.startswith("fwnmi: ") and "\n" not in injection.errors,
            injection.errors,
        )

    def kill(self):
        mark, outcome = scenarios.machine_check(
            self.guest,
            "UE Load/Store",
            cpu=VICTIM_CPU,
            recovered=False,
            victim=self.guest.victim(),
            type="UE",
            disposition="not-recovered",
            context="user",
        )
        scenarios.victim_died(self.guest, outcome, mark, scenarios.SIGBUS)
        yield from outcome.checks

    def powers_off(self):
        yield expect("exit status", self.guest.power_off(), 0)
        stats = self.guest.stats()
        yield Check(
            "every CPU has worked", all(stats[f"cpu{i}"] > 1000000 for i in range(CPUS)), stats
        )

    def nmi_backtrace(self):
        """Linux recognises its own system resets, by H_SIGNAL_SYS_RESET, and continues."""
        with self.start(job="shell", smp=CPUS, append="loglevel=8") as guest:
            guest.wait_for(r"/ # ", timeout=harness.BOOT, whole_lines=False, what="a prompt")
            mark = guest.mark()
            guest.send("echo l >/proc/sysrq-trigger; echo survived=$?")
            guest.wait_for(r"^survived=0$", mark)
            said = guest.since(mark)
            yield expect(
                "each other CPU answered",
                sum(f"NMI backtrace for cpu {i}" in said for i in range(CPUS)),
                CPUS,
            )
            yield Check("nobody took it for a dump request", "Oops" not in said, said)
            guest.send("exit")
            yield expect("exit status", guest.wait(), 0)

    def goes_off_and_on(self):
        """stop-self, query-cpu-stopped-state and start-cpu, three times; an event in between."""
        with self.start(job="shell", smp=CPUS, append="loglevel=8") as guest:
            guest.wait_for(r"/ # ", timeout=harness.BOOT, whole_lines=False, what="a prompt")
            online = "/sys/devices/system/cpu/cpu2/online"
            for i in range(3):
                mark = guest.mark()
                guest.send(f"echo 0 >{online}; echo off{i}=$?")
                guest.wait_for(rf"^off{i}=0$", mark)
                for kind in ("machine-check", "system-reset"):
                    injection = guest.inject(kind, cpu=2)
                    yield Check(f"a {kind} does not reach it", injection.status, injection.json)
                    yield Check(
                        "for a reason that is told",
                        "CPU 2 is stopped" in injection.errors,
                        injection.errors,
                    )
                guest.send(f"echo 1 >{online}; taskset 4 true; echo on{i}=$?")
                guest.wait_for(rf"^on{i}=0$", mark)
            mark = guest.mark()
            guest.send("grep -c ^processor /proc/cpuinfo; echo counted")
            guest.wait_for(r"^counted$", mark)
            yield Check("all are there", f"\n{CPUS}\n" in guest.since(mark).replace("\r", ""), "")
            yield Check("nothing complains", "WARNING" not in guest.since(0), guest.since(0))
            guest.send("exit")
            yield expect("exit status", guest.wait(), 0)

    def sixteen(self):
        with self.start(job="poweroff", smp=16, monitor=False) as guest:
            guest.wait_for(r"fwnmi-guest: userland up", timeout=harness.BOOT)
            yield expect("exit status", guest.wait(), 0)
            yield from came_up(guest, 16)

    def sixty_four(self):
        """The last of them takes a machine check, and Linux knows which socket it is in."""
        with self.start(job="shell", smp="64,sockets=2", append="loglevel=8") as guest:
            guest.wait_for(r"/ # ", timeout=harness.BOOT, whole_lines=False, what="a prompt")
            yield from came_up(guest, 64)
            topology = "/sys/devices/system/cpu/cpu63/topology/"
            yield expect("sockets", answer(guest, f"cat {topology}physical_package_id"), "1")
            yield expect("cores", answer(guest, f"cat {topology}thread_siblings_list"), "63")
            yield expect("processors", answer(guest, "grep -c ^processor /proc/cpuinfo"), "64")
            yield from recovers_and_exits(guest, 63)

    def threads(self):
        """Linux's IPIs between the threads of a core are doorbells."""
        with self.start(job="shell", smp="8,threads=4", append="loglevel=8") as guest:
            guest.wait_for(r"/ # ", timeout=harness.BOOT, whole_lines=False, what="a prompt")
            yield from came_up(guest, 8)
            topology = "/sys/devices/system/cpu/cpu5/topology/"
            yield expect("a core", answer(guest, f"cat {topology}thread_siblings_list"), "4-7")
            rung = answer(guest, "grep DBL: /proc/interrupts").split()[1:9]
            yield Check("each thread has heard its bell", all(int(n) for n in rung), rung)
            yield from recovers_and_exits(guest, 7)


def recovers_and_exits(guest, cpu):
    _, outcome = scenarios.machine_check(
        guest, "TLB Multihit", cpu=cpu, type="TLB", context="kernel"
    )
    yield from outcome.checks
    guest.send("exit")
    yield expect("exit status", guest.wait(), 0)


def answer(guest, command):
    """The line that a command prints in the guest's shell."""
    mark = guest.mark()
    guest.send(f"echo [$({command})]")
    return guest.wait_for(r"^\[(.*)\]$", mark).group(1)


def came_up(guest, count):
    said = guest.since(0)
    yield Check(
        f"Linux brought up {count} CPUs",
        f"smp: Brought up 1 node, {count} CPUs" in said,
        guest.tail(),
    )
    if guest.monitor and guest.process.poll() is None:
        states = [cpu["state"] for cpu in guest.monitor.command("query-cpus-fast")]
        yield Check(
            f"all {count} are started", len(states) == count and "stopped" not in states, states
        )


def define(tap, build, words, stack):
    smp = Smp(build, stack, *words)
    tap.test("four_cpus_boot", smp.boots)
    tap.test("the_machine_check_hits_the_cpu_it_is_for", smp.hit)
    tap.test("an_idle_cpu_takes_a_machine_check", smp.idle)
    tap.test("machine_checks_of_several_cpus_take_turns", smp.two_at_once)
    tap.test("a_cpu_that_does_not_exist_is_refused", smp.no_such_cpu)
    tap.test("an_unrecovered_ue_kills_the_process_on_its_cpu", smp.kill)
    tap.test("four_cpus_power_off", smp.powers_off)
    tap.test("linuxs_own_nmi_ipis_are_answered", smp.nmi_backtrace)
    tap.test("a_cpu_goes_off_and_on", smp.goes_off_and_on)
    tap.test("sixteen_cpus_boot_and_power_off", smp.sixteen)
    tap.test("threads_of_a_core_ring_each_others_doorbells", smp.threads)
    tap.test("a_machine_check_on_the_last_of_64_cpus_is_recovered", smp.sixty_four)


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n")[0]))
