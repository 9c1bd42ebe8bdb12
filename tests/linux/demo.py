#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The main demonstration: a Debian guest boots, registers, takes three events, and recovers.

usage: tests/linux/demo.py [--kernel 6.1|6.12]          (what `make run` calls)

Exits with 0 only if everything happened as Linux's ras.c and traps.c say; otherwise names what did
not.
"""

import argparse
import os
import re
import shlex
import shutil
import sys
import time

import guest as harness
import scenarios
from guest import Failure, Guest

# Use the host's clock, as a user's guest does: guest times are those of this machine (instruction
# counts are exact whatever the load), and the two seconds that Linux waits after a system reset
# last two seconds; by the instruction clock they are two thousand million instructions. Linux's own
# time limits (soft lock-ups, RCU stalls) are some twenty seconds, far above any pause that a busy
# host makes.
CLOCK = "host"
# Show even the debug message on the console that Linux prints when it has logged the RTAS event.
APPEND = "loglevel=8"

STEPS = [
    (
        "A recovered SLB multihit, the victim running",
        scenarios.recovered_slb_multihit,
        "repaired by the platform: Linux notes it, the victim goes on",
    ),
    (
        "An unrecovered UE in user mode",
        scenarios.unrecovered_ue,
        "Linux kills the interrupted process by SIGBUS and lives",
    ),
    (
        "A system reset",
        scenarios.system_reset,
        "for Linux a request to dump: it prints the interrupted process and, without a crash kernel, "
        "panics",
    ),
]


class Screen:
    """Prints lines; on a terminal with colours, and with a temporary progress line."""

    def __init__(self):
        self.tty = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.colours = self.tty and "NO_COLOR" not in os.environ
        self.in_progress = False

    def paint(self, code, text):
        return f"\033[{code}m{text}\033[m" if self.colours else text

    def line(self, text=""):
        if self.in_progress:
            print("\r\033[K", end="")
            self.in_progress = False
        print(text, flush=True)

    def progress(self, text):
        if self.tty:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K{text[:width]}", end="", flush=True)
            self.in_progress = True

    def title(self, text):
        self.line()
        self.line(self.paint("1", text))

    def field(self, name, text):
        self.line(f"  {name:<10} {text}")

    def check(self, check):
        if check.ok:
            self.line(f"  {self.paint('32', 'ok')}   {check.what}")
        else:
            self.line(f"  {self.paint('1;31', 'FAIL')} {check.what}: {check.detail}")


class Demo:
    def __init__(self, build, kernel):
        self.build, self.kernel = build, kernel
        self.path = harness.guest_file(kernel)
        self.screen = Screen()
        self.checks = self.injected = 0
        self.wrong = []  # names of failed checks

    def judge(self, check, step):
        self.checks += 1
        self.screen.check(check)
        if not check.ok:
            self.wrong.append(f"{step}: {check.what}: {check.detail}")

    def boot(self, guest):
        """Waits for the victim, and shows the console's last line in the meantime."""
        deadline = time.monotonic() + harness.BOOT
        for wanted in ("userland up", "ready", r"victim pid \d+"):
            while True:
                try:
                    guest.wait_for("fwnmi-guest: " + wanted, timeout=0.1)
                    break
                except Failure:
                    if guest.ended or time.monotonic() > deadline:
                        raise
                lines = guest.since(0).rstrip().rsplit("\n", 1)
                seconds = time.monotonic() - guest.started
                self.screen.progress(f"  booting, {seconds:.0f} s: {lines[-1]}")
        self.screen.field("boot", f"userland after {time.monotonic() - guest.started:.1f} s")

    def show_registration(self, guest):
        state = guest.monitor.command("query-fwnmi")
        if not state["registered"]:
            raise Failure("the guest has not called ibm,nmi-register", guest.tail())
        reset, check = state["system-reset"], state["machine-check"]
        self.screen.field(
            "registered",
            "the guest called ibm,nmi-register: system reset routine "
            f"{reset}, machine check routine {check}",
        )
        symbols = harness.kernel_symbols(self.path, ["system_reset_fwnmi", "machine_check_fwnmi"])
        for name, address in zip(("system_reset_fwnmi", "machine_check_fwnmi"), (reset, check)):
            if name in symbols:
                self.judge(
                    harness.expect(
                        f"that is its {name}", int(address, 16), symbols[name] & ~(0xC << 60)
                    ),
                    "ibm,nmi-register",
                )

    def show_outcome(self, outcome, step):
        command = ["fwnmi", *outcome.injection.argv[1:]]
        command[command.index("--monitor") + 1] = "MONITOR"
        self.screen.field("command", shlex.join(command))
        report = outcome.injection.report
        if outcome.injection.delivered:
            self.screen.field(
                "hit",
                f"CPU {report['cpu-index']} in {report['context']} mode at "
                f"{report['nip']}; routine {report['handler']}, R3 {report['r3']}",
            )
        for line in outcome.console.splitlines():
            # Lines of our own requests to init do not belong to the event.
            if line.strip() and not re.search(r"fwnmi-guest: (alive|victim page)", line):
                self.screen.line(f"  {self.screen.paint('36', '|')} {line.rstrip()}")
        if outcome.time():
            self.screen.field("took", outcome.time())
        for check in outcome.checks:
            self.judge(check, step)

    def hit(self, guest):
        for number, (title, scenario, why) in enumerate(STEPS, 1):
            self.screen.title(f"{number}. {title}")
            self.screen.line(f"   ({why})")
            self.screen.progress("  waiting for the guest")
            outcome = scenario(guest)
            self.injected += 1
            self.show_outcome(outcome, f"step {number}")
            if not outcome.injection.delivered:
                raise Failure(f"step {number}: {outcome.injection.errors}", guest.tail())

    def start(self):
        return Guest(self.build, self.path, append=APPEND, clock=CLOCK)

    def run(self):
        version = harness.guest_file(self.kernel, "--version")
        self.screen.line(
            self.screen.paint(
                "1", f"Debian's Linux {version} for ppc64el, unmodified, on the embedded POWER9"
            )
        )
        with self.start() as guest:
            self.boot(guest)
            self.show_registration(guest)
            address, real, size = guest.victim_page()
            self.screen.field(
                "victim",
                f"pid {guest.victim()}, in user mode on CPU 0; its page: "
                f"effective {address:#x}, real {real:#x}, {size >> 10} KiB",
            )
            self.hit(guest)
        self.screen.title("4. The partition again, and the power switched off")
        with self.start() as guest:
            self.boot(guest)
            self.show_registration(guest)
            self.judge(
                harness.expect(
                    "the guest powers off, and fwnmi run exits with 0", guest.power_off(), 0
                ),
                "power-off",
            )
        self.screen.line()


def main():
    parser = argparse.ArgumentParser(
        description="Boot a Debian guest, inject errors, watch it recover."
    )
    parser.add_argument("--kernel", choices=["6.1", "6.12"], default="6.1")
    harness.add_arguments(parser)
    args = parser.parse_args()
    started = time.monotonic()
    try:
        demo = Demo(harness.use_arguments(args), args.kernel)
        demo.run()
    except Failure as e:
        if e.detail:
            print(f"\n{e.detail}", file=sys.stderr)
        print(f"fwnmi: demo: {e}", file=sys.stderr)
        return 1
    for wrong in demo.wrong:
        print(f"fwnmi: demo: not as it must be: {wrong}", file=sys.stderr)
    if demo.wrong:
        return 1
    print(
        f"All as Linux must: {demo.injected} events, {demo.checks} checks, "
        f"{time.monotonic() - started:.0f} s."
    )
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("fwnmi: demo: interrupted")
