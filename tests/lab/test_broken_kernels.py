#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`fwnmi test` finds the bugs that break_kernel.py puts into a kernel, and names them.

usage: test_broken_kernels.py FWNMI KERNEL [BUG...]    (6.1, or a file)
"""

import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
import threading

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [
    os.path.join(TOP, "tests"),
    os.path.join(TOP, "tests", "linux"),
    os.path.dirname(os.path.abspath(__file__)),
]

import break_kernel  # noqa: E402
import guest  # noqa: E402
import tap  # noqa: E402

JOBS = 2
LIMIT = 1800  # seconds: only to end what hangs


def campaign(fwnmi, kernel, directory, name, options):
    """Runs the cases; returns their results."""
    results = os.path.join(directory, f"{name}.db")
    command = [fwnmi, "test", "-kernel", kernel, "--results", results, "-j", "1"]
    for word in options:
        if "\n" in word:  # scenarios
            path = os.path.join(directory, f"{name}.yaml")
            with open(path, "w", encoding="utf-8") as f:
                f.write(word)
            word = path
        command.append(word)
    run = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
    if run.returncode not in (0, 1):
        raise tap.Failure("fwnmi test could not test it", run.stderr)
    report = subprocess.run(
        [fwnmi, "report", "--format", "json", results], capture_output=True, text=True
    )
    return json.loads(report.stdout)["results"]


class Lab:
    def __init__(self, fwnmi, path, directory):
        self.fwnmi, self.path, self.directory = fwnmi, path, directory
        self.kernel = break_kernel.Kernel(path)
        self.making = threading.Lock()

    def break_and_test(self, name):
        bug = break_kernel.BUGS[name]
        copy = os.path.join(self.directory, f"vmlinux-{name}")
        with self.making:
            break_kernel.make(self.kernel, name, copy)
        try:
            options = ["--only", bug.case, *bug.options]
            return campaign(self.fwnmi, copy, self.directory, name, options)
        finally:
            os.unlink(copy)


def tell(result):
    return f"{result['name']}: {result['verdict']}: {result['why']}"


def unbroken(run):
    failed = [tell(r) for r in run() if not r["passed"]]
    yield tap.Check("no case fails", not failed, "\n".join(failed))


def caught(run, verdicts):
    """Some case fails, and each that does has a verdict that names the bug."""
    results = run()
    failed = [r for r in results if not r["passed"]]
    yield tap.Check("a case fails", failed, "\n".join(map(tell, results[:8])))
    for r in failed:
        print(f"# {tell(r)}")
        yield tap.Check(f"the verdict is {' or '.join(verdicts)}", r["verdict"] in verdicts, "")


def main(fwnmi, kernel, names):
    path = guest.kernel_file(kernel)
    tests = []
    with tempfile.TemporaryDirectory() as directory, concurrent.futures.ThreadPoolExecutor(
        JOBS
    ) as pool:
        lab = Lab(fwnmi, path, directory)
        # All CPUs have to take part in a dump, and that takes long.
        for cpus, only in () if names else ((1, []), (2, ["--only", "!(system reset*)"])):
            options = ["-smp", str(cpus), *only]
            run = pool.submit(campaign, fwnmi, path, directory, f"unbroken-{cpus}", options)
            tests.append(
                (f"an_unbroken_kernel_with_{cpus}_cpus_is_not_accused", unbroken, run.result)
            )
        for name in names or break_kernel.BUGS:
            run = pool.submit(lab.break_and_test, name)
            tests.append(
                (f"{name}_is_caught", caught, run.result, break_kernel.BUGS[name].verdicts)
            )
        return tap.run(tests)


if __name__ == "__main__":
    tap.exit_with(main, sys.argv[1], sys.argv[2], sys.argv[3:])
