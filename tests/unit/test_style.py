#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The form of the sources: one width, one formatter for each language. Speaks TAP.

usage: test_style.py SOURCE
"""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import tap  # noqa: E402

WIDTH = 100
# The output differs between versions; these are Debian 12's.
CLANG_FORMAT = "14"
BLACK = "23"


def files(top, *bases):
    for base in bases:
        for directory, _, names in os.walk(os.path.join(top, base)):
            for name in sorted(names):
                yield os.path.join(directory, name)


def sources(top, *endings):
    for path in files(top, "bench", "examples", "include", "lib", "payload", "src", "tests"):
        if path.endswith(endings):
            yield path


def python_sources(top):
    """Modules end in .py; most scripts do not."""
    for path in files(top, "bench", "payload", "scripts", "tests"):
        with open(path, "rb") as f:
            if path.endswith(".py") or b"python" in f.readline(80):
                yield path


def formatter(name, version):
    """The program; Missing if it is not installed in this version."""
    tool = shutil.which(f"{name}-{version}") or shutil.which(name)
    if not tool:
        raise tap.Missing(f"{name} is not installed (scripts/setup-packages check)")
    found = subprocess.run([tool, "--version"], text=True, capture_output=True, check=True).stdout
    if not re.search(rf"{name}\D+{version}\.", found):
        raise tap.Missing(f"needs {name} {version}, this is {found.splitlines()[0]}")
    return tool


def objections(top, *command):
    """The lines of a formatter that does not agree."""
    done = subprocess.run(command, text=True, cwd=top, capture_output=True, check=False)
    return done.stderr.splitlines()[:20] if done.returncode else []


def no_line_is_wider_than_100_columns(top):
    """Except lines with a string, because messages must stay in one piece to be found."""
    wide = []
    for path in (*sources(top, ".c", ".h", ".def", ".cpp"), *python_sources(top)):
        with open(path, encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                has_string = '"' in line.replace('"""', "")
                if len(line.rstrip("\n").expandtabs(8)) > WIDTH and not has_string:
                    wide.append(f"{os.path.relpath(path, top)}:{number}")
    return tap.none(wide)


def c_sources_are_as_the_formatter_has_them(top):
    tool = formatter("clang-format", CLANG_FORMAT)
    return tap.none(objections(top, tool, "--dry-run", "--Werror", *sources(top, ".c", ".h")))


def python_sources_are_as_the_formatter_has_them(top):
    tool = formatter("black", BLACK)
    return tap.none(objections(top, tool, "--check", *python_sources(top)))


def no_c_test_skips_itself(top):
    """cmocka says "not ok # SKIP", which is a failure to whoever reads TAP."""
    skipping = []
    for path in sources(top, ".c"):
        with open(path, encoding="utf-8") as f:
            if re.search(r"\bskip\(\)", f.read()):
                skipping.append(os.path.relpath(path, top))
    return tap.none(skipping)


TESTS = [
    no_line_is_wider_than_100_columns,
    c_sources_are_as_the_formatter_has_them,
    python_sources_are_as_the_formatter_has_them,
    no_c_test_skips_itself,
]


if __name__ == "__main__":
    sys.exit(tap.run(tap.named(TESTS, sys.argv[1])))
