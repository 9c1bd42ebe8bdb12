#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A system reset of every CPU makes a guest of QEMU dump, with the registers of all CPUs.

usage: test_dump.py [--build DIR] QEMU        (7.2 or 10)

The guest is that of tests/linux/test_kdump.py.
"""

import sys

import qemu
import guest as harness
import test_kdump
from guest import Build, expect
from qemu import QemuGuest


def dump(build, which, stack):
    kdump = test_kdump.Kdump(build, stack, "6.1")
    ours = Build(
        test_kdump.HERE,
        build.fwnmi,
        kdump.initramfs(kdump.first, test_kdump.INIT, test_kdump.CAPTURE),
    )
    with QemuGuest(
        ours, which, kdump.first, smp=test_kdump.CPUS, memory="1G", append=test_kdump.APPEND
    ) as guest:
        guest.wait_for(r"fwnmi-guest: loaded", timeout=test_kdump.LOAD)
        guest.boot()
        mark = guest.mark()
        injection = guest.inject("system-reset")
        yield expect("exit status", (injection.status, injection.errors), (0, ""))
        yield expect(
            "CPUs",
            [cpu["delivered"] for cpu in injection.json.get("cpus", [])],
            [True] * test_kdump.CPUS,
        )
        # The CPUs are reset one after another, so the last one may come late.
        yield from kdump.captures(guest, mark, at_once=False)


def define(tap, build, words, stack):
    (which,) = words
    qemu.qemu_path(which)
    tap.test(f"qemu_{which}_a_system_reset_makes_four_cpus_dump", dump, build, which, stack)


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n", maxsplit=1)[0]))
