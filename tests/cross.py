# SPDX-License-Identifier: BSD-2-Clause
"""Programs for other machines, which scripts/cross builds while tests run side by side."""

import contextlib
import fcntl
import os
import subprocess

from tap import Failure

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@contextlib.contextmanager
def alone_in(directory):
    """Makes the directory; no other test builds there meanwhile."""
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def built(directory, machine, *target):
    """Builds the program, or TARGET, for the machine; returns its path. See alone_in()."""
    done = subprocess.run(
        [os.path.join(TOP, "scripts", "cross"), machine, directory, *target],
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        what = target[0] if target else "the program"
        raise Failure(f"{what} does not build for {machine}", done.stderr)
    return done.stdout.strip()
