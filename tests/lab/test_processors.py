#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Linux boots, registers and recovers on every processor, with both translations.

usage: test_processors.py FWNMI VERSION [--quick]

VERSION is that of a Debian kernel, or the path of any other. --quick runs every case of the lab's
suite of that name, not only those that make a round trip through FWNMI.
"""

import sys
import tempfile

import test_broken_kernels as lab
import guest
import tap

# -cpu, and more words for the kernel's command line.
PROCESSORS = [
    ("power8", ""),
    ("power9", ""),
    ("power9", "disable_radix"),
    ("power9", "radix_hcall_invalidate=on"),
    ("power10", ""),
    ("power10,compat=power9", ""),
    ("power11", ""),
]
ROUND_TRIP = ["--only", "@(SLB multihit|UE load-store, not recovered)/user"]
EVENTS = 2


def options_of(version, cpu, append):
    # Linux knows POWER11 since 6.9. An older one would be offered POWER10 by
    # ibm,client-architecture-support.
    if cpu == "power11" and version == "6.1":
        cpu = "power11,compat=power10"
    return ["-cpu", cpu, *(["-append", append] if append else [])]


def recovers(fwnmi, path, options, nr_results):
    with tempfile.TemporaryDirectory() as directory:
        results = lab.campaign(fwnmi, path, directory, "results", options)
    failed = [lab.tell(r) for r in results if not r["passed"]]
    yield tap.Check("every case was run", len(results) >= nr_results, str(len(results)))
    yield tap.Check("no case fails", not failed, "\n".join(failed))


def main(fwnmi, version, *flags):
    path = guest.kernel_file(version)
    cases, nr_results = ([], 100) if "--quick" in flags else (ROUND_TRIP, EVENTS)
    tests = []
    for cpu, append in PROCESSORS:
        for cpus in ("1", "4"):
            name = f"{cpu}_{append}_with_{cpus}_cpus_recovers".replace("__", "_")
            options = [*options_of(version, cpu, append), "-smp", cpus, *cases]
            tests.append((name, recovers, fwnmi, path, options, nr_results))
    return tap.run(tests)


if __name__ == "__main__":
    tap.exit_with(main, *sys.argv[1:])
