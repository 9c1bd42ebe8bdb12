#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a list of cases can ask for, on a Debian kernel: processes, storms, quirks, moments.

usage: test_scenarios.py FWNMI KERNEL    (6.1, or a file)
"""

import os
import sys
import tempfile

from test_campaign import Lab, refused
import guest
from break_kernel import Elf
import tap
from tap import Check, Failure, expect


class Scenarios(Lab):
    """A laboratory that runs a text as a list of cases."""

    def judge(self, name, text, *args):
        path = self.write(f"{name}.yaml", text)
        done = self.test(f"{name}.db", "--scenarios", path, *args)
        if done.returncode not in (0, 1):
            raise Failure("the campaign does not end", done.stderr)
        return self.results(f"{name}.db")

    def refused(self, text, why, *args):
        path = self.write("refused.yaml", text)
        return refused(self.test("refused.db", "--scenarios", path, "-j", "1", *args), why)


def at(*triggers):
    return "".join(f"- machine-check:\n  at: {trigger}\n" for trigger in triggers)


def a_process_is_found_by_its_number(lab):
    for append in "", "disable_radix":
        named = lab.judge(f"named{append}", at("process=victim0 user"), "-append", append)
        pid = named[0]["evidence"]["hits"][0]["pid"]
        text = at(
            f"pid={pid} kernel", f"pid={pid} process=victim0", "pid=0 idle", "pid=1 within=1000000"
        )
        text = text.replace("idle", "idle\n  workload: idle")
        seen = lab.judge(f"numbered{append}", text, "-append", append)
        verdicts = [r["verdict"] for r in seen]
        yield expect("verdicts", verdicts, ["recovered"] * 3 + ["not-reached"])
        hits = [(h["process"], h["pid"]) for r in seen for h in r["evidence"]["hits"]]
        yield expect("processes", hits, [("victim0", pid)] * 2 + [("swapper/0", 0)])
        yield Check("it is no process of the kernel's", pid > 1, pid)


def a_process_that_no_one_can_know_is_refused(lab):
    for word in "process=init", "pid=1":
        why = f"{word}: it is not known here which process a CPU of this guest runs"
        yield from lab.refused(at(f"{word}\n  workload: boot"), why)


STORM = """
- name: a hundred
  machine-check: {repeat: 100, every: 100000}
  at: user
- name: as many as there can be
  workload: idle
  machine-check: {type: ERAT, repeat: 256}
- name: deaths in a row
  machine-check: {type: UE, disposition: not-recovered, repeat: 5}
  at: user
- name: it ends with the guest
  workload: idle
  machine-check: {type: UE, disposition: not-recovered, repeat: 100}
  at: idle
