#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Snapshots as users have them: options of `fwnmi run` and commands of its monitor, in TAP.

usage: command_line.py --fwnmi PROGRAM --kernel FILE [--run-option=OPTION...] [--at N,N]

A run is saved at two instructions. What goes on from the first must come to the second, and to the
end, as the run itself did: files, console and statistics are compared.
"""

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [TESTS, os.path.join(TESTS, "unit")]

import kernels  # noqa: E402
import tap  # noqa: E402
from qmp import Client  # noqa: E402
from tap import Check, Failure  # noqa: E402

LIMIT = 600


class Lab:
    """The program, its kernel, and a directory for files."""

    def __init__(self, args, scratch):
        self.args = args
        self.scratch = scratch
        self.first, self.second = args.at
        self.options = ["-kernel", args.kernel, "--clock=insn", *args.run_option]

    def path(self, name):
        return os.path.join(self.scratch, name)

    def run(self, options, **more):
        done = subprocess.run(
            [self.args.fwnmi, "run", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=LIMIT,
            check=False,
            **more,
        )
        done.stderr = done.stderr.decode(errors="replace")
        return done

    def files(self):
        return sorted(os.listdir(self.scratch))

    def bytes_of(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()


def counts(done):
    """Instructions and guest's time in --stats."""
    return re.findall(r"(?:instructions|guest_seconds|cpu\d)=\S+", done.stderr)


def refused(done, status, *texts):
    """One line on standard error, with these texts, and nothing on the console."""
    lines = done.stderr.splitlines()
    good = len(lines) == 1 and all(text in lines[0] for text in texts)
    return Check(
        f"refused: {texts}", good and not done.stdout and done.returncode == status, done.stderr
    )


def what_is_loaded_goes_on_as_the_original_in_another_process(lab):
    full = lab.run(
        [
            *lab.options,
            "--stats",
            f"--snapshot-at={lab.second}={lab.path('second')}",
            f"--snapshot-at={lab.first}={lab.path('first')}",
        ]
    )
    yield tap.expect("the run's exit status", full.returncode, 0)
    rest = lab.run(
        [
            "--from-snapshot",
            lab.path("first"),
            "--stats",
            f"--snapshot-at={lab.second}={lab.path('again')}",
        ]
    )
    yield tap.expect("the other's exit status", rest.returncode, 0)
    yield tap.expect("its instructions", counts(rest), counts(full))
    yield Check("its console", rest.stdout and full.stdout.endswith(rest.stdout), rest.stdout)
    yield Check(
        "its snapshot is the same to the byte", lab.bytes_of("second") == lab.bytes_of("again"), ""
    )
    yield tap.expect("nothing else is left", lab.files(), ["again", "first", "second"])


def only_its_owner_may_read_a_snapshot(lab):
    return os.stat(lab.path("first")).st_mode & 0o777 == 0o600


def options_that_contradict_the_file_are_refused(lab):
    start = ["--from-snapshot", lab.path("first")]
    for option, text in (
        (["-m", "8G"], "amount of memory"),
        (["-smp", "7"], "number of vCPUs"),
        (["--clock", "host"], "clock"),
        (["--stale-handler", "end"], "stale handlers"),
        (["--engine-mc-exit", "off"], "machine checks"),
    ):
        done = lab.run([*start, *option])
        lines = [line for line in done.stderr.splitlines() if "guest: " not in line]
        yield Check(f"{option} is refused", len(lines) == 1 and text in lines[0], done.stderr)
        yield tap.expect("the exit status", done.returncode, 1)
    for option in (["-kernel", lab.args.kernel], ["-append", "x"], ["-initrd", lab.args.kernel]):
        yield refused(lab.run([*start, *option]), 2, option[0], "--from-snapshot")


