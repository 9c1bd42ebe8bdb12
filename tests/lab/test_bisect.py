#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`git bisect run fwnmi test`, as docs/lab.md has it, names the commit that broke the kernel.

usage: test_bisect.py FWNMI KERNEL    (6.1, or a file)

The repository's commits name a bug or none; "building" makes a copy of the kernel with it.
"""

import os
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(TOP, "tests"), os.path.join(TOP, "tests", "linux"), HERE]

import guest  # noqa: E402
import tap  # noqa: E402

LIMIT = 1800  # seconds: only to end what hangs
BUG = "r3_not_restored"
# One commit cannot be built, and does not end the search.
HISTORY = ["none", "none", "broken", "none", BUG, BUG, BUG]
BAD = HISTORY.index(BUG)

BUILD = f"""case $(cat bug) in
none) cp "$KERNEL" vmlinux ;;
broken) exit 125 ;;
*) "$PYTHON" {HERE}/break_kernel.py "$KERNEL" $(cat bug) vmlinux || exit 125 ;;
esac
rm -f results.db
"$FWNMI" test -kernel vmlinux --results results.db --only 'SLB multihit/*'
status=$?
[ $status -lt 2 ] || exit 125
exit $status
"""


def git(directory, *args, env=None):
    done = subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@t", *args],
        cwd=directory,
        env=env,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    if done.returncode:
        raise tap.Failure(f"git {args[0]} failed", done.stdout + done.stderr)
    return done.stdout


def bisect_run_names_the_commit_that_broke_the_kernel(fwnmi, kernel):
    with tempfile.TemporaryDirectory(prefix="fwnmi-bisect-") as directory:
        git(directory, "init", "-q")
        for number, bug in enumerate(HISTORY):
            with open(os.path.join(directory, "bug"), "w", encoding="utf-8") as f:
                f.write(bug)
            git(directory, "add", "bug")
            git(directory, "commit", "-q", "--allow-empty", "-m", f"commit {number}")
        git(directory, "bisect", "start", "HEAD", f"HEAD~{len(HISTORY) - 1}")
        env = dict(os.environ, KERNEL=kernel, FWNMI=fwnmi, PYTHON=sys.executable)
        said = git(directory, "bisect", "run", "sh", "-c", BUILD, env=env)
        first = git(directory, "log", "-1", "--format=%s", "refs/bisect/bad").strip()
        yield tap.expect("the first bad commit", first, f"commit {BAD}")
        yield tap.Check("git says so", "is the first bad commit" in said, said)


def main(fwnmi, kernel):
    path = guest.kernel_file(kernel)
    tests = [bisect_run_names_the_commit_that_broke_the_kernel]
    return tap.run(tap.named(tests, os.path.abspath(fwnmi), path))


if __name__ == "__main__":
    tap.exit_with(main, sys.argv[1], sys.argv[2])
