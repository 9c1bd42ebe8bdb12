#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Campaigns of `fwnmi test`: deterministic, robust against what ends them, strict with bad input.

usage: test_campaign.py FWNMI KERNEL    (6.1, or a file)
"""

import json
import os
import pty
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests"), os.path.join(TOP, "tests", "linux")]

import guest  # noqa: E402
import tap  # noqa: E402
from tap import Check, Failure, Missing, expect  # noqa: E402

CASES = 105  # of quick
LIMIT = 1800  # seconds: only to end what hangs
SOON = 60  # seconds for processes that have been killed to be gone
LOOK = 0.01

# Instructions.
LOOP = 0x48000000  # b .
TRAP = 0x7FE00008
BLR = 0x4E800020
B = 0x48000000


class Lab:
    """A directory for files, and the commands that are run there."""

    def __init__(self, fwnmi, kernel, directory):
        self.fwnmi, self.kernel, self.directory = fwnmi, kernel, directory
        self.whole = None  # the JSON of an undisturbed quick campaign

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, contents):
        with open(self.path(name), "wb") as f:
            f.write(contents if isinstance(contents, bytes) else contents.encode())
        return self.path(name)

    def run(self, *args):
        return subprocess.run(
            [self.fwnmi, *args],
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )

    def command(self, results, *args, kernel=None):
        kernel = self.kernel if kernel is None else kernel
        return ["test", "-kernel", kernel, "--results", results, "-j", "2", *args]

    def test(self, results, *args, kernel=None):
        return self.run(*self.command(results, *args, kernel=kernel))

    def start(self, results, *args, **options):
        """A campaign in a session of its own."""
        return subprocess.Popen(
            [self.fwnmi, *self.command(results, *args)],
            cwd=self.directory,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            **options,
        )

    def report(self, results):
        done = self.run("report", "--format", "json", "--no-times", results)
        if not done.stdout:
            raise Failure("no report", done.stderr)
        return done.stdout

    def results(self, results):
        return json.loads(self.report(results))["results"]

    def quick(self):
        """An undisturbed quick campaign's JSON; it is run once."""
        if self.whole is None:
            done = self.test("whole.db")
            if done.returncode not in (0, 1):
                raise Failure("the campaign does not end", done.stderr)
            self.whole = self.report("whole.db")
        return self.whole


def processes_of(session):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                fields = f.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] not in "ZX":
            found.append(pid)
    return found


def nobody_is_left(session):
    deadline = time.monotonic() + SOON
    while processes_of(session) and time.monotonic() < deadline:
        time.sleep(LOOK)
    return Check("no process is left", not processes_of(session), processes_of(session))


def size(path):
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def wait_for_results(lab, process, name, more):
    """Waits until the campaign has kept more results: its journal grows by so many bytes."""
    journal = lab.path(f"{name}-wal")
    wanted = size(journal) + more
    while size(journal) < wanted and process.poll() is None:
        time.sleep(LOOK)


def refused(done, why, status=2):
    """It said one line, and why."""
    lines = done.stderr.splitlines()
    yield expect("exit status", done.returncode, status)
    yield Check("it says one line", len(lines) == 1, done.stderr)
    yield Check(f"it says {why!r}", why in done.stderr, done.stderr)
    yield expect("standard output", done.stdout, "")


# ---- what a campaign is ----


def quick_accuses_no_good_kernel_and_is_quiet_in_a_pipe(lab):
    done = lab.test("quiet.db")
    yield expect("exit status", done.returncode, 0)
    yield expect("standard error", done.stderr, "")
    yield Check(
        "nothing failed", f"{CASES} cases: {CASES} passed, 0 failed" in done.stdout, done.stdout
    )
    yield expect("escape sequences", done.stdout.count("\033"), 0)
    again = lab.test("quiet.db")
    yield expect(
        "the same output of a second start, which has nothing to do", again.stdout, done.stdout
    )


