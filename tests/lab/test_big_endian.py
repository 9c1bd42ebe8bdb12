#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A big-endian Linux boots, registers and recovers, as `fwnmi test` finds it.

usage: test_big_endian.py FWNMI

scripts/linux-from-source has built the kernel.
"""

import sys
import tempfile

import test_broken_kernels as lab
import guest
import tap

KERNEL = "big-endian"


def header_is_big_endian(path):
    with open(path, "rb") as f:
        ident = f.read(6)
    yield tap.Check("it is an ELF file of that byte order", ident == b"\x7fELF\x02\x02", ident)


def all_pass(fwnmi, path, suite, expected_failures=()):
    with tempfile.TemporaryDirectory() as directory:
        results = lab.campaign(fwnmi, path, directory, suite, ["--suite", suite])
    failed = {r["name"]: lab.tell(r) for r in results if not r["passed"]}
    yield tap.Check("cases were run", len(results) > 100, str(len(results)))
    yield tap.Check(
        "no other case fails than with every kernel",
        set(failed) <= set(expected_failures),
        "\n".join(failed.values()),
    )


# Linux's call of RTAS from a handler spoils the call that the event interrupted: docs/found.md.
RTAS_BUG = ("machine check during one/after interlock", "system reset during one/after interlock")


def main(fwnmi):
    path = guest.script("linux-from-source").path_of(KERNEL)
    return tap.run(
        [
            ("the_kernel_is_big_endian", header_is_big_endian, path),
            ("every_case_of_quick_passes", all_pass, fwnmi, path, "quick"),
            (
                "standard_finds_only_what_every_kernel_has",
                all_pass,
                fwnmi,
                path,
                "standard",
                RTAS_BUG,
            ),
        ]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
