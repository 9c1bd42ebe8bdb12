#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the scripts of the set-up say when something is missing, as TAP."""

import os
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def run(name, *args, **env):
    return subprocess.run([os.path.join(TOP, "scripts", name), *args], text=True, check=False,
                          capture_output=True, stdin=subprocess.DEVNULL, env={**os.environ, **env})


def cross_compiler_without_a_c_library_is_named():
    with tempfile.TemporaryDirectory() as scratch:
        compiler = os.path.join(scratch, "powerpc64le-linux-gnu-gcc")
        with open(compiler, "w", encoding="ascii") as f:
            f.write("#!/bin/sh\necho 'ld: cannot find -lc' >&2\nexit 1\n")
        os.chmod(compiler, 0o755)
        done = run("cross-ppc64el", os.path.join(scratch, "build"),
                   PATH=f"{scratch}:{os.environ['PATH']}")
    return done.returncode == 1 and done.stderr == (
        "fwnmi: cross-ppc64el: powerpc64le-linux-gnu-gcc links no program: its C library is missing "
        "(libc6-dev-ppc64el-cross; scripts/setup-packages check)\n")


def unknown_package_list_is_refused_with_the_names_of_those_there_are():
    done = run("setup-packages", "nonsense")
    return done.returncode == 1 and "no package list 'nonsense'" in done.stderr and \
        "run" in done.stderr and done.stderr.count("\n") == 1


def bare_machine_without_a_command_prints_its_usage():
    done = run("bare-machine")
    return done.returncode == 2 and "usage: scripts/bare-machine" in done.stderr


TESTS = [
    cross_compiler_without_a_c_library_is_named,
    unknown_package_list_is_refused_with_the_names_of_those_there_are,
    bare_machine_without_a_command_prints_its_usage,
]

print(f"1..{len(TESTS)}")
failed = 0
for number, test in enumerate(TESTS, 1):
    ok = test()
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {number} - {test.__name__}")
sys.exit(1 if failed else 0)
