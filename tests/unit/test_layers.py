#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Reads the includes of the sources: who may use whom, no circles, no name twice. Speaks TAP.

usage: test_layers.py SOURCE
"""

import collections
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import tap  # noqa: E402

# Each room, and what its files may include besides the room itself. A file's room is the longest
# one that fits. A name with an extension is a single file. docs/architecture.md has the same table.
MAY_INCLUDE = {
    "include/fwnmi": [],
    "lib": ["include/fwnmi"],
    "src/base": [],
    # Machine check bits and processors: libfwnmi has them already.
    "src/isa": ["include/fwnmi"],
    "src/engine": ["src/isa", "src/base"],
    "src/engine/emu": ["src/engine/emu/decode", "src/engine", "src/isa", "src/base"],
    # The decoder is pure: it knows what instructions and micro-operations are, and no cache.
    "src/engine/emu/decode": [
        "src/engine/emu/cpu.h",
        "src/engine/emu/uop/uop.h",
        "src/engine/emu/insn/insn.def",
        "src/engine/emu/insn/insn.h",
        "src/engine/emu/insn/prefixed.def",
        "src/engine/emu/insn/prefixed.h",
        "src/isa",
    ],
    "src/engine/kvm": ["src/engine", "src/isa"],
    "src/devices": ["src/engine", "src/base"],
    "src/pseries": ["src/devices", "src/engine", "src/isa", "src/base", "include/fwnmi"],
    "src/machine": ["src/pseries", "src/engine", "src/isa", "src/base", "include/fwnmi"],
    "src/inject": [
        "src/machine",
        "src/pseries",
        "src/engine",
        "src/isa",
        "src/base",
        "include/fwnmi",
    ],
    "src/log": ["src/base", "include/fwnmi"],
    "src/gdb": ["src/isa", "src/base"],
    "src/attach": ["src/gdb", "src/inject/request.h", "src/isa", "src/base", "include/fwnmi"],
    "src/control": [
        "src/gdb",
        "src/inject",
        "src/machine",
        "src/pseries",
        "src/engine",
        "src/isa",
        "src/base",
        "include/fwnmi",
    ],
    "src/lab": [
        "src/inject",
        "src/machine",
        "src/pseries",
        "src/engine",
        "src/isa",
        "src/base",
        "include/fwnmi",
    ],
    # The sandbox lets through what the KVM engine asks of KVM.
    "src/cmd": [
        "src/control",
        "src/lab",
        "src/log",
        "src/attach",
        "src/inject",
        "src/machine",
        "src/base",
        "src/engine/kvm/abi.h",
        "include/fwnmi",
    ],
}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+["<]([^">]+)[">]', re.MULTILINE)


def sources(top):
    for base in ("include", "lib", "src"):
        for directory, _, names in os.walk(os.path.join(top, base)):
            for name in names:
                if name.endswith((".c", ".h", ".def")):
                    yield os.path.relpath(os.path.join(directory, name), top)


def room_of(path):
    """The room of a file, or None: main.c stands outside of all."""
    fitting = [room for room in MAY_INCLUDE if path.startswith(room + "/")]
    return max(fitting, key=len, default=None)


def includes(top):
    """{file: the project's files that it includes}"""
    files = set(sources(top))
    graph = {}
    for path in sorted(files):
        with open(os.path.join(top, path), encoding="utf-8") as f:
            names = INCLUDE.findall(f.read())
        found = set()
        for name in names:
            for candidate in (
                "src/" + name,
                "include/" + name,
                os.path.join(os.path.dirname(path), name),
            ):
                if candidate in files:
                    found.add(candidate)
                    break
        graph[path] = found
    return graph


def uphill(graph):
    """Includes that run against the arrows, as lines."""
    wrong = []
    for path, used in graph.items():
        room = room_of(path)
        if room is None:
            continue
        allowed = MAY_INCLUDE[room] + [room]
        for other in sorted(used):
            if room_of(other) not in allowed and other not in allowed:
                wrong.append(f"{path} includes {other}")
    return wrong


def circles(graph):
    """Groups of modules (a .c file and its header) that include one another.

    A room's private.h is what its files share, and no module.
    """
    module = {
        path: re.sub(r"\.[ch]$", "", path) for path in graph if not path.endswith("/private.h")
    }
    edges = collections.defaultdict(set)
    for path in module:
        edges[module[path]] |= {module[other] for other in graph[path] if other in module}
        edges[module[path]].discard(module[path])

    def reach(start):
        seen, todo = set(), list(edges[start])
        while todo:
            at = todo.pop()
            if at not in seen:
                seen.add(at)
                todo += edges[at]
        return seen

    reached = {name: reach(name) for name in sorted(edges)}
    groups = {
        frozenset(other for other in reached[name] if name in reached.get(other, ()))
        for name in reached
        if name in reached[name]
    }
    return sorted(" <-> ".join(sorted(group)) for group in groups)


def namesakes(paths):
    """Files that share a name, a group per line. Each room may have a private.h."""
    by_name = collections.defaultdict(list)
    for path in sorted(paths):
        by_name[os.path.basename(path)].append(path)
    return [
        " = ".join(group)
        for name, group in sorted(by_name.items())
        if len(group) > 1 and name != "private.h"
    ]


def no_include_runs_against_the_arrows(top):
    return tap.none(uphill(includes(top)))


def no_files_include_one_another_in_a_circle(top):
    return tap.none(circles(includes(top)))


def no_two_files_have_the_same_name(top):
    return tap.none(namesakes(sources(top)))


def every_source_belongs_to_a_room(top):
    return tap.none(
        [path for path in includes(top) if room_of(path) is None and path != "src/main.c"]
    )


def an_include_against_the_arrows_is_found(_top):
    with tempfile.TemporaryDirectory() as top:
        for path, text in (
            ("src/isa/msr.h", ""),
            ("src/machine/machine.h", ""),
            ("src/pseries/a.c", '#include "machine/machine.h"\n'),
            ("src/gdb/b.h", '#include "gdb/c.h"\n'),
            ("src/gdb/c.h", '#include "isa/msr.h"\n#include "gdb/b.h"\n'),
        ):
            os.makedirs(os.path.join(top, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(top, path), "w", encoding="ascii") as f:
                f.write(text)
        graph = includes(top)
        return uphill(graph) == ["src/pseries/a.c includes src/machine/machine.h"] and circles(
            graph
        ) == ["src/gdb/b <-> src/gdb/c"]


def a_second_file_of_the_same_name_is_found(_top):
    paths = ["src/a/private.h", "src/a/run.c", "src/a/run.h", "src/b/private.h", "src/b/run.c"]
    return namesakes(paths) == ["src/a/run.c = src/b/run.c"]


TESTS = [
    no_include_runs_against_the_arrows,
    no_files_include_one_another_in_a_circle,
    no_two_files_have_the_same_name,
    every_source_belongs_to_a_room,
    an_include_against_the_arrows_is_found,
    a_second_file_of_the_same_name_is_found,
]


if __name__ == "__main__":
    sys.exit(tap.run(tap.named(TESTS, sys.argv[1])))
