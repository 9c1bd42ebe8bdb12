#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Debugs a payload with gdb, and with packets of our own, over `fwnmi run -gdb`. Speaks TAP.

usage: debugger.py --fwnmi PROGRAM --payloads DIRECTORY [--endian big]

The payload is `timer`, which runs alike each time.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import tap  # noqa: E402
from gdb_packets import Packets  # noqa: E402
from tap import Check, Failure, Missing, expect  # noqa: E402

LIMIT = 120  # seconds: only to end what hangs
SO_ACCEPTCON = 0x10000  # as /proc/net/unix has it
GDB = "gdb-multiarch"


def listens(path):
    """A socket is there before its program listens. A connection would count as a debugger."""
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as sockets:
        rows = [row.split() for row in sockets]
    return any(row[-1] == path and int(row[3], 16) & SO_ACCEPTCON for row in rows[1:])


class Guest:
    """A payload that `fwnmi run` holds until a debugger lets it go."""

    def __init__(self, args, directory, payload="timer", options=()):
        self.socket = os.path.join(directory, "gdb")
        self.file = os.path.join(args.payloads, f"{payload}_{args.endian}")
        self.big = args.endian == "big"
        self.process = subprocess.Popen(
            [args.fwnmi, "run", "-kernel", self.file, "-m", "256", "-append", "alone"]
            + ["--clock", "insn", "--stats", "-S", "-gdb", f"unix:{self.socket}", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        end = time.monotonic() + LIMIT
        while not listens(self.socket):
            if self.process.poll() is not None or time.monotonic() > end:
                raise Failure("fwnmi does not listen", self.process.communicate()[1])
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def end(self):
        """The console, and the instructions that were executed."""
        console, errors = self.process.communicate(timeout=LIMIT)
        found = re.search(r"instructions=(\d+)", errors)
        if self.process.returncode or not found:
            raise Failure(f"exit status {self.process.returncode}", errors)
        return console, int(found.group(1))

    def gdb(self, *commands):
        """What gdb prints for its commands."""
        if not shutil.which(GDB):
            raise Missing(f"{GDB} is not installed")
        words = [GDB, "-nx", "-batch", self.file, "-ex", "set architecture powerpc:common64"]
        for command in (f"target remote {self.socket}", *commands):
            words += ["-ex", command]
        done = subprocess.run(words, text=True, capture_output=True, timeout=LIMIT, check=False)
        return done.stdout + done.stderr


def undisturbed(args):
    done = subprocess.run(
        [args.fwnmi, "run", "-kernel", os.path.join(args.payloads, f"timer_{args.endian}")]
        + ["-m", "256", "-append", "alone", "--clock", "insn", "--stats"],
        stdin=subprocess.DEVNULL,
        text=True,
        capture_output=True,
        timeout=LIMIT,
        check=True,
    )
    return done.stdout, int(re.search(r"instructions=(\d+)", done.stderr).group(1))


# ---- tests ----


def gdb_stops_steps_and_reads_and_the_run_is_the_same_as_without(args, directory):
    with Guest(args, directory) as guest:
        said = guest.gdb(
            "hbreak payload",
            "continue",
            "p/x $pc > (long)&payload",
            "stepi",
            "set $here = $pc",
            "stepi",
            "p/x $pc - $here",
            "p/x $msr",
            "info threads",
            "delete",
            "watch *(int *)&count",
            "continue",
            "bt 1",
            "delete",
            "detach",
        )
        yield Check("it stops there", "Breakpoint 1, " in said and "$1 = 0x1\n" in said, said)
        yield Check("it has gone on by one", "$2 = 0x4\n" in said, said)
        yield Check("the MSR", bool(re.search(r"\$3 = 0x8\w{15}\n", said)), said)
        yield Check("the thread", "Thread 1 (CPU 0, running)" in said, said)
        yield Check("the store", bool(re.search(r"Old value = 0\s+New value = 1\s", said)), said)
        yield Check("who made it", "in arrived ()" in said, said)
        yield expect("console and instructions", guest.end(), undisturbed(args))


def what_gdb_writes_is_what_the_guest_has(args, directory):
    with Guest(args, directory) as guest:
        said = guest.gdb(
            "set $r31 = 0x123456789abcdef0",
            "set $f1 = 1.5",
            "set $vr2.v4_int32[0] = 7",
            "set $ctr = 99",
            "set $vscr = 0x10000",
            "set {long}&count = 0x1122334455667788",
            "stepi",
            "p/x $r31",
            "p $f1",
            "p $vr2.v4_int32[0]",
            "p $vs34.v4_int32[0]",
            "p $ctr",
            "p/x $vscr",
            "p/x {long}&count",
            "kill",
        )
        values = re.findall(r"^\$\d+ = (.*)$", said, re.MULTILINE)
        wanted = ["0x123456789abcdef0", "1.5", "7", "7", "99", "0x10000", "0x1122334455667788"]
        yield expect("values", values, wanted)
        guest.process.wait(LIMIT)
        yield expect("a kill ends the machine", guest.process.returncode, 0)


def each_cpu_is_a_thread(args, directory):
    with Guest(args, directory, "relax", ["-smp", "3"]) as guest:
        said = guest.gdb("info threads", "hbreak test_alone", "continue", "info threads", "kill")
        yield Check("three", "Thread 3 (CPU 2, stopped)" in said, said)


def nonsense_is_refused_and_the_stub_goes_on(args, directory):
    with Guest(args, directory) as guest:
        debugger = Packets(guest.socket, LIMIT)
        for body in (
            "mffffffffffffffff,10",
            "m0,ffffffffffffffff",
            "m0,4000",
            "m",
            "M0,4:00",
            "p95",
            "P95=0",
            "P0=00",
            "G00",
            "Hg4",
            "T2",
            "Z0,",
            "Z5,0,4",
            "vCont;x",
            "vCont;s:9",
            "c1000",
            "qXfer:features:read:target.xml:ffffff,10",
        ):
            yield expect(body, debugger.ask(body), "E01")
        yield expect("unknown", debugger.ask("qHowdy"), "")
        debugger.socket.sendall(b"$g#00")
        yield expect("a damaged packet", debugger.socket.recv(10)[-1:], b"-")
        debugger.send("x" * 20000)
        yield expect("one that is too long", debugger.answer(), "E02")
        yield Check("it answers", len(debugger.ask("g")) > 1000, "")
        for i in range(24):
            answer = debugger.ask(f"Z0,{0x20000 + 8 * i:x},4")
        yield expect("too many breakpoints", answer, "E01")
        other = Packets(guest.socket, LIMIT)
        yield expect("a second debugger", other.socket.recv(1), b"")
        debugger.ask("D")
        yield expect("console and instructions", guest.end(), undisturbed(args))


def a_debugger_that_hangs_up_leaves_the_guest_stopped_for_the_next(args, directory):
    with Guest(args, directory) as guest:
        first = Packets(guest.socket, LIMIT)
        first.ask("Z0,20000,4")
        first.socket.close()
        second = Packets(guest.socket, LIMIT)
        yield expect("it is stopped", second.ask("?"), "T05thread:1;")
        second.ask("D")
        yield expect("console and instructions", guest.end(), undisturbed(args))


def what_cannot_be_is_refused_in_a_line(args, directory):
    for words, why in (
        (["-S"], "-S needs -gdb WHERE or --monitor PATH"),
        (["-gdb", "1234"], "not tcp:[HOST]:PORT or unix:PATH"),
        (["-gdb", "tcp::65536x"], "not tcp:[HOST]:PORT or unix:PATH"),
        (["-gdb", "unix:"], "the path of the socket is empty"),
        (["-gdb", "unix:/nowhere/x"], "No such file"),
    ):
        done = subprocess.run(
            [args.fwnmi, "run", "-kernel", os.path.join(args.payloads, f"timer_{args.endian}")]
            + ["-append", "alone", *words],
            stdin=subprocess.DEVNULL,
            text=True,
            capture_output=True,
            timeout=LIMIT,
            check=False,
        )
        yield Check(" ".join(words), done.returncode in (1, 2) and why in done.stderr, done.stderr)
        yield expect("lines", done.stderr.count("\n"), 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fwnmi", required=True)
    parser.add_argument("--payloads", required=True)
    parser.add_argument("--endian", default="little")
    args = parser.parse_args()
    tests = []
    with tempfile.TemporaryDirectory(prefix="fwnmi-gdb-") as scratch:
        for function in (
            gdb_stops_steps_and_reads_and_the_run_is_the_same_as_without,
            what_gdb_writes_is_what_the_guest_has,
            each_cpu_is_a_thread,
            nonsense_is_refused_and_the_stub_goes_on,
            a_debugger_that_hangs_up_leaves_the_guest_stopped_for_the_next,
            what_cannot_be_is_refused_in_a_line,
        ):
            directory = os.path.join(scratch, str(len(tests)))
            os.mkdir(directory)
            tests.append((function.__name__, function, args, directory))
        return tap.run(tests)


if __name__ == "__main__":
    sys.exit(main())
