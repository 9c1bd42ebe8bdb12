#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What happens after FWNMI has ended a partition: --reboot-policy, in TAP.

usage: policy.py --fwnmi PROGRAM --payloads DIRECTORY [--endian big] [--run-option=OPTION...]

The payload `nested` causes the second machine check itself; we inject only the first.
"""

import argparse
import os
import select
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import tap  # noqa: E402
from qmp import Client, Failure  # noqa: E402
from tap import Check  # noqa: E402

LIMIT = 600


class Machine:
    """`fwnmi run` of the payload, its console and a QMP connection."""

    def __init__(self, args, options):
        self.program = args.fwnmi
        self.scratch = tempfile.TemporaryDirectory(prefix="fwnmi-policy-")
        self.path = os.path.join(self.scratch.name, "monitor")
        with open(os.path.join(self.scratch.name, "stderr"), "w+b") as f:
            self.stderr_fd = os.dup(f.fileno())
        self.child = subprocess.Popen(
            [
                args.fwnmi,
                "run",
                "-kernel",
                os.path.join(args.payloads, f"nested_{args.endian}"),
                "-append",
                "own",
                "--clock",
                "insn",
                "--monitor",
                self.path,
                *args.run_option,
                *options,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.stderr_fd,
        )
        self.console = b""
        self.deadline = time.monotonic() + LIMIT
        self.monitor = None

    def __enter__(self):
        self.monitor = Client(self.path, LIMIT, lambda: self.child.poll() is None)
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        self.monitor.close()
        self.child.stdin.close()
        self.child.stdout.close()
        os.close(self.stderr_fd)
        self.scratch.cleanup()

    def says(self, text):
        """Waits for it on the console, behind what was there before."""
        out = self.child.stdout.fileno()
        while text not in self.console:
            while not select.select([out], [], [], 0.1)[0]:
                if time.monotonic() > self.deadline:
                    raise Failure(
                        f"not over after {LIMIT} s; console: {self.console.decode()!r};"
                        f" stderr: {self.stderr()!r}"
                    )
            more = os.read(out, 65536)
            if not more:
                raise Failure(
                    f"the console ended before it said {text!r}; stderr: {self.stderr()!r}"
                )
            self.console += more
        self.console = self.console.split(text, 1)[1]

    def end_partition(self):
        """Runs the payload from its start to the end of its partition."""
        self.says(b"@answer")
        self.child.stdin.write(b"!")
        self.child.stdin.flush()
        self.says(b"@inject=1 machine-check")
        self.monitor.command("inject-machine-check")
        self.says(b"# in_the_routine")
        self.monitor.wait_event("FWNMI_PARTITION_ENDED")

    def stderr(self):
        os.lseek(self.stderr_fd, 0, os.SEEK_SET)
        return os.read(self.stderr_fd, 65536).decode(errors="replace")


def is_log(text):
    """A version 6 log of a fatal platform error that was not recovered."""
    log = bytes.fromhex(text)
    return (
        len(log) > 8
        and log[0] == 6
        and log[1] >> 5 == 5
        and log[1] >> 3 & 3 == 2
        and log[3] == 0xE0
    )


def halt(args):
    with Machine(args, []) as machine:
        machine.end_partition()
        yield Check("the exit status is 3", machine.child.wait(LIMIT) == 3, "")
        said = machine.stderr()
        yield Check(
            "the log is printed, decoded", "fatal" in said and "not-recovered" in said, said
        )


def reboot(args):
    with Machine(args, ["--reboot-policy=reboot"]) as machine:
        for _ in range(2):
            machine.end_partition()
            machine.monitor.wait_event("RESET")
        state = machine.monitor.command("query-fwnmi")
        yield Check("the log is kept", is_log(state["last-end"]["log"]), state)
        machine.says(b"@answer")
        yield Check("nothing is registered", not state["registered"], state)


def no_reboot(args):
    with Machine(args, ["--reboot-policy=reboot", "--no-reboot"]) as machine:
        machine.end_partition()
        yield Check("the exit status is 5", machine.child.wait(LIMIT) == 5, "")


def pause(args):
    with Machine(args, ["--reboot-policy=pause"]) as machine:
        machine.end_partition()
        machine.monitor.wait_event("STOP")
        state = machine.monitor.command("query-fwnmi")
        yield Check("it says so", state["partition-ended"], state)
        yield Check("the log is kept", is_log(state["last-end"]["log"]), state)
        yield Check("for the reason", state["last-end"]["reason"] == "nested-machine-check", state)
        refused = machine.monitor.execute("cont")
        yield Check("it cannot go on", "error" in refused, refused)
        before = machine.monitor.command("query-cpus-fast")[0]["instructions"]
        time.sleep(0.05)
        after = machine.monitor.command("query-cpus-fast")[0]["instructions"]
        yield Check("nothing runs", before == after, (before, after))
        machine.monitor.command("system_reset")
        machine.monitor.wait_event("RESET")
        machine.monitor.command("cont")
        machine.says(b"@answer")
        machine.monitor.command("quit")
        yield Check("the exit status after quit is 0", machine.child.wait(LIMIT) == 0, "")


TESTS = (
    ("halt_ends_the_machine_and_prints_the_log", halt),
    ("reboot_starts_the_partition_again_and_keeps_the_log", reboot),
    ("reboot_under_no_reboot_ends_the_machine", no_reboot),
    ("pause_lets_nothing_run_until_a_reset", pause),
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--fwnmi", required=True)
    parser.add_argument("--payloads", required=True)
    parser.add_argument("--endian", choices=("little", "big"), default="little")
    parser.add_argument("--run-option", action="append", default=[])
    args = parser.parse_args()
    return tap.run([(name, test, args) for name, test in TESTS])


if __name__ == "__main__":
    sys.exit(main())
