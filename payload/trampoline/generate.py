#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Assembles trampoline.S for both byte orders and prints src/pseries/fwnmi/trampoline_code.h.

usage: generate.py [--check HEADER]     with --check, reports in TAP whether HEADER is up to date

The header is committed, so that the program builds without a cross assembler.
"""

import os
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ORDERS = (("BIG", "powerpc64-linux-gnu-", ">"), ("LITTLE", "powerpc64le-linux-gnu-", "<"))
NAMES = ("fwnmi_system_reset_trampoline", "fwnmi_machine_check_trampoline")
LIMIT = 256


def symbols(data, order):
    """Returns the code of each function in an ELF64 object file."""
    (section_offset,) = struct.unpack_from(order + "Q", data, 0x28)
    entry_size, count = struct.unpack_from(order + "HH", data, 0x3A)
    sections = [
        struct.unpack_from(order + "IIQQQQIIQQ", data, section_offset + i * entry_size)
        for i in range(count)
    ]
    found = {}
    for section in sections:
        if section[1] != 2:  # SHT_SYMTAB
            continue
        strings = sections[section[6]][4]
        for at in range(section[4], section[4] + section[5], 24):
            name, _, _, index, value, size = struct.unpack_from(order + "IBBHQQ", data, at)
            end = data.index(b"\0", strings + name)
            name = data[strings + name : end].decode()
            if name in NAMES:
                start = sections[index][4] + value
                found[name] = data[start : start + size]
    return found


def assemble(prefix, order):
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "trampoline.o")
        subprocess.run([prefix + "as", "-o", path, os.path.join(HERE, "trampoline.S")], check=True)
        with open(path, "rb") as f:
            return symbols(f.read(), order)


def array(data):
    lines = [
        ", ".join(f"0x{byte:02x}" for byte in data[at : at + 12]) for at in range(0, len(data), 12)
    ]
    return "{\n" + "".join(f"\t{line},\n" for line in lines) + "}"


def header():
    text = """/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * payload/trampoline/trampoline.S as assembled for both byte orders. Made by generate.py beside it:
 * change the source, not this file. A test reassembles and compares.
 */
#ifndef FWNMI_PSERIES_FWNMI_TRAMPOLINE_CODE_H
#define FWNMI_PSERIES_FWNMI_TRAMPOLINE_CODE_H

#include <stdint.h>

/* clang-format off */
"""
    for name, prefix, order in ORDERS:
        code = assemble(prefix, order)
        for function, what in zip(NAMES, ("system_reset", "machine_check")):
            if not 0 < len(code[function]) <= LIMIT:
                sys.exit(
                    f"fwnmi: generate: {function}: {len(code[function])} bytes, not 1..{LIMIT}"
                )
            text += (
                f"static const uint8_t trampoline_{what}_{name.lower()}_endian"
                f"[{len(code[function])}] = {array(code[function])};\n\n"
            )
    return text + "/* clang-format on */\n\n#endif\n"


def check(path):
    print("1..1")
    try:
        made = header()
    except FileNotFoundError as e:
        print(
            f"ok 1 - the_embedded_trampolines_are_what_the_assembler_makes # SKIP no {e.filename}"
        )
        return 0
    with open(path, encoding="ascii") as f:
        same = f.read() == made
    print(f"{'ok' if same else 'not ok'} 1 - the_embedded_trampolines_are_what_the_assembler_makes")
    if not same:
        print(f"# payload/trampoline/generate.py > {path}")
    return 0 if same else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--check"] and len(sys.argv) == 3:
        sys.exit(check(sys.argv[2]))
    if len(sys.argv) > 1:
        sys.exit(__doc__)
    print(header(), end="")