def what_is_no_snapshot_is_refused(lab):
    yield refused(lab.run(["--from-snapshot", lab.path("none")]), 1, "No such file")
    yield refused(lab.run(["--from-snapshot", lab.args.kernel]), 1, "not a snapshot")
    with open(lab.path("bad"), "wb") as f:
        f.write(lab.bytes_of("first")[:-1])
    yield refused(lab.run(["--from-snapshot", lab.path("bad")]), 1, "cut short")
    os.unlink(lab.path("bad"))
    yield refused(lab.run(["--snapshot-at=7", *lab.options]), 2, "instruction's number")
    yield refused(lab.run(["--snapshot-at=7=/no/such/file", *lab.options]), 1, "/no/such")


def a_snapshot_that_is_not_taken_is_a_failure(lab):
    before = lab.files()
    late = lab.run([*lab.options, f"--snapshot-at=99999999999999={lab.path('late')}"])
    yield tap.expect("the exit status", late.returncode, 4)
    yield Check("why", "the run ended before that" in late.stderr, late.stderr)
    full = lab.run(
        [*lab.options, f"--snapshot-at={lab.first}={lab.path('large')}"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000)),
    )
    yield tap.expect("the exit status without room", full.returncode, 4)
    yield Check("why", "cannot save large: File too large" in full.stderr, full.stderr)
    yield Check("the guest went on", b"1.." in full.stdout or b"power" in full.stdout, full.stdout)
    yield tap.expect("no file is left", lab.files(), before)


def executed(client):
    return client.command("query-cpus-fast")[0]["instructions"]


def the_monitor_saves_and_loads_in_its_directory_alone(lab):
    place, endless = lab.path("place"), lab.path("endless")
    os.mkdir(place)
    with open(endless, "wb") as f:
        f.write(kernels.elf([kernels.LOOP]))
    machine = subprocess.Popen(
        [
            lab.args.fwnmi,
            "run",
            f"-kernel={endless}",
            "--clock=insn",
            "--serial=null",
            f"--monitor={lab.path('monitor')}",
            f"--snapshot-dir={place}",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        client = Client(lab.path("monitor"), LIMIT, lambda: machine.poll() is None)
        saved = client.command("snapshot-save", file="one")
        yield tap.expect("the file", os.listdir(place), ["one"])
        yield tap.expect("its size", os.stat(os.path.join(place, "one")).st_size, saved["size"])
        for name in ("../two", "/tmp/two", "", "."):
            answer = client.execute("snapshot-save", file=name)
            yield Check(f"{name!r} is refused", "not a plain" in str(answer), answer)
        answer = client.execute("snapshot-load", file="two")
        yield Check("a missing one is refused", "No such file" in str(answer), answer)
        for _ in range(3):
            yield Check("it runs on", executed(client) > saved["instructions"], "")
            loaded = client.command("snapshot-load", file="one")
            yield tap.expect("where it is", loaded["instructions"], saved["instructions"])
        client.command("quit")
        machine.communicate(timeout=LIMIT)
        yield tap.expect("the exit status", machine.returncode, 0)
        client.close()
    finally:
        machine.kill()
        machine.wait()
        for name in os.listdir(place):
            os.unlink(os.path.join(place, name))
        os.rmdir(place)
        os.unlink(endless)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--fwnmi", required=True)
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--run-option", action="append", default=[])
    parser.add_argument("--at", type=lambda text: text.split(","), default=["300000", "900001"])
    args = parser.parse_args()
    tests = [
        what_is_loaded_goes_on_as_the_original_in_another_process,
        only_its_owner_may_read_a_snapshot,
        options_that_contradict_the_file_are_refused,
        what_is_no_snapshot_is_refused,
        a_snapshot_that_is_not_taken_is_a_failure,
        the_monitor_saves_and_loads_in_its_directory_alone,
    ]
    with tempfile.TemporaryDirectory(prefix="fwnmi-snapshot-") as scratch:
        return tap.run(tap.named(tests, Lab(args, scratch)))


if __name__ == "__main__":
    sys.exit(main())
