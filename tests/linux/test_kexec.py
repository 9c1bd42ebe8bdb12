#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""After kexec, no event enters a routine that the previous kernel registered.

usage: test_kexec.py [--build DIR]

A Debian guest uses kexec to start the same kernel, another one, or a system that never registers
(other_system.S). Needs `scripts/guests kexec`.
"""

import os
import subprocess
import sys
import tempfile

import guest as harness
import scenarios
from guest import Build, Check, Failure, Guest, Missing, expect

HERE = os.path.dirname(os.path.abspath(__file__))
# Copying 50 MB and computing their SHA-256 take a while.
LOAD = 240

INIT = (
    harness.INIT_HEAD
    + b"""kexec -c -l /kexec/image --initrd=/kexec/initrd \\
    --command-line="console=hvc0 loglevel=8 fwnmi.job=victim $next" || poweroff -nf
echo "<1>fwnmi-guest: loaded" >/dev/kmsg
kexec -e
poweroff -nf
"""
)


mkinitramfs = harness.script("mkinitramfs")


def other_system(work):
    """Builds other_system.S as an ELF file for kexec: one segment that starts at its entry."""
    cross = "powerpc64le-linux-gnu-"
    obj, elf = os.path.join(work, "other.o"), os.path.join(work, "other")
    for command in (
        [cross + "as", "-o", obj, os.path.join(HERE, "other_system.S")],
        [
            cross + "ld",
            "-static",
            "--build-id=none",
            "-N",
            "--section-start=.image=0",
            "-e",
            "0",
            "-o",
            elf,
            obj,
        ],
    ):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError as e:
            raise Missing(f"{command[0]} is not installed") from e
        if done.returncode:
            raise Failure(f"{command[0]}: {done.stderr.strip()}")
    return elf


class Kexec:
    def __init__(self, build, stack):
        self.build = build
        self.work = stack.enter_context(tempfile.TemporaryDirectory(prefix="fwnmi-kexec-"))
        self.first = harness.guest_file("6.1")
        # The program needs the files next to it.
        self.tools = os.path.dirname(harness.guest_file("kexec"))

    def initramfs(self, image, init=INIT, capture=None):
        """The ordinary initramfs, followed by kexec and what it is to start.

        A crash kernel gets the ordinary one with `capture` as its /capture.
        """
        with open(self.build.initramfs, "rb") as f:
            ordinary = f.read()
        initrd = ordinary
        if capture:
            cpio = mkinitramfs.Newc()
            cpio.add("capture", mkinitramfs.S_IFREG | 0o755, capture)
            initrd += cpio.finish()
        cpio = mkinitramfs.Newc()
        for directory in ("lib64", "lib", "lib/powerpc64le-linux-gnu", "kexec"):
            cpio.add(directory, mkinitramfs.S_IFDIR | 0o755)
        for name, path in (
            ("bin/kexec", "kexec"),
            ("lib64/ld64.so.2", "ld64.so.2"),
            ("lib/powerpc64le-linux-gnu/libc.so.6", "libc.so.6"),
        ):
            with open(os.path.join(self.tools, path), "rb") as f:
                cpio.add(name, mkinitramfs.S_IFREG | 0o755, f.read())
        with open(image, "rb") as f:
            cpio.add("kexec/image", mkinitramfs.S_IFREG | 0o644, f.read())
        cpio.add("kexec/initrd", mkinitramfs.S_IFREG | 0o644, initrd)
        cpio.add("kexec/init", mkinitramfs.S_IFREG | 0o755, init)
        path = os.path.join(self.work, os.path.basename(image) + ".cpio")
        with open(path, "wb") as f:
            f.write(ordinary + cpio.finish())
        return path

    def start(self, image, options=(), append="", **more):
        build = Build(HERE, self.build.fwnmi, self.initramfs(image))
        return Guest(
            build,
            self.first,
            append=f"rdinit=/kexec/init loglevel=8 {append}",
            memory="1G",
            options=options,
            **more,
        )

    def registered(self, guest):
        """The machine check routine of the first kernel, which has registered by then."""
        return guest.monitor.wait_event("FWNMI_REGISTERED")["machine-check"]

    def another_kernel(self, kernel, options=(), **more):
        """It registers again, and later events enter its own routines."""
        image = harness.guest_file(kernel)
        with self.start(image, options, **more) as guest:
            guest.wait_for(r"fwnmi-guest: loaded", timeout=LOAD)
            mark = guest.mark()
            self.registered(guest)
            guest.wait_for(r"Linux version ", mark, what="the second kernel")
            guest.wait_for(r"fwnmi-guest: victim pid", mark, timeout=harness.BOOT)
            state = guest.monitor.wait_event("FWNMI_REGISTERED")
            symbols = harness.kernel_symbols(image, ["machine_check_fwnmi"])
            yield expect(
                "it registers the routine of its own symbol table",
                int(state["machine-check"], 16),
                symbols["machine_check_fwnmi"] & ~(0xC << 60),
            )
            yield from scenarios.recovered_slb_multihit(guest).checks
            yield from scenarios.recovered(guest, "TLB Multihit", type="TLB").checks
            yield expect("exit status", guest.power_off(), 0)
            yield Check("no routine was missed", "is gone" not in guest.stderr(), guest.stderr())

    def changes_translation(self, former, latter):
        """The hash table that is left is emptied; one that is chosen has no entries."""
        word = {"radix": "disable_radix=0", "hash": "disable_radix=1"}
        # What has an "=" and no dot is in the first init's environment.
        append = f"{word[former]} next={word[latter]}"
        with self.start(self.first, ["--mmu=either"], append) as guest:
            guest.wait_for(r"fwnmi-guest: loaded", timeout=LOAD)
            mark = guest.mark()
            yield Check(f"{former} first", f"{former}-mmu: " in guest.since(0), "")
            guest.wait_for(r"fwnmi-guest: victim pid", mark, timeout=harness.BOOT)
            said = guest.since(mark)
            yield Check(f"then {latter}", f"{latter}-mmu: " in said, "")
            if former != latter:
                yield Check(f"and not {former}", f"{former}-mmu: " not in said, "")
            yield from scenarios.recovered_slb_multihit(guest).checks
            yield expect("exit status", guest.power_off(), 0)

    def runs_other_system(self, guest):
        guest.wait_for(r"fwnmi-guest: loaded", timeout=LOAD)
        former = self.registered(guest)
        guest.wait_for(r"^other: runs", what="the other system")
        return former

    def other_system(self, options=()):
        with self.start(other_system(self.work), options) as guest:
            self.runs_other_system(guest)
            for kind, vector in (("machine-check", "0x200"), ("system-reset", "0x100")):
                mark = guest.mark()
                injection = guest.inject(kind)
                yield Check(f"{kind}: delivered", injection.delivered, injection.errors)
                yield expect(f"{kind}: to the vector", injection.report.get("handler"), vector)
                yield expect(
                    f"{kind}: as one whose routine has gone",
                    injection.report.get("stale-handler"),
                    True,
                )
                guest.wait_for(rf"^other: 0{vector[1:]}|^other: 0x0{vector[2:]}", mark)
                yield Check(
                    f"{kind}: the user is warned",
                    f"is gone: {vector} is entered" in guest.stderr(),
                    guest.stderr(),
                )

    def other_system_ends(self):
        with self.start(other_system(self.work), ["--stale-handler=end"]) as guest:
            self.runs_other_system(guest)
            injection = guest.inject("machine-check")
            why = "the registered routine is gone"
            yield expect("exit status", guest.wait(), 3)
            said = guest.stderr()
            yield Check(
                "fwnmi inject says why",
                f"it ended the partition: {why}" in injection.errors,
                injection.errors,
            )
            yield Check("the user is told", f"ended the partition: {why} (vCPU 0)" in said, said)
            yield Check("so says the end", f"the guest crashed: {why} (vCPU 0)" in said, said)
            yield Check("with the log", "SLB" in guest.stderr(), guest.stderr())

    def other_system_gets_it(self):
        with self.start(other_system(self.work), ["--stale-handler=deliver"]) as guest:
            former = self.runs_other_system(guest)
            injection = guest.inject("machine-check", no_wait=True)
            yield expect("fwnmi inject succeeds", injection.status, 0)
            delivered = guest.monitor.wait_event("FWNMI_DELIVERED")
            yield expect(
                "to where the former kernel had its routine",
                delivered["injection"]["handler"],
                former,
            )


def define(tap, build, words, stack):
    kexec = Kexec(build, stack)

    def test(name, function, *args, **options):
        tap.test(name, lambda: function(*args, **options))

    test("the_same_kernel_registers_again", kexec.another_kernel, "6.1", smp=2)
    test("another_kernel_gets_events_at_its_own_routines", kexec.another_kernel, "6.12")
    test(
        "another_kernel_sets_up_xive_anew",
        kexec.another_kernel,
        "6.12",
        ["--interrupts=xive"],
        smp=2,
    )
    test(
        "another_kernel_gets_them_by_trampolines_too",
        kexec.another_kernel,
        "6.12",
        ["--engine-mc-exit=off", "--fwnmi-delivery=trampoline"],
    )
    for former, latter in (("radix", "hash"), ("hash", "radix"), ("hash", "hash")):
        test(
            f"a_kernel_with_{latter}_translation_follows_one_with_{former}",
            kexec.changes_translation,
            former,
            latter,
        )
    test("a_system_that_does_not_register_gets_the_architected_interrupt", kexec.other_system)
    test(
        "a_system_that_does_not_register_gets_it_where_trampolines_were",
        kexec.other_system,
        ["--engine-mc-exit=off", "--fwnmi-delivery=trampoline"],
    )
    test("the_partition_ends_if_that_is_the_policy", kexec.other_system_ends)
    test("the_former_routine_is_entered_if_that_is_the_policy", kexec.other_system_gets_it)


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n", maxsplit=1)[0]))
