# SPDX-License-Identifier: BSD-2-Clause
"""TAP for the test programs in Python: one line for each test."""

import collections
import sys
import traceback

Check = collections.namedtuple("Check", "what ok detail")


class Failure(Exception):
    """One line on what went wrong; `detail` has more lines, such as the end of a console."""

    def __init__(self, message, detail=""):
        super().__init__(message)
        self.detail = detail


class Missing(Failure):
    """Something a test needs is not on this machine; it is skipped."""


def expect(what, actual, wanted):
    return Check(what, actual == wanted, f"got {actual!r}, wanted {wanted!r}")


def none(lines):
    """Prints what a test found that should not be there; True if there is nothing."""
    for line in lines:
        print(f"# {line}")
    return not lines


def problems_of(function, args):
    """Lines that describe what went wrong; none if the test passed."""
    try:
        result = function(*args)
        if isinstance(result, bool):
            return [] if result else ["it is not so"]
        problems = []
        for check in result or ():
            if not check.ok:
                problems += [f"not so: {check.what}", *str(check.detail).splitlines()]
        return problems
    except Missing:
        raise
    except Failure as e:
        return [str(e), *e.detail.splitlines()]
    except Exception as e:  # a broken test is a failed one, and the rest still runs
        return [*traceback.format_exc().splitlines(), *str(getattr(e, "stderr", "")).splitlines()]


def run(tests):
    """Runs tests, (name, function, arguments...), in that order. Returns the program's exit status.

    A test fails by an exception, by returning False, or by yielding a Check that does not hold.
    """
    print(f"1..{len(tests)}", flush=True)
    failed = 0
    for number, (name, function, *args) in enumerate(tests, 1):
        try:
            problems = problems_of(function, args)
        except Missing as e:
            print(f"ok {number} - {name} # SKIP {e}", flush=True)
            continue
        for line in problems:
            print(f"# {line}")
        failed += bool(problems)
        print(f"{'not ok' if problems else 'ok'} {number} - {name}", flush=True)
    return 1 if failed else 0


def exit_with(main, *args):
    """Ends the program with MAIN's exit status; if MAIN lacks something, all tests are skipped."""
    try:
        sys.exit(main(*args))
    except Missing as e:
        print(f"1..0 # SKIP {e}")


def named(functions, *args):
    """Functions as tests for run(): each by its own name, with the same arguments."""
    return [(function.__name__, function, *args) for function in functions]
