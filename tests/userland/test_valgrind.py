#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Valgrind's none/tests/ppc64 print on the embedded processor what they did on IBM's.

usage: test_valgrind.py [--build DIRECTORY] [--on fwnmi|qemu] [--jit off|on] [--json FILE] [TEST...]

scripts/valgrind-tests has built them. Each is run on POWER9, those of ISA 3.1 on POWER10, and one
on POWER8. TESTs are names of valgrind's: all unless named. --json: results, one object a test.
Results that the Power ISA leaves open may differ; OPEN has them, and they are counted.
"""

import argparse
import collections
import contextlib
import glob
import hashlib
import json
import os
import re
import sys

import commands
from commands import harness, tap

# What the machine does not have.
ABSENT = {
    "lsw": "big-endian only",
    "ldst_multiple": "big-endian only",
    "test_tm": "the machine has no transactional memory",
    "test_touch_tm": "the machine has no transactional memory",
}
# Lines that may differ, and the instruction whose description in the Power ISA 3.0B leaves the
# result open.
OPEN = {
    "jm-fp": [(r"frsqrte\.? ", "frsqrte: an estimate, within 1/32")],
    "jm-int": [(r"mulhwu\. ", "mulhwu: CR0 is undefined in 64-bit mode")],
    "jm-vmx": [(r"(vlogefp|vexptefp): ", "vlogefp, vexptefp: an estimate")],
    "jm_vec_isa_2_07": [
        (
            r"bcd(add|sub)\. ?:.*\|\| [0-9a-f]{15}[0-9] (@@|==>)",
            "bcdadd, bcdsub: undefined, since an operand has no sign",
        )
    ],
    "subnormal_test": [
        (
            r"v(exptefp|logefp|refp|rsqrtefp)\(",
            "vexptefp, vlogefp, vrefp, vrsqrtefp: an estimate",
        )
    ],
    "test_isa_3_0_altivec": [
        (r"xsrqpx?[ip]x? .*\(R=0\) \(RMC=2\)", "xsrqpi, xsrqpxp: a reserved rounding mode")
    ],
    "test_isa_3_0_other": [
        (r"modsw ", "modsw: the upper word is undefined"),
        (r"vmul10euq .*x[ab]:[0-9 ]*[a-f]", "vmul10euq: undefined, since a digit is none"),
    ],
}
POWER10 = re.compile("test_isa_3_1|test_copy_paste$")
# OV32 and CA32, which are new on POWER9, are in no expected output.
POWER8 = re.compile("jm-int$")
MAX_LINES = 20000  # of differences that the guest prints


def arguments_of(path):
    with open(path, encoding="utf-8") as f:
        return re.search(r"^prog:\s*(.*)$", f.read(), re.M)[1]


def digest_of(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def differences(system, directory, expected):
    """The lines that are only in one of what was printed and the expected output next to it."""
    names = " ".join(sorted(map(os.path.basename, expected)))
    _, output = system().run(
        f"cd /root; best=; for f in {names}; do diff $f /tmp/out | grep '^[-+]' >/tmp/diff; "
        "n=$(wc -l </tmp/diff); "
        '[ -z "$best" ] || [ $n -lt $best ] && best=$n && mv /tmp/diff /tmp/least; done; '
        f"head -n {MAX_LINES} /tmp/least"
    )
    return [line for line in commands.lines_of(output) if not line.startswith(("---", "+++"))]


def prints_the_expected(system, directory, name, nr_lines, left_open):
    program = arguments_of(os.path.join(directory, f"{name}.vgtest"))
    expected = glob.glob(os.path.join(directory, f"{name}.stdout.exp*"))
    status, output = system().run(
        f"cd /root; ./{program} >/tmp/out 2>/tmp/err; s=$?; sha256sum </tmp/out; exit $s"
    )
    yield tap.Check("it ends well", status == 0, f"status {status}")
    got = re.search(r"^([0-9a-f]{64})  -$", output, re.M)
    if got and got[1] in map(digest_of, expected):
        return
    lines = differences(system, directory, expected)
    wrong = []
    for line in lines:
        reason = next((why for what, why in OPEN.get(name, ()) if re.search(what, line)), None)
        if reason:
            left_open[reason] += 1
        else:
            wrong.append(line)
    for reason, count in left_open.items():
        print(f"# {name}: {count // 2} lines differ: {reason}")
    told = "\n".join([f"{len(wrong)} lines of differences", *wrong[:nr_lines]])
    yield tap.Check("it prints what is expected", lines and not wrong, told)


def without(reason, _):
    raise harness.Missing(reason)


def processor_of(name):
    return "power10" if POWER10.match(name) else "power8" if POWER8.match(name) else "power9"


def tests_of(args, build, directory, stack):
    systems = {
        cpu: commands.boot(args.on, build, cpu, stack, memory="1G", smp=1, jit=args.jit)
        for cpu in ("power8", "power9", "power10")
    }
    for path in sorted(glob.glob(os.path.join(directory, "*.vgtest"))):
        name = os.path.basename(path).removesuffix(".vgtest")
        if name in ABSENT:
            yield name, without, ABSENT[name]
        else:
            yield name, prints_the_expected, systems[
                processor_of(name)
            ], directory, name, args.lines


def recorded(function, results, name):
    """The test, whose result is also kept."""

    def run(*args):
        left_open = collections.Counter()
        try:
            checks = list(function(*args, left_open) or ())
        except harness.Missing as e:
            results.append({"test": name, "result": "skipped", "why": str(e)})
            raise
        failed = [check for check in checks if not check.ok]
        why = "; ".join(f"not so: {check.what}: {check.detail}" for check in failed)
        results.append(
            {
                "test": name,
                "result": "failed" if failed else "passed",
                "why": why,
                "open": {reason: count // 2 for reason, count in left_open.items()},
            }
        )
        yield from checks

    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--on", choices=("fwnmi", "qemu"), default="fwnmi", help="where (fwnmi)")
    parser.add_argument("--json", metavar="FILE", help="write the results there")
    parser.add_argument("--lines", type=int, default=12, help="of differences to show (12)")
    args = commands.take_arguments(parser, "valgrind.cpio")
    directory = harness.script("valgrind-tests").destination()
    results = []
    with contextlib.ExitStack() as stack:
        build = harness.use_arguments(args).check()
        tests = [
            (name, recorded(function, results, name), *words)
            for name, function, *words in tests_of(args, build, directory, stack)
            if not args.tests or name in args.tests
        ]
        status = tap.run(tests)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(results, f, indent=1)
    return status


if __name__ == "__main__":
    sys.exit(main())
