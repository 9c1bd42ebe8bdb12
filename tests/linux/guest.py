# SPDX-License-Identifier: BSD-2-Clause
"""Drives a Debian guest under `fwnmi run` by its console, monitor and injections; and TAP.

This file only starts, controls and ends a guest, all within time limits. scenarios.py says what
Linux must do with an event; tests/initramfs/init has the guest's jobs and console commands.
"""

import argparse
import contextlib
import importlib.machinery
import importlib.util
import json
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TESTS)
sys.path.insert(0, TESTS)

import qmp  # noqa: E402
import tap  # noqa: E402
from tap import Check, Failure, Missing, expect  # noqa: E402,F401

VICTIM_DATA, VICTIM_CODE = 0x20000000, 0x10000000  # scripts/mkinitramfs links it so
TAIL_LINES = 40  # of a console, when something went wrong
# Debian's 6.12 tests its cryptography in the background after boot; that leaves a victim little of
# the CPU.
QUIET = "cryptomgr.notests"
# Seconds. These limits only end hung tests: they are far above what anything takes on a host with
# four busy processes per processor. A test that expects a timeout sets its own limit.
BOOT, ANSWER, EXIT, INJECT = 600, 300, 300, 300
MAX_TIMEOUT = 3600  # that fwnmi inject takes

_patience = 1.0


def set_patience(factor):
    """Multiplies every time limit, because sanitizers and emulated hosts are slow."""
    global _patience
    _patience = factor


def patience():
    return _patience


# ---- what is needed ------------------------------------------------------------------------------


