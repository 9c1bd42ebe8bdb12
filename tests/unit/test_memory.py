#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Bounds on the program's memory, whatever its guest does; see docs/architecture.md.

usage: test_memory.py FWNMI        speaks TAP

The guests are a few instructions that are generated here; they end by power-off.
"""

import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import tap  # noqa: E402
from kernels import POWER_OFF, elf  # noqa: E402

FWNMI = sys.argv[1]
MIB = 1024  # of max_rss_kib
IDLE = 64 * MIB  # an almost idle guest, with any -m
CONSTANT = 320 * MIB  # above -m, for any guest

# lis r10,1; mtctr r10; bdnz .
COUNT = [0x3D400001, 0x7D4903A6, 0x42000000]

# Stores a blr to each page from 64 KiB to 256 MiB, and calls it.
EVERYWHERE = [
    0x3CA00001,  # lis r5,1
    0x3CC01000,  # lis r6,0x1000
    0x3CE04E80,  # lis r7,0x4e80
    0x60E70020,  # ori r7,r7,0x20: blr
    0x90E50000,  # stw r7,0(r5)
    0x7CA903A6,  # mtctr r5
    0x4E800421,  # bctrl
    0x38A51000,  # addi r5,r5,4096
    0x7C253040,  # cmpld r5,r6; blt to the stw
    0x4180FFEC,
]


def max_rss(code, *options):
    """Peak resident set of a run of this guest, in KiB; the run must end normally."""
    with tempfile.NamedTemporaryFile(prefix="fwnmi-memory-") as kernel:
        kernel.write(elf(code + POWER_OFF))
        kernel.flush()
        done = subprocess.run(
            [
                FWNMI,
                "run",
                "-kernel",
                kernel.name,
                "-serial",
                "null",
                "--stats",
                "--clock=insn",
                *options,
            ],
            stdin=subprocess.DEVNULL,
            text=True,
            capture_output=True,
            timeout=300,
            check=False,
        )
    found = re.search(r"max_rss_kib=(\d+)", done.stderr)
    assert done.returncode == 0 and found, f"exit {done.returncode}: {done.stderr}"
    return int(found[1])


def memory_that_a_guest_does_not_use_costs_nothing():
    for size in "256", "4G", "64G":
        used = max_rss(COUNT, "-m", size)
        assert used <= IDLE, f"-m {size} takes {used // MIB} MiB, more than {IDLE // MIB}"


def eight_idle_vcpus_cost_next_to_nothing():
    used = max_rss(COUNT, "-m", "64G", "-smp", "8")
    assert used <= IDLE, f"{used // MIB} MiB, more than {IDLE // MIB}"


def a_guest_that_writes_and_runs_everywhere_stays_within_its_memory_and_a_constant():
    used = max_rss(EVERYWHERE, "-m", "256")
    bound = 256 * MIB + CONSTANT
    assert used >= 256 * MIB, f"{used // MIB} MiB: the guest did not do it"
    assert used <= bound, f"{used // MIB} MiB, more than {bound // MIB}"


TESTS = [
    memory_that_a_guest_does_not_use_costs_nothing,
    eight_idle_vcpus_cost_next_to_nothing,
    a_guest_that_writes_and_runs_everywhere_stays_within_its_memory_and_a_constant,
]


if __name__ == "__main__":
    sys.exit(tap.run(tap.named(TESTS)))
