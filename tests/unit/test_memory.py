#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How much memory the program takes, whatever its guest does. docs/architecture.md states the bounds.

usage: test_memory.py FWNMI        speaks TAP

The guests are a few instructions long and made here; they end by power-off.
"""

import os
import re
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import tap  # noqa: E402

FWNMI = sys.argv[1]
MIB = 1024  # of max_rss_kib
IDLE = 64 * MIB  # a guest that touches next to nothing, with any -m
CONSTANT = 320 * MIB  # above -m, for a guest that does everything everywhere

ENTRY, BUFFER = 0x1000, 0x1800
POWER_OFF = [0x2003, 2, 1, 0, 0, 0]  # an RTAS argument buffer
# li r3,0; ori r3,r3,0xf000; li r4,BUFFER; sc 1; b .
CALL_POWER_OFF = [0x38600000, 0x6063F000, 0x38800000 | BUFFER, 0x44000022, 0x48000000]

# lis r10,1; mtctr r10; bdnz .
LOOP = [0x3D400001, 0x7D4903A6, 0x42000000]

# r5 = 64 KiB; r6 = 256 MiB; r7 = blr; for each page: stw r7,0(r5); mtctr r5; bctrl
EVERYWHERE = [0x3CA00001, 0x3CC01000, 0x3CE04E80, 0x60E70020,
              0x90E50000, 0x7CA903A6, 0x4E800421,
              0x38A51000, 0x7C253040, 0x4180FFEC]  # addi r5,r5,4096; cmpld r5,r6; blt


def elf(code):
    """A big-endian ELF64 kernel of 8 KiB with `code` at its entry and the argument buffer behind it."""
    words = [0x48000000] * 2048
    words[ENTRY // 4:ENTRY // 4 + len(code)] = code
    words[BUFFER // 4:BUFFER // 4 + len(POWER_OFF)] = POWER_OFF
    segment = struct.pack(">2048I", *words)
    header = struct.pack(">16sHHIQQQIHHHHHH", b"\x7fELF\2\2\1", 2, 21, 1, ENTRY, 64, 0, 2, 64, 56, 1,
                         0, 0, 0)
    program = struct.pack(">IIQQQQQQ", 1, 7, 0x1000, 0, 0, len(segment), len(segment), 0x1000)
    return (header + program).ljust(0x1000, b"\0") + segment


def max_rss(code, *options):
    """Largest resident set in KiB of a run of this guest, which must end in order."""
    with tempfile.NamedTemporaryFile(prefix="fwnmi-memory-") as kernel:
        kernel.write(elf(code + CALL_POWER_OFF))
        kernel.flush()
        done = subprocess.run([FWNMI, "run", "-kernel", kernel.name, "-serial", "null", "--stats",
                               "--clock=insn", *options], stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=300, check=False)
    found = re.search(r"max_rss_kib=(\d+)", done.stderr)
    assert done.returncode == 0 and found, f"exit {done.returncode}: {done.stderr}"
    return int(found[1])


def memory_that_a_guest_does_not_use_costs_nothing():
    for size in "256", "4G", "64G":
        used = max_rss(LOOP, "-m", size)
        assert used <= IDLE, f"-m {size} takes {used // MIB} MiB, more than {IDLE // MIB}"


def eight_idle_vcpus_cost_next_to_nothing():
    used = max_rss(LOOP, "-m", "64G", "-smp", "8")
    assert used <= IDLE, f"{used // MIB} MiB, more than {IDLE // MIB}"


def a_guest_that_writes_and_runs_everywhere_stays_within_its_memory_and_a_constant():
    used = max_rss(EVERYWHERE, "-m", "256")
    bound = 256 * MIB + CONSTANT
    assert used >= 256 * MIB, f"{used // MIB} MiB: the guest did not do it"
    assert used <= bound, f"{used // MIB} MiB, more than {bound // MIB}"


TESTS = [memory_that_a_guest_does_not_use_costs_nothing,
         eight_idle_vcpus_cost_next_to_nothing,
         a_guest_that_writes_and_runs_everywhere_stays_within_its_memory_and_a_constant]


if __name__ == "__main__":
    sys.exit(tap.run(tap.named(TESTS)))
