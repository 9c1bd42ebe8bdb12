#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A Debian kernel on two vCPUs that is stopped, saved and loaded into another machine.

usage: test_restore.py --restore PROGRAM [--hash] [--build DIR]

The program is ../snapshot/restore.c, and the TAP is its own.
"""

import argparse
import os

import guest as harness


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--restore", required=True)
    parser.add_argument("--hash", action="store_true", help="the guest has a hash table")
    harness.add_arguments(parser)
    args = parser.parse_args()
    build = harness.use_arguments(args).check()
    kernel = harness.guest_file("6.1")
    append = "console=hvc0" + (" disable_radix" if args.hash else "")
    options = ["-smp", "2", "-initrd", build.initramfs, "-append", append]
    os.execv(args.restore, [args.restore, *options, kernel])


if __name__ == "__main__":
    harness.tap.exit_with(main)
