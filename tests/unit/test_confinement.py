#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the running program has given up, and how much memory untrusted files make it use.

usage: test_confinement.py FWNMI        speaks TAP

The confinement itself is tested from inside by test_cmd_sandbox.c; here it is looked at from
outside, in /proc.
"""

import os
import platform
import resource
import signal
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from test_cli import FWNMI, PATIENCE, Running, refused, run, wait_for  # noqa: E402
import qmp  # noqa: E402
from kernels import LOOP, POWER_OFF, elf, header, section, segment  # noqa: E402

TESTS = []
TRANSLATES = platform.machine() in ("x86_64", "aarch64")
LIMIT_KIB = 64 << 10  # ordinary runs need a tenth; the files claim a hundred times more


def test(function):
    TESTS.append(function)
    return function


# ---- what is given up ----------------------------------------------------------------------------


def status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f)


def seccomp(pid):
    return status(pid)["Seccomp"].strip()


def assert_confined(pid):
    seen = status(pid)
    assert seen["Seccomp"].strip() == "2", f"Seccomp: {seen['Seccomp']}"
    assert seen["NoNewPrivs"].strip() == "1", f"NoNewPrivs: {seen['NoNewPrivs']}"
    for name in "CapInh", "CapPrm", "CapEff", "CapAmb":
        assert int(seen[name], 16) == 0, f"{name}: {seen[name]}"
    if os.geteuid() == 0:
        assert int(seen["CapBnd"], 16) == 0, f"CapBnd: {seen['CapBnd']}"
    with open(f"/proc/{pid}/limits", encoding="ascii") as f:
        core = next(line for line in f if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"], core


@test
def a_running_guest_is_confined_unless_told_otherwise(scratch):
    for words in [], ["-sandbox", "on"], ["--sandbox=on"]:
        with Running(scratch, *words) as guest:
            wait_for(lambda guest=guest: seccomp(guest.process.pid) == "2", "it is not confined")
            assert_confined(guest.process.pid)
            guest.execute("qmp_capabilities")
            guest.execute("quit")
            assert guest.ended() == 0
    for words in ["-sandbox", "off"], ["--sandbox=off"]:
        with Running(scratch, *words) as guest:
            guest.execute("qmp_capabilities")  # by now it must be confined
            assert seccomp(guest.process.pid) == "0"
            guest.process.terminate()
            guest.ended()
    assert scratch.files() == ["loop.elf", "recoverable.elf"], scratch.files()


@test
def a_confined_machine_reboots_and_takes_many_clients_and_writes_nvram(scratch):
    nvram = scratch.name("nvram")
    with Running(
        scratch, "--nvram", nvram, "--stats", "-serial", "file:" + scratch.name("log")
    ) as guest:
        guest.execute("qmp_capabilities")
        for _ in range(3):
            guest.execute("system_reset")
            qmp.Client(scratch.monitor, PATIENCE).close()
        guest.execute("query-cpus-fast")
        guest.execute("quit")
        assert guest.ended() == 0
        assert "max_rss_kib=" in guest.process.stderr.read()
    os.unlink(nvram)
    os.unlink(scratch.name("log"))


@test
def other_words_than_on_and_off_are_refused(scratch):
    refused(
        2,
        "run",
        "-kernel",
        scratch.kernel,
        "-sandbox",
        "yes",
        why="bad --sandbox yes: not on or off",
    )
    refused(2, "attach", "--gdb", ":1", "--sandbox=", why="bad --sandbox : not on or off")


def mappings(pid):
    """Returns the permissions and the name of each mapping."""
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as f:
        fields = [line.rstrip("\n").split(None, 5) for line in f]
    return [(line[1], line[5] if len(line) > 5 else "") for line in fields]


def assert_code_is_not_writable(pid, memories):
    """Memory for translated code, of which there are so many, is mapped twice; see the names."""
    seen = mappings(pid)
    both = [entry for entry in seen if "w" in entry[0] and "x" in entry[0]]
    assert not both, both
    code = sorted(permissions for permissions, name in seen if "fwnmi-translated-code" in name)
    assert code == ["r-xs"] * memories + ["rw-s"] * memories, code


@test
def no_memory_is_writable_and_executable_at_one_address(scratch):
    for jit in ["off", "force", "check"] if TRANSLATES else ["off"]:
        with Running(scratch, "--jit", jit) as guest:
            wait_for(lambda guest=guest: seccomp(guest.process.pid) == "2", "it is not confined")
            assert_code_is_not_writable(guest.process.pid, jit != "off")


@test
def code_that_cannot_be_translated_is_told_of(scratch):
    """Files, memory's too, may have 1 MiB: less than translated code takes."""
    small = (1 << 20, 1 << 20)
    kernel = scratch.file("off.elf", elf(POWER_OFF))

    def began(jit):
        return subprocess.run(
            [FWNMI, "run", "-kernel", kernel, "--jit", jit],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, small),
        )

    if not TRANSLATES:
        return
    for jit, status, why in (
        ("off", 0, ""),
        ("auto", 0, "cannot translate code: File too large; the guest's code is interpreted"),
        ("on", 1, "cannot translate code: File too large"),
    ):
        done = began(jit)
        assert done.returncode == status, f"{jit}: exit {done.returncode}: {done.stderr}"
        assert len(done.stderr.splitlines()) == bool(why), done.stderr
        assert why in done.stderr, done.stderr
    os.unlink(kernel)


