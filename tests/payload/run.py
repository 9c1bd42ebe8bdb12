#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs one payload in the partition and reports in TAP what it proves.

usage: run.py --fwnmi PROGRAM --payloads DIRECTORY [--endian little|big] [--time-limit SECONDS]
              [--run-option=OPTION]... CASE
       run.py --cases           (prints what there is for CASE)

A payload checks the partition from inside and prints TAP on its console. Lines that start with '@'
are requests to us:

  @inject ARGUMENTS   start `fwnmi inject ARGUMENTS`, which must succeed
  @inject=N ARGUMENTS the same, but it must end with exit status N
  @queue ARGUMENTS    the same with --no-wait; answered when it is queued
  @refused ARGUMENTS  the same, but it must be refused
  @fails ARGUMENTS    wait for its outcome, which must be a failure; answered then
  @event CALL CLASS LOG  queue a log, in hexadecimal, for the guest's event-scan or check-exception;
                      answered when it is queued
  @await CPU STATE    answered when query-cpus-fast reports that state for that CPU
  @answer             answered at once

An answer is one character on the console. CASES below has what can only be seen from outside (exit
status, messages on standard error).
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from qmp import EagerClient, Failure  # noqa: E402

# Seconds for one payload, and for what needs no guest: they only end what hangs.
TIME_LIMIT = 600
COMMAND_LIMIT = 300
TAP_LINE = re.compile(r"(not )?ok \d+ - (\S+)$")


class Outcome:
    """The observations of one run."""

    def __init__(self):
        self.console = []  # lines
        self.printed = b""
        self.results = []  # (sentence, ok)
        self.plan = None
        self.injections = []  # (arguments, as expected?, output)
        self.status = None
        self.stderr = ""
        self.events = ()  # of the monitor, as dictionaries

    def fact(self, key):
        """The numbers of a console line `# KEY 0x... 0x...`."""
        for line in self.console:
            words = line.split()
            if words[:2] == ["#", key]:
                return [int(word, 16) for word in words[2:]]
        raise Failure(f"the payload did not print '# {key}'")


# ---- what is seen from outside -------------------------------------------------------------------


def exits(status):
    return lambda seen: seen.status == status or f"exit status {seen.status}, not {status}"


def says(pattern):
    def see(seen):
        return bool(re.search(pattern, seen.stderr)) or f"standard error lacks {pattern!r}"

    return see


def names_illegal_instructions(seen):
    facts = seen.fact("illegal")
    for address, encoding in zip(facts[0::2], facts[1::2]):
        wanted = f"illegal or unimplemented instruction 0x{encoding:08x} at 0x{address:x}"
        if wanted not in seen.stderr:
            return f"standard error lacks '{wanted}'"
    return True


def event_names(*names):
    def see(seen):
        got = [event["event"] for event in seen.events]
        return all(name in got for name in names) or f"the monitor said only {got}"

    return see


def injector_says(text):
    def see(seen):
        return (
            any(text in what for _, _, what in seen.injections) or f"no fwnmi inject said {text!r}"
        )

    return see


def shut_down(reason):
    def see(seen):
        got = [e["data"]["reason"] for e in seen.events if e["event"] == "SHUTDOWN"]
        return got == [reason] or f"the monitor said {got}, not {reason}"

    return see


