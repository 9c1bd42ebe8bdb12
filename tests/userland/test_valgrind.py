#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Valgrind's none/tests/ppc64 print on the embedded processor what they did on IBM's.

usage: test_valgrind.py [--build DIRECTORY] [--on fwnmi|qemu] [--json FILE] [TEST...]

scripts/valgrind-tests has built them. Each is run on POWER9, those of ISA 3.1 on POWER10. TESTs are
names of valgrind's: all unless named. --json: results, one object a test.
"""

import argparse
import contextlib
import glob
import hashlib
import json
import os
import re
import sys

import commands
from commands import end_of, harness, tap

# What the machine does not have, and valgrind's own prerequisites would leave out as well.
ABSENT = {
    "lsw": "big-endian only",
    "ldst_multiple": "big-endian only",
    "test_tm": "the machine has no transactional memory",
    "test_touch_tm": "the machine has no transactional memory",
    "test_isa_3_1_AT": "the machine has no matrix-multiply assist",
}
POWER10 = re.compile("test_isa_3_1|test_copy_paste")
DIFFERENCES = 12  # lines shown


def arguments_of(path):
    with open(path, encoding="utf-8") as f:
        return re.search(r"^prog:\s*(.*)$", f.read(), re.M)[1]


def digest_of(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def prints_the_expected(system, directory, name):
    program = arguments_of(os.path.join(directory, f"{name}.vgtest"))
    expected = glob.glob(os.path.join(directory, f"{name}.stdout.exp*"))
    status, output = system().run(
        f"cd /root; ./{program} >/tmp/out 2>/tmp/err; s=$?; sha256sum </tmp/out; exit $s"
    )
    yield tap.Check("it ends well", status == 0, f"status {status}")
    got = re.search(r"^([0-9a-f]{64})  -$", output, re.M)
    if got and got[1] in map(digest_of, expected):
        return
    names = " ".join(os.path.basename(path) for path in sorted(expected))
    _, difference = system().run(
        f"cd /root; best=; for f in {names}; do diff $f /tmp/out >/tmp/diff; n=$(wc -l </tmp/diff); "
        '[ -z "$best" ] || [ $n -lt $best ] && best=$n && mv /tmp/diff /tmp/least; done; '
        f"echo $best lines of differences; head -n {DIFFERENCES} /tmp/least; tail -n 3 /tmp/err"
    )
    yield tap.Check("it prints what is expected", False, end_of(difference))


def without(reason):
    raise harness.Missing(reason)


def tests_of(on, build, directory, stack):
    systems = {
        cpu: commands.boot(on, build, cpu, stack, memory="1G", smp=1)
        for cpu in ("power9", "power10")
    }
    for path in sorted(glob.glob(os.path.join(directory, "*.vgtest"))):
        name = os.path.basename(path).removesuffix(".vgtest")
        if name in ABSENT:
            yield name, without, ABSENT[name]
        else:
            system = systems["power10" if POWER10.match(name) else "power9"]
            yield name, prints_the_expected, system, directory, name


def recorded(function, results, name):
    """The test, whose problems are also kept."""

    def run(*args):
        try:
            checks = list(function(*args) or ())
        except harness.Missing as e:
            results.append({"test": name, "result": "skipped", "why": str(e)})
            raise
        failed = [check for check in checks if not check.ok]
        why = "; ".join(f"not so: {check.what}: {check.detail}" for check in failed)
        results.append({"test": name, "result": "failed" if failed else "passed", "why": why})
        yield from checks

    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    harness.add_arguments(parser)
    parser.add_argument("--on", choices=("fwnmi", "qemu"), default="fwnmi", help="where (fwnmi)")
    parser.add_argument("--json", metavar="FILE", help="write the results there")
    parser.add_argument("tests", nargs="*", metavar="TEST")
    args = parser.parse_args()
    args.initramfs = args.initramfs or os.path.join(args.build, "valgrind.cpio")
    directory = harness.script("valgrind-tests").destination()
    results = []
    with contextlib.ExitStack() as stack:
        build = harness.use_arguments(args).check()
        tests = [
            (name, recorded(function, results, name), *words)
            for name, function, *words in tests_of(args.on, build, directory, stack)
            if not args.tests or name in args.tests
        ]
        status = tap.run(tests)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(results, f, indent=1)
    return status


if __name__ == "__main__":
    sys.exit(main())