def quick_has_the_same_verdicts_for_a_guest_with_a_hash_table(lab):
    done = lab.test("hash.db", "-append", "disable_radix")
    yield expect("exit status", done.returncode, 0)
    hash_mmu = {case["name"]: case["verdict"] for case in lab.results("hash.db")}
    radix = {case["name"]: case["verdict"] for case in json.loads(lab.quick())["results"]}
    yield expect("cases", len(hash_mmu), CASES)
    yield expect("verdicts", hash_mmu, radix)


def a_campaign_run_again_gives_the_same_bytes(lab):
    lab.test("again.db")
    yield Check("alike", lab.report("again.db") == lab.quick(), "")


def one_worker_and_four_give_the_same_bytes(lab):
    for jobs in "1", "4":
        lab.test(f"j{jobs}.db", "-j", jobs)
        yield Check(f"-j {jobs} is like -j 2", lab.report(f"j{jobs}.db") == lab.quick(), "")


def killed_five_times_and_started_again_gives_the_same_bytes(lab):
    for i in range(5):
        process = lab.start("killed.db", stderr=subprocess.DEVNULL)
        wait_for_results(lab, process, "killed.db", 1 + 30000 * i)
        process.kill()
        process.wait()
        yield nobody_is_left(process.pid)
    done = lab.test("killed.db")
    yield expect("the last start says", done.stderr, "")
    yield Check("alike", lab.report("killed.db") == lab.quick(), "")


def interrupted_it_keeps_what_is_done_and_goes_on_later(lab):
    process = lab.start("interrupted.db", stderr=subprocess.PIPE, text=True)
    wait_for_results(lab, process, "interrupted.db", 20000)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, said = process.communicate(timeout=LIMIT)
    yield expect("exit status", process.returncode, 2)
    yield expect("it says", said, "fwnmi: test: interrupted: the same command goes on from here\n")
    yield nobody_is_left(process.pid)
    kept = lab.results("interrupted.db")
    yield Check("some results are kept, not all", 0 < len(kept) < CASES, len(kept))
    yield Check(
        "they are the whole campaign's",
        all(r in json.loads(lab.quick())["results"] for r in kept),
        "",
    )
    done = lab.test("interrupted.db")
    yield expect("the second start says", done.stderr, "")
    yield Check("alike", lab.report("interrupted.db") == lab.quick(), "")


def interrupted_at_boot_it_leaves_no_file(lab):
    process = lab.start("early.db", stderr=subprocess.PIPE, text=True)
    while not size(lab.path("early.db")) and process.poll() is None:
        time.sleep(LOOK)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=LIMIT)
    yield expect("lines it says", said.count("\n"), 1)
    yield expect("exit status", process.returncode, 2)
    yield nobody_is_left(process.pid)
    yield Check("no file", not os.path.exists(lab.path("early.db")), "")


def shards_together_are_the_whole(lab):
    shards = [f"shard{i}.db" for i in (1, 2, 3)]
    for i, name in enumerate(shards, 1):
        done = lab.test(name, "--shard", f"{i}/3")
        yield expect(f"shard {i} says", done.stderr, "")
    lost = lab.run("report", "--merge", "lost.db", shards[0], shards[2])
    yield expect("a lost shard's exit status", lost.returncode, 1)
    done = lab.run("report", "--merge", "merged.db", *shards)
    yield expect("exit status of the merge", done.returncode, 0)
    yield Check("alike", lab.results("merged.db") == json.loads(lab.quick())["results"], "")


def the_terminal_shows_progress(lab):
    master, slave = pty.openpty()
    process = lab.start("pty.db", stderr=slave)
    os.close(slave)
    shown = b""
    try:
        while chunk := os.read(master, 4096):
            shown += chunk
    except OSError:
        pass  # the other end is closed
    process.wait()
    os.close(master)
    yield Check("the boot's", b"booting: " in shown, shown[:300])
    yield Check("the cases'", b" of %d cases" % CASES in shown, shown[-300:])
    yield Check("the line is cleared at the end", shown.endswith(b"\r\033[K"), shown[-100:])


# ---- replays ----


