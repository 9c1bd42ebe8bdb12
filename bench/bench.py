#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compares the embedded engine with QEMU's TCG, on the same guest, in alternating runs.

usage: bench/bench.py [--rounds N] [--only KIND,...] [--rows sha256,fork,...] [--kernels 6.1,...]
                      [--clock host|insn] [--jit off|auto|force] [--load N] [--before PROGRAM]
                      [--kvm-unit-tests DIRECTORY]
       (`make bench` calls this; see --help)

Boot rows measure a run in which one of Debian's kernels boots to userland and powers off, with
radix translation and with a hash table. They also have the program's peak resident memory with
radix. Compute rows measure the time between two marks that the guest prints around a busybox job,
by this host's clock, also with radix and with a hash table; both programs must print the same
results. The output is a table of medians, and build/bench.json. A ratio is ours / peer: below 1,
ours is faster or smaller.

With --before, another build of fwnmi is the peer, which shows what a change has cost; boot,
compute, thread and sieve rows are measured so. With --load, busy loops run beside everything. The
sieve row runs kvm-unit-tests' program, from a tree that was built (CONTRIBUTING.md); it is left out
without --kvm-unit-tests.

Thread rows measure, in the same way, two jobs at once in a guest with two CPUs, each of which has a
thread of the host (QEMU: thread=multi). They mean little on a host without two idle processors.

OpenSSL rows show what `openssl speed` reports, as milliseconds per MiB, in the userland of Debian's
programs that `make userland` leaves in build/userland.cpio. Without that file they are left out.

FWNMI rows have no peer, because QEMU's pseries machine injects no machine checks. They measure
libfwnmi's fwnmi_machine_check() alone, and a Linux guest's time from an injected machine check to
its ibm,nmi-interlock call.

Snapshot rows measure how soon a Linux guest of 1 GiB is back where it was: by a reset in its
process (after a recovered machine check), and by a new process that loads a file. QEMU has one way
to do both, a new process that loads a migration from a file. It is measured from the process's
start until QEMU says that the guest runs.

