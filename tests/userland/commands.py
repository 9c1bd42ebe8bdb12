# SPDX-License-Identifier: BSD-2-Clause
"""Guests that run commands, of `fwnmi run` and of QEMU 10: tests/userland/init is their /init."""

import os
import re
import sys
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [TESTS, os.path.join(TESTS, "linux"), os.path.join(TESTS, "qemu")]

import guest as harness  # noqa: E402
import qemu  # noqa: E402
import tap  # noqa: E402,F401

KERNEL = "6.1"
# The guest's progress that ends a command that hangs. The longest takes a tenth of that.
INSTRUCTIONS = 1_000_000_000_000
SECONDS = 7200  # under QEMU, which does not count
POLL = 0.5


class System:
    """A guest that runs commands: (status, output) of each."""

    def __init__(self, name, guest):
        self.name, self.guest = name, guest
        guest.wait_for(r"fwnmi-guest: ready", 0, harness.BOOT)

    def executed(self):
        """Instructions, or None if the system does not count them."""
        if self.name != "fwnmi":
            return None
        return sum(c["instructions"] for c in self.guest.monitor.command("query-cpus-fast"))

    def run(self, command):
        mark, start, started = self.guest.mark(), self.executed(), time.monotonic()
        self.guest.send(command)
        expression = re.compile(r"^(?:(.*)\n)?\[[ .\d]+\] fwnmi-guest: exit (\d+)$", re.M | re.S)
        while True:
            # The lines of printk are whole, and so are those of a program that has ended.
            match = expression.search(self.guest.since(mark))
            if match:
                return int(match[2]), match[1] or ""
            if self.guest.ended:
                raise harness.Failure(f"the machine ended in: {command}", self.guest.tail(mark))
            passed = time.monotonic() - started
            hangs = (
                passed > SECONDS * harness.patience()
                if start is None
                else self.executed() - start > INSTRUCTIONS
            )
            if hangs:
                raise harness.Failure(f"no end of: {command}", self.guest.tail(mark))
            time.sleep(POLL)


def lines_of(text):
    """Without empty ones and the kernel's, which the console may have between a program's."""
    return [line for line in text.splitlines() if line and not re.match(r"\[[ .\d]+\] ", line)]


def end_of(text):
    return "\n".join(text.splitlines()[-harness.TAIL_LINES :])


def take_arguments(parser, initramfs):
    """Parses PARSER's arguments and all programs'; INITRAMFS is one of the build directory."""
    harness.add_arguments(parser)
    parser.add_argument(
        "--jit", choices=("off", "on", "force", "check"), default="off", help="of fwnmi (off)"
    )
    parser.add_argument("tests", nargs="*", metavar="TEST")
    args = parser.parse_args()
    args.initramfs = args.initramfs or os.path.join(args.build, initramfs)
    harness.end_by_signals()
    return args


def boot(name, build, cpu, stack, memory="2G", smp=2, jit="off"):
    """Boots once; each later call returns the same System. Only fwnmi has a JIT to be chosen."""
    booted = []

    def system():
        if not booted:
            kernel = harness.guest_file(KERNEL)
            size = {"smp": smp, "memory": memory, "job": "userland"}
            if name == "fwnmi":
                options = ["-cpu", cpu, "--jit", jit]
                made = harness.Guest(build, kernel, options=options, append=harness.QUIET, **size)
            else:
                made = qemu.QemuGuest(build, "10", kernel, options=["-cpu", cpu], **size)
            booted.append(System(name, stack.enter_context(made)))
        return booted[0]

    return system
