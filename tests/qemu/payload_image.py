#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes a payload an image that QEMU's pseries machine takes for its firmware (-bios).

usage: payload_image.py PAYLOAD IMAGE

QEMU loads the image at 0 and enters it at 0x100 in big-endian order, with the device tree's address
in R3. There stands the payload's vector for system resets, which is lost: a branch to a stub that
enters the payload takes its place.
"""

import struct
import sys

ENTRY, STUB = 0x100, 0x3F00
PT_LOAD = 1
MSR_SF_ME = 0x8000000000001000


def words(*values):
    return b"".join(struct.pack(">I", value) for value in values)


def image(elf):
    """The bytes from address 0 on."""
    order = "<" if elf[5] == 1 else ">"
    entry, headers = struct.unpack_from(order + "QQ", elf, 24)
    (count,) = struct.unpack_from(order + "H", elf, 56)
    data = bytearray()
    for i in range(count):
        kind, _, offset, address, _, size = struct.unpack_from(
            order + "IIQQQQ", elf, headers + 56 * i
        )
        if kind == PT_LOAD:
            data += bytes(max(0, address + size - len(data)))
            data[address : address + size] = elf[offset : offset + size]
    msr = MSR_SF_ME | (order == "<")
    stub = words(
        0x3C800000 | entry >> 16,  # lis r4,...
        0x60840000 | entry & 0xFFFF,  # ori r4,r4,...
        0x7C9A03A6,  # mtsrr0 r4
        0x3880FFFF,  # li r4,-1
        0x7884F806,  # sldi r4,r4,63
        0x60840000 | msr & 0xFFFF,  # ori r4,r4,...
        0x7C9B03A6,  # mtsrr1 r4
        0x4C000024,  # rfid
    )
    assert not any(data[STUB : STUB + len(stub)])
    data[STUB : STUB + len(stub)] = stub
    data[ENTRY : ENTRY + 4] = words(0x48000000 | STUB - ENTRY)
    return bytes(data)


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as f:
        IMAGE = image(f.read())
    with open(sys.argv[2], "wb") as f:
        f.write(IMAGE)
