#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The Kubernetes example: an Indexed Job whose indices are all shards. Speaks TAP.

usage: test_kubernetes_example.py SOURCE
"""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import tap  # noqa: E402


def example(top):
    try:
        import yaml
    except ImportError as e:
        raise tap.Missing("needs python3-yaml (scripts/setup-packages check)") from e
    with open(os.path.join(top, "examples/cluster/kubernetes-job.yaml"), encoding="utf-8") as f:
        return yaml.safe_load(f)


def container(top):
    return example(top)["spec"]["template"]["spec"]["containers"][0]


def it_is_an_indexed_job_that_starts_lost_pods_again(top):
    job = example(top)
    spec = job["spec"]
    yield tap.expect("kind", (job["apiVersion"], job["kind"]), ("batch/v1", "Job"))
    yield tap.expect("mode", spec["completionMode"], "Indexed")
    yield tap.expect("restartPolicy", spec["template"]["spec"]["restartPolicy"], "Never")
    yield tap.Check("pods are started again", spec["backoffLimit"] > 0, spec)


def every_shard_has_an_index(top):
    shards = {variable["name"]: variable["value"] for variable in container(top)["env"]}["SHARDS"]
    return shards == str(example(top)["spec"]["completions"])


def what_it_mounts_is_a_volume_of_the_pod(top):
    volumes = {volume["name"] for volume in example(top)["spec"]["template"]["spec"]["volumes"]}
    return {mount["name"] for mount in container(top)["volumeMounts"]} <= volumes


def its_command_runs_the_shard_of_the_index_and_fails_only_if_that_has_not_been_run(top):
    with tempfile.TemporaryDirectory() as scratch:
        fwnmi = os.path.join(scratch, "fwnmi")
        with open(fwnmi, "w", encoding="ascii") as f:
            f.write('#!/bin/sh\necho "$@"\nexit "$STATUS"\n')
        os.chmod(fwnmi, 0o755)
        for status, wanted in ((0, 0), (1, 0), (2, 1), (137, 1)):
            done = subprocess.run(
                container(top)["command"],
                env={
                    "PATH": f"{scratch}:{os.environ['PATH']}",
                    "JOB_COMPLETION_INDEX": "7",
                    "SHARDS": "8",
                    "STATUS": str(status),
                },
                capture_output=True,
                text=True,
                check=False,
            )
            yield tap.expect(f"status after {status}", done.returncode, wanted)
            yield tap.Check("the last shard", "--shard 8/8 " in done.stdout, done.stdout)
            yield tap.Check("its file", "/shard-8.db" in done.stdout, done.stdout)


TESTS = [
    it_is_an_indexed_job_that_starts_lost_pods_again,
    every_shard_has_an_index,
    what_it_mounts_is_a_volume_of_the_pod,
    its_command_runs_the_shard_of_the_index_and_fails_only_if_that_has_not_been_run,
]

if __name__ == "__main__":
    sys.exit(tap.run(tap.named(TESTS, sys.argv[1])))
