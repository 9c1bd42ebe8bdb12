#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The program from outside: exit statuses, one-line errors, leftover files, signals, the terminal.

usage: test_cli.py FWNMI        speaks TAP

Its guests are a few instructions that are generated here: a loop, with a loop at every interrupt
vector.
"""

import json
import os
import platform
import pty
import re
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import termios
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import qmp  # noqa: E402
import tap  # noqa: E402
from kernels import (  # noqa: E402
    ILLEGAL,
    LI_R0_2,
    LOOP,
    MTMSRD_R0_1,
    POWER_OFF,
    SC_1,
    branch,
    elf,
    li,
    lis,
)

FWNMI = os.path.abspath(sys.argv[1])
# The tests send these signals themselves: a build under the address sanitizer isn't to take them
# for its own.
os.environ["ASAN_OPTIONS"] = ":".join(
    filter(
        None,
        [os.environ.get("ASAN_OPTIONS"), "handle_segv=0", "handle_sigbus=0", "handle_sigfpe=0"],
    )
)
COMMANDS = ["run", "inject", "attach", "log", "test", "replay", "report"]
MANUAL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "man")
TESTS = []
# Our parent may ignore signals (nohup, a shell's background job), and a child inherits that.
for _number in signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP:
    signal.signal(
        _number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL
    )

PATIENCE = 300  # seconds; far above what anything takes, it only ends hung tests
CONNECTED = "03"  # in the column St of /proc/net/unix

RECORDS = 20000  # 320 KB, more than a pipe and our own buffer hold


def printer(end):
    """Writes RECORDS records of 16 bytes to the terminal, each its number twice; then `end`."""
    head = [li(3, 0x58), li(4, 0), li(5, 16), 0x7FE6FB78, 0x7FE7FB78, SC_1]  # mr r6,r31; mr r7,r31
    loop = [
        *head,
        0x2C230000,  # cmpdi r3,0
        0x40820000 | (-4 * (len(head) + 1)) & 0xFFFC,  # bne
        0x3BFF0001,  # addi r31,r31,1
        0x281F0000 | RECORDS,  # cmplwi r31,RECORDS
    ]
    return [*loop, 0x41800000 | (-4 * len(loop)) & 0xFFFC, *end]  # blt


def record(number):
    return struct.pack(">2Q", number, number)


def printing_kernel(scratch, end):
    return scratch.file("printer.elf", elf(printer(end)))


def test(function):
    TESTS.append(function)
    return function


class Scratch:
    """A directory with kernels, which a test must leave as it was."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="fwnmi-cli-")
        self.kernel = self.file("loop.elf", elf([LOOP]))
        self.recoverable = self.file("recoverable.elf", elf([LI_R0_2, MTMSRD_R0_1, LOOP]))
        self.monitor = self.name("monitor")

    def name(self, name):
        return os.path.join(self.path, name)

    def file(self, name, content):
        with open(self.name(name), "wb") as f:
            f.write(content)
        return self.name(name)

    def files(self):
        return sorted(os.listdir(self.path))


def fwnmi(*args, stdin=subprocess.DEVNULL, timeout=PATIENCE):
    return subprocess.run(
        [FWNMI, *args], stdin=stdin, capture_output=True, text=True, timeout=timeout, check=False
    )


def refused(status, *args, why=""):
    done = fwnmi(*args)
    lines = done.stderr.splitlines()
    assert done.returncode == status, f"{args}: exit {done.returncode}, not {status}: {done.stderr}"
    assert done.stdout == "", f"{args}: printed {done.stdout}"
    assert len(lines) == 1 and lines[0].startswith(
        "fwnmi: "
    ), f"{args}: not one line: {done.stderr}"
    assert why in lines[0], f"{args}: {lines[0]} does not say {why}"


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"timed out: {what}"
        time.sleep(0.01)


def connections(path):
    """The number of connections to a local socket."""
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as f:
        return sum(fields[5] == CONNECTED and fields[-1] == path for fields in map(str.split, f))