# Payload, options of `fwnmi run`, and (sentence, check) for what is seen from outside.
POWERED_OFF = ("the_guest_powers_off_and_the_exit_status_is_0", exits(0))
# Without a monitor, only the guest decides what happens, so two runs must be identical.
ALONE = ["-append", "alone", "--stats"]
# Nor may it matter how the guest's code is executed; see repetitions().
JIT_MODES = ["off", "on", "force", "check"]
# Each vCPU on a thread of its own. Nothing repeats then.
THREADS = ["--clock", "host", "--threads", "many"]
NESTED = [
    ("a_second_machine_check_before_the_interlock_ends_the_partition_with_exit_status_3", exits(3)),
    (
        "the_program_says_why_it_ended",
        says(
            r"fwnmi: the guest crashed: a second machine check came before the interlock "
            r"\(vCPU 0\)$"
        ),
    ),
    ("the_first_one_was_delivered", lambda seen: "# in_the_routine" in seen.console),
    ("the_monitor_says_that_the_guest_panicked", shut_down("guest-panic")),
]
ALREADY_REPORTED = (
    "fwnmi_inject_says_that_a_fatal_error_was_reported_before",
    injector_says(": already-reported, not-recovered (a fatal error was reported before)\n"),
)
# Name, -cpu, and what the payload finds: PVR, cpu-version, version of the ISA, the one that it is
# compatible with, name in the device tree.
PROCESSORS = [
    ("power8", "power8", "4d0200", "f000004", 207, 207, "POWER8"),
    ("power8e", "POWER8E_v2.1", "4b0201", "f000004", 207, 207, "POWER8E"),
    ("power8nvl", "power8nvl", "4c0100", "f000004", 207, 207, "POWER8NVL"),
    ("power9", "power9", "4e1202", "f000005", 300, 300, "POWER9"),
    ("power9_as_power8", "power9,compat=power8", "4e1202", "f000004", 300, 207, "POWER9"),
    ("power10", "power10", "801200", "f000006", 310, 310, "POWER10"),
    ("power10_as_power9", "power10,compat=power9", "801200", "f000005", 310, 300, "POWER10"),
    ("power11", "power11", "821200", "f000007", 310, 310, "POWER11"),
    ("power11_as_power10", "power11,compat=power10", "821200", "f000006", 310, 310, "POWER11"),
]
PMU = ["power8", "power9", "power10"]
BREAKPOINTS = [
    ("power8", "power8"),
    ("power9", "power9"),
    ("power10", "power10"),
    ("power10_as_power9", "power10,compat=power9"),
    ("power11", "power11"),
]
# POWER8 translates by hash alone; with "either", the payload uses first one table, then the other.
INTERRUPTS = [
    ("power8", ["-cpu", "power8"]),
    ("power9", ["-cpu", "power9", "--mmu", "either"]),
    ("power9_hash", ["-cpu", "power9", "--mmu", "hash"]),
    ("power9_as_power8", ["-cpu", "power9,compat=power8"]),
    ("power10", ["-cpu", "power10", "--mmu", "either"]),
    ("power11", ["-cpu", "power11", "--mmu", "either"]),
]
CASES = {
    "machine_check": ("machine_check", [], [POWERED_OFF]),
    "system_reset": ("system_reset", [], [POWERED_OFF]),
    "register": ("register", [], [POWERED_OFF]),
    "strict": ("strict", ["--fwnmi-strict"], [POWERED_OFF]),
    "nested_injected": ("nested", ["-append", "injected"], NESTED),
    "nested_own": ("nested", ["-append", "own"], NESTED),
    "exceptions": (
        "exceptions",
        [],
        [
            POWERED_OFF,
            (
                "an_instruction_that_is_lacking_is_named_with_address_and_encoding",
                names_illegal_instructions,
            ),
        ],
    ),
    "trace": ("trace", [], [POWERED_OFF]),
    "sprs": ("sprs", [], [POWERED_OFF]),
    **{
        f"processor_{name}": (
            "processor",
            ["-cpu", cpu, "-append", f"{pvr} {version} {isa} {compat} {node}"],
            [POWERED_OFF],
        )
        for name, cpu, pvr, version, isa, compat, node in PROCESSORS
    },
    **{
        f"breakpoints_{name}": ("breakpoints", ["-cpu", cpu], [POWERED_OFF])
        for name, cpu in BREAKPOINTS
    },
    **{f"pmu_{cpu}": ("pmu", ["-cpu", cpu], [POWERED_OFF]) for cpu in PMU},
    **{
        f"interrupts_{name}": ("interrupts", options, [POWERED_OFF]) for name, options in INTERRUPTS
    },
    **{
        f"hash_digest_{cpu}": ("hash_digest", ["-cpu", cpu], [POWERED_OFF])
        for cpu in ("power10", "power11")
    },
    "relax": ("relax", ["-smp", "8"], [POWERED_OFF]),
    "repeat_relax": ("relax", ["-smp", "8", *ALONE], [POWERED_OFF]),
    "vectors": ("vectors", [], [POWERED_OFF]),
    "atomics": ("atomics", ["-smp", "2"], [POWERED_OFF]),
    "litmus": ("litmus", ["-smp", "4", "-append", "few"], [POWERED_OFF]),
    "hash_table": ("hash_table", ["-smp", "4", "--mmu", "hash"], [POWERED_OFF]),
    "timer": ("timer", [], [POWERED_OFF]),
    "xics": ("xics", ["-smp", "2"], [POWERED_OFF]),
    **{
        f"{payload}_{cpu}": (
            payload,
            ["-smp", "4", "-cpu", cpu, "--interrupts", "xive"],
            [POWERED_OFF],
        )
        for payload in ("xive", "xive_calls")
        for cpu in ("power9", "power10")
    },
    "code": ("code", ["-smp", "2"], [POWERED_OFF]),
    "rtas": ("rtas", [], [POWERED_OFF]),
    "hcalls": ("hcalls", [], [POWERED_OFF]),
    "boot": (
        "boot",
        ["-m", "384", "-smp", "3", "-append", "one two=3", "-initrd", "INITRD"],
        [POWERED_OFF],
    ),
    "linked_at_0": ("relocated", ALONE, [POWERED_OFF]),
    "bios": ("relocated", ["-bios", "BIOS", *ALONE], [POWERED_OFF]),
    "os_term": (
        "os_term",
        [],
        [
            ("the_partition_ends_with_exit_status_3", exits(3)),
            (
                "the_guests_words_are_printed_without_control_characters",
                says(r"fwnmi: the guest crashed: the  \[31mguest \[0m says  enough \s*$"),
            ),
            ("the_monitor_says_that_the_guest_panicked", shut_down("guest-panic")),
        ],
    ),
    "os_term_outside": (
        "os_term",
        ["-append", "outside"],
        [
            ("the_partition_ends_with_exit_status_3", exits(3)),
            (
                "words_that_run_out_of_memory_are_printed_as_far_as_they_go",
                says(r"fwnmi: the guest crashed: abc$"),
            ),
        ],
    ),
    "storm": (
        "storm",
        ["-smp", "4"],
        [
            POWERED_OFF,
            ("some_of_them_waited_for_another_cpus_interlock", event_names("FWNMI_WAITING")),
        ],
    ),
    "repeat_atomics": ("atomics", ["-smp", "2", *ALONE], [POWERED_OFF]),
    "repeat_timer": ("timer", ALONE, [POWERED_OFF]),
    "repeat_unbacked": ("unbacked", ALONE, [POWERED_OFF]),
    # Vectors, faults, and code that changes while it is executed
    **{
        f"jit_modes_{payload}": (payload, [*options, *ALONE], [POWERED_OFF])
        for payload, options in (("code", ["-smp", "2"]), ("exceptions", []), ("vectors", []))
    },
    "mmu": ("mmu", [], [POWERED_OFF]),
    "tlbie": ("tlbie", [], [POWERED_OFF]),
    "smp": (
        "smp",
        ["-smp", "4"],
        [
            POWERED_OFF,
            (
                "the_monitor_says_when_a_cpu_starts_stops_and_waits",
                event_names(
                    "VCPU_STARTED",
                    "VCPU_STOPPED",
                    "FWNMI_WAITING",
                    "FWNMI_DELIVERED",
                    "FWNMI_INTERLOCK",
                ),
            ),
        ],
    ),
    "unbacked": ("unbacked", [], [POWERED_OFF]),
    "poison": (
        "poison",
        [],
        [
            POWERED_OFF,
            (
                "the_monitor_names_each_access",
                lambda seen: (
                    [
                        event["data"]["subtype"]
                        for event in seen.events
                        if event["event"] == "MACHINE_CHECK"
                    ]
                    == ["load-store"] * 4
                    + ["ifetch", "page-table-walk-load-store", "page-table-walk-ifetch"]
                    or "the monitor named others"
                ),
            ),
        ],
    ),
    "errinjct": ("errinjct", ["--errinjct", "on"], [POWERED_OFF]),
    "planted": ("planted", [], [POWERED_OFF]),
    "conformance": ("conformance", ["-smp", "4"], [POWERED_OFF]),
    "conformance_up": ("conformance_up", [], [POWERED_OFF, ALREADY_REPORTED]),
    "context": ("context", [], [POWERED_OFF]),
    "reboot": (
        "reboot",
        ["-smp", "2"],
        [
            POWERED_OFF,
            ("the_monitor_says_that_the_guest_reset_itself", event_names("RESET")),
        ],
    ),
}


