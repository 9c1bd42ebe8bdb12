#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The binary interface of the shared libfwnmi, compared with the recorded one.

usage: test_library_abi.py SOURCE SHARED        speaks TAP

After an intended change of the interface, record the new one by `make abi-dump`. If programs that
were linked before cannot use it, the library gets a new soversion.
"""

import glob
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import tap  # noqa: E402

SOURCE, SHARED = sys.argv[1:3]
INCLUDE = os.path.join(SOURCE, "include")
RECORDED = os.path.join(SOURCE, "tests", "abi")
LIMIT = 120  # seconds for one command, which takes one or two
CHANGE, INCOMPATIBLE = 4, 8  # bits of abidiff's exit status; others are errors


def run(*command, may_return=0):
    """Returns a command's output; its exit status may have the bits of may_return."""
    done = subprocess.run(
        command,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT,
    )
    if done.returncode & ~may_return:
        raise tap.Failure(f"{' '.join(command)}: exit {done.returncode}", done.stdout)
    return done.stdout


def constants(directory):
    with open(os.path.join(directory, "constants"), encoding="ascii") as f:
        return dict(line.split() for line in f)


def changes(shared, include, additions):
    """The differences from the record, with or without additions; "" if there are none."""
    if not shutil.which("abidiff"):
        raise tap.Missing("no abidiff (scripts/setup-packages check)")
    if "ELF64" not in run("readelf", "-h", shared):
        raise tap.Missing("the record is of a 64-bit library")
    if ".debug_info" not in run("readelf", "-WS", shared):
        raise tap.Missing("the library has no debug information")
    with tempfile.TemporaryDirectory(prefix="fwnmi-abi-") as scratch:
        run(os.path.join(SOURCE, "scripts", "abi-dump"), shared, include, scratch)
        report = run(
            "abidiff",
            "--no-architecture",
            "--harmless",
            *([] if additions else ["--no-added-syms"]),
            *(os.path.join(directory, "libfwnmi.abi") for directory in (RECORDED, scratch)),
            may_return=CHANGE | INCOMPATIBLE,
        )
        old, new = constants(RECORDED), constants(scratch)
    for name in sorted(old.keys() | new.keys() if additions else old.keys()):
        if old.get(name) != new.get(name):
            report += f"{name}: recorded {old.get(name)}, now {new.get(name)}\n"
    return report


def rebuilt(scratch, *edits):
    """Builds the library after replacing text, given as (file, text that occurs once, new text)."""
    for name in "include", "lib":
        shutil.copytree(os.path.join(SOURCE, name), os.path.join(scratch, name))
    for name, old, new in edits:
        path = os.path.join(scratch, name)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        assert text.count(old) == 1, f"{name}: {text.count(old)} times {old!r}"
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))
    shared = os.path.join(scratch, "libfwnmi.so")
    run(
        "cc",
        "-g",
        "-fPIC",
        "-shared",
        "-fvisibility=hidden",
        "-I",
        os.path.join(scratch, "include"),
        "-Wl,--version-script=" + os.path.join(scratch, "lib/libfwnmi.map"),
        *glob.glob(os.path.join(scratch, "lib", "*.c")),
        "-o",
        shared,
    )
    return shared


def changes_by(*edits, additions=False):
    with tempfile.TemporaryDirectory(prefix="fwnmi-abi-") as scratch:
        return changes(rebuilt(scratch, *edits), os.path.join(scratch, "include"), additions)


def the_library_keeps_the_recorded_binary_interface():
    report = changes(SHARED, INCLUDE, additions=False)
    if report:
        raise tap.Failure("programs may break; if that is meant: make abi-dump", report)


def nothing_new_is_missing_in_the_record():
    report = changes(SHARED, INCLUDE, additions=True)
    if report:
        raise tap.Failure("make abi-dump records it", report)


def a_struct_that_grows_is_found_to_be_a_break():
    report = changes_by(("include/fwnmi/fwnmi.h", "\tuint64_t gpr3;\n", "\tuint64_t gpr3, gpr4;\n"))
    assert "fwnmi_regs" in report and "type size changed" in report, report


def a_function_that_goes_is_found_to_be_a_break():
    report = changes_by(("lib/libfwnmi.map", "\t\tfwnmi_strerror;\n", ""))
    assert "[D]" in report and "fwnmi_strerror" in report, report


def an_enumerator_that_changes_its_value_is_found_to_be_a_break():
    report = changes_by(("include/fwnmi/fwnmi.h", "FWNMI_WAITING = 2,", "FWNMI_WAITING = 22,"))
    assert "FWNMI_WAITING" in report and "22" in report, report


def an_error_that_changes_its_number_is_found_to_be_a_break():
    """It is returned as an int, whose type does not lead to it."""
    report = changes_by(("include/fwnmi/errlog.h", "FWNMI_ERR_CPU = -7,", "FWNMI_ERR_CPU = -77,"))
    assert "FWNMI_ERR_CPU: recorded -7, now -77" in report, report


def a_function_that_comes_is_no_break_but_is_not_in_the_record():
    edits = (
        ("lib/libfwnmi.map", "\t\tfwnmi_strerror;\n", "\t\tfwnmi_new;\n\t\tfwnmi_strerror;\n"),
        (
            "include/fwnmi/fwnmi.h",
            "int fwnmi_reset(struct fwnmi *f);",
            "int fwnmi_reset(struct fwnmi *f);\nint fwnmi_new(void);",
        ),
        (
            "lib/fwnmi.c",
            "int fwnmi_reset(struct fwnmi *f)",
            "int fwnmi_new(void)\n{\n\treturn 0;\n}\nint fwnmi_reset(struct fwnmi *f)",
        ),
    )
    assert "fwnmi_new" not in changes_by(*edits)
    report = changes_by(*edits, additions=True)
    assert "[A]" in report and "fwnmi_new" in report, report


if __name__ == "__main__":
    sys.exit(
        tap.run(
            tap.named(
                [
                    the_library_keeps_the_recorded_binary_interface,
                    nothing_new_is_missing_in_the_record,
                    a_struct_that_grows_is_found_to_be_a_break,
                    a_function_that_goes_is_found_to_be_a_break,
                    an_enumerator_that_changes_its_value_is_found_to_be_a_break,
                    an_error_that_changes_its_number_is_found_to_be_a_break,
                    a_function_that_comes_is_no_break_but_is_not_in_the_record,
                ]
            )
        )
    )
