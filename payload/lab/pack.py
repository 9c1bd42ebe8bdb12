#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Packs the lab's programs as an initramfs, and that as C source to be linked into fwnmi.

usage: pack.py NAME CPIO SOURCE [PROGRAM...]

NAME is what the source calls the archive. Each PROGRAM is PROGRAM_ORDER; the guest has no byte
order in its names.

The archive is an uncompressed newc cpio (Linux, buffer-format.rst), identical for identical
programs. Without programs both are empty: there was no cross compiler.
"""

import os
import sys

S_IFREG, S_IFDIR, S_IFCHR = 0o100000, 0o040000, 0o020000


def entry(inode, name, mode, content=b"", rdev=(0, 0)):
    links = 2 if mode & 0o170000 == S_IFDIR else 1
    path = name.encode() + b"\0"
    fields = [inode, mode, 0, 0, links, 0, len(content), 0, 0, *rdev, len(path), 0]
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + path
    return padded(padded(head) + content)


def padded(data, boundary=4):
    return data + bytes(-len(data) % boundary)


def archive(programs):
    if not programs:
        return b""
    entries = [(name, S_IFDIR | 0o755) for name in ("dev", "proc", "sys")]
    # The kernel opens /dev/console for init before init can mount anything.
    entries += [
        ("dev/console", S_IFCHR | 0o600, b"", (5, 1)),
        ("dev/kmsg", S_IFCHR | 0o600, b"", (1, 11)),
    ]
    for path in programs:
        with open(path, "rb") as f:
            program = os.path.basename(path).rsplit("_", 1)[0]
            entries.append((program, S_IFREG | 0o755, f.read()))
    data = b"".join(entry(inode, *fields) for inode, fields in enumerate(entries, 1))
    return padded(data + entry(0, "TRAILER!!!", 0), 512)


def source(name, data):
    # C has no empty arrays.
    rows = [data[at : at + 24] for at in range(0, len(data), 24)] or [b"\0"]
    lines = "".join("\t" + "".join(f"{byte}," for byte in row) + "\n" for row in rows)
    return (
        "/* Made by payload/lab/pack.py. */\n"
        "#include <stddef.h>\n\n"
        f"extern const size_t {name}_size;\n"
        f"extern const unsigned char {name}[];\n"
        f"const size_t {name}_size = {len(data)};\n"
        f"const unsigned char {name}[] = {{\n{lines}}};\n"
    )


def main(name, cpio_path, source_path, *programs):
    data = archive(programs)
    with open(cpio_path, "wb") as f:
        f.write(data)
    with open(source_path, "w", encoding="utf-8") as f:
        f.write(source(name, data))


if __name__ == "__main__":
    main(*sys.argv[1:])