def a_replay_gives_the_recorded_verdict_and_instruction_count(lab):
    results = json.loads(lab.quick())["results"]
    first = {r["verdict"]: r for r in reversed(results)}
    for verdict, r in sorted(first.items()):
        done = lab.run("replay", "whole.db", str(r["number"]))
        yield expect(f"exit status of {r['name']}", done.returncode, 0)
        yield Check("the verdict", f"\nVerdict: {verdict}, " in done.stdout, done.stdout)
        yield Check(
            "the count", f"\nInstructions: {r['insns']}, as recorded\n" in done.stdout, done.stdout
        )


def a_replay_is_the_same_however_its_code_is_executed(lab):
    for jit in "off", "force":
        done = lab.run("replay", "whole.db", "SLB multihit/user", "--jit", jit)
        yield expect(f"exit status, {jit}", done.returncode, 0)
        yield Check(f"instructions, {jit}", ", as recorded\n" in done.stdout, done.stdout)


def a_replay_waits_for_a_debugger_at_the_delivery(lab):
    lab.quick()
    replay = subprocess.Popen(
        [lab.fwnmi, "replay", "whole.db", "SLB multihit/user", "--stop-at-delivery"],
        cwd=lab.directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    told = ""
    for line in replay.stdout:
        told += line
        if line.startswith("  gdb-multiarch "):
            break
    yield expect("events", told.count("\nEvent "), 1)
    yield Check("no verdict", "Verdict" not in told, told)
    yield Check("it has stopped", "\n  stopped here, before the first instruction" in told, told)
    yield Check("nothing is said of what follows", "did not go on" not in told, told)
    if not shutil.which("gdb-multiarch"):
        replay.kill()
        raise Missing("gdb-multiarch is not installed")
    done = subprocess.run(
        line.strip()
        + " -nx -batch -ex 'bt 1' -ex 'hbreak save_mce_event' -ex continue -ex 'bt 1' -ex detach",
        shell=True,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    said = done.stdout + done.stderr
    yield Check("it is in the routine", " in machine_check_fwnmi ()" in said, said)
    yield Check("it goes on to a breakpoint", " in save_mce_event ()" in said, said)
    replay.communicate(timeout=LIMIT)
    yield expect("exit status when the debugger has left", replay.returncode, 0)


def the_moment_of_delivery_can_be_saved_and_gone_on_from(lab):
    lab.quick()
    done = lab.run("replay", "whole.db", "SLB multihit/user", "--snapshot", "moment")
    yield expect("exit status", done.returncode, 0)
    run = subprocess.Popen(
        [lab.fwnmi, "run", "--from-snapshot", "moment"],
        cwd=lab.directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    said = ""
    for line in run.stdout:
        said += line
        if "round victim0" in line:
            break
    run.kill()
    run.communicate()
    yield Check("Linux reports the event", "SLB Multihit" in said, said)
    yield Check("the victim goes on", "round victim0" in said, said)
    args = "replay", "whole.db", "0", "--snapshot"
    yield Check("a place that is none", "nowhere" in lab.run(*args, "nowhere/x").stderr, "")
    yield expect("its exit status", lab.run(*args, "nowhere/x").returncode, 2)


def a_replay_needs_a_case_that_is_there(lab):
    lab.quick()
    yield from refused(lab.run("replay", "whole.db", "1000000"), "has no case 1000000")
    yield from refused(lab.run("replay", "whole.db", "nonsense"), "no case nonsense")
    yield from refused(lab.run("replay", "nowhere.db", "0"), "nowhere.db")


# ---- results that do not fit ----


def results_of_another_campaign_are_left_alone(lab):
    lab.quick()
    for args, what in (
        (("-smp", "2"), "another options"),
        (("-append", "debug"), "another options"),
        (("--suite", "standard", "-smp", "1"), "another suite"),
        (("--shard", "1/2"), "shard 1/1"),
    ):
        yield from refused(lab.test("whole.db", *args), what)
    shutil.copy(lab.path("whole.db"), lab.path("old.db"))
    with sqlite3.connect(lab.path("old.db")) as db:
        db.execute("UPDATE campaign SET fwnmi_version = '0.1'")
    db.close()
    yield from refused(lab.test("old.db"), "version")
    yield from refused(lab.run("replay", "old.db", "0"), "the results are of fwnmi 0.1")
    lab.write("no.db", "no results\n" * 100)
    yield from refused(lab.test("no.db"), "is no file of results")
    yield Check("nothing is lost", lab.report("whole.db") == lab.quick(), "")


def another_kernel_is_not_taken_for_this_one(lab):
    lab.quick()
    patched = patch(lab, "another", {"opal_machine_check": BLR})
    yield from refused(lab.test("whole.db", kernel=patched), "another campaign")
    yield from refused(lab.run("replay", "whole.db", "0", "-kernel", patched), "is not the kernel")


def one_of_two_writers_waits_for_no_other(lab):
    process = lab.start("two.db", stderr=subprocess.DEVNULL)
    wait_for_results(lab, process, "two.db", 1)
    os.killpg(process.pid, signal.SIGSTOP)
    try:
        yield from refused(lab.test("two.db"), "cannot write two.db")
    finally:
        os.killpg(process.pid, signal.SIGCONT)
    process.wait()
    yield Check("the first has lost nothing", lab.report("two.db") == lab.quick(), "")


def results_need_a_directory(lab):
    yield from refused(lab.test("nowhere/x.db"), "cannot open nowhere/x.db")
    yield from refused(lab.test("."), "cannot open .")


def a_full_disk_loses_nothing(lab):
    """On a file system of 200 KiB, which becomes larger."""
    script = (
        "mkdir full && mount -t tmpfs -o size=200k none full && "
        '"$0" "$@" >/dev/null; echo $?; mount -o remount,size=64m full; '
        '"$0" report full/x.db >&2; echo; "$0" "$@" >/dev/null; echo $?; cp full/x.db full.db'
    )
    done = subprocess.run(
        ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else []), "sh", "-c", script]
        + [lab.fwnmi, *lab.command("full/x.db")],
        cwd=lab.directory,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    if "unshare: " in done.stderr or "mount: " in done.stderr:
        raise Missing("no file system can be mounted here")
    yield expect("exit statuses", done.stdout.split(), ["2", "0"])
    said, _, matrix = done.stderr.partition("\n")
    yield Check("it says why", "cannot write full/x.db: No space left" in said, said)
    yield Check("some results are kept", " more to run: " in matrix, matrix)
    yield Check("alike in the end", lab.report("full.db") == lab.quick(), "")


# ---- kernels that are none, or do not boot ----


def patch(lab, name, words, texts=()):
    """A copy of the kernel with other texts, and with other first instructions of functions.

    words: {symbol: word, or a symbol to branch to}; texts: {old: new}
    """
    with open(lab.kernel, "rb") as f:
        data = bytearray(f.read())
    (shoff,) = struct.unpack_from("<Q", data, 0x28)
    _, count = struct.unpack_from("<HH", data, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, shoff + i * 64) for i in range(count)]
    table = next(s for s in sections if s[1] == 2)  # SHT_SYMTAB
    strings = sections[table[6]][4]
    wanted = {*words, *(w for w in words.values() if isinstance(w, str))}
    entries = {}
    for offset in range(table[4], table[4] + table[5], 24):
        start, info, other, _, value, _ = struct.unpack_from("<IBBHQQ", data, offset)
        start += strings
        symbol = data[start : data.index(0, start)].decode() if info & 0xF == 2 else None
        if symbol in wanted:
            entries[symbol] = value + ((1 << (other >> 5 & 7)) >> 2 << 2)  # the local entry
    for old, new in dict(texts).items():
        assert len(old) == len(new) and data.count(old)
        data = data.replace(old, new)
    for symbol, word in words.items():
        address = entries[symbol]
        if isinstance(word, str):
            word = B | (entries[word] - address) & 0x03FFFFFC
        section = next(s for s in sections if s[3] <= address < s[3] + s[5] and s[2] & 2)
        struct.pack_into("<I", data, address - section[3] + section[4], word)
    return lab.write(name, bytes(data))


def what_is_no_kernel_is_refused(lab):
    with open(lab.kernel, "rb") as f:
        head = f.read(100000)
    small = b"\x7fELF\1\1\1" + bytes(9) + struct.pack("<HH", 2, 20) + bytes(100)
    x86 = (
        b"\x7fELF\2\1\1"
        + bytes(9)
        + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, *[0] * 3, 2, 64, 56, 0, 64, 0, 0)
    )
    for name, contents, why in (
        ("text", "hello\n", "not an ELF file"),
        ("empty", "", "it is empty"),
        ("cut", head, "truncated"),
        ("beheaded", head[:40], "truncated"),
        ("x86", x86, "not PowerPC"),
        ("elf32", small, "32-bit"),
    ):
        path = lab.write(name, contents)
        yield from refused(lab.test(f"{name}.db", kernel=path), why)
        yield Check("no file is left", not os.path.exists(lab.path(f"{name}.db")), "")
    yield from refused(lab.test("no.db2", kernel=lab.directory), "not a file")
    yield from refused(lab.test("no.db2", kernel="missing"), "No such file")
    yield from refused(lab.run("test"), "no kernel given")