def guest_file(name, what="--path"):
    """The path of a file that scripts/guests has fetched; with "--version", its Debian version."""
    done = subprocess.run(
        [os.path.join(TOP, "scripts", "guests"), what, name],
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise Missing(f"{name} has not been fetched (scripts/guests {name})")
    return done.stdout.strip()


# How an /init that a test writes begins.
INIT_HEAD = b"""#!/bin/sh
PATH=/bin
export PATH
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
"""


def kernel_file(kernel):
    """The path of a kernel: a file, or one that scripts/guests has fetched."""
    return kernel if os.path.exists(kernel) else guest_file(kernel)


def script(name):
    """A program of scripts/, as a module."""
    loader = importlib.machinery.SourceFileLoader(
        name.replace("-", "_"), os.path.join(TOP, "scripts", name)
    )
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


class Build:
    """The build under test: the program, and the guest's initramfs."""

    def __init__(self, directory, fwnmi=None, initramfs=None):
        self.directory = directory
        self.fwnmi = os.path.abspath(fwnmi or os.path.join(directory, "src", "fwnmi"))
        self.initramfs = os.path.abspath(initramfs or os.path.join(directory, "initramfs.cpio"))

    def check(self):
        if not os.access(self.fwnmi, os.X_OK):
            raise Failure(f"{self.fwnmi} has not been built")
        if not os.path.exists(self.initramfs):
            raise Missing(f"{self.initramfs} has not been made (scripts/mkinitramfs)")
        return self


def add_arguments(parser):
    parser.add_argument("--build", default=os.path.join(TOP, "build"), help="the build directory")
    parser.add_argument("--fwnmi", help="the program, if not src/fwnmi of the build directory")
    parser.add_argument("--initramfs", help="the initramfs, if not the build directory's")
    parser.add_argument(
        "--patience", type=float, default=1, metavar="N", help="multiply all time limits by N"
    )


def use_arguments(args):
    """Applies the arguments that add_arguments() declared; returns the Build."""
    set_patience(args.patience)
    return Build(args.build, args.fwnmi, args.initramfs)


def kernel_symbols(path, names):
    """The values of some symbols of an ELF64 little-endian kernel; {} if it has no symbol table."""
    with open(path, "rb") as f:
        data = f.read()
    (section_offset,) = struct.unpack_from("<Q", data, 0x28)
    entry_size, count = struct.unpack_from("<HH", data, 0x3A)
    sections = [
        struct.unpack_from("<IIQQQQIIQQ", data, section_offset + i * entry_size)
        for i in range(count)
    ]
    found = {}
    for _, kind, _, _, offset, size, link, *_ in sections:
        if kind != 2:  # SHT_SYMTAB
            continue
        strings = sections[link][4]
        wanted = {}
        for name in names:
            # Search for names by their offset in the string table: 100 000 symbols are many for
            # Python.
            at = data.find(b"\0" + name.encode() + b"\0", strings, strings + sections[link][5])
            if at >= 0:
                wanted[at + 1 - strings] = name
        for at in range(offset, offset + size, 24):
            name = wanted.get(int.from_bytes(data[at : at + 4], "little"))
            if name:
                found[name] = int.from_bytes(data[at + 8 : at + 16], "little")
    return found


def kernel_section(path, name):
    """The bytes of a section of an ELF64 little-endian kernel; b"" if it has none of that name."""
    with open(path, "rb") as f:
        data = f.read()
    (section_offset,) = struct.unpack_from("<Q", data, 0x28)
    entry_size, count, names = struct.unpack_from("<HHH", data, 0x3A)
    sections = [
        struct.unpack_from("<IIQQQQ", data, section_offset + i * entry_size) for i in range(count)
    ]
    for at, _, _, _, offset, size in sections:
        start = sections[names][4] + at
        if data[start : data.index(b"\0", start)] == name.encode():
            return data[offset : offset + size]
    return b""


# ---- the guest -----------------------------------------------------------------------------------


class Injection:
    """What `fwnmi inject --json` printed and returned."""

    def __init__(self, argv, status, output, errors):
        self.argv, self.status, self.errors = argv, status, errors.strip()
        try:
            self.json = json.loads(output) if output.strip() else {}
        except ValueError as e:
            raise Failure(f"fwnmi inject --json printed no JSON: {output!r}") from e
        self.report = self.json.get("injection", {})

    @property
    def delivered(self):
        return bool(self.json.get("delivered"))

    @property
    def interlocked(self):
        return bool(self.json.get("interlocked"))

    @property
    def returned(self):
        return bool(self.report.get("returned"))

    @property
    def nip(self):
        return int(self.report["nip"], 16)


def injection_words(kind, timeout, options):
    """Of `fwnmi inject`; a keyword is an option (logical_address=0x.., now=True)."""
    words = [kind, "--json"]
    for name, value in options.items():
        words.append("--" + name.replace("_", "-"))
        if value is not True:
            words.append(
                hex(value)
                if isinstance(value, int) and name in ("ea", "logical_address")
                else str(value)
            )
    return words + ["--timeout", str(min(int(timeout * _patience), MAX_TIMEOUT))]


class Guest:
    """`fwnmi run` with its console on pipes. A context manager: leaving it ends the process."""

    def __init__(
        self,
        build,
        kernel,
        job="victim",
        append="",
        smp=1,
        memory="512M",
        clock="insn",
        options=(),
        monitor=True,
    ):
        build.check()
        self.build = build
        self.transcript = ""
        self.changed = threading.Condition()
        self.ended = False
        self.started = time.monotonic()
        self.scratch = tempfile.TemporaryDirectory(prefix="fwnmi-test-")
        self.monitor_path = os.path.join(self.scratch.name, "monitor")
        command_line = f"console=hvc0 fwnmi.job={job} {append}".strip()
        if job == "victim":
            command_line += f" {QUIET}"
        self.argv = [
            build.fwnmi,
            "run",
            "-kernel",
            kernel,
            "-initrd",
            build.initramfs,
            "-append",
            command_line,
            "-m",
            memory,
            "-smp",
            str(smp),
            "--clock",
            clock,
            "--stats",
            *options,
        ]
        self.monitor = None
        if monitor:
            self.argv += ["--monitor", self.monitor_path]
        self.errors = tempfile.TemporaryFile("w+", dir=self.scratch.name)
        self.process = subprocess.Popen(
            self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        try:
            if monitor:
                self.monitor = qmp.Client(
                    self.monitor_path, ANSWER * _patience, lambda: self.process.poll() is None
                )
        except Failure as e:
            self.close()
            raise Failure(f"{e}; fwnmi run said: {self.stderr().strip() or 'nothing'}") from e

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.close()

    def _read(self):
        fd = self.process.stdout.fileno()
        while True:
            data = os.read(fd, 65536)
            with self.changed:
                if data:
                    self.transcript += data.decode(errors="replace").replace("\r", "")
                else:
                    self.ended = True
                self.changed.notify_all()
            if not data:
                return

    def close(self):
        """Ends our child process, whatever it is doing, and removes what it left."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5 * _patience)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.reader.join(5)
        if self.monitor:
            self.monitor.close()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        if not self.errors.closed:
            self.kept_errors = self.stderr()
            self.errors.close()
        self.scratch.cleanup()

    def stderr(self):
        if self.errors.closed:
            return self.kept_errors
        self.errors.flush()
        self.errors.seek(0)
        return self.errors.read()

    # -- console --

    def mark(self):
        """The current end of the transcript, to search from later."""
        with self.changed:
            return len(self.transcript)

    def since(self, mark):
        with self.changed:
            return self.transcript[mark:]

    def tail(self, mark=0):
        lines = self.since(mark).rstrip().splitlines()
        left = [f"... {len(lines) - TAIL_LINES} lines"] if len(lines) > TAIL_LINES else []
        said = [f"stderr: {line}" for line in self.stderr().splitlines()]
        return "\n".join(left + lines[-TAIL_LINES:] + said)

    def wait_for(self, pattern, after=0, timeout=ANSWER, what=None, whole_lines=True):
        """Waits for a regular expression after a mark; returns the match, or raises Failure.

        Only whole lines are searched, unless the pattern is a prompt.
        """
        deadline = time.monotonic() + timeout * _patience
        expression = re.compile(pattern, re.MULTILINE)
        with self.changed:
            while True:
                end = self.transcript.rfind("\n") + 1 if whole_lines else len(self.transcript)
                match = expression.search(self.transcript, after, end)
                if match:
                    return match
                left = deadline - time.monotonic()
                if self.ended or left <= 0:
                    break
                self.changed.wait(left)
            why = "the machine ended" if self.ended else f"{timeout * _patience:g} s passed"
        raise Failure(f"the console never said {what or pattern!r} ({why})", self.tail(after))

    def send(self, line):
        """Types a line into the console."""
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError as e:
            raise Failure(f"the machine ended before {line!r} was typed", self.tail()) from e

    def ask(self, command, answer, timeout=ANSWER):
        """Sends a console command of the victim job; returns the match of its answer."""
        mark = self.mark()
        self.send(command)
        return self.wait_for(r"fwnmi-guest: " + answer, mark, timeout, what=answer)

    def boot(self, timeout=BOOT):
        """Waits until the victim job accepts commands and there is a victim."""
        self.wait_for(r"fwnmi-guest: ready", 0, timeout)
        self.wait_for(r"fwnmi-guest: victim pid \d+", 0, timeout)

    def linux_version(self):
        """The guest's version, from its banner: (6, 1)."""
        match = self.wait_for(r"Linux version (\d+)\.(\d+)", 0, BOOT)
        return int(match[1]), int(match[2])

    # -- the victim --

    def victim(self):
        """Asks the guest for the victim's pid."""
        return int(self.ask("alive?", r"alive victim=(\d+)")[1])

    def victim_page(self, address=VICTIM_DATA):
        """Effective address, real address and size of a page that the victim uses."""
        # A new victim may not have run yet: 6.12 has much to do after boot.
        deadline = time.monotonic() + ANSWER * _patience
        while time.monotonic() < deadline:
            match = self.ask(
                f"page? {address:#x}",
                r"victim page (?:ea=(\S+) la=(\S+) size=(\S+)|not present|none)",
            )
            if match[1]:
                return tuple(int(field, 16) for field in match.groups())
        raise Failure("the victim never touched its page", self.tail())

    def settle(self, instructions=20_000_000):
        """Lets the guest run on, so that only the victim is left in user mode.

        Init has answered the last command, but its shell may not be back in read() yet: it shares
        the CPU with whatever else Linux has to do.
        """

        def executed():
            return sum(cpu["instructions"] for cpu in self.monitor.command("query-cpus-fast"))

        enough = executed() + instructions
        deadline = time.monotonic() + ANSWER * _patience
        while executed() < enough:
            if time.monotonic() > deadline:
                raise Failure("the guest does not run on", self.tail())
            time.sleep(0.005)

    # -- injections --

    def inject(self, kind, timeout=INJECT, **options):
        """Runs the real `fwnmi inject`; the keywords are as for injection_words()."""
        argv = [
            self.build.fwnmi,
            "inject",
            "--monitor",
            self.monitor_path,
            *injection_words(kind, timeout, options),
        ]
        try:
            done = subprocess.run(
                argv,
                text=True,
                capture_output=True,
                check=False,
                timeout=3 * timeout * _patience + 10,
            )
        except subprocess.TimeoutExpired as e:
            raise Failure("fwnmi inject did not end", self.tail()) from e
        return Injection(argv, done.returncode, done.stdout, done.stderr)

    # -- the end --

    def wait(self, timeout=EXIT):
        """Waits until the machine ends by itself; returns the exit status."""
        try:
            status = self.process.wait(timeout * _patience)
        except subprocess.TimeoutExpired as e:
            raise Failure("the machine did not end", self.tail()) from e
        self.reader.join(ANSWER * _patience)
        return status

    def power_off(self):
        """Makes the guest power itself off; returns the exit status."""
        mark = self.mark()
        self.send("poweroff")
        self.wait_for(r"fwnmi-guest: powering off", mark)
        return self.wait()

    def stats(self):
        """The numbers of --stats, after the machine has ended."""
        match = re.search(r"^fwnmi: stats: (.*)$", self.stderr(), re.MULTILINE)
        if not match:
            raise Failure("there are no --stats", self.tail())
        return {
            key: float(value) if "." in value else int(value)
            for key, value in (pair.split("=") for pair in match[1].split())
        }


# ---- test programs -------------------------------------------------------------------------------


class Booted:
    """Tests of one guest: the first boots it and sets `booted`, the others use `guest`."""

    booted = None

    @property
    def guest(self):
        if not self.booted:
            raise Failure("there is no guest: it did not boot")
        return self.booted


class OneGuest(Booted):
    """One guest for all tests, in their order. The host's load does not affect it."""

    def __init__(self, build, kernel, stack, mmu="radix"):
        self.build, self.stack, self.mmu = build, stack, mmu
        self.kernel = guest_file(kernel)

    def boots(self):
        append = "loglevel=8" + (" disable_radix" if self.mmu == "hash" else "")
        guest = self.stack.enter_context(
            Guest(self.build, self.kernel, append=append, clock="insn")
        )
        guest.boot()
        self.booted = guest
        yield Check(f"Linux says {self.mmu}-mmu", f"{self.mmu}-mmu: " in guest.since(0), "")


class Tests(list):
    """For tap.run()."""

    def test(self, name, function, *args):
        self.append((name, function, *args))


def end_by_signals():
    # Our parent may ignore these signals (nohup, a shell's "&"), and a child inherits that.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Meson ends a test that exceeds its time limit by SIGTERM, and our guests must not outlive us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("fwnmi: test: ended by SIGTERM"))


def main(define, description):
    """A test program's main: define(tests, build, words, stack) adds the tests."""
    parser = argparse.ArgumentParser(description=description)
    add_arguments(parser)
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    args = parser.parse_args()
    end_by_signals()
    with contextlib.ExitStack() as stack:
        try:
            tests = Tests()
            build = use_arguments(args)
            build.check()
            define(tests, build, args.words, stack)
        except Missing as e:
            print(f"1..0 # SKIP {e}")
            return 0
        except Failure as e:
            print(f"Bail out! {e}")
            return 1
        return tap.run(tests)
