#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs isa_sequences beside every user emulation of QEMU that this machine has.

usage: tests/isa/sequences.py BUILD [--insns N] [--seed N] [--coverage FILE]

The oracles are the installed QEMU and the later one that scripts/guests fetches, in both byte
orders, as POWER9 and as POWER10. The same seed gives the same sequences.
"""

import argparse
import os
import shutil
import subprocess
import sys

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ORDERS = [("little", "qemu-ppc64le"), ("big", "qemu-ppc64")]


def later_qemu():
    """The directory of the later QEMU's programs, or None if it has not been fetched."""
    found = subprocess.run(
        [os.path.join(SOURCE, "scripts/guests"), "--path", "qemu-user10"],
        text=True,
        capture_output=True,
        check=False,
    )
    return None if found.returncode else found.stdout.strip()


def oracles(build):
    later = later_qemu()
    for order, program in ORDERS:
        oracle = os.path.join(build, "tests/isa", f"oracle_{order}")
        installed = shutil.which(program + "-static") or shutil.which(program)
        programs = [installed] if installed else []
        if later:
            programs.append(os.path.join(later, program))
        if os.path.exists(oracle):
            for qemu in programs:
                # The installed QEMU's POWER10 lacks instructions.
                cpus = [("300", "power9")] + [("310", "power10")] * (qemu != installed)
                for isa, cpu in cpus:
                    yield ["--", order, isa, qemu, "-cpu", cpu, oracle]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--insns", default="1000000")
    parser.add_argument("--seed", default="20")
    parser.add_argument("--coverage")
    args = parser.parse_args()
    command = [os.path.join(args.build, "tests/isa/isa_sequences")]
    command += ["--instructions", args.insns, "--seed", args.seed]
    if args.coverage:
        command += ["--coverage", args.coverage]
    sides = list(oracles(args.build))
    if not sides:
        print("1..0 # SKIP needs qemu-user and powerpc64le-linux-gnu-gcc")
        return 0
    return subprocess.run(command + sum(sides, []), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