def a_kernel_that_does_not_boot_is_told_in_one_line(lab):
    no_option = {b"ibm,nmi-register\0": b"ibm,nmi-registex\0"}
    for name, words, texts, why in (
        ("panics", {"kernel_init": TRAP}, {}, "the guest crashed before its userland was up"),
        ("powers-off", {"kernel_init": "machine_power_off"}, {}, "the guest powered off"),
        ("reboots", {"kernel_init": "machine_restart"}, {}, "the guest rebooted"),
        ("never-registers", {}, no_option, "never registered its machine check handler"),
    ):
        done = lab.test(f"{name}.db", kernel=patch(lab, name, words, texts))
        yield from refused(done, why)
        yield Check("no file is left", not os.path.exists(lab.path(f"{name}.db")), "")


def a_kernel_that_hangs_is_told_in_one_line(lab):
    done = lab.test("hangs.db", kernel=patch(lab, "hangs", {"kernel_init": LOOP}))
    yield from refused(done, "the guest hangs before its userland was up")


# ---- scenarios ----

SCENARIOS = """
- name: two in a row
  steps:
    - machine-check: {type: SLB, subtype: parity}
      at: user
    - inject-machine-check: {type: TLB}
      at: user after=3000
- workload: syscall
  system-reset:
  at: kernel
- machine-check: {type: ERAT, effective-address: "0x1000"}
  at: address=machine_check_exception
  name: never
- machine-check:
  at: user after=2500
  repeat: 4
- machine-check:
  at: user after=2500
  repeat: 4
"""


