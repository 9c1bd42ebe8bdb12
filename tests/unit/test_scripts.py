#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What scripts print when something is missing, and how scripts/check counts broken tests."""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import tap  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def run(name, *args, **env):
    return subprocess.run(
        [os.path.join(TOP, "scripts", name), *args],
        text=True,
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **env},
    )


def cross_compiler_without_a_c_library_is_named():
    with tempfile.TemporaryDirectory() as scratch:
        compiler = os.path.join(scratch, "powerpc64le-linux-gnu-gcc")
        with open(compiler, "w", encoding="ascii") as f:
            f.write("#!/bin/sh\necho 'ld: cannot find -lc' >&2\nexit 1\n")
        os.chmod(compiler, 0o755)
        done = run(
            "cross",
            "ppc64el",
            os.path.join(scratch, "build"),
            PATH=f"{scratch}:{os.environ['PATH']}",
        )
    return done.returncode == 1 and done.stderr == (
        "fwnmi: cross: powerpc64le-linux-gnu-gcc links no program: its C library is missing "
        "(libc6-dev-ppc64el-cross; scripts/setup-packages check)\n"
    )


def unknown_package_list_is_refused_with_the_names_of_those_there_are():
    done = run("setup-packages", "nonsense")
    return (
        done.returncode == 1
        and "no package list 'nonsense'" in done.stderr
        and "run" in done.stderr
        and done.stderr.count("\n") == 1
    )


def bare_machine_without_a_command_prints_its_usage():
    done = run("bare-machine")
    return done.returncode == 2 and "usage: scripts/bare-machine" in done.stderr


# ---- tests/tap.py --------------------------------------------------------------------------------

BROKEN = """
import tap

def says_false():
    return False

def raises():
    raise AssertionError("first line\\nsecond line")

def does_not_hold():
    yield tap.Check("holds", True, "")
    yield tap.expect("the sum", 1 + 1, 3)

def has_no_compiler():
    raise tap.Missing("no compiler")

def holds():
    yield tap.expect("the sum", 1 + 1, 2)

raise SystemExit(tap.run(tap.named([says_false, raises, does_not_hold, has_no_compiler, holds])))
"""


def a_python_test_fails_by_false_by_an_exception_or_by_a_check():
    done = subprocess.run(
        [sys.executable, "-c", BROKEN],
        text=True,
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.path.join(TOP, "tests")},
    )
    lines = done.stdout.splitlines()
    results = [line for line in lines if not line.startswith("# ")]
    return (
        done.returncode == 1
        and results
        == [
            "1..5",
            "not ok 1 - says_false",
            "not ok 2 - raises",
            "not ok 3 - does_not_hold",
            "ok 4 - has_no_compiler # SKIP no compiler",
            "ok 5 - holds",
        ]
        and {"# second line", "# not so: the sum", "# got 2, wanted 3"} <= set(lines)
    )


# ---- scripts/check, on a project of its own ------------------------------------------------------

# Suites of test programs, in shell; each is called with its name.
PROGRAMS = {
    "good": {
        "two": "echo 1..2; echo ok 1 - one_sentence; echo ok 2 - another_sentence",
        "partly_skipped": "echo ok 1 - done; echo 'ok 2 - left_out # SKIP no time'; echo 1..2",
    },
    "skipping": {"nothing_here": "echo '1..0 # SKIP no compiler'"},
    "failing": {
        "fails": "echo ok 1 - holds; echo 'why: \033[m'; echo not ok 2 - is_broken; echo 1..2; exit 1"
    },
    "crashing": {"crashes": "echo 1..1; echo ok 1 - before_the_crash; kill -SEGV $$"},
    "exiting": {"exits": "echo 1..1; echo ok 1 - before_the_exit; exit 3"},
    "short": {"breaks_off": "echo 1..3; echo ok 1 - before_the_end"},
    "mute": {"says_nothing": "exit 0"},
    "bailing": {"bails": "echo 1..1; echo 'Bail out! no memory'"},
    "hanging": {"hangs": "echo 1..1; exec sleep 600"},
}


class Project:
    """A build directory with these tests."""

    def __init__(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="fwnmi-check-")
        self.build = os.path.join(self.scratch.name, "build")
        lines = ["project('trial')", "sh = find_program('sh')"]
        for suite, programs in PROGRAMS.items():
            for name, script in programs.items():
                path = os.path.join(self.scratch.name, name)
                with open(path, "w", encoding="ascii") as f:
                    f.write(script + "\n")
                lines.append(
                    f"test('{name}', sh, args: ['{path}'], suite: '{suite}', protocol: 'tap',"
                    f" timeout: {1 if suite == 'hanging' else 60})"
                )
        with open(os.path.join(self.scratch.name, "meson.build"), "w", encoding="ascii") as f:
            f.write("\n".join(lines) + "\n")
        done = subprocess.run(
            ["meson", "setup", self.build, self.scratch.name],
            text=True,
            check=False,
            capture_output=True,
        )
        if done.returncode:
            sys.exit(f"Bail out! meson setup: {done.stdout}{done.stderr}")

    def check(self, *words):
        """Exit status, and the lines printed."""
        done = run("check", "-C", self.build, *words)
        return done.returncode, done.stdout.splitlines() + done.stderr.splitlines()


