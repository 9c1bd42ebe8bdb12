#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""errinjct of powerpc-ibm-utils in a Debian guest: RTAS injects, and Linux reports it.

usage: test_errinjct.py [--build DIR] KERNEL            (6.1 or 6.12)

Needs `scripts/guests errinjct`.
"""

import os
import re
import sys
import tempfile

import guest as harness
from guest import Booted, Build, Guest, expect

HERE = os.path.dirname(os.path.abspath(__file__))

# Each command's output goes to the console line by line.
INIT = (
    harness.INIT_HEAD
    + b"""echo on >/proc/sys/kernel/printk_devkmsg
say()
{
	echo "<1>fwnmi-guest: $*" >/dev/kmsg
}
run()
{
	say "run $*"
	errinjct "$@" >/tmp/out 2>&1
	status=$?
	while read -r line; do say "out $line"; done </tmp/out
	# What Linux queued, it prints in its next timer interrupt.
	sleep 1
	say "done $status"
}
say ready
run open
token=$(sed -n 's/.*token = //p' /tmp/out)
run open
run corrupted-slb -a 10000000 -k 99
run corrupted-slb -a 10000000 -k "$token"
run corrupted-dcache-start -a 0 -C 0 -k "$token"
run corrupted-dcache-end -a 0 -C 0 -k "$token"
run corrupted-icache-start -a 0 -n 0 -C 0 -k "$token"
run corrupted-icache-end -a 0 -n 0 -C 0 -k "$token"
run corrupted-tlb-start -C 0 -k "$token"
run corrupted-tlb-end -C 0 -k "$token"
run close -k "$token"
run corrupted-slb -a 10000000 -k "$token"
run corrupted-slb -a 10000000
poweroff -nf
"""
)

mkinitramfs = harness.script("mkinitramfs")


class Errinjct(Booted):
    """One guest, which goes through its commands by itself."""

    def __init__(self, build, kernel, stack):
        self.build, self.stack = build, stack
        self.kernel = harness.guest_file(kernel)
        self.tools = os.path.dirname(harness.guest_file("errinjct"))
        self.work = stack.enter_context(tempfile.TemporaryDirectory(prefix="fwnmi-errinjct-"))

    def initramfs(self):
        """The ordinary initramfs, followed by errinjct and its init."""
        cpio = mkinitramfs.Newc()
        for directory in ("lib64", "lib", "lib/powerpc64le-linux-gnu", "var", "var/lock"):
            cpio.add(directory, mkinitramfs.S_IFDIR | 0o755)
        for name, path in (
            ("bin/errinjct", "errinjct"),
            ("lib64/ld64.so.2", "ld64.so.2"),
            ("lib/powerpc64le-linux-gnu/libc.so.6", "libc.so.6"),
            ("lib/powerpc64le-linux-gnu/librtas.so.2", "librtas.so.2"),
        ):
            with open(os.path.join(self.tools, path), "rb") as f:
                cpio.add(name, mkinitramfs.S_IFREG | 0o755, f.read())
        cpio.add("errinjct-init", mkinitramfs.S_IFREG | 0o755, INIT)
        path = os.path.join(self.work, "initramfs")
        with open(self.build.initramfs, "rb") as f, open(path, "wb") as out:
            out.write(f.read() + cpio.finish())
        return path

    def runs(self):
        build = Build(HERE, self.build.fwnmi, self.initramfs())
        guest = self.stack.enter_context(
            Guest(
                build,
                self.kernel,
                append="rdinit=/errinjct-init loglevel=8",
                clock="insn",
                options=["--errinjct", "on"],
            )
        )
        guest.wait_for(
            r"fwnmi-guest: run corrupted-slb -a 10000000\r?\n", 0, what="the last command"
        )
        yield expect("exit status", guest.wait(), 0)
        self.booted = guest

    def of(self, command):
        """What the console has of a command: its exit status, and everything in between."""
        match = re.search(
            r"fwnmi-guest: run " + re.escape(command) + r"\r?\n(.*?)fwnmi-guest: done (\d+)",
            self.guest.since(0),
            re.DOTALL,
        )
        return (int(match[2]), match[1]) if match else (None, "")

    def sessions(self):
        for command, status, says in (
            ("open", 0, "token = 1"),
            ("corrupted-slb -a 10000000 -k 99", 252, "not the one that opened it"),
            ("close -k 1", 0, ""),
        ):
            got, text = self.of(command)
            yield expect(command, (got, says in text), (status, True))
        yield expect(
            "a second open",
            "facility is already open" in self.guest.since(0),
            True,
        )

    def reported(self, command, what, *, dar=None):
        status, text = self.of(command)
        yield expect("its exit status", status, 0)
        yield expect("it succeeds", "Call to RTAS errinjct succeeded" in text, True)
        mce = re.search(
            r"MCE: CPU0: machine check \(\w+\)\s+(\S+(?: \S+)*?)"
            r"(?: DAR: (\w+))?(?: \[.*?\])* \[(Recovered|Not recovered)\]",
            text,
        )
        yield expect("Linux names it", mce and (mce[1], mce[3]), (what, "Recovered"))
        if dar is not None:
            yield expect("its address", mce and mce[2] and int(mce[2], 16), dar)

    def quiet(self, command):
        status, text = self.of(command)
        yield expect("its exit status", status, 0)
        yield expect("no machine check", "MCE: CPU0: machine check" in text, False)


def define(tap, build, words, stack):
    (kernel,) = words or ["6.1"]
    errinjct = Errinjct(build, kernel, stack)

    def test(name, function, *args, **options):
        tap.test(f"errinjct_in_linux_{kernel}_{name}", lambda: function(*args, **options))

    test("goes_through_all_its_commands", errinjct.runs)
    test("opens_and_closes_the_facility_which_has_one_user", errinjct.sessions)
    # The word is in errinjct's own byte order, and RTAS takes it as big-endian.
    test(
        "injects_an_slb_error",
        errinjct.reported,
        "corrupted-slb -a 10000000 -k 1",
        "SLB Parity",
        dar=0x10,
    )
    for cache, extra, what in (
        ("dcache", " -a 0", "D-Cache Unknown"),
        ("icache", " -a 0 -n 0", "I-Cache Unknown"),
        ("tlb", "", "TLB Parity"),
    ):
        test(
            f"injects_a_{cache}_error",
            errinjct.reported,
            f"corrupted-{cache}-start{extra} -C 0 -k 1",
            what,
        )
        test(
            f"ends_a_{cache}_error_without_another",
            errinjct.quiet,
            f"corrupted-{cache}-end{extra} -C 0 -k 1",
        )
    test(
        "opens_and_closes_by_itself_without_a_token",
        errinjct.reported,
        "corrupted-slb -a 10000000",
        "SLB Parity",
    )


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n")[0]))
