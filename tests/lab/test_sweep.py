#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`fwnmi test --suite sweep` on short paths of a Debian kernel.

usage: test_sweep.py FWNMI KERNEL    (6.1, or a file)
"""

import json
import os
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests"), os.path.join(TOP, "tests", "linux")]

import guest  # noqa: E402
import tap  # noqa: E402
from tap import Check, expect  # noqa: E402

LIMIT = 1800  # seconds: only to end what hangs
PATH = "function:sys_getpid"


class Lab:
    def __init__(self, fwnmi, kernel, directory):
        self.fwnmi, self.kernel, self.directory = fwnmi, kernel, directory

    def start(self, results, *options, jobs=2):
        command = [self.fwnmi, "test", "-kernel", self.kernel, "--results", results]
        command += ["--suite", "sweep", "-j", str(jobs), *options]
        return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)

    def sweep(self, name, *options, jobs=2):
        """Returns the path of the results, and what the report says of them."""
        results = os.path.join(self.directory, f"{name}.db")
        if not os.path.exists(results):
            run = self.start(results, *options, jobs=jobs)
            if run.returncode:
                raise tap.Failure(f"exit status {run.returncode}", run.stdout + run.stderr)
        command = [self.fwnmi, "report", "--format", "json", "--no-times", results]
        return results, json.loads(subprocess.check_output(command))

    def whole(self):
        return self.sweep("whole", "--path", PATH)


def address(result):
    return int(result["evidence"]["hits"][0]["event"]["nip"], 16)


def every_instruction(lab):
    """Those of a straight line follow one another, from the entry on."""
    results = lab.whole()[1]["results"]
    checks = [r for r in results if r["column"] == "machine check"]
    resets = [r for r in results if r["column"] == "system reset"]
    yield Check("more than the function's own", len({r["group"] for r in checks}) > 1, "")
    yield expect("points of system resets", [*map(address, resets)], [*map(address, checks)])
    yield Check("it begins at the entry", checks[0]["evidence"]["place"] in PATH, checks[0])
    steps = [address(b) - address(a) for a, b in zip(checks, checks[1:])]
    yield Check("most follow one another", steps.count(4) > len(steps) / 2, steps)
    for r in results:
        yield expect("place", r["name"].split("/")[2], r["evidence"]["place"])
    insns = [r["case"]["steps"][0]["arguments"]["at"] for r in checks]
    yield expect("instructions, each once", len(set(insns)), len(insns))
    yield expect("points", sum(r["points"] for r in checks) >= len(checks), True)


def jobs_do_not_matter(lab):
    yield expect("results", lab.sweep("single", "--path", PATH, jobs=1)[1], lab.whole()[1])


def samples(lab):
    def sample(name, seed):
        options = "--path", PATH, "--sample", "6", "--seed", str(seed)
        results = lab.sweep(name, *options)[1]["results"]
        return [address(r) for r in results if r["column"] == "machine check"]

    first = sample("seed1", 1)
    whole = [address(r) for r in lab.whole()[1]["results"]]
    yield expect("points", len(set(first)), 6)
    yield Check("of the path", set(first) <= set(whole), first)
    yield expect("the same seed again", sample("seed1-again", 1), first)
    yield Check("another seed", sample("seed2", 2) != first, first)


def code_that_ran(lab):
    code = {f["symbol"]: f for f in lab.whole()[1]["code"]}
    routine = code["machine_check_fwnmi"]
    yield expect("the registered routine, all of it", routine["ran"], routine["instructions"])
    yield expect("the architected vector", code["exc_real_0x200_machine_check"]["ran"], 0)
    handler = code["pseries_machine_check_realmode"]
    yield Check("a part of it", 0 < handler["ran"] < handler["instructions"], handler)
    yield Check("what never ran is named", handler["missed"], handler)


def replays(lab):
    results, report = lab.whole()
    for case in (report["results"][0], report["results"][-1]):
        run = subprocess.run(
            [lab.fwnmi, "replay", results, str(case["number"])], capture_output=True, text=True
        )
        yield Check("it is as recorded", ", as recorded" in run.stdout, run.stdout[-400:])


def interrupts(lab):
    """Sampled, or it would take long; the first point is still in user mode."""
    options = "--path", "interrupt:decrementer", "--sample", "12"
    results = lab.sweep("decrementer", *options)[1]["results"]
    yield expect("cases", len(results), 24)
    for r in results:
        place = r["evidence"]["place"] or r["evidence"]["address"]
        yield expect("place", r["name"].split("/")[2], place)


def exits_begin_anew(lab):
    """Sampled; some of the points are on the way back, where Linux may begin anew."""
    results = lab.sweep("call", "--path", "syscall:getpid", "--sample", "50")[1]["results"]
    exits = [r for r in results if "exit" in r["group"]]
    yield expect("cases", len(results), 100)
    yield Check("some are on the way back", exits, "")
    yield expect("accused", [r["name"] for r in results if not r["passed"]], [])


def loops(lab):
    """fork copies pages and page tables."""
    results = lab.sweep("loops", "--path", "syscall:fork", "--sample", "40")[1]["results"]
    yield expect("cases", len(results), 80)
    yield Check("some stand for more", sum(r["points"] for r in results) > 80, results)


def one_line(lab, *options):
    results = os.path.join(lab.directory, "none.db")
    run = lab.start(results, *options)
    yield expect("exit status", run.returncode, 2)
    yield expect("lines", run.stderr.count("\n"), 1)
    yield Check("no results", not os.path.exists(results), "")


def main(fwnmi, kernel):
    path = guest.kernel_file(kernel)
    with tempfile.TemporaryDirectory() as directory:
        lab = Lab(fwnmi, path, directory)
        unreached = "--path", "function:sys_fork", "--workload", "victim"
        return tap.run(
            [
                ("a_sweep_hits_every_instruction_of_a_path_where_it_says", every_instruction, lab),
                ("a_sweep_is_the_same_with_one_worker_and_with_two", jobs_do_not_matter, lab),
                ("a_sample_repeats_no_point_and_depends_on_its_seed_alone", samples, lab),
                ("a_sweep_says_what_ran_of_the_kernels_handlers", code_that_ran, lab),
                ("a_point_of_a_sweep_is_replayed_to_the_instruction", replays, lab),
                ("a_sweep_of_an_interrupt_hits_where_it_says", interrupts, lab),
                ("a_system_calls_exit_that_begins_anew_is_not_accused", exits_begin_anew, lab),
                ("the_passes_of_a_loop_are_counted_and_hit_once", loops, lab),
                (
                    "a_path_of_no_function_is_refused",
                    one_line,
                    lab,
                    "--path",
                    "function:sys_gexpid",
                ),
                ("a_path_that_the_workload_does_not_reach_is_refused", one_line, lab, *unreached),
                ("an_unknown_path_is_refused", one_line, lab, "--path", "syscal"),
                ("a_sweep_needs_a_path", one_line, lab),
            ]
        )


if __name__ == "__main__":
    tap.exit_with(main, sys.argv[1], sys.argv[2])
