# SPDX-License-Identifier: BSD-2-Clause
"""Made-up results: what fwnmi test might find, and text that a hostile guest prints."""

import copy
import json
import subprocess

# What ends a script, begins a comment, is markup, a control sequence, or no text at all.
HOSTILE = (
    "</script><script>document.title='taken'</script><!-- \x1b[31m\x07 <img src=x> ]]> &amp; \ufffe"
)

RULE = {
    "rule": "recovered-stays",
    "law": "An error that firmware has recovered leaves the interrupted code as it was.",
    "source": "LoPAR R1-7.3.14-8",
}

KINDS = ["SLB parity", "SLB multihit", "ERAT multihit", "TLB multihit", "UE load", "UE fetch"]
PLACES = ["user", "kernel", "in RTAS", "idle"]


def campaign(**changes):
    return {
        "suite": "quick",
        "kernel": "/boot/vmlinux-6.1.0-42-powerpc64le",
        "kernel_build_id": "9f0c6a5d1b7e4c2f8a3d5e6b7c8d9e0f1a2b3c4d",
        "kernel_release": "6.1.0-42-powerpc64le",
        "fwnmi_version": "1.0.0",
        "options": {"smp": 2, "memory": "1G", "append": "console=hvc0"},
        "seed": "12345",
        "cases": 0,
        "shard": 1,
        "shards": 1,
        **changes,
    }


def registers(**changes):
    return {"nip": "0x0000000010000018", "msr": "0x800000010280f033", "r3": "0x2a", **changes}


def evidence(number, **more):
    return {
        "hits": [
            {
                "step": 0,
                "cpu": number % 2,
                "process": "victim0",
                "place": "do_syscall_64+0x1c",
                "insns": 100000 + number,
                "before": registers(),
                "after": registers(r3=hex(number)),
            }
        ],
        "notes": [{"type": "round", "process": "victim0", "insns": 140000}],
        "console": "[    1.161279] MCE: CPU0: machine check (Severe)  SLB Multihit [Recovered]\n"
        "[    1.161340] MCE: CPU0: PID: 79 Comm: victim NIP: [0000000010000018]\n",
        "insns": 200000 + number,
        **more,
    }


def result(number, name, verdict="recovered", passed=True, **more):
    return {
        "number": number,
        "name": name,
        "group": name.rsplit("/", 1)[0],
        "column": name.rsplit("/", 1)[-1],
        "verdict": verdict,
        "passed": passed,
        **RULE,
        "why": "MCE: CPU0: machine check (Severe) [Recovered]",
        "insns": 200000 + number,
        "points": 1,
        "host_ns": 1000000 + number,
        "case": {"number": number, "steps": [{"execute": "inject-machine-check"}]},
        "evidence": evidence(number),
        **more,
    }


def matrix(**changes):
    """Kinds of machine checks in places; three fail, one has hostile text in all of its parts."""
    results = []
    for kind in KINDS:
        for place in PLACES:
            killed = kind.startswith("UE") and place == "user"
            results.append(
                result(
                    len(results),
                    f"machine check/{kind}/{place}",
                    "killed" if killed else "recovered",
                    group=f"machine check {kind}",
                )
            )
    for number, verdict in ((5, "hang"), (9, "misreported"), (18, "panic")):
        results[number].update(
            verdict=verdict, passed=False, why="no workload went on in 50 000 000 instructions"
        )
    number = len(results)
    results.append(
        result(
            number,
            f"hostile {HOSTILE}",
            "corrupted",
            False,
            group=f"group {HOSTILE}",
            column=f"column {HOSTILE}",
            why=f"why {HOSTILE}",
            rule=f"rule {HOSTILE}",
            law=f"law {HOSTILE}",
            source=f"source {HOSTILE}",
            evidence={"console": HOSTILE + "\n" + HOSTILE, "notes": [{HOSTILE: HOSTILE}]},
        )
    )
    return {"campaign": campaign(cases=len(results), **changes), "results": results}


def sweep():
    """Two symbols, machine checks and system resets at each instruction; one place fails."""
    results = []
    for symbol, base, count in (
        ("system_call_common", 0xC00000000000C000, 120),
        ("machine_check_early_common", 0xC000000000008A00, 64),
    ):
        for event in ("machine-check", "system-reset"):
            for i in range(count):
                number = len(results)
                failed = symbol.startswith("machine") and 30 <= i < 34 and event == "system-reset"
                verdict = "panic" if failed else "recovered" if i % 7 else "killed"
                if i % 31 == 30:
                    verdict = "hang" if failed else "not-reached"
                results.append(
                    result(
                        number,
                        f"{symbol}+{4 * i:#x}/{event}",
                        verdict,
                        not failed,
                        group=symbol,
                        column=event,
                        points=1 + i % 3,
                        evidence=evidence(
                            number, place=f"{symbol}+{4 * i:#x}", address=hex(base + 4 * i)
                        ),
                    )
                )
    return {"campaign": campaign(suite="sweep", cases=len(results)), "results": results}


def shard(made, i, n):
    """The share i of n of a campaign."""
    made = copy.deepcopy(made)
    made["campaign"].update(shard=i, shards=n)
    made["results"] = [r for r in made["results"] if r["number"] % n == i - 1]
    return made


def write(make_results, path, made):
    subprocess.run(
        [make_results, path], input=json.dumps(made), text=True, check=True, capture_output=True
    )
    return path
