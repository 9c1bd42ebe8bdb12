#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The form of the sources: one width, one formatter. Speaks TAP.

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
# The output differs between versions; .clang-format was written for this one.
CLANG_FORMAT = "14"


def sources(top, *endings):
    for base in ("bench", "examples", "include", "lib", "payload", "src", "tests"):
        for directory, _, names in os.walk(os.path.join(top, base)):
            for name in sorted(names):
                if name.endswith(endings):
                    yield os.path.join(directory, name)


def no_line_is_wider_than_100_columns(top):
    """Except lines with a string, because messages must stay in one piece to be found."""
    wide = []
    for path in sources(top, ".c", ".h", ".def", ".cpp"):
        with open(path, encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                if len(line.rstrip("\n").expandtabs(8)) > WIDTH and '"' not in line:
                    wide.append(f"{os.path.relpath(path, top)}:{number}")
    for line in wide:
        print(f"# {line}")
    return not wide


def c_sources_are_as_the_formatter_has_them(top):
    tool = shutil.which(f"clang-format-{CLANG_FORMAT}") or shutil.which("clang-format")
    if not tool:
        raise tap.Missing("clang-format is not installed (scripts/setup-packages check)")
    version = subprocess.run([tool, "--version"], text=True, capture_output=True, check=True).stdout
    if not re.search(rf"version {CLANG_FORMAT}\.", version):
        raise tap.Missing(f"needs clang-format {CLANG_FORMAT}, this is {version.strip()}")
    done = subprocess.run(
        [tool, "--dry-run", "--Werror", *sources(top, ".c", ".h")],
        text=True,
        cwd=top,
        capture_output=True,
        check=False,
    )
    for line in done.stderr.splitlines()[:20]:
        print(f"# {line}")
    return done.returncode == 0


def no_c_test_skips_itself(top):
    """cmocka says "not ok # SKIP", which is a failure to whoever reads TAP."""
    skipping = []
    for path in sources(top, ".c"):
        with open(path, encoding="utf-8") as f:
            if re.search(r"\bskip\(\)", f.read()):
                skipping.append(os.path.relpath(path, top))
    for path in skipping:
        print(f"# {path}")
    return not skipping


TESTS = [
    no_line_is_wider_than_100_columns,
    c_sources_are_as_the_formatter_has_them,
    no_c_test_skips_itself,
]


if __name__ == "__main__":
    sys.exit(tap.run(tap.named(TESTS, sys.argv[1])))