def scenarios_are_run_in_their_order(lab):
    path = lab.write(
        "good.yaml",
        SCENARIOS.replace("address=machine_check_exception", "pidr=123456 within=100000"),
    )
    done = lab.test("scenarios.db", "--scenarios", path)
    yield expect("exit status, since one is not reached", done.returncode, 1)
    results = lab.results("scenarios.db")
    names = [r["name"] for r in results]
    wanted = ["two in a row", "system reset/syscall", "never"]
    row = "SLB multihit, then 3 more/victim"
    yield expect("names", names, [*wanted, row, f"{row} #2"])
    verdicts = [r["verdict"] for r in results]
    yield expect(
        "verdicts", verdicts, ["recovered", "panic", "not-reached", "recovered", "recovered"]
    )
    yield expect("failed", [r["name"] for r in results if not r["passed"]], ["never"])
    yield expect("events", [len(r["evidence"]["hits"]) for r in results], [2, 1, 0, 4, 4])
    replay = lab.run("replay", "scenarios.db", "two in a row")
    yield Check("a replay is alike", ", as recorded\n" in replay.stdout, replay.stdout)
    stopped = lab.run("replay", "scenarios.db", "never", "--stop-at-delivery")
    yield expect("exit status where nothing was delivered", stopped.returncode, 1)
    lab.write("good.yaml", SCENARIOS.replace("two in a row", "three"))
    yield from refused(lab.test("scenarios.db", "--scenarios", path), "another suite")


