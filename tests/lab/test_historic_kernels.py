#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`fwnmi test` finds bugs that Linux once had, in kernels that scripts/historic-kernels has built.

usage: test_historic_kernels.py FWNMI
"""

import os
import sys
import tempfile

import test_broken_kernels as broken
import guest
import tap

STANDARD = ("--suite", "standard", "-smp", "1")
# What Linux does with RTAS's lock held: its calls are from the boot.
IN_RTAS_CALL = """- name: machine check in an RTAS call
  workload: boot
  at: address=enter_rtas
  machine-check: {type: SLB}
"""

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
    "interlock-takes-the-rtas-lock": (("--scenarios", IN_RTAS_CALL), ("hang",)),
}


def main(fwnmi):
    kernels = guest.script("historic-kernels")
    tests = []
    with tempfile.TemporaryDirectory() as directory:
        scenarios = os.path.join(directory, "scenarios.yaml")
        with open(scenarios, "w", encoding="utf-8") as f:
            f.write(IN_RTAS_CALL)

        def run(kernel, name, options):
            lab = broken.Lab(fwnmi, kernels.path_of(kernel), directory)
            words = [scenarios if word == IN_RTAS_CALL else word for word in options]
            return lab.campaign(lab.path, name, words)

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