class Silent:
    """Listens and never sends anything."""

    def __init__(self, scratch):
        self.path = scratch.name("silent")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.settimeout(PATIENCE)
        self.listener.bind(self.path)
        self.listener.listen(8)
        self.connections = []

    def accept(self):
        self.connections.append(self.listener.accept()[0])

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for one in [*self.connections, self.listener]:
            one.close()
        os.unlink(self.path)


def started(*words):
    return subprocess.Popen(
        [FWNMI, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def children(process):
    with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as f:
        return [int(word) for word in f.read().split()]


def child(process):
    return children(process)[0]


@test
def no_memory_of_a_lab_that_boots_a_guest_is_writable_and_executable(scratch):
    workers = 2
    results = scratch.name("results")
    process = started(
        *("test", "-kernel", scratch.kernel, "--results", results, "-j", str(workers)),
        *("--jit", "force" if TRANSLATES else "off"),
    )
    wait_for(lambda: any(seccomp(pid) == "2" for pid in children(process)), "it is not confined")
    for pid in children(process):
        if seccomp(pid) == "2":  # it has the memories of its workers
            assert_code_is_not_writable(pid, TRANSLATES * (1 + workers))
    process.terminate()
    process.communicate(timeout=PATIENCE)
    for name in scratch.files():
        if name.startswith("results"):
            os.unlink(scratch.name(name))


@test
def a_session_with_a_stub_is_confined(scratch):
    state = scratch.name("state")
    for words in (["attach"], ["inject", "system-reset"]):
        for sandbox, wanted in ("on", "2"), ("off", "0"):
            with Silent(scratch) as stub:
                process = started(
                    *words, "--gdb", "unix:" + stub.path, "--state", state, "--sandbox=" + sandbox
                )
                stub.accept()
                assert stub.connections[0].recv(100).startswith(b"$qSupported")
                assert seccomp(child(process)) == wanted, (words, sandbox)
                if sandbox == "on":
                    assert_confined(child(process))
                process.send_signal(signal.SIGINT)
                out, said = process.communicate(timeout=PATIENCE)
                assert (out, said) == ("", f"fwnmi: {words[0]}: interrupted\n"), said
                assert process.returncode == 1
    assert scratch.files() == ["loop.elf", "recoverable.elf"], scratch.files()


@test
def a_guest_is_resumed_if_the_confined_process_dies(scratch):
    with Silent(scratch) as stub:
        process = started("attach", "--gdb", "unix:" + stub.path, "--state", scratch.name("state"))
        stub.accept()
        stub.connections[0].recv(100)
        os.kill(child(process), signal.SIGSYS)
        stub.accept()
        again = stub.connections[1]
        got = again.recv(100)
        assert got.startswith(b"$Qqemu.PhyMemMode:0#"), got
        again.sendall(b"+$OK#9a")
        got = again.recv(100)
        assert b"$qXfer:features:read:target.xml" in got, got
        again.sendall(b"+$l#6c")
        got = again.recv(100)
        assert b"$D#44" in got, got
        again.sendall(b"+$OK#9a")
        _, said = process.communicate(timeout=PATIENCE)
        assert said == (
            "fwnmi: attach: the confined process was killed by a signal: Bad system call\n"
        ), said
        assert process.returncode == 1


@test
def a_client_of_the_monitor_is_confined(scratch):
    with Silent(scratch) as monitor:
        process = started("inject", "--monitor", monitor.path, "system-reset")
        monitor.accept()
        wait_for(lambda: seccomp(process.pid) == "2", "it is not confined")
        assert_confined(process.pid)
        process.terminate()
        process.communicate(timeout=PATIENCE)


# ---- untrusted files -----------------------------------------------------------------------------


def sparse(scratch, size, content):
    path = scratch.file("hostile.elf", content)
    os.truncate(path, size)
    return path


def measured(*words):
    """Returns exit status, standard error and peak KiB of a run that must end by itself."""
    with subprocess.Popen(
        [FWNMI, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        end = time.monotonic() + 10 * PATIENCE
        said = process.stderr.read()
        while True:
            pid, result, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            assert time.monotonic() < end, "it does not end"
            time.sleep(0.01)
        process.returncode = os.waitstatus_to_exitcode(result)
        return process.returncode, said, usage.ru_maxrss


def refused_cheaply(why, *words):
    code, said, kib = measured(*words)
    assert code == 1, f"exit {code}: {said}"
    assert said.startswith("fwnmi: ") and said.count("\n") == 1 and why in said, said
    assert kib < LIMIT_KIB, f"{kib} KiB for {said}"


GIB, TIB = 1 << 30, 1 << 40
HOSTILE_KERNELS = {
    "a sparse GiB that is all program headers": (GIB, header(phnum=0xFFFE), "no segments to load"),
    "more program headers than are counted": (
        GIB,
        header(phnum=0xFFFF, shnum=1, shoff=64),
        "no segments to load",
    ),
    "a segment of a TiB": (GIB, header() + segment(0, 0, TIB, TIB), "truncated file"),
    "a sparse TiB as a segment": (
        TIB,
        header() + segment(0x1000, 0, TIB - 0x1000, TIB),
        "does not fit in 512 MiB",
    ),
    "a segment that wraps": (
        GIB,
        header() + segment(0, (1 << 64) - 0x1000, 0x1000, 0x2000),
        "does not fit",
    ),
    "an offset that wraps": (GIB, header() + segment((1 << 64) - 1, 0, 2, 2), "truncated file"),
    "segments on top of each other": (
        GIB,
        header(phnum=2)
        + segment(0, 0, GIB >> 2, GIB >> 2)
        + segment(0, 0x1000, GIB >> 2, GIB >> 2),
        "overlap",
    ),
    "headers behind the end": (GIB, header(phoff=GIB), "truncated file"),
    "headers at the end of the numbers": (GIB, header(phoff=(1 << 64) - 8), "truncated file"),
    "sections of a GiB each": (
        GIB,
        header(shnum=0xFEFF, shoff=0x1000, shstrndx=1, entry=4) + segment(0, 0x1000000, 8, 8),
        "entry 0x4 is not in its segments",
    ),
    "names of a GiB": (
        GIB,
        header(shnum=2, shoff=0x1000, shstrndx=1, entry=4)
        + segment(0, 0x1000000, 8, 8).ljust(0x1000 - 64, b"\0")
        + section(0, 0, 0)
        + section(3, 0, GIB),
        "entry 0x4 is not in its segments",
    ),
    "sections behind the end": (
        GIB,
        header(shnum=0xFEFF, shoff=GIB - 64) + segment(0, 0, 8, 8),
        "truncated file",
    ),
    "one segment too many": (
        GIB,
        header(phnum=33) + b"".join(segment(0, i << 12, 8, 8) for i in range(33)),
        "more than 32 segments",
    ),
}


@test
def hostile_kernels_are_refused_in_one_line_and_little_memory(scratch):
    for name, (size, content, why) in HOSTILE_KERNELS.items():
        try:
            refused_cheaply(why, "run", "-kernel", sparse(scratch, size, content))
        except AssertionError as e:
            raise AssertionError(f"{name}: {e}") from e


@test
def a_sound_kernel_in_a_sparse_gib_costs_no_more_than_without(scratch):
    kib = []
    for size in len(elf([LOOP])), GIB:
        with Running(scratch, "--stats", kernel=sparse(scratch, size, elf([LOOP]))) as guest:
            guest.execute("qmp_capabilities")
            guest.execute("quit")
            guest.ended()
            kib.append(int(guest.process.stderr.read().split("max_rss_kib=")[1].split()[0]))
    assert kib[1] < kib[0] + 4096, kib


@test
def hostile_symbol_tables_are_refused_in_one_line_and_little_memory(scratch):
    def tables(symbols, strings=section(3, 0x1000, 16)):
        return header(shnum=3, shoff=64) + section(0, 0, 0) + symbols + strings

    for content, why in (
        (tables(section(2, 0x1000, GIB >> 1, 2)), "its symbol table is larger than 64 MiB"),
        (
            tables(section(2, 0x1000, 2400, 2), section(3, 0x1000, GIB >> 1)),
            "its symbol table is larger than 64 MiB",
        ),
        (tables(section(2, 0x1000, TIB, 2)), "it has no symbol table"),
        (tables(section(2, 0x1000, 24, 7)), "its symbol table is malformed"),
        (header(shnum=0xFEFF, shoff=0x100), "it has no symbol table"),
    ):
        refused_cheaply(
            why,
            "inject",
            "--gdb",
            "unix:" + scratch.name("nobody"),
            "--state",
            scratch.name("state"),
            "--kernel",
            sparse(scratch, GIB, content),
            "system-reset",
        )


@test
def hostile_trampolines_are_refused_in_one_line_and_little_memory(scratch):
    none = "no symbol fwnmi_system_reset_trampoline"
    for size, content, why in (
        (GIB, header(kind=1), "larger than 1 MiB"),
        (1 << 20, header(kind=1, shnum=0x3FF0, shoff=64), none),
        (
            1 << 20,
            header(kind=1, shnum=3, shoff=64)
            + section(0, 0, 0)
            + section(2, 0, TIB, 2)
            + section(3, 64, 16),
            none,
        ),
    ):
        refused_cheaply(
            why,
            "run",
            "-kernel",
            scratch.kernel,
            "--trampoline",
            "elf:" + sparse(scratch, size, content),
        )


if __name__ == "__main__":
    sys.exit(run(TESTS))
