#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A system reset of the whole partition makes Linux dump, with the registers of all its CPUs.

usage: test_kdump.py [--build DIR] [KERNEL]

The guest loads its own kernel as crash kernel (`kexec -p`), as kdump-tools does. Needs
`scripts/guests kexec`.
"""

import sys

import guest as harness
from guest import Build, Check, Guest, expect
from test_kexec import HERE, LOAD, Kexec

CPUS = 4
APPEND = "rdinit=/kexec/init loglevel=8 crashkernel=256M"

INIT = (
    harness.INIT_HEAD
    + b"""kexec -c -p /kexec/image --initrd=/kexec/initrd \\
    --command-line="console=hvc0 maxcpus=1 loglevel=8 rdinit=/capture cryptomgr.notests" \\
    || poweroff -nf
echo "<1>fwnmi-guest: loaded" >/dev/kmsg
exec /init
"""
)

# The core file has a note for each CPU whose registers Linux has saved.
CAPTURE = (
    harness.INIT_HEAD
    + b"""magic=$(dd if=/proc/vmcore bs=4 count=1 2>/dev/null | od -An -t x1 | tr -d ' ')
cpus=$(dd if=/proc/vmcore bs=65536 count=4 2>/dev/null | tr '\\0' '\\n' | grep -cx CORE)
echo "<1>fwnmi-guest: vmcore magic=$magic cpus=$cpus" >/dev/kmsg
poweroff -nf
"""
)


class Kdump(Kexec):
    def __init__(self, build, stack, kernel):
        super().__init__(build, stack)
        self.first = harness.guest_file(kernel)

    def start(self, options=()):
        initramfs = self.initramfs(self.first, INIT, CAPTURE)
        build = Build(HERE, self.build.fwnmi, initramfs)
        return Guest(build, self.first, smp=CPUS, memory="1G", options=options, append=APPEND)

    def captures(self, guest, mark, at_once=True):
        """Linux waits ten seconds for all CPUs, complains, and then waits forever."""
        core = guest.wait_for(
            (r"cpu\(s\) not responding|" if at_once else "")
            + r"fwnmi-guest: vmcore magic=(\S*) cpus=(\d+)",
            mark,
            LOAD,
            what="the crash kernel's vmcore",
        )
        yield Check("every CPU answers", core[1], guest.since(mark))
        if not core[1]:
            return
        yield expect("the core file is one", core[1], "7f454c46")
        yield expect("it has the registers of every CPU", int(core[2]), CPUS)
        yield expect("the crash kernel powers off", guest.wait(), 0)

    def by_command(self, options=()):
        """The obvious command, without --cpu."""
        with self.start(options) as guest:
            guest.wait_for(r"fwnmi-guest: loaded", timeout=LOAD)
            guest.boot()
            mark = guest.mark()
            injection = guest.inject("system-reset")
            yield expect("exit status", injection.status, 0)
            cpus = injection.json.get("cpus", [])
            yield expect(
                "each CPU was reset, and reported",
                [(cpu["injection"]["cpu-index"], cpu["delivered"]) for cpu in cpus],
                [(i, True) for i in range(CPUS)],
            )
            yield from self.captures(guest, mark)

    def by_monitor(self):
        """QEMU's inject-nmi, without arguments."""
        with self.start() as guest:
            guest.wait_for(r"fwnmi-guest: loaded", timeout=LOAD)
            guest.boot()
            mark = guest.mark()
            guest.monitor.command("inject-nmi")
            yield from self.captures(guest, mark)


def define(tap, build, words, stack):
    kdump = Kdump(build, stack, words[0] if words else "6.1")
    tap.test("a_system_reset_makes_four_cpus_dump", kdump.by_command)
    tap.test("inject_nmi_makes_four_cpus_dump", kdump.by_monitor)
    tap.test(
        "a_system_reset_makes_four_cpus_with_xive_dump",
        kdump.by_command,
        ["--interrupts=xive"],
    )
    tap.test(
        "a_system_reset_by_trampolines_makes_four_cpus_dump",
        kdump.by_command,
        ["--engine-mc-exit=off", "--fwnmi-delivery=trampoline"],
    )


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n", maxsplit=1)[0]))
