#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Real machine checks under a real kvm-hv: the guest's own load raises them, without any injection.

usage: test_real.py [--build DIR] PAYLOADS            (the directory of payload)

A part of guest memory is mapped from an address where the host has no memory. QEMU 10 answers a
load from it with a machine check, and kvm-hv delivers that at the guest's 0x200, as an older KVM
does; this is what trampolines are for. The payload checks the log that its registered routine
receives; Linux prints it.
"""

import os
import re
import sys

from host import KvmGuest, OnDemand, harness, set_patience
from guest import Check, expect
import scenarios

NOWHERE = 0x4000000000  # host address above its memory, without a device
HOLE, SIZE = 0x18000000, 0x100000  # of the guest
MEMORY = "512M"
MAPPED = f"--map-memory=address={HOLE:#x},size={SIZE:#x},file=/dev/mem,offset={NOWHERE:#x}"
TAP_LINE = re.compile(r"^(not )?ok \d+ - (\S+)$", re.MULTILINE)


class Real(OnDemand):
    def hole(self, order):
        """Runs the payload, whose results are the checks."""
        with KvmGuest(
            self.host,
            f"/hole_{order}",
            initrd=None,
            append=f"hole={HOLE:#x}",
            memory=MEMORY,
            options=[MAPPED, "--fwnmi-delivery=trampoline"],
            monitor=False,
        ) as guest:
            guest.wait_for(r"^@answer$", timeout=harness.BOOT, what="that it waits for us")
            guest.send("!")
            plan = int(
                guest.wait_for(r"^1\.\.(\d+)$", timeout=harness.BOOT, what="the payload's plan")[1]
            )
            status = guest.wait()
            found = TAP_LINE.findall(guest.since(0))
            for bad, sentence in found:
                yield Check(sentence, not bad, guest.tail())
            yield expect("it reports all that it planned", len(found), plan)
            yield expect("exit status", status, 0)

    def linux(self):
        """A process of the guest loads from there: Linux kills it and survives."""
        with KvmGuest(
            self.host,
            append="loglevel=8 mem=256M iomem=relaxed",
            memory=MEMORY,
            options=[MAPPED, "--fwnmi-delivery=trampoline"],
        ) as guest:
            guest.boot(2 * harness.BOOT)
            pid = guest.victim()
            mark = guest.mark()
            guest.send(f"load {HOLE + 0x1238:#x}")
            mce = scenarios.printed_mce(guest, mark)
            yield expect(
                "Linux names it",
                (mce["what"].strip(), mce["disposition"], mce["comm"]),
                ("UE Load/Store", "Not recovered", "devmem"),
            )
            yield Check(
                "and the effective address: devmem maps a page for the word it wants",
                mce["dar"] and int(mce["dar"], 16) & 0xFFF == 0x238,
                mce,
            )
            yield Check("it is a user's", mce["dar"] and int(mce["dar"], 16) < 1 << 52, mce)
            guest.wait_for(
                rf"fwnmi-guest: loaded nothing: signal {scenarios.SIGBUS}",
                mark,
                what="the end of the process",
            )
            yield expect("another process lives on", guest.victim(), pid)
            yield expect("exit status", guest.power_off(), 0)


def define(tap, build, words, stack):
    (payloads,) = words or [os.path.join(build.directory, "guest", "payload")]
    set_patience()
    linux = {"vmlinux": harness.guest_file("6.1"), "initramfs": build.initramfs}
    real = Real(build, payloads, "hole", stack, linux, qemu="10")
    for order in ("little", "big"):
        tap.test(
            f"a_real_machine_check_on_kvm_reaches_a_{order}_endian_routine_with_type_and_address",
            real.hole,
            order,
        )
    tap.test("a_real_machine_check_on_kvm_kills_the_process_of_linux_that_it_hit", real.linux)


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n", maxsplit=1)[0]))