# The same with threads; but not what measures time in instructions, and conformance without that.
THREADED = [
    *("atomics", "code", "context", "errinjct", "exceptions", "hash_table", "hcalls", "litmus"),
    *("machine_check", "mmu", "nested_injected", "nested_own", "planted", "poison", "reboot"),
    *("rtas", "smp", "storm", "strict", "system_reset", "tlbie", "trace", "vectors", "xics"),
    *("xive_power9", "xive_calls_power9"),
]


def threaded(name, *more_options):
    payload, options, checks = CASES[name]
    return payload, [*options, *THREADS, *more_options], checks


CASES.update({f"{name}_threads": threaded(name) for name in THREADED})
CASES["conformance_threads"] = threaded("conformance", "-append", "untimed")


# ---- one run -------------------------------------------------------------------------------------


def write_initrd(scratch):
    """Writes the file whose every byte the payload `boot` knows."""
    path = os.path.join(scratch, "initrd")
    with open(path, "wb") as f:
        f.write(bytes((i * 7 + (i >> 8)) & 0xFF for i in range(100001)))
    return path


def write_bios(scratch):
    """Writes firmware that branches to the kernel, with its MSR in r9 and a mark in r5."""
    path = os.path.join(scratch, "bios")
    code = [0x7D2000A6, 0x38A0524D, 0x48400002]  # mfmsr r9  # li r5,0x524d  # ba 0x400000
    with open(path, "wb") as f:
        f.write(bytes(0x100) + b"".join(word.to_bytes(4, "big") for word in code))
    return path