# The victim's pattern: payload/lab/memory.h.
PLANTED = """
- name: who repairs it is the hypervisor
  plant: {type: %(type)s, effective-address: 0x20000000}
- name: who repairs it is Linux
  plant: {type: %(linux)s, effective-address: 0x20010000, disposition: not-recovered}
"""
UNREPAIRED = """
- name: nobody repairs it
  plant: {type: TLB, subtype: parity, effective-address: 0x20020000, disposition: not-recovered}
"""


def planted_errors_are_met_by_the_workloads_own_access(lab):
    for name, text, append, wanted in (
        ("radix", PLANTED % {"type": "TLB", "linux": "ERAT"} + UNREPAIRED, "", ["killed"]),
        ("hash", PLANTED % {"type": "SLB", "linux": "SLB"}, "disable_radix", []),
    ):
        path = lab.write(f"planted-{name}.yaml", text)
        results = f"planted-{name}.db"
        lab.test(results, "--scenarios", path, "-append", append)
        seen = lab.results(results)
        yield expect(name, [r["verdict"] for r in seen], ["recovered", "recovered", *wanted])
        yield expect("failed", [r["name"] for r in seen if not r["passed"]], [])
        yield expect("events", [len(r["evidence"]["hits"]) for r in seen], [1] * len(seen))


def a_case_that_the_guest_cannot_run_is_named(lab):
    lab.write("far.yaml", "- machine-check:\n- {name: far, poison: {address: 0x7fffffffffff0000}}")
    yield from refused(lab.test("far.db", "--scenarios", "far.yaml", "-j", "1"), "case far: ")


def a_mistake_in_scenarios_is_told_with_its_place(lab):
    for text, where, why in (
        ("- machine-check: {tpye: SLB}", "1:19", "unknown argument tpye: did you mean type?"),
        ("- machine-check: {type: SBL}", "1:25", "there is no type SBL: did you mean SLB?"),
        ("- machine-check: {subtype: parityy}", "1:19", "no subtype parityy: did you mean parity?"),
        ("- machine-check:\n  at: usr", "2:7", "unknown word usr at column 1: did you mean user?"),
        ("- machine-chekc:", "1:3", "unknown key machine-chekc: did you mean machine-check?"),
        ("- wrokload: victim", "1:3", "unknown key wrokload: did you mean workload?"),
        ("- workload: victm", "1:13", "unknown workload victm: did you mean victim?"),
        ("- workload: victim", "1:3", "the case has no steps"),
        ("- steps: []", "1:10", "an empty list"),
        ("- steps: no", "1:10", "steps is no list"),
        ("- steps:\n  - at: user", "2:5", "the step has no command"),
        ("- steps:\n  - machine-check:\n  at: user", "3:7", "beside steps"),
        ("- machine-check: {severity: fatal, disposition: fully-recovered}", "1:36", "contradicts"),
        ("- system-reset: {type: SLB}", "1:18", "not for a system reset"),
        ("- machine-check: {at: user}\n  at: kernel", "2:7", "at is there twice"),
        ("- machine-check:\n  at: [user]", "2:7", "at is not a text"),
        ("- machine-check: [SLB]", "1:18", "no mapping"),
        ("- machine-check: {cpu-index: 5}", "1:30", "there is no CPU 5: see -smp"),
        ("- machine-check:\n  at: cpu=5", "2:7", "there is no CPU 5: see -smp"),
        (
            "- machine-check:\n  at: machine_check_exceptoin+4",
            "2:7",
            "did you mean machine_check_exception?",
        ),
        ("- machine-check:\n  repeat: 17", "2:11", "not a number from 1 to 16"),
        ("- machine-check:\n  system-reset:", "2:3", "a second command"),
        ("- poison: {adress: 0x1000}", "1:12", "did you mean address?"),
        ("- plant: {type: TLB}", "1:3", "no effective-address given"),
        ("- plant: {type: UE, effective-address: 0}", "1:3", "cannot plant a UE error"),
        (
            "- plant: {cpu-index: 5, effective-address: 0}",
            "1:22",
            "there is no CPU 5: see -smp",
        ),
        ("- machine-check:\n  machine-check:", "2:3", "machine-check is there twice"),
        ("- machine-check: {type: SLB, type: TLB}", "1:30", "type is there twice"),
        (
            "- {machine-check: , name: a}\n- {machine-check: , name: a}",
            "2:27",
            "another case named a",
        ),
        ('- machine-check: {type: "a\\0"}', "1:25", "NUL"),
        ("- {a: b", "2:1", "not YAML"),
        ("-\n\t- a", "2:1", "not YAML"),
        ("- a\n- \x01", "2:3", "not YAML"),
        ("- machine-check:\n--- \n- machine-check:", "3:1", "a second document"),
        ("victim", "1:1", "not a list of cases"),
        ("", "1:1", "no cases"),
        ("[]", "1:1", "not from 1 to 100000 cases"),
        ("[" * 100000, "", "not YAML"),
        ("- &a [*a]", "1:3", "a case is a mapping"),
        ("- {}\n" * 100001, "1:1", "not from 1 to 100000 cases"),
    ):
        lab.write("bad.yaml", text)
        done = lab.test("bad.db", "--scenarios", "bad.yaml")
        yield from refused(done, why)
        yield Check(
            f"{text[:40]!r}: it is at {where}", f" bad.yaml:{where}" in done.stderr, done.stderr
        )
    lab.write("large.yaml", "#" * (1 << 20 | 1))
    yield from refused(lab.test("bad.db", "--scenarios", "large.yaml"), "larger than 1 MiB")
    yield from refused(lab.test("bad.db", "--scenarios", "missing.yaml"), "No such file")
    yield from refused(lab.test("bad.db", "--scenarios", "."), "not a file")
    yield from refused(lab.test("bad.db", "--scenarios", "x", "--suite", "quick"), "exclude")
    yield Check("no file is left", not os.path.exists(lab.path("bad.db")), "")


