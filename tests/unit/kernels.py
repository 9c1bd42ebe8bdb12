# SPDX-License-Identifier: BSD-2-Clause
"""Kernels of a few instructions, and ELF files with anything in their headers."""

import struct

# Instructions.
LOOP = 0x48000000  # b .
LI_R0_2 = 0x38000002
MTMSRD_R0_1 = 0x7C010164  # MSR[RI] = 1, MSR[EE] = 0
ILLEGAL = 0x00000000
SC_1 = 0x44000022

POWER = 21  # EM_PPC64


def li(register, value):
    return 0x38000000 | register << 21 | value & 0xFFFF


def lis(register, value):
    return 0x3C000000 | register << 21 | value & 0xFFFF


def branch(words):
    return 0x48000000 | words * 4 & 0x03FFFFFC


# Power-off by RTAS, with the arguments that every kernel of elf() has.
ARGUMENTS = 0x1800
POWER_OFF = [li(3, 0), 0x60630000 | 0xF000, li(4, ARGUMENTS), SC_1]  # ori r3,r3,0xf000
POWER_OFF_ARGUMENTS = [0x2003, 2, 1, 0, 0, 0]


def header(phnum=1, phoff=64, shnum=0, shoff=0, shstrndx=0, kind=2, entry=0, machine=POWER):
    return struct.pack(
        ">16sHHIQQQIHHHHHH",
        b"\x7fELF\2\2\1",
        kind,
        machine,
        1,
        entry,
        phoff,
        shoff,
        2,
        64,
        56,
        phnum,
        64,
        shnum,
        shstrndx,
    )


def segment(offset, paddr, filesz, memsz):
    return struct.pack(">IIQQQQQQ", 1, 7, offset, paddr, paddr, filesz, memsz, 0x1000)


def section(kind, offset, size, link=0, entsize=24, name=0, flags=0):
    return struct.pack(">IIQQQQIIQQ", name, kind, flags, 0, offset, size, link, 0, 8, entsize)


def elf(code, paddr=0, machine=POWER, entry=0x1000, at=None):
    """A big-endian kernel of 8 KiB: `code` at its entry, and loops elsewhere.

    `at` has words for other places.
    """
    words = [LOOP] * 2048
    for place, what in {ARGUMENTS: POWER_OFF_ARGUMENTS, **(at or {}), entry: code}.items():
        words[place // 4 : place // 4 + len(what)] = what
    image = struct.pack(">2048I", *words)
    headers = header(entry=paddr + entry, machine=machine) + segment(
        0x1000, paddr, len(image), len(image)
    )
    return headers.ljust(0x1000, b"\0") + image
