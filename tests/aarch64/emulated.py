#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs a test of an AArch64 build of this tree under QEMU's user emulation. Speaks TAP.

usage: emulated.py BUILD unit NAME              (the unit test NAME)
       emulated.py BUILD payload ARGUMENT...    (tests/payload/run.py's arguments but --fwnmi)

The build is in BUILD/arm64. The QEMU is the later one that scripts/guests fetches: before 8.1, user
emulation goes on with an instruction that the host's cache has been told to forget, if it was
written at another address than the one where it is executed. That is how the translator writes.
"""

import os
import shlex
import subprocess
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [TESTS, os.path.join(TESTS, "linux")]

import cross  # noqa: E402
from guest import guest_file  # noqa: E402
from tap import Failure, Missing, exit_with  # noqa: E402

LIBC = "/usr/aarch64-linux-gnu"


def emulator():
    return [os.path.join(guest_file("qemu-user10"), "qemu-aarch64"), "-L", LIBC]


def built(build, target):
    """Builds TARGET; returns its path."""
    guest_file("sysroot-arm64")
    if not os.path.exists(os.path.join(LIBC, "lib")):
        raise Missing("the cross compiler is not installed (scripts/setup-packages check)")
    directory = os.path.join(build, "arm64")
    with cross.alone_in(directory):
        return cross.built(directory, "arm64", target)


# QEMU has no seccomp filters.
WRAPPER = """#!/bin/sh
command=$1
shift
exec {program} "$command" --sandbox=off "$@"
"""


def wrapper(build, command):
    """A program that runs fwnmi's commands by COMMAND."""
    path = os.path.join(build, "arm64", "fwnmi-emulated")
    new = f"{path}.{os.getpid()}"
    with open(new, "w", encoding="utf-8") as f:
        f.write(WRAPPER.format(program=shlex.join(command)))
    os.chmod(new, 0o755)
    os.replace(new, path)
    return path


def main(args):
    build, what, *rest = args
    qemu = emulator()
    if what == "unit":
        command = [*qemu, built(build, f"tests/unit/unit-{rest[0]}")]
    else:
        program = wrapper(build, [*qemu, built(build, "src/fwnmi")])
        command = [os.path.join(TESTS, "payload", "run.py"), "--fwnmi", program, *rest]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    try:
        exit_with(main, sys.argv[1:])
    except Failure as e:
        print("\n".join(f"# {line}" for line in [str(e), *e.detail.splitlines()]))
        print(f"Bail out! {e}")
        sys.exit(1)
