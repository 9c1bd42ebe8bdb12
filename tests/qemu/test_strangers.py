#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Anything but the stub of a QEMU with a POWER machine is refused in one line.

usage: test_strangers.py [--build DIR]
"""

import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

import qemu
import guest as harness
from guest import Check, Failure, Missing, expect
from qemu import FakeStub, answers

X86_STUB = {
    "qSupported": "PacketSize=1000;qXfer:features:read+",
    "vCont?": "vCont;c;C;s;S",
    "qXfer:features:read:target.xml": "l<target><architecture>i386:x86-64</architecture></target>",
    "?": "S05",
    "D": "OK",
}


def refused(build, where, pattern, **environment):
    """Both commands that connect print the same message, after their own name."""
    for command, words in (("inject", ["machine-check"]), ("attach", [])):
        done = subprocess.run(
            [build.fwnmi, command, "--gdb", where, *words],
            text=True,
            capture_output=True,
            check=False,
            timeout=harness.ANSWER * harness.patience(),
            env={**os.environ, **environment},
        )
        yield expect(f"{command}: exit status", done.returncode, 1)
        yield Check(
            f"{command}: one line: {pattern}",
            re.fullmatch(f"fwnmi: {command}: {pattern}\n", done.stderr),
            done.stderr,
        )
        yield expect(f"{command}: nothing on standard output", done.stdout, "")


def nobody(build):
    with socket.socket() as bound, tempfile.TemporaryDirectory() as scratch:
        bound.bind(("127.0.0.1", 0))
        left = os.path.join(scratch, "left")  # a socket without its server
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(left)
        for where in (
            f"127.0.0.1:{bound.getsockname()[1]}",
            f"unix:{scratch}/never",
            f"unix:{left}",
        ):
            yield from refused(
                build, where, rf"cannot connect to {re.escape(where)}: nobody listens there"
            )


def no_address(build):
    for where, line in (
        ("nowhere", r"bad address nowhere: not HOST:PORT or unix:PATH"),
        ("unix:", r"cannot connect to unix:: the path is empty"),
        ("unix:" + "x" * 120, r"cannot connect to unix:x+: the path is too long for a socket"),
    ):
        yield from refused(build, where, line)


GDB = ["--gdb", "127.0.0.1:1"]
BAD_COMMAND_LINES = [
    ("inject machine-check", r"no machine given: --monitor PATH or --gdb HOST:PORT"),
    (
        "inject machine-check GDB --monitor /tmp/m",
        r"only one machine can be given: --monitor and --gdb",
    ),
    (
        "inject GDB",
        r"no event given: machine-check, system-reset, poison, heal, plant, clear or event",
    ),
    ("inject machine-check --gdb", r"option --gdb needs a value"),
    (
        "inject machine-check --monitor /tmp/m --kernel k",
        r"--kernel needs a guest behind a gdb stub: --gdb HOST:PORT",
    ),
    (
        "inject machine-check --monitor /tmp/m --nested",
        r"--nested needs a guest behind a gdb stub: .*",
    ),
    ("inject machine-check GDB --nested=yes", r"option --nested takes no value"),
    (
        "inject machine-check GDB --handlers 0x1920",
        r"bad --handlers 0x1920: not SRESET,MCHECK, two real addresses",
    ),
    (
        "inject machine-check GDB --handlers 0x1920,0x1991",
        r"bad --handlers 0x1920,0x1991: not addresses of instructions in the first 32 MiB",
    ),
    (
        "inject machine-check GDB --handlers 0x1920,0x2000000",
        r"bad --handlers \S+: not addresses of instructions in the first 32 MiB",
    ),
    ("inject machine-check GDB --rtas here", r"bad --rtas here: not BASE\[,SIZE\]"),
    ("inject machine-check GDB --rtas 0x2fff0000,0", r"bad --rtas \S+: not BASE\[,SIZE\]"),
    (
        "inject machine-check GDB --process init",
        r"--process needs the guest's kernel: --kernel VMLINUX",
    ),
    ("inject machine-check GDB --at panic --now", r"--at contradicts --now: .*"),
    ("inject machine-check GDB --kernel k --process 1 --now", r"--process contradicts --now: .*"),
    ("attach", r"no guest given: --gdb HOST:PORT or --gdb unix:PATH"),
    ("attach GDB --timeout 0", r"bad --timeout 0: not a number of seconds up to 3600"),
    ("attach GDB --nested", r"unknown option --nested: see fwnmi attach --help"),
    ("attach GDB --kernal k", r"unknown option --kernal: did you mean --kernel\?"),
    ("attach GDB machine-check", r"unexpected argument machine-check: see fwnmi attach --help"),
]


def refuses(build, what, words, status, pattern):
    """The program ends with this status and one line that matches."""
    done = subprocess.run(
        [build.fwnmi, *words],
        text=True,
        capture_output=True,
        check=False,
        timeout=harness.ANSWER * harness.patience(),
    )
    yield expect(f"{what}: exit status", done.returncode, status)
    yield Check(
        f"{what}: one line: {pattern}",
        re.fullmatch(f"fwnmi: {words[0]}: {pattern}\n", done.stderr),
        done.stderr,
    )


def command_lines(build):
    for line, pattern in BAD_COMMAND_LINES:
        words = [word for part in line.split() for word in (GDB if part == "GDB" else [part])]
        yield from refuses(build, line, words, 2, pattern)


def helps(build):
    """Each says how to reach a QEMU guest."""
    for words in (
        ["inject", "--help"],
        ["attach", "--help"],
        ["help", "inject"],
        ["help", "attach"],
    ):
        done = subprocess.run([build.fwnmi, *words], text=True, capture_output=True, check=False)
        yield expect(f"{words}: exit status", (done.returncode, done.stderr), (0, ""))
        for option in (
            "--gdb HOST:PORT|unix:PATH",
            "--kernel VMLINUX",
            "--rtas BASE[,SIZE]",
            "--state FILE",
            "--json",
        ):
            yield Check(f"{words}: {option}", option in done.stdout, done.stdout)


def fake(build, name, talk, line):
    with tempfile.TemporaryDirectory() as scratch, FakeStub(scratch, name, talk) as stub:
        yield from refused(build, f"unix:{stub.path}", line)


def program(path, order, machine, flags, code):
    """An ELF file with a program of one instruction."""
    base = 0x400000
    header = struct.pack(
        order + "4sBBBB8xHHIQQQIHHHHHH",
        b"\x7fELF",
        2,
        1 if order == "<" else 2,
        1,
        0,
        2,
        machine,
        1,
        base + 120,
        64,
        0,
        flags,
        64,
        56,
        1,
        0,
        0,
        0,
    )
    segment = struct.pack(
        order + "IIQQQQQQ", 1, 5, 0, base, base, 120 + len(code), 120 + len(code), 0x1000
    )
    with open(path, "wb") as f:
        f.write(header + segment + code)
    os.chmod(path, 0o755)


# A branch to itself, for x86-64 and for POWER (ABI version 2, without function descriptors).
ACCEPTS = "00010000"  # in the column Flags of /proc/net/unix
X86_LOOP = ("<", 62, 0, b"\xeb\xfe")
POWER_LOOP = (">", 21, 2, b"\x48\0\0\0")


def is_listening(path):
    """The socket file exists before one can connect: bind() creates it before listen()."""
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as f:
        return any(fields[3] == ACCEPTS and fields[-1] == path for fields in map(str.split, f))


def user_stub(build, emulator_name, loop, line):
    """The stub of QEMU's user emulation. Its program is stopped until the client detaches."""
    emulator = shutil.which(emulator_name)
    if not emulator:
        raise Missing(f"{emulator_name} is not installed (package qemu-user)")
    for command in ("inject", "attach"):
        with tempfile.TemporaryDirectory() as scratch:
            path, listens = os.path.join(scratch, "program"), os.path.join(scratch, "gdb")
            program(path, *loop)
            process = subprocess.Popen(
                [emulator, "-g", listens, path],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                deadline = time.monotonic() + harness.ANSWER * harness.patience()
                while not is_listening(listens):
                    if process.poll() is not None or time.monotonic() > deadline:
                        raise Failure(f"{emulator_name} does not listen")
                    time.sleep(0.01)
                # It accepts only one connection.
                words = [command, "--gdb", f"unix:{listens}"]
                if command == "inject":
                    words.append("machine-check")
                yield from refuses(build, command, words, 1, line)
                yield Check(f"{command}: the program runs on", is_running(process), process.poll())
            finally:
                process.kill()
                process.wait()


def is_running(process):
    """Does the process use CPU time, as a branch to itself does?"""

    def used():
        with open(f"/proc/{process.pid}/stat", encoding="ascii") as f:
            return int(f.read().rpartition(")")[2].split()[11])

    before, deadline = used(), time.monotonic() + harness.ANSWER * harness.patience()
    while time.monotonic() < deadline and process.poll() is None:
        if used() > before:
            return True
        time.sleep(0.01)
    return False


def define(tap, build, words, stack):
    tap.test("an_address_where_nobody_listens_is_refused", nobody, build)
    tap.test("an_invalid_address_is_refused", no_address, build)
    tap.test("command_lines_that_make_no_sense_are_refused", command_lines, build)
    tap.test("the_help_texts_say_how_to_reach_a_guest", helps, build)
    tap.test(
        "the_stub_of_an_x86_program_is_refused_and_the_program_runs_on",
        user_stub,
        build,
        "qemu-x86_64",
        X86_LOOP,
        r"the guest at \S+ is not 64-bit POWER: its architecture is i386:x86-64",
    )
    tap.test(
        "the_stub_of_a_power_program_is_refused_and_the_program_runs_on",
        user_stub,
        build,
        "qemu-ppc64",
        POWER_LOOP,
        r"the stub at \S+ provides no access to real memory: it is not that of QEMU's system emulation",
    )
    for name, talk, line in (
        (
            "a_qmp_monitor_is_refused",
            lambda c: (c.sendall(b'{"QMP": {"version": {}}}\r\n'), c.recv(4096)),
            r"there is no gdb stub at \S+",
        ),
        (
            "a_server_that_hangs_up_at_once_is_refused",
            lambda c: None,
            r"the stub at \S+ closed the connection",
        ),
        (
            "a_server_that_never_answers_is_refused",
            lambda c: any(not c.recv(4096) for _ in iter(int, 1)),
            r"\S+ does not answer: no gdb stub, or another debugger is attached",
        ),
        (
            "a_server_that_sends_only_damaged_packets_is_refused",
            lambda c: [c.sendall(b"$OK#00") for _ in range(9)] + [c.recv(4096) for _ in range(9)],
            r"there is no gdb stub at \S+",
        ),
        (
            "a_stub_of_an_x86_machine_is_refused",
            answers(X86_STUB),
            r"the guest at \S+ is not 64-bit POWER: its architecture is i386:x86-64",
        ),
        (
            "a_stub_that_describes_no_registers_is_refused",
            answers({"qSupported": "PacketSize=1000"}),
            r"the stub at \S+ does not describe its registers",
        ),
        (
            "a_stub_whose_packets_do_not_end_is_refused",
            lambda c: [c.sendall(b"$" + b"a" * 60000) for _ in range(9)],
            r"the stub at \S+ sends packets that are too long",
        ),
        (
            "a_description_that_is_cut_is_refused",
            answers({**X86_STUB, "qXfer:features:read:target.xml": "l<target><reg name='r0'"}),
            r"the description from the stub at \S+ is invalid: it ends inside a tag",
        ),
    ):
        tap.test(name, fake, build, name, talk, line)


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n", maxsplit=1)[0]))