"""


def a_storm_is_many_events_one_after_the_other(lab):
    seen = lab.judge("storm", STORM)
    yield expect("failed", [r["name"] for r in seen if not r["passed"]], [])
    verdicts = [r["verdict"] for r in seen[:3]]
    yield expect("verdicts", verdicts, ["recovered", "recovered", "killed"])
    yield expect("the guest's end", seen[3]["verdict"], "panic")
    hits = [r["evidence"]["hits"] for r in seen]
    yield expect("events", [len(h) for h in hits], [100, 256, 5, 1])
    came_back = [h["came_back"] for h in hits[0] + hits[1]]
    yield expect("events that Linux came back from", came_back.count(True), 356)
    insns = [h["insns"] for h in hits[0]]
    gaps = [b - a for a, b in zip(insns, insns[1:])]
    yield Check("there are 100000 instructions between them", min(gaps) >= 100000, min(gaps))
    deaths = [n["signal"] for n in seen[2]["evidence"]["notes"] if n["type"] == "died"]
    yield expect("deaths by SIGBUS", deaths, [7] * 5)


DEADLY = """
- {name: reset, system-reset: {}, at: user}
- {name: fatal, machine-check: {type: UE, severity: fatal, disposition: not-recovered}, at: user}
- {name: kernel, machine-check: {type: UE, disposition: not-recovered}, at: kernel}
- {name: unrecoverable, machine-check: {}, at: ri=0 kernel}
- {name: killed, machine-check: {type: UE, disposition: not-recovered}, at: user}
"""


def what_kills_a_kernel_does_so_as_its_options_say(lab):
    for append, end, rest in (
        ("xmon=on", "hang", "not-recovered-xmon"),
        ("oops=panic", "panic", "not-recovered-panic-on-oops"),
    ):
        seen = lab.judge(append, DEADLY, "-append", append)
        yield expect("failed", [r["name"] for r in seen if not r["passed"]], [])
        yield expect("verdicts", [r["verdict"] for r in seen], [end] * 4 + ["killed"])
        yield expect("rules", {r["rule"] for r in seen[1:4]}, {rest})


UNSAFE = """
- {name: one, machine-check: {unsafe: true}, at: user}
- {name: all, machine-check: {unsafe: true, cpus: all}, at: user}
"""


def an_unsafe_processor_takes_its_work_along_and_the_last_one_the_partition(lab):
    seen = lab.judge("unsafe", UNSAFE, "-smp", "2")
    yield expect("failed", [r["name"] for r in seen if not r["passed"]], [])
    yield expect("verdicts", [r["verdict"] for r in seen], ["hang", "checkstop"])
    rules = ["unsafe-processor", "unsafe-last-processor"]
    yield expect("rules", [r["rule"] for r in seen], rules)


# Linux prints for longer than that.
FAST = """
- machine-check: {repeat: 100, every: 20000}
- {workload: idle, machine-check: {repeat: 100, every: 20000}}
- {workload: mixed, machine-check: {repeat: 100, every: 5000}, at: kernel}
"""


def reports_that_a_fast_storm_makes_linux_repeat_or_drop_are_no_failure(lab):
    seen = lab.judge("fast", FAST)
    yield expect("failed", [r["why"] for r in seen if not r["passed"]], [])
    yield expect("rules", {r["rule"] for r in seen}, {"recovered-queued"})
    yield expect("verdicts", {r["verdict"] for r in seen}, {"lost"})


def a_storm_has_a_bound(lab):
    for text, why in (
        ("- machine-check: {repeat: 257}", "more than 256 events"),
        ("- machine-check: {repeat: 1000000}\n  repeat: 16", "more than 256 events"),
        ("- machine-check: {repeat: 1000001}", "bad repeat: not a number up to 1000000"),
        ("- machine-check: {repeat: 0}", "bad repeat: not a number from 1 to 1000000"),
        ("- machine-check: {every: 5}", "every needs repeat"),
    ):
        yield from lab.refused(text, why)


# Linux commit bded0706434d: it turns NIP round again, and prints MSR as 0.
SWAPPED = """
- system-reset: {swapped-srr: true}
  at: user
- system-reset: {swapped-srr: true}
  at: kernel
- workload: idle
  system-reset: {swapped-srr: true}
  at: idle