class Run:
    def __init__(self, program, payload, options, scratch, time_limit):
        files = {"INITRD": write_initrd, "BIOS": write_bios}
        options = [files[option](scratch) if option in files else option for option in options]
        self.program = program
        self.socket = os.path.join(scratch, "monitor")
        self.seen = Outcome()
        self.threads = []
        self.time_limit = time_limit
        self.deadline = time.monotonic() + time_limit
        with open(os.path.join(scratch, "stderr"), "w+b") as stderr:
            self.stderr = os.dup(stderr.fileno())
        self.alone = options[-len(ALONE) :] == ALONE
        if not self.alone:
            options += ["--monitor", self.socket]
        self.child = subprocess.Popen(
            [program, "run", "-kernel", payload, "--clock", "insn", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.stderr,
        )
        self.late = False
        self.timer = threading.Timer(time_limit, self.time_out)
        self.timer.start()
        self.monitor = None

    def time_out(self):
        self.late = True
        self.child.kill()

    def connect(self):
        self.monitor = EagerClient(self.socket, COMMAND_LIMIT, lambda: self.child.poll() is None)
        self.seen.events = self.monitor.events

    def inject(self, arguments, extra=(), wanted=0):
        done = subprocess.run(
            [self.program, "inject", "--monitor", self.socket, *extra, *arguments],
            text=True,
            capture_output=True,
            timeout=COMMAND_LIMIT,
            check=False,
        )
        self.seen.injections.append(
            (
                arguments,
                done.returncode == wanted,
                f"exit {done.returncode}: {(done.stdout + done.stderr).strip()}",
            )
        )
        return done

    def answer(self):
        self.child.stdin.write(b"!")
        self.child.stdin.flush()

    def await_state(self, cpu, state):
        while True:
            cpus = self.monitor.command("query-cpus-fast")
            if cpus[int(cpu)]["state"] == state:
                return
            if time.monotonic() > self.deadline:
                raise Failure(f"CPU {cpu} is {cpus[int(cpu)]['state']}, not {state}")
            time.sleep(0.002)

    def obey(self, line):
        verb, *arguments = line[1:].split()
        verb, _, status = verb.partition("=")
        if verb == "inject":
            thread = threading.Thread(target=self.inject, args=(arguments, (), int(status or 0)))
            self.threads.append(thread)
            thread.start()
            return
        if verb == "queue":
            done = self.inject(arguments, ["--no-wait"])
            if done.returncode:
                raise Failure(f"inject {' '.join(arguments)}: {done.stderr.strip()}")
        elif verb == "refused":
            if not self.inject(arguments, ["--no-wait"]).returncode:
                raise Failure(f"inject {' '.join(arguments)} should have been refused")
            self.seen.injections.pop()
        elif verb == "fails":
            self.inject(arguments, wanted=1)
        elif verb == "event":
            call, event_class, log = arguments
            self.monitor.command("queue-event", **{"log": log, "class": event_class, "call": call})
        elif verb == "await":
            self.await_state(*arguments)
        elif verb != "answer":
            raise Failure(f"the payload asks for {line}")
        self.answer()

    def take(self, line):
        seen = self.seen
        seen.console.append(line)
        match = TAP_LINE.match(line)
        if match:
            seen.results.append((match[2], not match[1]))
        elif line.startswith("1.."):
            seen.plan = int(line[3:])
        elif line.startswith("Bail out!"):
            raise Failure(line)
        elif line.startswith("@"):
            self.obey(line)

    def run(self):
        try:
            if not self.alone:
                self.connect()
            for line in self.child.stdout:
                self.seen.printed += line
                self.take(line.decode(errors="replace").rstrip())
            self.seen.status = self.child.wait(COMMAND_LIMIT)
            if self.late:
                raise Failure(f"not over after {self.time_limit} s")
            for thread in self.threads:
                thread.join()
        finally:
            self.timer.cancel()
            if self.child.poll() is None:
                self.child.kill()
                self.child.wait()
            if self.monitor:
                self.monitor.drain()
                self.monitor.close()
            os.lseek(self.stderr, 0, os.SEEK_SET)
            with os.fdopen(self.stderr, "rb") as stderr:
                self.seen.stderr = stderr.read().decode(errors="replace")


def same_run(first, second):
    """Returns True, or what differs between two runs that must be identical."""
    counts = [re.search(r"instructions=(\d+)", seen.stderr) for seen in (first, second)]
    if not all(counts):
        return "a run did not print its instruction count"
    if counts[0][1] != counts[1][1]:
        return f"{counts[0][1]} and {counts[1][1]} instructions"
    if first.status != second.status:
        return f"exit status {first.status} and {second.status}: {second.stderr.strip()}"
    return first.printed == second.printed or "the consoles differ"


def repetitions(case):
    """Returns the options of a case's first run, and those of each further run that must be
    identical with what that proves."""
    if not case.startswith("jit_modes_"):
        return [], [([], "two_runs_print_the_same_and_execute_the_same_number_of_instructions")]
    reference, *others = JIT_MODES
    return ["--jit", reference], [
        (["--jit", mode], f"jit_{mode}_prints_and_counts_what_jit_{reference}_does")
        for mode in others
    ]


def judge(seen, judgements):
    """Returns everything that was tested, as (sentence, True or what is wrong)."""
    results = [(sentence, ok or "see the console") for sentence, ok in seen.results]
    if seen.plan is not None or not judgements:
        whole = (
            seen.plan == len(seen.results) or f"{len(seen.results)} results, planned {seen.plan}"
        )
        results.append(("the_payload_reports_all_that_it_planned", whole))
    failed = [
        f"{' '.join(arguments)}: {what}" for arguments, good, what in seen.injections if not good
    ]
    if seen.injections:
        results.append(("every_injection_it_asked_for_was_made", not failed or "; ".join(failed)))
    for sentence, judgement in judgements:
        results.append((sentence, judgement(seen)))
    return results


def report(results, seen, trouble):
    for number, (sentence, ok) in enumerate(results, 1):
        print(f"{'ok' if ok is True else 'not ok'} {number} - {sentence}")
        if ok is not True:
            print(f"# {ok}")
    good = not trouble and all(ok is True for _, ok in results)
    if not good:
        for line in seen.console:
            print(f"# console: {line}")
        for line in seen.stderr.splitlines():
            print(f"# standard error: {line}")
    if trouble:
        print(f"Bail out! {trouble}")
    else:
        print(f"1..{len(results)}")
    return 0 if good else 1


def main():
    if sys.argv[1:] == ["--cases"]:
        print(*CASES)
        return 0
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--fwnmi", required=True)
    parser.add_argument("--payloads", required=True)
    parser.add_argument("--endian", choices=("little", "big"), default="little")
    parser.add_argument(
        "--run-option",
        action="append",
        default=[],
        metavar="OPTION",
        help="give it to `fwnmi run` as well, as --run-option=--OPTION",
    )
    parser.add_argument("--time-limit", type=float, default=TIME_LIMIT)
    parser.add_argument("case", choices=CASES, metavar="CASE")
    args = parser.parse_args()

    payload, options, judgements = CASES[args.case]
    options = args.run_option + options
    path = os.path.join(args.payloads, f"{payload}_{args.endian}")
    first, others = repetitions(args.case)
    trouble, again = None, []
    with tempfile.TemporaryDirectory(prefix="fwnmi-guest-") as scratch:
        try:
            run = Run(args.fwnmi, path, first + options, scratch, args.time_limit)
        except OSError as e:
            print(f"Bail out! {e}")
            return 1
        try:
            run.run()
            for more, sentence in others if run.alone else []:
                other = Run(args.fwnmi, path, more + options, scratch, args.time_limit)
                other.run()
                again.append((sentence, same_run(run.seen, other.seen)))
        except (Failure, subprocess.TimeoutExpired, OSError) as e:
            trouble = str(e) or repr(e)
    results = judge(run.seen, judgements) if not trouble else []
    if not trouble:
        results += again
    return report(results, run.seen, trouble)


if __name__ == "__main__":
    sys.exit(main())
