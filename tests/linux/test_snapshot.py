#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A Debian kernel that is saved to files on its way and goes on in other processes.

usage: test_snapshot.py --smp N [--hash] [--xive] [--build DIR]

The tests are ../snapshot/command_line.py's, and the TAP is its own.
"""

import argparse
import os

import guest as harness

COMMAND_LINE = os.path.join(harness.TOP, "tests", "snapshot", "command_line.py")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--smp", required=True)
    parser.add_argument("--hash", action="store_true", help="the guest has a hash table")
    parser.add_argument("--xive", action="store_true", help="the guest has XIVE")
    harness.add_arguments(parser)
    args = parser.parse_args()
    build = harness.use_arguments(args).check()
    kernel = harness.guest_file("6.1")
    append = "console=hvc0" + (" disable_radix" if args.hash else "")
    options = [f"-smp={args.smp}", "-m=1G", f"-initrd={build.initramfs}", f"-append={append}"]
    options += ["--interrupts=xive"] if args.xive else []
    os.execv(
        COMMAND_LINE,
        [
            COMMAND_LINE,
            "--fwnmi",
            build.fwnmi,
            "--kernel",
            kernel,
            "--at=500000000,800000001",
            *[f"--run-option={option}" for option in options],
        ],
    )


if __name__ == "__main__":
    harness.tap.exit_with(main)
