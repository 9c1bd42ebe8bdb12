#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A kernel that hangs in a loop: its own watchdog sees that, by the time that the guest is given.

usage: test_stalls.py [--build DIR] KERNEL            (6.1 or 6.12)
"""

import os
import socket
import struct
import sys
import tempfile

import guest as harness
from guest import Guest, expect

LOOP = struct.pack("<I", 0x48000000).hex()  # b .
WHERE = "__do_sys_reboot"
LOCAL_ENTRY = 8  # bytes: behind the instructions that set up r2


def write_code(path, address, code):
    """By the debugger's protocol; the guest runs on when the debugger hangs up."""
    with socket.socket(socket.AF_UNIX) as stub:
        stub.settimeout(harness.ANSWER)
        stub.connect(path)
        for body in f"M{address:x},{len(code) // 2:x}:{code}", "D":
            stub.sendall(b"$%s#%02x" % (body.encode(), sum(body.encode()) & 255))
            answer = b""
            while b"#" not in answer:
                answer += stub.recv(4096)
            if b"$OK#" not in answer:
                raise harness.Failure(f"the stub says {answer!r} to {body}")


def soft_lockup(build, kernel):
    address = harness.kernel_symbols(kernel, [WHERE])[WHERE]
    with tempfile.TemporaryDirectory(prefix="fwnmi-test-") as scratch:
        path = os.path.join(scratch, "gdb")
        with Guest(
            build, kernel, append="watchdog_thresh=1", options=["-gdb", f"unix:{path}"]
        ) as guest:
            guest.boot()
            for offset in 0, LOCAL_ENTRY:
                write_code(path, address + offset, LOOP)
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
