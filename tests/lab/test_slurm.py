#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A campaign in shards on a Slurm of one node, which the test starts on the loopback. Speaks TAP.

usage: test_slurm.py FWNMI
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests"), os.path.join(TOP, "tests", "linux")]

import guest  # noqa: E402
import tap  # noqa: E402
from tap import Check, Failure, Missing, expect  # noqa: E402

SCRIPT = os.path.join(TOP, "examples", "cluster", "slurm-array")
PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "scancel", "sinfo", "squeue"]
SHARDS = 3
LOST = 2  # the shard that is killed
LIMIT = 900  # seconds: only to end what hangs
LOOK = 0.2

CONFIGURATION = """\
ClusterName=fwnmi
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={directory}/munge.socket
CredType=cred/munge
StateSaveLocation={directory}/state
SlurmdSpoolDir={directory}/spool
SlurmctldPidFile={directory}/slurmctld.pid
SlurmdPidFile={directory}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
KillWait=1
NodeName={host} NodeAddr=127.0.0.1 CPUs=3 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES State=UP
"""

# Stands for fwnmi: a shard whose node hangs the first time.
HANGS_ONCE = """\
#!/bin/sh
case "$*" in
*"--shard {lost}/{shards}"*)
	if ! test -e {directory}/hangs; then
		touch {directory}/hangs
		exec sleep {limit}
	fi ;;
esac
exec {fwnmi} "$@"
"""


def wait_until(what, is_so, evidence=lambda: ""):
    deadline = time.monotonic() + LIMIT
    while not is_so():
        if time.monotonic() > deadline:
            raise Failure(f"waited in vain until {what}", evidence())
        time.sleep(LOOK)


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


class Slurm:
    """Controller, node and their authentication, all with files in one directory."""

    def __init__(self, fwnmi, directory):
        self.fwnmi, self.directory, self.daemons = fwnmi, directory, []
        # Ports that are free now, and different ones.
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        controller, node = [s.getsockname()[1] for s in sockets]
        for s in sockets:
            s.close()
        self.host = socket.gethostname().split(".")[0]
        self.write(
            "slurm.conf",
            CONFIGURATION.format(
                host=self.host, controller=controller, node=node, directory=directory
            ),
        )
        # Nothing here uses control groups. Left to itself, slurmd ends where none are mounted.
        self.write("cgroup.conf", "CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n")
        for name in ("state", "spool"):
            os.mkdir(self.path(name))
        self.wrapper = self.write(
            "hangs-once",
            HANGS_ONCE.format(
                lost=LOST, shards=SHARDS, directory=directory, limit=LIMIT, fwnmi=fwnmi
            ),
        )
        os.chmod(self.wrapper, 0o755)
        self.env = {**os.environ, "SLURM_CONF": self.path("slurm.conf"), "FWNMI": self.wrapper}

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, contents):
        with open(self.path(name), "wb") as f:
            f.write(contents if isinstance(contents, bytes) else contents.encode())
        return self.path(name)

    def logs(self):
        names = ["munged.log", "slurmctld.log", "slurmd.log"]
        return "\n".join(
            f"{n}:\n" + "\n".join(read(self.path(n)).splitlines()[-15:]) for n in names
        )

    def daemon(self, *command):
        with open(self.path(command[0] + ".log"), "wb") as log:
            self.daemons.append(
                subprocess.Popen(
                    command, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
            )

    def __enter__(self):
        os.chmod(self.write("munge.key", os.urandom(128)), 0o600)
        files = {
            "key-file": "munge.key",
            "socket": "munge.socket",
            "pid-file": "munge.pid",
            "log-file": "munge.log",
            "seed-file": "munge.seed",
        }
        options = [f"--{option}={self.path(name)}" for option, name in files.items()]
        try:
            self.daemon("munged", "--foreground", "--force", *options)
            wait_until("munged listens", lambda: os.path.exists(self.path("munge.socket")))
            self.daemon("slurmctld", "-D", "-f", self.path("slurm.conf"))
            self.daemon("slurmd", "-D", "-f", self.path("slurm.conf"))
            wait_until("the node is idle", self.is_up, self.logs)
        except BaseException:
            self.stop()
            raise
        return self

    def is_up(self):
        if any(daemon.poll() is not None for daemon in self.daemons):
            raise Failure("a daemon of Slurm has ended", self.logs())
        return self.run("sinfo", "-h", "-o", "%t").stdout.strip() == "idle"

    def stop(self):
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(30)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def __exit__(self, *_):
        subprocess.run(["scancel", "--user=root"], env=self.env, check=False, timeout=LIMIT)
        self.stop()

    def run(self, *command):
        return subprocess.run(
            command,
            env=self.env,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )

    def submit(self, *arguments):
        """Returns the numbers of the array and of the merge."""
        done = self.run(SCRIPT, *arguments)
        words = done.stdout.replace(",", "").split()
        if done.returncode or len(words) != 4:
            raise Failure("slurm-array fails", done.stderr + done.stdout)
        return words[1], words[3]

    def wait_for(self, job):
        wait_until(
            f"job {job} has ended",
            lambda: not self.run("squeue", "-h", "-t", "PD,R,CG,CF", "-j", job).stdout.strip(),
            lambda: self.run("squeue").stdout + self.logs(),
        )

    def report(self, results):
        done = self.run(self.fwnmi, "report", "--format", "json", "--no-times", results)
        return done.stdout or done.stderr


def a_lost_shard_is_named_and_run_again_alone_and_the_whole_is_as_unsharded(fwnmi, kernel):
    with tempfile.TemporaryDirectory() as directory, Slurm(fwnmi, directory) as slurm:
        array, merge = slurm.submit("results", str(SHARDS), kernel)
        wait_until("the shard hangs", lambda: os.path.exists(slurm.path("hangs")), slurm.logs)
        slurm.run("scancel", "--signal=KILL", f"{array}_{LOST}")
        slurm.run("scancel", f"{array}_{LOST}")
        slurm.wait_for(merge)
        said = read(slurm.path("results/merge.log"))
        yield Check("the merge names the lost shard", f"--shard {LOST}/{SHARDS} " in said, said)
        yield expect("how many it names", said.count("run again:"), 1)

        kept = os.stat(slurm.path("results/shard-1.db")).st_mtime_ns
        _, merge = slurm.submit("--again", str(LOST), "results", str(SHARDS), kernel)
        slurm.wait_for(merge)
        said = read(slurm.path("results/merge.log"))
        yield Check("nothing is missing any more", "run again:" not in said, said)
        now = os.stat(slurm.path("results/shard-1.db")).st_mtime_ns
        yield expect("the time of another shard's file", now, kept)

        slurm.run(fwnmi, "test", "-kernel", kernel, "-j", "2", "--results", "whole.db")
        whole, merged = slurm.report("whole.db"), slurm.report("results/all.db")
        yield Check("the whole has results", '"results"' in whole, whole[:500])
        yield Check("both are the same", whole == merged, merged[:500])


def main(fwnmi):
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    if missing:
        raise Missing(f"{missing[0]} is not installed (scripts/setup-packages check)")
    if os.geteuid():
        raise Missing("Slurm's node runs jobs as root only if root starts it")
    kernel = guest.guest_file("6.1")
    test = a_lost_shard_is_named_and_run_again_alone_and_the_whole_is_as_unsharded
    return tap.run(tap.named([test], os.path.abspath(fwnmi), kernel))


if __name__ == "__main__":
    tap.exit_with(main, *sys.argv[1:])