def a_suite_that_is_none_is_refused(lab):
    yield from refused(lab.test("none.db", "--suite", "quik"), "no suite quik")


TESTS = [
    quick_accuses_no_good_kernel_and_is_quiet_in_a_pipe,
    quick_has_the_same_verdicts_for_a_guest_with_a_hash_table,
    a_campaign_run_again_gives_the_same_bytes,
    one_worker_and_four_give_the_same_bytes,
    killed_five_times_and_started_again_gives_the_same_bytes,
    interrupted_it_keeps_what_is_done_and_goes_on_later,
    interrupted_at_boot_it_leaves_no_file,
    shards_together_are_the_whole,
    the_terminal_shows_progress,
    a_replay_gives_the_recorded_verdict_and_instruction_count,
    a_replay_is_the_same_however_its_code_is_executed,
    a_replay_waits_for_a_debugger_at_the_delivery,
    the_moment_of_delivery_can_be_saved_and_gone_on_from,
    a_replay_needs_a_case_that_is_there,
    results_of_another_campaign_are_left_alone,
    another_kernel_is_not_taken_for_this_one,
    one_of_two_writers_waits_for_no_other,
    results_need_a_directory,
    a_full_disk_loses_nothing,
    what_is_no_kernel_is_refused,
    a_kernel_that_does_not_boot_is_told_in_one_line,
    a_kernel_that_hangs_is_told_in_one_line,
    scenarios_are_run_in_their_order,
    planted_errors_are_met_by_the_workloads_own_access,
    a_case_that_the_guest_cannot_run_is_named,
    a_mistake_in_scenarios_is_told_with_its_place,
    a_suite_that_is_none_is_refused,
]


def main(fwnmi, kernel):
    path = guest.kernel_file(kernel)
    with tempfile.TemporaryDirectory() as directory:
        return tap.run(tap.named(TESTS, Lab(os.path.abspath(fwnmi), path, directory)))


if __name__ == "__main__":
    tap.exit_with(main, *sys.argv[1:])
