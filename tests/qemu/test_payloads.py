#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A payload on QEMU's processor, which is the oracle for what an interrupt tells.

usage: test_payloads.py [--build DIR] QEMU DIR        (10; DIR has the payloads)

QEMU has no part in FWNMI here. Where it is known to differ, DIFFERS says why we are right.
"""

import os
import subprocess
import sys

import qemu
import guest as harness
from guest import expect
from payload_image import image

# Hash tables with the payload's 16 MiB pages.
MACHINE = "pseries,ic-mode=xics,usb=off,cap-hpt-max-page-size=16777216"
LIMIT = 120  # seconds, where 5 are usual

ALIGNMENT = "an_alignment_interrupt_sets_dar"
FLOAT_LATE = "fe0_or_fe1_lets_in_an_exception_of_before_with_srr0_at_the_next_instruction"
FACILITY = "an_unavailable_facility_has_its_vector_and_fscr_names_which"
CALLS = "system_calls_have_srr0_behind_them"
TRACE = "a_trace_interrupt_has_srr0_behind_the_instruction"
FETCH = "an_instruction_storage_interrupt_tells_why_in_srr1"
HYPERVISOR = "what_is_the_hypervisors_is_refused_as_a_partition_sees_it"
DIFFERS = {
    FLOAT_LATE: "QEMU raises an enabled exception only in the instruction that causes it; it is due "
    "whenever FPSCR[FEX] and FE0 or FE1 are 1 (Book III 7.5.9)",
    ALIGNMENT: "QEMU executes a stdcx. that is not aligned; Book II wants it aligned",
    FACILITY: "QEMU has no SPR 3, DSCR for problem state (Book II 4.3)",
    CALLS: "QEMU executes sc 1 of problem state; KVM gives a hash guest's to the guest's 0xc00. It "
    "also leaves bits of an earlier cause in FSCR[IC]",
    TRACE: "QEMU does not set SRR1 bits 35 and 36 (Book III 7.5.15)",
    FETCH: "QEMU has bit 35 for each fetch that a radix entry refuses; bit 35 is for no-execute "
    "storage, and bit 36 for what EAA bit 0 keeps to the privileged state (Book III 7.5.5)",
    HYPERVISOR: "QEMU's tbegin. finds MSR[TM]=0, while ours is a hypervisor that withholds the "
    "facility (HFSCR) and says so in the device tree; mfspr of a hypervisor's register is a "
    "no-operation in privileged state (Book III 5.4.4)",
}


class Payloads:
    def __init__(self, which, directory):
        self.qemu = qemu.qemu_path(which)
        self.directory = directory

    def run(self, cpu, endian):
        path = os.path.join(self.directory, f"interrupts_{endian}")
        if not os.path.exists(path):
            raise harness.Missing(f"{path} has not been built (needs a cross compiler)")
        with open(path, "rb") as f:
            firmware = qemu.temporary(image(f.read()))
        argv = [
            *(self.qemu, "-M", MACHINE, "-cpu", cpu, "-m", "256", "-nodefaults"),
            *("-display", "none", "-chardev", "stdio,id=console,signal=off"),
            *("-device", "spapr-vty,chardev=console", "-bios", firmware),
        ]
        # The payload asks once, and any character is an answer.
        done = subprocess.run(
            argv,
            input="y" * 16,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=LIMIT * harness.patience(),
        )
        return done.stdout.replace("\r", "").splitlines()

    def agrees(self, cpu, endian, differs):
        lines = self.run(cpu, endian)
        failed = {line.split(" - ")[1] for line in lines if line.startswith("not ok")}
        yield expect("it reports to its end", any(line.startswith("1..") for line in lines), True)
        yield expect("where QEMU differs", sorted(failed), sorted(differs))


def define(tap, build, words, stack):
    which, directory = words
    payloads = Payloads(which, directory)
    common = {FLOAT_LATE, ALIGNMENT, FACILITY, CALLS, TRACE, HYPERVISOR}
    for cpu, differs in (
        ("power8", common),
        ("power9", common | {FETCH}),
        ("power10", common | {FETCH}),
    ):
        for endian in ("little", "big"):
            tap.test(
                f"{cpu}_{endian}_raises_interrupts_as_qemu_{which}_does_but_for_what_is_explained",
                payloads.agrees,
                cpu,
                endian,
                differs,
            )


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n", maxsplit=1)[0]))
