#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How much host memory a guest that floods the partition with calls uses, in TAP.

usage: memory.py --fwnmi PROGRAM --payloads DIRECTORY [--endian big]

The payload `flood` makes a given number of rounds of calls, while the monitor has as many clients
as it accepts, which read no events. docs/security.md states the bound.
"""

import argparse
import ctypes
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from qmp import Client, Failure  # noqa: E402

PR_SET_THP_DISABLE = 41  # linux/prctl.h
LIMIT = 60  # seconds for a run that takes one
CLIENTS = 8
FEW, MANY = 6000, 60000  # rounds; the clients' queues are full before
CODE = 600000
# docs/security.md: the program, what clients make the monitor keep, and the guest's code.
CONSTANT_KIB = 64 << 10
DECODED_KIB = 256 << 10
TRANSLATED_KIB = 2 * 64 << 10  # it is mapped twice, and a process's peak memory counts both
GROWTH_KIB = 2 << 10
PAYLOAD_KIB = 4 << 10  # guest memory in use, with code, stack and device tree


def wait_until(condition, process, what):
    end = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > end or process.poll() is not None:
            why = "time is up" if process.poll() is None else process.stderr.read()
            raise Failure(f"{what}: {why}")
        time.sleep(0.01)


def have_small_pages():
    """In the child: a huge page that the host has or has not at hand would be in the figures."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "huge pages cannot be turned off")


class OwnMemory:
    """The most memory, in KiB, that a process had of its own.

    How much its files take depends on the host, and differs from run to run.
    """

    PERIOD = 0.005  # seconds
    LINE = re.compile(r"^Rss(?:Anon|Shmem):\s+(\d+) kB$", re.MULTILINE)

    def __init__(self, pid):
        self.path = f"/proc/{pid}/status"
        self.peak = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self):
        while not self.ended.wait(self.PERIOD):
            try:
                with open(self.path, encoding="ascii") as f:
                    parts = self.LINE.findall(f.read())
            except (FileNotFoundError, ProcessLookupError):  # it has ended
                return
            self.peak = max(self.peak, sum(map(int, parts)))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def flood(args, what, rounds):
    """Returns a run's peak memory, its own part of it, both in KiB, and its instructions."""
    with tempfile.TemporaryDirectory(prefix="fwnmi-memory-") as scratch:
        path, log = os.path.join(scratch, "monitor"), os.path.join(scratch, "console")
        words = [
            args.fwnmi,
            "run",
            "-kernel",
            os.path.join(args.payloads, f"flood_{args.endian}"),
            "-m",
            "256",
            "-append",
            f"{what}={rounds}",
            "--monitor",
            path,
            "--nvram",
            os.path.join(scratch, "nvram"),
            "--clock",
            "insn",
            "--debug",
            "--stats",
        ]
        with open(log, "wb") as console, subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=console,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=have_small_pages,
        ) as process:

            def console_says(text):
                with open(log, "rb") as f:
                    return text in f.read()

            try:
                wait_until(lambda: console_says(b"@answer"), process, "the payload does not start")
                clients = [Client(path, LIMIT) for _ in range(CLIENTS)]
                with OwnMemory(process.pid) as own:
                    process.stdin.write("!")
                    process.stdin.flush()
                    said = process.communicate(timeout=LIMIT)[1]
            finally:
                if process.poll() is None:
                    process.kill()
            for one in clients:
                one.close()
            if process.returncode or not console_says(b"ok 1 - the_partition_answers_after"):
                raise Failure(f"exit {process.returncode}: {said[-1000:]}")
            line = said.rsplit("fwnmi: stats: ", 1)[1].splitlines()[0]
            stats = dict(word.split("=") for word in line.split())
            return int(stats["max_rss_kib"]), own.peak, int(stats["instructions"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fwnmi", required=True)
    parser.add_argument("--payloads", required=True)
    parser.add_argument("--endian", default="little")
    args = parser.parse_args()
    failed = False
    print("1..3")
    few_own = many = many_own = code = 0
    try:
        few, few_own, _ = flood(args, "calls", FEW)
        many, many_own, many_insns = flood(args, "calls", MANY)
        code, code_own, code_insns = flood(args, "code", CODE)
        print(
            f"# {FEW} rounds of calls: {few} KiB, {few_own} its own; {MANY}: {many} KiB, {many_own}"
            f" its own, {many_insns} instructions; {CODE} of code: {code} KiB, {code_own} its own,"
            f" {code_insns} instructions"
        )
    except (Failure, OSError, ValueError, subprocess.TimeoutExpired) as e:
        print("# " + str(e).replace("\n", "\n# "))
    for number, (sentence, ok) in enumerate(
        (
            (
                "ten_times_as_many_calls_take_no_more_memory",
                0 < few_own and 0 < many_own <= few_own + GROWTH_KIB,
            ),
            (
                "a_guest_that_calls_without_end_costs_its_memory_and_a_constant",
                0 < many <= PAYLOAD_KIB + CONSTANT_KIB,
            ),
            (
                "a_guest_that_makes_new_code_without_end_costs_its_memory_and_a_constant",
                0 < code <= PAYLOAD_KIB + CONSTANT_KIB + DECODED_KIB + TRANSLATED_KIB,
            ),
        ),
        1,
    ):
        failed |= not ok
        print(f"{'ok' if ok else 'not ok'} {number} - {sentence}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