class Running:
    """A running machine with a monitor."""

    def __init__(self, scratch, *args, kernel=None, **popen):
        self.scratch = scratch
        popen.setdefault("stdin", subprocess.DEVNULL)
        popen.setdefault("text", True)
        self.process = subprocess.Popen(
            [
                FWNMI,
                "run",
                "-kernel",
                kernel or scratch.kernel,
                "--monitor",
                scratch.monitor,
                *args,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **popen,
        )
        # Nobody may connect before the signal handlers are there; the greeting says that they are.
        try:
            self.monitor = qmp.Client(
                scratch.monitor, PATIENCE, lambda: self.process.poll() is None, negotiate=False
            )
        except qmp.Failure as e:
            self.process.kill()
            raise AssertionError(f"{e}: {self.process.communicate()[1]}") from e
        self.execute = self.monitor.execute

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.monitor.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def ended(self):
        return self.process.wait(timeout=PATIENCE)


@test
def help_and_version_are_printed(scratch):
    for args in ["--help"], ["-h"], ["help"]:
        done = fwnmi(*args)
        assert done.returncode == 0 and "Usage: fwnmi COMMAND" in done.stdout, done
    for command in COMMANDS:
        for args in [command, "--help"], ["help", command]:
            done = fwnmi(*args)
            assert done.returncode == 0 and f"Usage: fwnmi {command}" in done.stdout, done
            assert done.stderr == ""
    done = fwnmi("--version")
    assert done.returncode == 0 and done.stdout.startswith("fwnmi "), done


@test
def every_option_of_the_help_is_in_the_manual_page(scratch):
    for command in COMMANDS:
        with open(os.path.join(MANUAL, f"fwnmi-{command}.1"), encoding="utf-8") as f:
            page = re.sub(r"\\f[A-Z]", "", f.read()).replace("\\-", "-")
        options = re.findall(
            r"^  (--?[A-Za-z][\w-]*)", fwnmi(command, "--help").stdout, re.MULTILINE
        )
        assert options, command
        for option in options:
            assert re.search(rf"(?<![\w-]){option}(?![\w-])", page), f"{command}: {option}"


@test
def unknown_commands_are_refused(scratch):
    refused(2, why="no command")
    refused(2, "frob", why="unknown command frob")
    refused(2, "--frob", why="unknown command --frob")
    refused(2, "help", "frob", why="unknown command frob")
    refused(2, "\x1b[2J\n", why="unknown command \\x1b[2J\\x0a")


@test
def options_that_exclude_one_another_are_a_bad_command_line(scratch):
    common = ["run", "-kernel", scratch.kernel]
    many = ["--threads", "many"]
    for words in ["--jit", "check"], ["--jit=check", "--clock=host"]:
        for line in [*many, *words], [*words, *many]:
            refused(2, *common, *line, why="--threads many excludes --jit check: what others may")
    refused(
        2, *common, *many, "--clock", "insn", why="--threads many needs --clock host: the order"
    )
    refused(2, *common, "--jit", "fast", why="bad --jit fast: not auto, off, on, force or check")
    refused(2, *common, "--jit=", why="bad --jit : not auto, off, on, force or check")
    refused(2, *common, "--jit", why="option --jit needs a value")


@test
def bad_kernels_are_refused_and_leave_nothing_behind(scratch):
    whole = elf([LOOP])
    truncated = scratch.file("truncated", whole[:-1])
    machine = scratch.file("machine", elf([LOOP], machine=62))
    high = scratch.file("high", elf([LOOP], paddr=(256 << 20) - 4096))
    text = scratch.file("text", b"Hello")
    initrd = scratch.file("initrd", b"")
    with open(initrd, "r+b") as f:
        f.truncate(300 << 20)
    before = scratch.files()
    common = [
        "run",
        "-m",
        "256",
        "--monitor",
        scratch.monitor,
        "-serial",
        "file:" + scratch.name("out"),
        "-kernel",
    ]
    refused(1, *common, scratch.name("absent"), why="No such file")
    refused(1, *common, scratch.path, why="not a regular file")
    refused(1, *common, text, why="not an ELF file")
    refused(1, *common, truncated, why="truncated")
    refused(1, *common, machine, why="another machine")
    refused(1, *common, high, why="does not fit")
    refused(1, *common, scratch.kernel, "-initrd", scratch.name("absent"), why="No such file")
    refused(1, *common, scratch.kernel, "-initrd", initrd, why="does not fit")
    assert scratch.files() == before, scratch.files()


@test
def bad_monitor_paths_are_refused(scratch):
    scratch.file("taken", b"precious")
    before = scratch.files()
    common = [
        "run",
        "-kernel",
        scratch.kernel,
        "-serial",
        "file:" + scratch.name("out"),
        "--monitor",
    ]
    refused(1, *common, scratch.name("taken"), why="is not a socket")
    refused(1, *common, scratch.path, why="is not a socket")
    refused(1, *common, scratch.name("no/where"), why="No such file")
    refused(1, *common, scratch.name("x" * 200), why="too long")
    assert scratch.files() == before, scratch.files()
    with Running(scratch) as running:
        refused(1, *common, scratch.monitor, why="another program")
        assert running.process.poll() is None


@test
def a_console_file_that_cannot_be_made_is_refused(scratch):
    refused(
        1,
        "run",
        "-kernel",
        scratch.kernel,
        "--monitor",
        scratch.monitor,
        "-serial",
        "file:" + scratch.name("no/where"),
        why="No such file",
    )
    assert not os.path.exists(scratch.monitor)


@test
def the_monitor_socket_is_private(scratch):
    with Running(scratch):
        mode = os.stat(scratch.monitor).st_mode
        assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600, oct(mode)


@test
def signals_end_the_machine_and_remove_its_socket(scratch):
    for number in signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT:
        with Running(scratch) as running:
            running.process.send_signal(number)
            assert running.ended() == 128 + number, running.process.returncode
        assert not os.path.exists(scratch.monitor), number


def fatal_signals():
    """All signals that kill a process by default, except SIGKILL, and SIGPIPE, which is ignored."""
    harmless = {
        signal.SIGCHLD,
        signal.SIGCONT,
        signal.SIGSTOP,
        signal.SIGTSTP,
        signal.SIGTTIN,
        signal.SIGTTOU,
        signal.SIGURG,
        signal.SIGWINCH,
        signal.SIGKILL,
        signal.SIGPIPE,
    }
    return sorted(signal.valid_signals() - harmless)


@test
def every_signal_that_ends_the_process_removes_its_socket(scratch):
    for number in fatal_signals():
        with Running(scratch) as running:
            running.process.send_signal(number)
            assert running.ended() in (-number, 128 + number), (number, running.process.returncode)
        assert not os.path.exists(scratch.monitor), number


def wait_until_written(running):
    """Waits until the output is full without a reader: 8192 records, or a few less."""

    def instructions():
        return running.execute("query-cpus-fast")["return"][0]["instructions"]

    running.execute("qmp_capabilities")
    wait_for(lambda: instructions() > 8000 * len(printer([])), "the guest does not write")


@test
def a_console_that_nobody_reads_leaves_signals_and_monitor_alive(scratch):
    kernel = printing_kernel(scratch, [LOOP])
    for clock in "host", "insn":
        for number in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
            with Running(scratch, "--clock", clock, kernel=kernel, text=False) as running:
                wait_until_written(running)
                for _ in range(20):
                    assert running.execute("query-status")["return"]["running"]
                running.process.send_signal(number)
                assert running.ended() == 128 + number, running.process.returncode
                lost = running.process.stderr.read()
                assert lost.endswith(b" bytes of console output were not read\n"), lost
            assert not os.path.exists(scratch.monitor), number


@test
def a_slow_reader_loses_nothing(scratch):
    kernel = printing_kernel(scratch, POWER_OFF)
    for clock in "host", "insn":
        with Running(scratch, "--clock", clock, kernel=kernel, text=False) as running:
            wait_until_written(running)
            out = running.process.stdout
            for number in range(RECORDS):
                got = out.read(16)
                assert got == record(number), (number, got)
            assert out.read() == b""
            assert running.ended() == 0


@test
def with_clock_insn_the_reader_does_not_change_the_run(scratch):
    kernel = printing_kernel(scratch, POWER_OFF)
    stats = []
    for slow in False, True:
        with Running(
            scratch, "--clock", "insn", "-smp", "2", "--stats", kernel=kernel, text=False
        ) as running:
            if slow:
                wait_until_written(running)
            out, err = running.process.communicate(timeout=PATIENCE)
            assert out == b"".join(map(record, range(RECORDS)))
            words = dict(word.split(b"=") for word in err.split(b"fwnmi: stats: ")[1].split())
            stats.append((words[b"instructions"], words[b"guest_seconds"]))
    assert stats[0] == stats[1], stats


@test
def standard_error_that_nobody_reads_leaves_the_monitor_alive(scratch):
    # An unknown call, over and over. Its messages are rate-limited, so the pipe of standard error
    # is filled beforehand.
    kernel = scratch.file("unknown.elf", elf([li(3, 0x7FFC), SC_1, branch(-2)]))
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    while True:
        try:
            os.write(writer, b"x" * 4096)
        except BlockingIOError:
            break
    os.set_blocking(writer, True)
    process = subprocess.Popen(
        [
            FWNMI,
            "run",
            "-kernel",
            kernel,
            "--monitor",
            scratch.monitor,
            "--debug",
            "-serial",
            "null",
        ],
        stdin=subprocess.DEVNULL,
        stderr=writer,
    )
    try:
        qmp.Client(scratch.monitor, PATIENCE, lambda: process.poll() is None).close()
        process.terminate()
        assert process.wait(timeout=PATIENCE) == 128 + signal.SIGTERM
    finally:
        process.kill()
        process.wait()
        os.close(reader)
        os.close(writer)
    assert not os.path.exists(scratch.monitor)


@test
def a_guest_cannot_flood_standard_error(scratch):
    # 17 unknown calls, then H_CEDE for a second of guest time, which is free with --clock insn.
    code = [
        li(20, 17),
        li(3, 0x7FFC),
        SC_1,
        0x3694FFFF,
        0x4181FFF4,  # addic. r20,r20,-1; bgt
        lis(5, 0x2200),
        0x7CB603A6,
        li(3, 0xE0),
        SC_1,
        branch(-8),
    ]
    handler = [lis(5, 0x7FFF), 0x7CB603A6, 0x4C000024]  # mtdec r5; rfid
    kernel = elf(code, at={0x900: handler})
    with Running(
        scratch, "--clock", "insn", "--debug", kernel=scratch.file("flood.elf", kernel)
    ) as running:
        running.execute("qmp_capabilities")
        wait_for(
            lambda: running.execute("query-cpus-fast")["return"][0]["instructions"] > 1000000,
            "the guest does not run",
        )
        start = time.monotonic()
        running.execute("quit")
        assert running.ended() == 0
        lines = running.process.communicate()[1].splitlines()
    # The burst, at most one per second, and the last count.
    assert 64 < len(lines) < 64 + 2 + PATIENCE + (time.monotonic() - start), len(lines)
    assert lines[-1].startswith("fwnmi: debug: ") and lines[-1].endswith(
        " more lines are not shown"
    ), lines[-1]


@test
def only_one_machine_at_a_time_has_the_nvram_file(scratch):
    nvram = scratch.name("nvram")
    with Running(scratch, "--nvram", nvram) as running:
        refused(
            1,
            "run",
            "-kernel",
            scratch.kernel,
            "--nvram",
            nvram,
            why=f"run: cannot use NVRAM file {nvram}: process {running.process.pid} has it",
        )
    done = fwnmi("run", "-kernel", scratch.name("absent"), "--nvram", nvram)
    assert "has it" not in done.stderr, done.stderr


@test
def a_monitor_on_standard_input_is_refused_and_makes_no_file(scratch):
    before = scratch.files()
    done = subprocess.run(
        [FWNMI, "run", "-kernel", scratch.kernel, "-monitor", "stdio"],
        cwd=scratch.path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 2, done
    assert (
        done.stderr == "fwnmi: run: bad -monitor stdio: not none, PATH or unix:PATH of a socket\n"
    ), done.stderr
    assert scratch.files() == before


@test
def a_killed_machines_socket_is_replaced(scratch):
    with Running(scratch) as running:
        running.process.kill()
        running.ended()
    assert os.path.exists(scratch.monitor)
    with Running(scratch) as running:
        assert running.execute("qmp_capabilities") == {"return": {}}
        assert running.execute("quit") == {"return": {}}
        assert running.ended() == 0
    assert not os.path.exists(scratch.monitor)


@test
def stop_and_cont_hold_the_guest(scratch):
    def instructions():
        return running.execute("query-cpus-fast")["return"][0]["instructions"]

    with Running(scratch) as running:
        running.execute("qmp_capabilities")
        running.execute("stop")
        assert running.execute("query-status")["return"]["status"] == "paused"
        before = instructions()
        time.sleep(0.1)
        assert instructions() == before
        running.execute("cont")
        wait_for(lambda: instructions() > before, "the guest does not go on")


@test
def stats_are_printed_at_the_end(scratch):
    with Running(scratch, "--stats", "-smp", "2") as running:
        running.execute("qmp_capabilities")
        running.execute("quit")
        assert running.ended() == 0
        out, err = running.process.communicate()
        assert out == ""
        words = dict(word.split("=") for word in err.split("fwnmi: stats: ")[1].split())
        assert int(words["instructions"]) == int(words["cpu0"]) > 0, err
        assert int(words["cpu1"]) == 0, err
        assert float(words["host_seconds"]) > 0, err


@test
def an_injection_needs_a_listener(scratch):
    for kind in "machine-check", "system-reset":
        refused(1, "inject", "--monitor", scratch.monitor, kind, why="No such file")
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(scratch.monitor)
    dead.close()
    refused(1, "inject", "--monitor", scratch.monitor, "machine-check", why="nobody listens")
    refused(1, "inject", "--monitor", scratch.kernel, "machine-check", why="nobody listens")
    refused(1, "inject", "--monitor", "x" * 200, "machine-check", why="too long")


@test
def an_injection_needs_an_existing_running_cpu(scratch):
    with Running(scratch, "-smp", "2"):
        refused(
            1,
            "inject",
            "--monitor",
            scratch.monitor,
            "machine-check",
            "--cpu",
            "2",
            why="no CPU 2: the machine has 2",
        )
        refused(
            1,
            "inject",
            "--monitor",
            scratch.monitor,
            "system-reset",
            "--cpu",
            "1",
            why="CPU 1 is stopped",
        )


@test
def memory_is_poisoned_and_healed_on_request(scratch):
    inject = ["inject", "--monitor", scratch.monitor]
    refused(2, *inject, "poison", why="no address given")
    refused(2, *inject, "poison", "--address", "0", "--cpu", "1", why="cpu-index is not for memory")
    refused(
        2, *inject, "heal", "--address", "0", "--heal-on-write", why="heal-on-write is for poison"
    )
    refused(2, "inject", "--gdb", ":1234", "poison", "--address", "0", why="cannot poison memory")
    refused(2, *inject, "frobnicate", why="only machine-check, system-reset, poison, heal")
    with Running(scratch):
        done = fwnmi(*inject, "poison", "--address", "0x2345", "--heal-on-write")
        assert done.returncode == 0, done
        assert done.stdout == "poisoned memory\n  0x2300, 128 bytes, healed by overwriting\n", done
        refused(2, *inject, "poison", "--address", "1T", why="not an address")
        refused(1, *inject, "poison", "--address", "0x10000000000", why="memory ends at 0x")
        done = fwnmi(*inject, "poison", "--address", "8", "--length", "8", "--json")
        assert [one["address"] for one in json.loads(done.stdout)] == ["0x8", "0x2300"], done
        done = fwnmi(*inject, "heal", "--address", "0", "--length", "0x10000")
        assert (done.returncode, done.stdout) == (0, "poisoned memory: none\n"), done


@test
def errors_are_planted_and_cleared_on_request(scratch):
    inject = ["inject", "--monitor", scratch.monitor]
    refused(2, *inject, "plant", why="no effective-address given")
    refused(2, *inject, "plant", "--ea", "0", "--now", why="now is not for planting")
    refused(2, *inject, "clear", "--type", "TLB", why="type is not for clearing")
    refused(2, "inject", "--gdb", ":1234", "plant", "--ea", "0", why="cannot plant errors")
    with Running(scratch):
        done = fwnmi(*inject, "plant", "--ea", "0x10001234", "--pid", "7")
        assert done.returncode == 0, done
        assert done.stdout == (
            "planted errors\n"
            "  CPU 0, TLB multihit at 0x10001000, 4096 bytes, PID 7, fully-recovered\n"
        ), done
        refused(1, *inject, "plant", "--ea", "0", "--cpu", "9", why="no CPU 9")
        done = fwnmi(*inject, "plant", "--ea", "8", "--type", "ERAT", "--json")
        assert [one["type"] for one in json.loads(done.stdout)] == ["TLB", "ERAT"], done
        done = fwnmi(*inject, "clear")
        assert (done.returncode, done.stdout) == (0, "planted errors: none\n"), done
    with Running(scratch, "--engine-mc-exit", "off"):
        refused(1, *inject, "plant", "--ea", "0", why="cannot plant errors in translations with")


@test
def events_are_queued_on_request(scratch):
    inject = ["inject", "--monitor", scratch.monitor, "event"]
    refused(2, *inject, why="either log or epow must be given")
    refused(2, *inject, "--epow", "explode", why="there is no explode")
    refused(2, *inject, "--log", "06", "--cpu", "1", why="the arguments must be")
    refused(2, "inject", "--gdb", ":1", "event", "--epow", "reset", why="cannot queue a log")
    with Running(scratch):
        done = fwnmi(*inject, "--epow", "warn-cooling")
        assert (done.returncode, done.stdout) == (0, "queued\n"), done
        refused(1, *inject, "--log", "05", why="cannot queue the log")


@test
def a_guest_that_has_not_registered_gets_the_architected_vectors(scratch):
    with Running(scratch, kernel=scratch.recoverable):
        done = fwnmi(
            "inject",
            "--monitor",
            scratch.monitor,
            "system-reset",
            "--json",
            "--timeout",
            str(PATIENCE),
        )
        report = json.loads(done.stdout)
        assert done.returncode == 0, done
        assert report["delivered"] and not report["interlocked"]
        assert report["injection"]["handler"] == "0x100"
        assert report["injection"]["nip"] == "0x1008"
        assert report["injection"]["registered"] is False
        # MSR[RI] is 0 now, so only --now can interrupt.
        done = fwnmi("inject", "--monitor", scratch.monitor, "machine-check", "--timeout", "1")
        assert done.returncode == 1 and "time limit" in done.stderr, done
        done = fwnmi(
            "inject", "--monitor", scratch.monitor, "machine-check", "--now", "--timeout", "10"
        )
        assert done.returncode == 1, done
        assert done.stderr == NOT_REGISTERED, done
        assert done.stdout.startswith("machine check, CPU 0: SLB multihit\n"), done.stdout
        assert "interrupted  NIP 0x100," in done.stdout, done.stdout
        assert "architected vector at 0x200" in done.stdout, done.stdout
        assert "cause        SRR1 0x" in done.stdout, done.stdout
        assert (
            "warning      MSR[RI] was 0: no operating system can recover" in done.stdout
        ), done.stdout


NOT_REGISTERED = "fwnmi: inject: the guest has not registered: it will not call ibm,nmi-interlock\n"


@test
def json_of_an_unregistered_guest_has_its_problem_and_stderr_the_line(scratch):
    with Running(scratch, kernel=scratch.recoverable):
        done = fwnmi(
            "inject", "--monitor", scratch.monitor, "machine-check", "--timeout", "2", "--json"
        )
        report = json.loads(done.stdout)
        assert done.returncode == 1 and done.stderr == NOT_REGISTERED, done
        assert not report["ok"] and report["delivered"] and not report["interlocked"], report
        assert f"fwnmi: inject: {report['problem']}\n" == NOT_REGISTERED, report
        assert report["injection"]["recoverable"] is True, report
        assert report["injection"]["cause"]["type"] == "SLB", report
        assert "warnings" not in report and "no-handler" not in report["injection"], report


@test
def an_event_before_the_guest_has_handlers_says_so(scratch):
    empty = scratch.file("empty.elf", elf([LOOP], at={0x100: [ILLEGAL], 0x200: [ILLEGAL]}))
    inject = ["inject", "--monitor", scratch.monitor, "--now", "--timeout", "2"]
    nothing = "the guest has no handler yet: there is no code at the vector"
    unrecoverable = "MSR[RI] was 0: no operating system can recover"
    with Running(scratch, kernel=empty):
        done = fwnmi(*inject, "system-reset", "--json")
        report = json.loads(done.stdout)
        assert done.returncode == 0 and done.stderr == "", done
        assert report["warnings"] == [unrecoverable, nothing], report
        assert report["injection"]["no-handler"] == "empty-vector", report
        done = fwnmi(*inject, "machine-check")
        assert done.returncode == 1 and f"  warning      {nothing}\n" in done.stdout, done


@test
def a_system_reset_of_one_cpu_warns_only_where_there_are_others(scratch):
    inject = ["inject", "--monitor", scratch.monitor, "--timeout", "2", "system-reset"]
    with Running(scratch, "-smp", "2", kernel=scratch.recoverable):
        # CPU 1 has not been started.
        for more in [], ["--cpu", "0", "--now"]:
            done = fwnmi(*inject, *more)
            assert done.returncode == 0 and done.stderr == "", done
        done = fwnmi(*inject, "--json", "--now")
        report = json.loads(done.stdout)
        assert report["ok"] and [cpu["injection"]["cpu-index"] for cpu in report["cpus"]] == [
            0
        ], report
    with Running(scratch, kernel=scratch.recoverable):
        report = json.loads(fwnmi(*inject, "--json").stdout)
        assert "cpus" not in report and report["injection"]["cpu-index"] == 0, report


@test
def qemus_options_that_change_nothing_are_accepted(scratch):
    with Running(
        scratch,
        "-nodefaults",
        "-nographic",
        "-display",
        "none",
        "-vga",
        "none",
        "-M",
        "pseries",
        "-cpu",
        "POWER9",
        "-m",
        "1.5G",
        "-smp",
        "2,cores=2",
        "-net",
        "none",
    ) as running:
        running.execute("qmp_capabilities")
        assert len(running.execute("query-cpus-fast")["return"]) == 2
        running.execute("quit")
        assert running.ended() == 0
        assert running.process.communicate() == ("", "")


@test
def an_unknown_option_names_the_nearest_one(scratch):
    refused(2, "run", "-kernal", "x", why="unknown option -kernal: did you mean -kernel?")
    refused(
        2,
        "inject",
        "--severty=fatal",
        why="unknown option --severty=fatal: did you mean --severity?",
    )
    refused(2, "attach", "--timout", "1", why="unknown option --timout: did you mean --timeout?")
    refused(1, "log", "--jsno", why="unknown option --jsno: did you mean --json?")
    refused(2, "inject", "--frobnicate", why="unknown option --frobnicate: see fwnmi inject --help")


@test
def a_machine_that_ends_answers_the_waiting_injector(scratch):
    with Running(scratch) as running:
        injector = subprocess.Popen(
            [FWNMI, "inject", "--monitor", scratch.monitor, "machine-check"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        # Wait for its connection, next to ours. Whatever its progress, it learns of the end.
        wait_for(lambda: connections(scratch.monitor) == 2, "the injector does not connect")
        running.process.terminate()
        out, err = injector.communicate(timeout=PATIENCE)
        assert injector.returncode == 1 and "machine" in err, (out, err)


@test
def an_illegal_instruction_is_named(scratch):
    kernel = scratch.file("illegal.elf", elf([ILLEGAL]))
    with Running(scratch, kernel=kernel) as running:
        err = running.process.stderr.readline()
        assert "fwnmi: guest: " in err, err
        assert "illegal or unimplemented instruction 0x00000000 at 0x1000" in err, err


def needs_a_host_without_kvm():
    """Skips on POWER hosts, where the result of -accel kvm depends on the kernel."""
    if platform.machine().startswith("ppc64"):
        raise tap.Missing("this host may have a KVM for us")


@test
def kvm_is_refused_in_one_line_on_a_host_without_kvm(scratch):
    needs_a_host_without_kvm()
    before = scratch.files()
    common = ["run", "-kernel", scratch.kernel, "--monitor", scratch.monitor]
    for options in ["-accel", "kvm"], ["--accel=kvm"], ["-accel", "kvm", "-smp", "2", "-m", "1G"]:
        refused(1, *common, *options, why="-accel kvm: KVM runs POWER guests on POWER hosts only")
    refused(1, *common, "-accel", "kvm:kvm", why="-accel kvm:kvm: KVM runs POWER guests")
    assert scratch.files() == before, scratch.files()


def line_at_start(scratch, *options):
    """The messages of a machine that then runs until it is told to end."""
    with Running(scratch, *options) as running:
        running.execute("qmp_capabilities")
        wait_for(
            lambda: running.execute("query-cpus-fast")["return"][0]["instructions"],
            "the guest does not run",
        )
        running.execute("quit")
        assert running.ended() == 0
        lines = running.process.communicate()[1].splitlines()
        assert len(lines) == 1, lines
        return lines[0]


@test
def a_list_of_accelerators_says_which_is_used_and_why(scratch):
    needs_a_host_without_kvm()
    assert line_at_start(scratch, "-accel", "kvm:emu") == (
        "fwnmi: run: -accel kvm:emu: emu is used; KVM runs POWER guests on POWER hosts only"
    )
    assert line_at_start(scratch, "-accel", "emu:kvm") == "fwnmi: run: -accel emu:kvm: emu is used"


@test
def clock_insn_needs_emu(scratch):
    common = ["run", "-kernel", scratch.kernel, "--monitor", scratch.monitor, "-accel"]
    for clock in ["--clock=insn"], ["--clock", "insn"], ["-clock", "insn"]:
        refused(
            1,
            *common,
            "kvm",
            *clock,
            why="--clock insn needs -accel emu: KVM cannot count instructions",
        )
    assert line_at_start(scratch, "-accel", "kvm:emu", "--clock", "insn") == (
        "fwnmi: run: -accel kvm:emu: emu is used; --clock insn needs -accel emu: "
        "KVM cannot count instructions"
    )


@test
def bad_lists_of_accelerators_are_refused(scratch):
    for bad in "", "tcg", "KVM", "kvm:", ":kvm", "kvm::emu", "kvm:tcg", "emu,kvm", "kvm emu", ":":
        refused(
            2,
            "run",
            "-kernel",
            scratch.kernel,
            "-accel",
            bad,
            why=f"bad -accel {bad}: not emu, kvm, or a list such as kvm:emu",
        )
    refused(2, "run", "-kernel", scratch.kernel, "-accel", why="needs a value")


class Terminal:
    """fwnmi run on its own terminal."""

    def __init__(self, scratch):
        try:
            self.master, slave = pty.openpty()
        except OSError as e:
            raise tap.Missing(f"no pseudo-terminals: {e}") from e
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.process = subprocess.Popen(
            [FWNMI, "run", "-kernel", scratch.kernel],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        wait_for(self.is_raw, "the terminal does not become raw")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def is_raw(self):
        return not termios.tcgetattr(self.slave)[3] & (termios.ICANON | termios.ECHO | termios.ISIG)

    def is_restored(self):
        return termios.tcgetattr(self.slave) == self.before

    def type(self, keys):
        os.write(self.master, keys)

    def output(self, wanted):
        text = b""
        while wanted not in text:
            assert select.select([self.master], [], [], PATIENCE)[0], text
            text += os.read(self.master, 4096)
        return text


@test
def ctrl_a_x_ends_the_machine_and_restores_the_terminal(scratch):
    with Terminal(scratch) as terminal:
        terminal.type(b"abc\x01x")
        assert terminal.process.wait(timeout=PATIENCE) == 0
        assert terminal.is_restored()


@test
def ctrl_a_h_helps(scratch):
    with Terminal(scratch) as terminal:
        terminal.type(b"\x01h")
        terminal.output(b"Ctrl-a x")
        terminal.type(b"\x01")
        terminal.type(b"x")
        assert terminal.process.wait(timeout=PATIENCE) == 0


@test
def ctrl_c_goes_to_the_guest(scratch):
    with Terminal(scratch) as terminal:
        terminal.type(b"\x03\x1a\x1c")
        time.sleep(0.2)
        assert terminal.process.poll() is None
        assert terminal.is_raw()


@test
def the_terminal_is_restored_on_signals(scratch):
    for number in fatal_signals():
        with Terminal(scratch) as terminal:
            terminal.process.send_signal(number)
            terminal.process.wait(timeout=PATIENCE)
            assert terminal.is_restored(), number


@test
def a_stopped_machine_leaves_a_sane_terminal_and_takes_it_again(scratch):
    with Terminal(scratch) as terminal:
        terminal.process.send_signal(signal.SIGTSTP)
        wait_for(terminal.is_restored, "the terminal is not restored")
        terminal.process.send_signal(signal.SIGCONT)
        wait_for(terminal.is_raw, "the terminal does not become raw again")
        terminal.type(b"\x01x")
        assert terminal.process.wait(timeout=PATIENCE) == 0
        assert terminal.is_restored()


@test
def closed_standard_descriptors_do_no_harm(scratch):
    done = subprocess.Popen(
        [
            "sh",
            "-c",
            'exec "$@" <&- >&-',
            "sh",
            FWNMI,
            "run",
            "-kernel",
            scratch.kernel,
            "--monitor",
            scratch.monitor,
        ],
        stderr=subprocess.PIPE,
    )
    wait_for(lambda: os.path.exists(scratch.monitor), "no monitor")
    time.sleep(0.1)
    assert done.poll() is None, done.stderr.read()
    done.terminate()
    assert done.wait(timeout=PATIENCE) == 128 + signal.SIGTERM
    done.stderr.close()


def in_scratch(function):
    """Runs a test in a directory of its own."""
    scratch = Scratch()
    try:
        return function(scratch)
    finally:
        shutil.rmtree(scratch.path)


def run(functions):
    return tap.run([(function.__name__, in_scratch, function) for function in functions])


if __name__ == "__main__":
    sys.exit(run(TESTS))
