#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A kernel that hangs in a loop: its own watchdog sees that, by the time that the guest is given.

usage: test_stalls.py [--build DIR] KERNEL            (6.1 or 6.12)
"""

import os
import struct
import sys
import tempfile

import guest as harness
from gdb_packets import Packets
from guest import Guest, expect

LOOP = struct.pack("<I", 0x48000000).hex()  # b .
WHERE = "__do_sys_reboot"
LOCAL_ENTRY = 8  # bytes: behind the instructions that set up r2


def write_code(packets, address, code):
    body = f"M{address:x},{len(code) // 2:x}:{code}"
    yield expect(f"the stub's answer to {body}", packets.ask(body), "OK")


def soft_lockup(build, kernel):
    address = harness.kernel_symbols(kernel, [WHERE])[WHERE]
    with tempfile.TemporaryDirectory(prefix="fwnmi-test-") as scratch:
        path = os.path.join(scratch, "gdb")
        with Guest(
            build, kernel, append="watchdog_thresh=1", options=["-gdb", f"unix:{path}"]
        ) as guest:
            guest.boot()
            packets = Packets(path, harness.ANSWER)
            for offset in 0, LOCAL_ENTRY:
                yield from write_code(packets, address + offset, LOOP)
            yield expect("the stub's answer to D", packets.ask("D"), "OK")
            mark = guest.mark()
            guest.send("poweroff")
            guest.wait_for(r"watchdog: BUG: soft lockup - CPU#0 stuck for \d+s", mark)
            guest.wait_for(rf"NIP \[\w+\] {WHERE}", mark)
            yield expect("the guest has not ended", guest.process.poll(), None)


def define(tap, build, words, stack):
    (name,) = words or ["6.1"]
    kernel = harness.guest_file(name)
    tap.test(f"linux_{name}_reports_a_soft_lockup", soft_lockup, build, kernel)


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n", maxsplit=1)[0]))