Verdict rows measure the time of one case of the lab, on one core: reset, injection, the guest's
reaction, the verdict and its evidence. QEMU's way is the load above, `inject-nmi`, and the wait
for Linux's Oops; it has system resets only.
"""

import argparse
import collections
import contextlib
import functools
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "linux"))

import guest as harness  # noqa: E402
from guest import Failure, guest_file  # noqa: E402
from qmp import Client  # noqa: E402

KERNEL = "6.1"  # of all rows but boots
KERNELS = ["6.1", "6.12", "newest"]
TABLES = {"radix": "", "hash": " disable_radix"}  # what translates, and how the kernel is told
MEMORY = "1G"
BEFORE_KINDS = ["boot", "compute", "threads", "sieve"]  # those that --before can compare
KINDS = [*BEFORE_KINDS, "openssl", "fwnmi", "snapshots", "verdicts", "growth"]
ROWS = ["sha256", "md5", "gzip", "sort", "shell", "fork"]  # tests/initramfs/init
THREAD_ROWS = ["two_sha256", "two_fork"]
OPENSSL = {  # what `openssl speed -evp` takes
    "openssl sha256": "sha256",
    "openssl AES-256-GCM": "aes-256-gcm",
    "openssl ChaCha20": "chacha20",
}
OPENSSL_BLOCK = 8192  # bytes
OPENSSL_SECONDS = 3
OPENSSL_MEMORY = "2G"  # the userland takes a quarter of a GiB twice while it is unpacked
SPEED = re.compile(r"size blocks: (?P<blocks>\d+) .* in (?P<seconds>[\d.]+)s")
SIEVE = "kvm-unit-tests sieve"
LIBRARY = "fwnmi_machine_check()"
ROUND_TRIP, ROUND_TRIP_INSNS = "injection to interlock", "the same in instructions"
ROUND_TRIPS = 20
RESET, RESET_99, PAGES = "back to a snapshot", "the same, 99th percentile", "pages copied for it"
LOAD, LOADED_MIB = "load a snapshot's file", "that file"
GROWTH = [(100000, 1), (10000, 1), (10000, 2), (10000, 4), (10000, 8)]  # functions, vCPUs
VERDICTS = {
    "verdict: recovered SLB, user": "machine-check: {type: SLB}",
    "verdict: UE kills a process": "machine-check: {type: UE, disposition: not-recovered}",
    "verdict: system reset": "system-reset: {}",
}
CASES = {"verdict: system reset": 20}  # of the others:
MANY_CASES = 500
SNAPSHOT_AT = 1_000_000_000  # instructions: the victim runs
BOOT_LIMIT, COMPUTE_LIMIT = 120, 600  # seconds; far above any normal run
# Turn off the mitigations that TCG does not implement, or it warns about each.
QEMU_MACHINE = "pseries,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off"
MARK = re.compile(r"fwnmi-bench: (?P<row>\w+) (?P<what>start|done|result (?P<result>\S+))")

Run = collections.namedtuple("Run", "seconds peak_mib times results")


class Progress:
    """A status line that is updated in place, if standard error is a terminal."""

    def __init__(self):
        self.shown = sys.stderr.isatty()

    def show(self, text):
        if self.shown:
            print(f"\r\033[K{text[:100]}", end="", file=sys.stderr, flush=True)

    def clear(self):
        self.show("")


def run(argv, limit):
    """Runs one machine to its end, and records when it prints each mark."""
    times, results, said = {}, {}, []
    started = time.monotonic()
    process = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    timer = threading.Timer(limit, process.kill)
    timer.start()
    try:
        for line in process.stdout:
            now = time.monotonic()
            text = line.decode(errors="replace")
            said.append(text.rstrip())
            match = MARK.search(text)
            if match and match["result"]:
                results[match["row"]] = match["result"]
            elif match:
                times[match["row"], match["what"]] = now
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or not any("fwnmi-guest: powering off" in text for text in said):
        why = (
            f"time limit of {limit} s"
            if process.returncode == -signal.SIGKILL
            else f"exit {process.returncode}"
        )
        raise Failure(
            f"{os.path.basename(argv[0])} did not boot and power off ({why}); its last "
            f"lines: {' / '.join(said[-3:])}"
        )
    return Run(seconds, usage.ru_maxrss / 1024, times, results)


@functools.cache
def knows(program, option):
    """Is it an option of this build of fwnmi?"""
    done = subprocess.run([program, "run", "--help"], stdout=subprocess.PIPE, check=True, text=True)
    return option in done.stdout


def await_file(process, path):
    deadline = time.monotonic() + BOOT_LIMIT
    while not os.path.exists(path):
        if process.poll() is not None or time.monotonic() > deadline:
            raise Failure(f"no snapshot {path} was saved")
        time.sleep(0.01)


class Bench:
    def __init__(self, args):
        self.args = args
        self.progress = Progress()
        self.program = args.fwnmi or os.path.join(TOP, "build", "src", "fwnmi")
        self.initramfs = args.initramfs or os.path.join(TOP, "build", "initramfs.cpio")
        for path, how in ((self.program, "make build"), (self.initramfs, "scripts/mkinitramfs")):
            if not os.path.exists(path):
                raise Failure(f"{path} is missing ({how})")
        self.kernel, self.qemu = guest_file(KERNEL), guest_file("qemu10")
        self.peer = args.before or self.qemu  # of BEFORE_KINDS
        self.samples = collections.defaultdict(lambda: ([], []))  # row: (ours, peer)
        self.units = {}

    def machine(self, program, arguments, firmware="", cpus=1):
        """The command line of fwnmi or of QEMU for the same machine; QEMU has a choice of those."""
        if program != self.qemu:
            how = ["-smp", str(cpus), "--clock", self.args.clock if cpus == 1 else "host"]
            if cpus > 1:
                how += ["--threads", "many"]
            if knows(program, "--jit"):  # an earlier build may not
                how += ["--jit", self.args.jit]
            return [program, "run", *arguments, *how]
        return [
            self.qemu,
            *("-machine", QEMU_MACHINE + firmware, "-cpu", "power9", "-smp", str(cpus)),
            *("-accel", "tcg,thread=multi" if cpus > 1 else "tcg"),
            *("-nodefaults", "-nographic", "-vga", "none", "-serial", "stdio"),
            *arguments,
        ]

    def command(self, program, append, kernel=None, initramfs=None, memory=MEMORY, cpus=1):
        guest = [
            *("-kernel", kernel or self.kernel, "-initrd", initramfs or self.initramfs),
            *("-m", memory, "-append", f"console=hvc0 {append}"),
        ]
        return self.machine(program, guest, ",x-vof=on", cpus)

    def alternate(self, what, measure):
        """
        Measures a program of each once to warm the page cache, then yields (ours, peer) for each
        round.
        """
        for number in range(self.args.rounds + 1):
            pair = {}
            # Take turns to go first, so that neither always follows the other.
            for ours in (True, False) if number % 2 else (False, True):
                name = "fwnmi" if ours else "the peer"
                turn = f"run {number} of {self.args.rounds}" if number else "warm-up"
                self.progress.show(f"bench: {what}: {name}, {turn}")
                pair[ours] = measure(self.program if ours else self.peer)
            if number:
                yield pair[True], pair[False]

    def take(self, row, unit, ours, peer):
        self.units[row] = unit
        self.samples[row][0].append(ours)
        if peer is not None:
            self.samples[row][1].append(peer)

    def boot(self):
        for name in self.args.kernels:
            kernel = guest_file(name)
            for table, option in TABLES.items():
                append = f"fwnmi.job=poweroff{option}"
                row = f"boot of {name}, {table}"

                def measure(program, append=append, kernel=kernel):
                    return run(self.command(program, append, kernel), BOOT_LIMIT)

                for ours, peer in self.alternate(row, measure):
                    self.take(row, "s", ours.seconds, peer.seconds)
                    if table == "radix":
                        self.take(f"its peak memory, {name}", "MiB", ours.peak_mib, peer.peak_mib)

    def compute(self):
        for table, option in TABLES.items():
            self.jobs(f", {table}", self.args.rows, 1, option)

    def threads(self):
        self.jobs("", THREAD_ROWS, 2)

    def jobs(self, suffix, rows, cpus, option=""):
        append = f"quiet fwnmi.job=bench fwnmi.rows={','.join(rows)}{option}"

        def measure(program):
            return run(self.command(program, append, cpus=cpus), COMPUTE_LIMIT)

        for ours, peer in self.alternate(f"{rows[0]}...{suffix}", measure):
            for row in rows:
                self.take_job(row, suffix, ours, peer)

    def take_job(self, row, suffix, ours, peer):
        for machine in (ours, peer):
            if (row, "start") not in machine.times or (row, "done") not in machine.times:
                raise Failure(f"the guest did not run {row}")
        if not ours.results.get(row) or ours.results[row] != peer.results.get(row):
            raise Failure(
                f"{row}: different results: ours {ours.results.get(row)}, "
                f"the peer's {peer.results.get(row)}"
            )
        seconds = (
            machine.times[row, "done"] - machine.times[row, "start"] for machine in (ours, peer)
        )
        self.take(f"{row}{suffix}", "s", *seconds)

    def sieve(self):
        tree = self.args.kvm_unit_tests
        if not tree:
            if self.args.only == ["sieve"]:
                raise Failure("sieve: no tree was given (--kvm-unit-tests)")
            return
        files = [os.path.join(tree, "powerpc", name) for name in ("boot_rom.bin", "sieve.elf")]

        def measure(program):
            command = self.machine(program, ["-bios", files[0], "-kernel", files[1], "-m", "256M"])
            started = time.monotonic()
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=COMPUTE_LIMIT,
                check=False,
            )
            seconds = time.monotonic() - started
            if b"EXIT: STATUS=1" not in done.stdout:
                raise Failure(f"{os.path.basename(program)}: the sieve did not end well")
            return seconds

        for ours, peer in self.alternate(SIEVE, measure):
            self.take(SIEVE, "s", ours, peer)

    def speeds(self, program, userland):
        """Milliseconds a MiB of each algorithm, in a guest that obeys its console."""
        process = subprocess.Popen(
            self.command(program, "quiet", initramfs=userland, memory=OPENSSL_MEMORY),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        timer = threading.Timer(COMPUTE_LIMIT, process.kill)
        timer.start()

        def await_line(pattern):
            for line in process.stdout:
                match = re.search(pattern, line.decode(errors="replace"))
                if match:
                    return match
            raise Failure(f"{os.path.basename(program)} ended before openssl did")

        try:
            await_line("fwnmi-guest: ready")
            for row, algorithm in OPENSSL.items():
                process.stdin.write(
                    f"openssl speed -elapsed -seconds {OPENSSL_SECONDS} -bytes {OPENSSL_BLOCK} "
                    f"-evp {algorithm}\n".encode()
                )
                process.stdin.flush()
                match = await_line(SPEED)
                mib = int(match["blocks"]) * OPENSSL_BLOCK / 2**20
                yield row, 1000 * float(match["seconds"]) / mib
                await_line("fwnmi-guest: exit 0")
        finally:
            timer.cancel()
            process.kill()
            process.wait()

    def openssl(self):
        userland = os.path.join(TOP, "build", "userland.cpio")
        if not os.path.exists(userland):
            if self.args.only == ["openssl"]:
                raise Failure(f"{userland} is missing (make userland)")
            return
        for number in range(self.args.rounds):
            found = {}
            for ours in (True, False) if number % 2 else (False, True):
                name = "fwnmi" if ours else "QEMU"
                self.progress.show(f"bench: openssl: {name}, run {number + 1}")
                found[ours] = dict(self.speeds(self.program if ours else self.qemu, userland))
            for row in OPENSSL:
                self.take(row, "ms", found[True][row], found[False][row])

    def fwnmi(self):
        self.progress.show("bench: libfwnmi")
        library = os.path.join(
            os.path.dirname(os.path.dirname(os.path.abspath(self.program))), "bench", "lib_bench"
        )
        done = subprocess.run([library], stdout=subprocess.PIPE, check=True)
        self.take(LIBRARY, "ns", json.loads(done.stdout)["machine_check"]["median_ns"], None)
        build = harness.Build(None, self.program, self.initramfs)
        with harness.Guest(build, self.kernel, clock="host") as guest:
            guest.boot()
            for number in range(ROUND_TRIPS):
                self.progress.show(f"bench: {ROUND_TRIP}: {number + 1} of {ROUND_TRIPS}")
                injection = guest.inject("machine-check", type="slb", context="user")
                if not injection.interlocked:
                    raise Failure(f"no interlock after an injection: {injection.errors}")
                interlock = injection.report["interlock"]
                self.take(ROUND_TRIP, "us", interlock["host-us"], None)
                self.take(ROUND_TRIP_INSNS, "insn", interlock["instructions"], None)
            guest.power_off()

    def save_ours(self, path):
        command = self.command(self.program, "fwnmi.job=victim")
        command[command.index("--clock") + 1] = "insn"
        with subprocess.Popen(
            [*command, f"--snapshot-at={SNAPSHOT_AT}={path}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        ) as process:
            await_file(process, path)
            process.kill()

    def save_peer(self, path, socket):
        with subprocess.Popen(
            [
                *self.command(self.qemu, "fwnmi.job=victim"),
                "-qmp",
                f"unix:{socket},server=on,wait=off",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        ) as process:
            for line in process.stdout:
                if b"fwnmi-guest: ready" in line:
                    break
            client = Client(socket, BOOT_LIMIT)
            client.command("migrate", uri=f"file:{path}")
            while client.command("query-migrate").get("status") not in ("completed", "failed"):
                time.sleep(0.01)
            client.close()
            process.kill()
        os.unlink(socket)

    def load(self, ours, path, socket):
        """Seconds from the start of a process until its guest runs."""
        command = (
            [self.program, "run", f"--from-snapshot={path}", f"--monitor={socket}"]
            if ours
            else [
                *self.command(self.qemu, "fwnmi.job=victim"),
                *("-qmp", f"unix:{socket},server=on,wait=off", "-incoming", f"file:{path}"),
            ]
        )
        started = time.monotonic()
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        ) as process:
            client = Client(socket, BOOT_LIMIT, lambda: process.poll() is None)
            while client.command("query-status")["status"] != "running":
                time.sleep(0.001)
            seconds = time.monotonic() - started
            client.close()
            process.kill()
        if os.path.exists(socket):
            os.unlink(socket)
        return seconds

    def beside(self, name):
        """A program of bench/ that was built with ours."""
        build = os.path.dirname(os.path.dirname(os.path.abspath(self.program)))
        return os.path.join(build, "bench", name)

    def snapshots(self):
        program = self.beside("reset_bench")
        with tempfile.TemporaryDirectory(prefix="fwnmi-bench-") as scratch:
            files = {ours: os.path.join(scratch, str(ours)) for ours in (True, False)}
            socket = os.path.join(scratch, "monitor")
            self.progress.show("bench: snapshots")
            self.save_ours(files[True])
            self.save_peer(files[False], socket)
            for number in range(self.args.rounds):
                self.progress.show(f"bench: snapshots: {number + 1} of {self.args.rounds}")
                seconds = {}
                for ours in (True, False) if number % 2 else (False, True):
                    seconds[ours] = self.load(ours, files[ours], socket)
                self.take(LOAD, "ms", 1000 * seconds[True], 1000 * seconds[False])
                done = subprocess.run(
                    [program, "-initrd", self.initramfs, self.kernel],
                    stdout=subprocess.PIPE,
                    check=True,
                )
                reset = json.loads(done.stdout)
                self.take(RESET, "us", reset["reset_us"]["median"], 1e6 * seconds[False])
                self.take(RESET_99, "us", reset["reset_us"]["p99"], None)
                self.take(PAGES, "", reset["pages"]["median"], None)
            self.take(LOADED_MIB, "MiB", *(os.stat(files[o]).st_size / 2**20 for o in files))

    def judge(self, name, scratch):
        """Milliseconds a case of the lab."""
        path, results = (os.path.join(scratch, file) for file in ("cases.yaml", "results"))
        with open(path, "w", encoding="ascii") as f:
            for number in range(CASES.get(name, MANY_CASES)):
                f.write(f"- workload: victim\n  {VERDICTS[name]}\n  at: user after={37 * number}\n")
        command = [self.program, "test", "-kernel", self.kernel, "-j", "1", "-m", MEMORY]
        subprocess.run(
            [*command, "--scenarios", path, "--results", results],
            stdout=subprocess.DEVNULL,
            check=True,
        )
        done = subprocess.run(
            [self.program, "report", "--format", "json", results],
            stdout=subprocess.PIPE,
            check=True,
        )
        os.unlink(results)
        totals = json.loads(done.stdout)["totals"]
        return totals["host_ns"] / 1e6 / totals["passed"]

    def judge_peer(self, path, socket):
        """Milliseconds from a process's start to the Oops that a system reset leads to."""
        started = time.monotonic()
        with subprocess.Popen(
            [
                *self.command(self.qemu, "fwnmi.job=victim"),
                *("-qmp", f"unix:{socket},server=on,wait=off", "-incoming", f"file:{path}"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        ) as process:
            client = Client(socket, BOOT_LIMIT, lambda: process.poll() is None)
            while client.command("query-status")["status"] != "running":
                time.sleep(0.001)
            client.command("inject-nmi")
            for line in process.stdout:
                if b"Oops: System Reset" in line:
                    break
            milliseconds = 1000 * (time.monotonic() - started)
            client.close()
            process.kill()
        if os.path.exists(socket):
            os.unlink(socket)
        return milliseconds

    def verdicts(self):
        with tempfile.TemporaryDirectory(prefix="fwnmi-bench-") as scratch:
            saved, socket = (os.path.join(scratch, name) for name in ("saved", "monitor"))
            self.progress.show("bench: verdicts")
            self.save_peer(saved, socket)
            for number in range(self.args.rounds):
                self.progress.show(f"bench: verdicts: {number + 1} of {self.args.rounds}")
                for name in VERDICTS:
                    peer = self.judge_peer(saved, socket) if "reset" in name else None
                    self.take(name, "ms", self.judge(name, scratch), peer)

    def translated(self, functions, vcpus):
        """What translation_bench measures in each of the engine's modes."""
        done = subprocess.run(
            [self.beside("translation_bench"), str(functions), str(vcpus)],
            stdout=subprocess.PIPE,
            check=True,
        )
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return {line["jit"]: line for line in lines}

    def growth(self):
        """What translation costs as a guest's code and its vCPUs grow; there is no peer."""
        for number in range(self.args.rounds):
            for functions, vcpus in GROWTH:
                self.progress.show(f"bench: growth: {number + 1} of {self.args.rounds}")
                modes = self.translated(functions, vcpus)
                what = f"{functions // 1000}k functions x {vcpus}"
                self.take(f"{what}, interpreted", "ns", modes["off"]["last_ns"], None)
                self.take(f"{what}, translated", "ns", modes["on"]["last_ns"], None)
                if (functions, vcpus) == GROWTH[0]:
                    force = modes["force"]
                    cost = force["first_ns"] - modes["off"]["first_ns"]
                    self.take("translation, an instruction", "ns", cost, None)
                    self.take(
                        "its code, an instruction", "B", force["bytes"] / force["insns"], None
                    )

    def table(self, peer_version):
        rows = []
        for row, (ours, peer) in self.samples.items():
            ours_median = statistics.median(ours)
            peer_median = statistics.median(peer) if peer else None
            rows.append(
                {
                    "name": row,
                    "unit": self.units[row],
                    "ours": round(ours_median, 3),
                    "peer": round(peer_median, 3) if peer else None,
                    "peer_version": peer_version if peer else None,
                    "ratio": round(ours_median / peer_median, 3) if peer else None,
                    "runs": len(ours),
                    "ours_runs": [round(value, 3) for value in ours],
                    "peer_runs": [round(value, 3) for value in peer],
                }
            )
        return rows

    def run(self):
        for name in self.args.only:
            getattr(self, name)()


def show(rows):
    for heads in (
        ("fwnmi", "peer", "ratio", "fwnmi", "peer"),
        ("median", "median", "", "min..max", "min..max"),
    ):
        print("{:<30} {:>4} {:>8} {:>8} {:>6}  {:^14} {:^14}".format("", "", *heads).rstrip())
    for row in rows:
        spans = [
            f"{min(row[key]):.2f}..{max(row[key]):.2f}" if row[key] else "-"
            for key in ("ours_runs", "peer_runs")
        ]
        peer, ratio = (f"{row[key]:.2f}" if row["peer"] else "-" for key in ("peer", "ratio"))
        print(
            f"{row['name']:<30} {row['unit']:>4} {row['ours']:8.2f} {peer:>8} "
            f"{ratio:>6}  {spans[0]:^14} {spans[1]:^14}".rstrip()
        )
    compared = [row for row in rows if row["peer"]]
    if compared:
        print(
            f"\nMedians of {compared[0]['runs']} runs, alternating. The peer is "
            f"{compared[0]['peer_version']}.\nA ratio below 1 means that ours is faster or smaller."
        )


def names_among(known):
    """Of an argument: names, separated by commas."""

    def parse(text):
        names = text.split(",")
        if not set(names) <= set(known):
            raise argparse.ArgumentTypeError(f"not among {', '.join(known)}")
        return names

    return parse


@contextlib.contextmanager
def busy_loops(count):
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def positive(text):
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError("not a positive number")
    return int(text)


def peer_name(args):
    if args.before:
        return args.before
    version = guest_file("qemu10", "--version")
    upstream = re.match(r"(?:\d+:)?([\d.]+)", version)[1]
    return f"QEMU {upstream} TCG (Debian {version})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=positive, default=5, help="runs of each program (5)")
    for name, known, what in (
        ("--only", KINDS, "measure only these kinds of rows"),
        ("--rows", ROWS, "compute rows"),
        ("--kernels", KERNELS, "kernels that are booted"),
    ):
        parser.add_argument(
            name, type=names_among(known), default=known, help=f"{what} ({','.join(known)})"
        )
    parser.add_argument("--clock", choices=["host", "insn"], default="host", help="ours (host)")
    parser.add_argument("--jit", choices=["off", "auto", "force"], default="auto", help="(auto)")
    parser.add_argument("--load", type=positive, default=0, help="busy loops beside (none)")
    parser.add_argument("--before", metavar="PROGRAM", help="an earlier fwnmi to compare with")
    parser.add_argument("--kvm-unit-tests", metavar="DIRECTORY", help="a tree, for sieve")
    parser.add_argument("--fwnmi", help="the program to measure (build/src/fwnmi)")
    parser.add_argument("--initramfs", help="the guest's userland (build/initramfs.cpio)")
    parser.add_argument(
        "--output",
        default=os.path.join(TOP, "build", "bench.json"),
        help="the JSON file (build/bench.json)",
    )
    args = parser.parse_args()
    if args.before:
        if args.only is KINDS:
            args.only = BEFORE_KINDS
        if not set(args.only) <= set(BEFORE_KINDS):
            parser.error(f"--before compares only {', '.join(BEFORE_KINDS)}")
    bench = Bench(args)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    ended = None
    try:
        with busy_loops(args.load):
            bench.run()
    except (Failure, OSError) as e:
        ended = str(e)
    except KeyboardInterrupt:
        ended = "interrupted"
    bench.progress.clear()
    rows = bench.table(peer_name(args))
    if ended and not rows:
        raise Failure(ended)
    os.makedirs(os.path.dirname(os.path.abspath(args.output)), exist_ok=True)
    temporary = f"{args.output}.{os.getpid()}"
    with open(temporary, "w", encoding="utf-8") as f:
        json.dump(rows, f, indent=2)
        f.write("\n")
    os.replace(temporary, args.output)
    show(rows)
    if ended:
        raise Failure(f"{ended}; the table has what was measured until then")


if __name__ == "__main__":
    try:
        main()
    except (Failure, OSError) as e:
        sys.exit(f"fwnmi: bench: {e}")
    except KeyboardInterrupt:
        sys.exit("fwnmi: bench: interrupted")
