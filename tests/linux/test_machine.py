#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The machine as a Debian guest sees it: console, power, reboot, and repeatable runs.

usage: test_machine.py [--build DIR]
"""

import sys

import guest as harness
from guest import Check, Guest, expect


class Machine:
    def __init__(self, build):
        self.build = build
        self.kernel = harness.guest_file("6.1")

    def start(self, job, **options):
        return Guest(self.build, self.kernel, job=job, **options)

    def repeats(self, smp):
        """Two runs at the same time disturb each other on the host, and must still be identical."""

        def start():
            return self.start("poweroff", smp=smp, monitor=False)

        with start() as one, start() as other:
            runs = []
            for guest in (one, other):
                guest.wait_for(r"fwnmi-guest: powering off", timeout=harness.BOOT)
                yield expect("exit status", guest.wait(), 0)
                stats = guest.stats()
                runs.append(
                    (
                        guest.since(0),
                        {
                            key: stats[key]
                            for key in stats
                            if key in ("instructions", "guest_seconds") or key.startswith("cpu")
                        },
                    )
                )
        yield Check("there is something to compare", runs[0][0].count("\n") > 100, runs[0][0])
        yield Check("the same console output", runs[0][0] == runs[1][0], first_difference(*runs))
        yield expect("the same instruction counts", runs[0][1], runs[1][1])

    def powers_off(self):
        with self.start("poweroff", clock="host") as guest:
            shutdown = guest.monitor.wait_event(
                "SHUTDOWN", timeout=harness.BOOT * harness.patience()
            )
            yield expect("the monitor's reason", shutdown["reason"], "guest-shutdown")
            yield expect("exit status", guest.wait(), 0)
            yield Check(
                "userland had been up", "fwnmi-guest: userland up" in guest.since(0), guest.tail()
            )

    def reboots(self):
        with self.start("victim") as guest:
            guest.boot()
            first = guest.monitor.command("query-fwnmi")
            guest.monitor.command("query-status")
            guest.monitor.events.clear()
            mark = guest.mark()
            guest.send("reboot")
            guest.wait_for(r"fwnmi-guest: rebooting", mark)
            reset = guest.monitor.wait_event("RESET")
            yield expect("the guest asked for it", reset["guest"], True)
            match = guest.wait_for(r"Linux version ", mark, harness.BOOT)
            guest.wait_for(r"fwnmi-guest: victim pid", match.end(), harness.BOOT)
            guest.monitor.wait_event("FWNMI_REGISTERED")
            yield expect(
                "it has registered again, the same", guest.monitor.command("query-fwnmi"), first
            )
            guest.victim_page()
            guest.settle()
            injection = guest.inject("machine-check", context="user")
            yield Check("and takes machine checks again", injection.interlocked, injection.errors)
            yield expect("exit status", guest.power_off(), 0)

    def no_reboot(self):
        with self.start("victim", options=["--no-reboot"]) as guest:
            guest.boot()
            guest.send("reboot")
            yield expect("exit status", guest.wait(), 5)

    def console(self):
        with self.start("shell") as guest:

            def prompt():
                guest.wait_for(
                    r"/ # (?:\x1b\[6n)?$",
                    timeout=harness.BOOT,
                    after=mark,
                    whole_lines=False,
                    what="a prompt",
                )

            mark = 0
            prompt()
            # The console echoes input, so the answer must not be part of the question.
            for command, answer in (
                ("echo $((6 * 7))", "42"),
                ("uname -m", "ppc64le"),
                ("cat /proc/cmdline | tr a-z A-Z", "CONSOLE=HVC0 FWNMI.JOB=SHELL"),
                # Longer than one H_GET_TERM_CHAR, and longer than the terminal's queue.
                (f"echo {'x' * 700} | wc -c", "701"),
            ):
                mark = guest.mark()
                guest.send(command)
                guest.wait_for(rf"^{answer} *$", mark)
                yield Check(f"{command[:20]}: {answer}", True, "")
                prompt()
            guest.send("exit")
            yield expect("the shell's end powers off", guest.wait(), 0)


def first_difference(one, other):
    lines = zip(one[0].splitlines(), other[0].splitlines())
    return next((f"{a!r}\n{b!r}" for a, b in lines if a != b), "one is longer than the other")


def define(tap, build, words, stack):
    machine = Machine(build)
    tap.test("two_runs_by_the_instruction_clock_are_the_same", machine.repeats, 1)
    tap.test("two_runs_of_four_cpus_by_the_instruction_clock_are_the_same", machine.repeats, 4)
    tap.test("power_off_ends_the_machine_with_success", machine.powers_off)
    tap.test("a_reboot_starts_linux_again_and_it_registers_again", machine.reboots)
    tap.test("a_reboot_under_no_reboot_ends_the_machine", machine.no_reboot)
    tap.test("the_console_takes_commands", machine.console)


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n")[0]))