"""


def a_system_reset_with_swapped_srrs_is_reported_where_it_was(lab):
    seen = lab.judge("swapped", SWAPPED)
    yield expect("failed", [r["name"] for r in seen if not r["passed"]], [])
    yield expect("verdicts", [r["verdict"] for r in seen], ["panic"] * 3)
    for i, result in enumerate(seen):
        nip = int(result["evidence"]["hits"][0]["event"]["nip"], 16)
        console = result["evidence"]["console"]
        yield Check("Linux prints the right NIP", f"NIP:  {nip:016x} LR" in console, console)
        whole = lab.run("replay", "swapped.db", str(i)).stdout
        yield Check("and no MSR", "MSR:  0000000000000000 <>" in whole, whole)
    why = "swapped-srr is for a system reset, not for machine checks"
    yield from lab.refused("- machine-check: {swapped-srr: true}", why)


SPACE = "- {{workload: mixed, machine-check: , at: pidr={} ri=any within=3000000}}\n"


def an_address_space_is_entered_behind_the_instruction_that_sets_pidr(lab):
    seen = lab.judge("spaces", "".join(map(SPACE.format, range(1, 13))))
    hits = [h for r in seen for h in r["evidence"]["hits"]]
    # The one that runs already is in user mode, which has no place.
    places = [h["place"] for h in hits if h["place"]]
    yield Check("spaces are entered", len(places) >= 3, places)
    yield expect("places", {p.split("+")[0] for p in places}, {"radix__switch_mmu_context"})
    yield expect("instructions", len(set(places)), 1)


INTERRUPTS = """
- {workload: syscall, machine-check: , at: vector=0x900}
- {workload: mixed, machine-check: , at: vector=0x900 count=5}
- {workload: idle, machine-check: , at: vector=0x500 count=3}
"""


def an_interrupt_that_comes_by_itself_is_met_at_its_first_instruction(lab):
    seen = lab.judge("interrupts", INTERRUPTS, "-smp", "2")
    events = [r["evidence"]["hits"][0]["event"] for r in seen]
    yield expect("vectors", [e["nip"][-3:] for e in events], ["900", "900", "500"])
    yield expect("MSR[RI]", [e["recoverable"] for e in events], [False] * 3)


def a_real_address_is_met_under_its_translation(lab):
    kernel = Elf(open(lab.kernel, "rb").read())
    names = "tick_do_update_jiffies64", "jiffies_64"
    code, data = (kernel.symbol(name) & ~(0xF << 60) for name in names)
    words = f"fetch-real={code:#x}..{code + 8:#x}", f"write-real={data:#x}..{data + 7:#x}"
    seen = lab.judge("real", at(*(f"{w} ri=any within=9000000" for w in words)))
    places = [h["place"].split("+")[0] for r in seen for h in r["evidence"]["hits"]]
    yield expect("places", places, ["tick_do_update_jiffies64"] * 2)


def all_cpus_are_met_when_the_first_is(lab):
    text = at("cpu=all process=victim0 count=2 within=9000000")
    seen = lab.judge("all", text, "-smp", "2")
    hits = seen[0]["evidence"]["hits"]
    yield expect("CPUs", sorted(h["event"]["cpu-index"] for h in hits), [0, 1])


def the_fall_of_ri_is_met_behind_the_instruction(lab):
    # Linux clears it with mtmsrd when it comes back from ibm,nmi-interlock.
    text = (
        "- steps:\n  - machine-check:\n    at: user\n  - system-reset:\n    at: interlocked ri=0\n"
    )
    hits = lab.judge("falls", text)[0]["evidence"]["hits"]
    yield expect("MSR[RI]", [h["event"]["recoverable"] for h in hits], [True, False])
    place = hits[1]["place"].split("+")[0]
    yield expect("the place", place, "rtas_return_loc")


TESTS = [
    a_real_address_is_met_under_its_translation,
    all_cpus_are_met_when_the_first_is,
    the_fall_of_ri_is_met_behind_the_instruction,
    an_address_space_is_entered_behind_the_instruction_that_sets_pidr,
    an_interrupt_that_comes_by_itself_is_met_at_its_first_instruction,
    a_system_reset_with_swapped_srrs_is_reported_where_it_was,
    a_storm_is_many_events_one_after_the_other,
    reports_that_a_fast_storm_makes_linux_repeat_or_drop_are_no_failure,
    a_storm_has_a_bound,
    what_kills_a_kernel_does_so_as_its_options_say,
    an_unsafe_processor_takes_its_work_along_and_the_last_one_the_partition,
    a_process_is_found_by_its_number,
    a_process_that_no_one_can_know_is_refused,
]


def main(fwnmi, kernel):
    path = guest.kernel_file(kernel)
    with tempfile.TemporaryDirectory() as directory:
        return tap.run(tap.named(TESTS, Scenarios(os.path.abspath(fwnmi), path, directory)))


if __name__ == "__main__":
    tap.exit_with(main, *sys.argv[1:])
