#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`fwnmi test` finds bugs that Linux once had, in kernels that scripts/linux-from-source has built.

usage: test_historic_kernels.py FWNMI
"""

import sys
import tempfile

import test_broken_kernels as broken
from break_kernel import STANDARD
import guest
import tap

# Linux boots with RTAS calls, and their lock is held there.
IN_RTAS_CALL = """- name: machine check in an RTAS call
  workload: boot
  at: address=enter_rtas
  machine-check: {type: SLB}
"""

# A guest that translates by a hash table; Linux is to repair its SLB.
HASH = ("-append", "disable_radix")
PLANTED = """- name: planted SLB multihit
  plant: {type: SLB, effective-address: 0x20010000, disposition: not-recovered}
"""
# Memory beyond what code without relocation reaches, where Linux puts its variables for each CPU.
MORE_THAN_REAL_MODE_REACHES = ("-m", "18G")

# Options that name the cases that show it, and verdicts that name it.
BUGS = {
    "r3-byte-swapped": (("--only", "SLB multihit/@(user|kernel)"), ("corrupted",)),
    "i-cache-as-d-cache": (("--only", "I-cache/*"), ("misreported",)),
    "unrecoverable-takes-the-async-handler": (
        (*STANDARD, "--only", "@(SLB|UE)*/ri=0"),
        ("oops", "panic", "hang"),
    ),
    "reset-releases-the-buffer": (
        (*STANDARD, "--only", "system reset during one/in handler"),
        ("corrupted",),
    ),
    "slb-is-not-flushed": ((*HASH, "--scenarios", PLANTED), ("misreported",)),
    "slb-reload-clears-entry-0": ((*HASH, "--scenarios", PLANTED), ("hang", "panic", "oops")),
    "per-cpu-variable-in-real-mode": (
        (*HASH, *MORE_THAN_REAL_MODE_REACHES, "--only", "SLB multihit/@(user|kernel)"),
        ("checkstop",),
    ),
    "interlock-takes-the-rtas-lock": (("--scenarios", IN_RTAS_CALL), ("hang",)),
}


def main(fwnmi):
    kernels = guest.script("linux-from-source")
    tests = []
    with tempfile.TemporaryDirectory() as directory:

        def run(kernel, name, options):
            return broken.campaign(fwnmi, kernels.path_of(kernel), directory, name, options)

        for name, (options, verdicts) in BUGS.items():
            tests += [
                (
                    f"{name}_is_caught",
                    lambda n, o, v: broken.caught(lambda: run(n, n, o), v),
                    name,
                    options,
                    verdicts,
                ),
                (
                    f"without_{name}_no_kernel_is_accused",
                    lambda n, o: broken.unbroken(lambda: run("unbroken", f"no-{n}", o)),
                    name,
                    options,
                ),
            ]
        return tap.run(tests)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