project = Project()


def closes_with(closing, said, *words, status=1):
    """The closing line is this, and the lines in `said` are there."""
    code, lines = project.check(*words)
    good = code == status and lines[-1] == closing and all(line in lines for line in said)
    if not good:
        print("\n".join(f"# {line}" for line in [f"exit {code}", *lines]))
    return good


def check_counts_the_tests_that_programs_report():
    return closes_with(
        "3 passed, 0 failed, 1 skipped",
        ["skip good/partly_skipped: left_out  (no time)"],
        "good",
        status=0,
    )


def check_names_what_passed_if_asked_to():
    return closes_with(
        "3 passed, 0 failed, 1 skipped", ["ok   good/two: another_sentence"], "-v", "good", status=0
    )


def check_fails_if_nothing_ran():
    return closes_with(
        "0 passed, 0 failed, 1 skipped",
        ["skip skipping/nothing_here: all of it  (no compiler)"],
        "skipping",
    )


def check_names_a_failed_test_and_prints_what_its_program_said():
    return closes_with(
        "1 passed, 1 failed", ["FAIL failing/fails: is_broken", "     why: \033[m"], "failing"
    )


def check_counts_a_program_that_crashes_as_failed():
    return closes_with(
        "1 passed, 1 failed", ["FAIL crashing/crashes: the program  (error, exit -11)"], "crashing"
    )


def check_counts_a_program_that_exits_with_an_error_as_failed():
    return closes_with(
        "1 passed, 1 failed", ["FAIL exiting/exits: the program  (error, exit 3)"], "exiting"
    )


def check_counts_a_program_that_breaks_off_its_plan_as_failed():
    return closes_with(
        "1 passed, 1 failed", ["FAIL short/breaks_off: the program  (error, exit 0)"], "short"
    )


def check_counts_a_program_that_reports_no_test_as_failed():
    return closes_with(
        "0 passed, 1 failed", ["FAIL mute/says_nothing: the program  (it reported no test)"], "mute"
    )


def check_counts_a_program_that_bails_out_as_failed():
    return closes_with("0 passed, 1 failed", ["     Bail out! no memory"], "bailing")


def check_counts_a_program_that_hangs_as_failed():
    code, lines = project.check("hanging")
    return (
        code == 1
        and lines[-1] == "0 passed, 1 failed"
        and any(line.startswith("FAIL hanging/hangs: the program  (timeout") for line in lines)
    )


def check_says_which_test_failed_how_often():
    return closes_with(
        "  2 times: failing/fails: is_broken",
        ["2 runs, these failed:"],
        "-r",
        "2",
        "failing",
        "good",
    )


def check_refuses_a_suite_without_tests_beside_one_with_some():
    return closes_with("fwnmi: check: there are no tests in suite nonsense", [], "good", "nonsense")


def check_refuses_a_directory_that_is_no_build():
    done = run("check", "-C", project.scratch.name)
    return done.returncode == 1 and done.stderr.startswith("fwnmi: check: meson introspect ")


def check_refuses_bad_arguments():
    return all(
        project.check(*words)[0] == 2 for words in (["-x"], ["-r", "0"], ["-r", "x"], ["-t"])
    )


TESTS = [
    check_counts_the_tests_that_programs_report,
    check_names_what_passed_if_asked_to,
    check_fails_if_nothing_ran,
    check_names_a_failed_test_and_prints_what_its_program_said,
    check_counts_a_program_that_crashes_as_failed,
    check_counts_a_program_that_exits_with_an_error_as_failed,
    check_counts_a_program_that_breaks_off_its_plan_as_failed,
    check_counts_a_program_that_reports_no_test_as_failed,
    check_counts_a_program_that_bails_out_as_failed,
    check_counts_a_program_that_hangs_as_failed,
    check_says_which_test_failed_how_often,
    check_refuses_a_suite_without_tests_beside_one_with_some,
    check_refuses_a_directory_that_is_no_build,
    check_refuses_bad_arguments,
    a_python_test_fails_by_false_by_an_exception_or_by_a_check,
    cross_compiler_without_a_c_library_is_named,
    unknown_package_list_is_refused_with_the_names_of_those_there_are,
    bare_machine_without_a_command_prints_its_usage,
]

sys.exit(tap.run(tap.named(TESTS)))
