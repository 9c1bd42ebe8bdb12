# SPDX-License-Identifier: BSD-2-Clause
"""Injects FWNMI events, watches the console, and checks that Linux does what it must.

A scenario injects one event into a booted guest with a victim and returns an Outcome, with a Check
for each expected consequence. The rules are Linux's own: arch/powerpc/platforms/pseries/ras.c (what
is recovered), arch/powerpc/kernel/mce.c (what is printed, and that an address of a UE goes to
mm/memory-failure.c), arch/powerpc/kernel/traps.c (what a system reset leads to).
"""

import re

from guest import Check, Failure, expect

SIGBUS = 7
TIMEBASE_HZ = 512_000_000

# Lines that other CPUs print meanwhile.
BETWEEN = r"(?:(?!.*MCE: ).*\n)*"
# arch/powerpc/kernel/mce.c, machine_check_print_event_info(): four lines.
MCE = re.compile(
    r"MCE: CPU(?P<cpu>\d+): machine check \((?P<severity>\w+)\) +(?P<what>.*?) ?"
    r"(?:DAR: (?P<dar>[0-9a-f]{16}) )?(?:paddr: (?P<paddr>[0-9a-f]{16}) )?"
    r"\[(?P<disposition>Recovered|Not recovered)\]\n"
    + BETWEEN
    + r".*MCE: CPU(?P=cpu): (?:PID: (?P<pid>\d+) Comm: (?P<comm>\S+) )?"
    r"NIP: \[(?P<nip>[0-9a-f]{16})\].*\n"
    + BETWEEN
    + r".*MCE: CPU(?P=cpu): Initiator (?P<initiator>.*)\n"
    + BETWEEN
    + r".*MCE: CPU(?P=cpu): .*\n"
)


class Outcome:
    """The outcome of one event: the injection, the console since then, and the checks."""

    def __init__(self, injection=None, console=""):
        self.injection, self.console, self.checks = injection, console, []
        self.os_term = None  # the event, if the guest ended itself

    @property
    def ok(self):
        return all(check.ok for check in self.checks)

    def check(self, what, ok, detail=""):
        self.checks.append(Check(what, bool(ok), detail))

    def equal(self, what, actual, wanted):
        self.checks.append(expect(what, actual, wanted))

    def time(self):
        """How long the guest took, in words; "" if it did not get that far."""
        interlock, back = (self.injection.report.get(key) for key in ("interlock", "return"))
        words = []
        if interlock:
            words.append(
                f"ibm,nmi-interlock after {interlock['instructions']} instructions, "
                f"{interlock['guest-us']:.1f} us of guest time"
            )
        if back:
            words.append(
                f"back at the interrupted instruction after {back['instructions']}, "
                f"{back['guest-us']:.1f} us"
            )
        if self.os_term:
            ticks = self.os_term["timebase"] - self.injection.report["at-timebase"]
            words.append(
                f"ibm,os-term after {ticks / TIMEBASE_HZ:.2f} s of guest time, most of it "
                "Linux's own waiting"
            )
        return "; ".join(words)


def printed_mce(guest, mark):
    """The next machine check that the kernel prints, as a dict; missing fields are None."""
    match = guest.wait_for(MCE.pattern, mark, what="MCE: ... machine check")
    return match.groupdict()


def inject(guest, kind, **options):
    """Injects an event; returns (the mark before it, Outcome with what the platform did)."""
    registered = guest.monitor.command("query-fwnmi")
    if options.get("context") == "user":
        guest.settle()  # the victim must be in user mode
    mark = guest.mark()
    injection = guest.inject(kind, **options)
    outcome = Outcome(injection)
    routine = "machine check" if kind == "machine-check" else "system reset"
    handler = registered.get(routine.replace(" ", "-"))
    if not injection.delivered:  # nothing to wait for
        raise Failure(f"it was not delivered: {injection.errors}", guest.tail(mark))
    outcome.equal(
        f"the registered {routine} routine was entered", injection.report["handler"], handler
    )
    if kind == "machine-check":
        outcome.check("the guest called ibm,nmi-interlock", injection.interlocked, injection.errors)
        outcome.equal("fwnmi inject succeeds", injection.status, 0)
    return mark, outcome


def machine_check(
    guest,
    what,
    cpu=0,
    recovered=True,
    severity="Severe",
    initiator="CPU",
    victim=None,
    dar=None,
    paddr=None,
    severity_reported=None,
    initiator_reported=None,
    **options,
):
    """Injects a machine check and compares what the kernel prints; options are those of inject.

    what, severity and initiator are the kernel's words, such as "SLB Multihit"; the ..._reported
    are the log's names, if not inject's defaults. victim is the pid of the interrupted process.
    """
    for name, value in (("severity", severity_reported), ("initiator", initiator_reported)):
        if value:
            options[name] = value
    mark, outcome = inject(guest, "machine-check", cpu=cpu, **options)
    mce = printed_mce(guest, mark)
    disposition = "Recovered" if recovered else "Not recovered"
    outcome.equal(
        f'the kernel names it: CPU{cpu}, {severity}, "{what}", [{disposition}]',
        (int(mce["cpu"]), mce["severity"], mce["what"].strip(), mce["disposition"]),
        (cpu, severity, what, disposition),
    )
    outcome.equal(f"its initiator: {initiator}", mce["initiator"], initiator)
    outcome.equal("the interrupted instruction", int(mce["nip"], 16), outcome.injection.nip)
    if victim:
        outcome.equal(
            f"the process: victim, pid {victim}", (mce["comm"], mce["pid"]), ("victim", str(victim))
        )
    # Without an address in the log, Linux may print that of an earlier event: save_mce_event()
    # leaves it in the slot.
    for name, key, wanted in (("effective", "dar", dar), ("real", "paddr", paddr)):
        if wanted is not None:
            outcome.equal(
                f"the {name} address: {wanted:#x}", mce[key] and int(mce[key], 16), wanted
            )
    return mark, outcome


def buffer_is_free(guest, outcome):
    state = guest.monitor.command("query-fwnmi")
    outcome.equal("the buffer is free again", state["interlock-held"], False)


def victim_lives(guest, outcome, pid):
    # Not necessarily at once, because Linux can switch tasks on the return path.
    outcome.equal(f"the victim lives on, pid {pid}", guest.victim(), pid)


def victim_died(guest, outcome, mark, signal):
    """Waits for the victim's death; init then starts another one."""
    match = guest.wait_for(r"fwnmi-guest: victim died: (.*)", mark, what="victim died")
    outcome.equal(f"the victim was killed by signal {signal}", match[1], f"signal {signal}")
    guest.wait_for(r"fwnmi-guest: victim pid \d+", match.end(), what="a new victim")


def finish(guest, outcome, mark):
    outcome.console = guest.since(mark)
    return outcome


# ---- the scenarios of the main job ---------------------------------------------------------------


def recovered_slb_multihit(guest, **options):
    """The platform has repaired the error: Linux logs it and continues."""
    pid = guest.victim()
    address, _, _ = guest.victim_page()
    mark, outcome = machine_check(
        guest,
        "SLB Multihit",
        victim=pid,
        dar=address,
        type="SLB",
        subtype="multihit",
        ea=address,
        context="user",
        **options,
    )
    victim_lives(guest, outcome, pid)
    buffer_is_free(guest, outcome)
    return finish(guest, outcome, mark)


def recovered_ue(guest, **options):
    """The machine can continue, but the page cannot be trusted: Linux takes it from its owner.

    The address is in the victim's own page, which Linux can offline without affecting anyone else,
    and of which there is no other copy. The victim is not killed for the machine check itself,
    which is recovered: memory-failure.c unmaps the page, and the victim dies at its next access.

    Since 6.3, Linux only queues this for a process whose machine check was recovered, and processes
    the queue at the next event that is not recovered or was in the kernel ("powerpc/mce: log the
    error for all unrecoverable errors"). There, a recovered SLB multihit in the kernel follows.
    """
    queues = guest.linux_version() >= (6, 3)
    pid = guest.victim()
    address, real, size = guest.victim_page()
    mark, outcome = machine_check(
        guest,
        "UE Load/Store",
        victim=pid,
        dar=address,
        paddr=real,
        type="UE",
        subtype="load-store",
        ea=address,
        logical_address=real,
        context="user",
        **options,
    )
    if queues:
        victim_lives(guest, outcome, pid)
        outcome.check(
            "the page is not taken out yet",
            "Memory failure" not in guest.since(mark),
            guest.since(mark),
        )
        _, next_one = machine_check(guest, "SLB Multihit", type="SLB", context="kernel", **options)
        outcome.checks += [
            Check(f"the next one, in the kernel: {c.what}", c.ok, c.detail)
            for c in next_one.checks
            if not c.ok
        ]
        outcome.check(
            "another, in the kernel, makes Linux look at its queue",
            next_one.injection.delivered,
            next_one.injection.errors,
        )
    page = f"{real // size:#x}"
    took_out = guest.wait_for(
        rf"Memory failure: {page}: recovery action for .*", mark, what="Memory failure: ..."
    )[0]
    outcome.check(f"the page {page} is taken out", took_out.endswith(": Recovered"), took_out)
    killed = guest.wait_for(
        r"Killing victim:(\d+) due to hardware memory corruption fault at (\S+)",
        mark,
        what="Killing victim",
    )
    outcome.equal(
        "its next access is what the victim is killed for",
        (int(killed[1]), int(killed[2], 16)),
        (pid, address),
    )
    victim_died(guest, outcome, mark, SIGBUS)
    buffer_is_free(guest, outcome)
    return finish(guest, outcome, mark)


def unrecovered_ue(guest, **options):
    """Not recovered, but synchronous and in user mode: Linux kills the process and survives.

    The log has no logical address: Linux must derive it from the effective address.
    """
    pid = guest.victim()
    address, real, size = guest.victim_page()
    mark, outcome = machine_check(
        guest,
        "UE Load/Store",
        recovered=False,
        victim=pid,
        dar=address,
        paddr=real,
        type="UE",
        subtype="load-store",
        ea=address,
        disposition="not-recovered",
        context="user",
        **options,
    )
    killed = guest.wait_for(r"victim\[(\d+)\]: bus error \(7\) at (\S+) ", mark, what="bus error")
    outcome.equal(
        "the interrupted process gets SIGBUS",
        (int(killed[1]), int(killed[2], 16)),
        (pid, outcome.injection.nip),
    )
    victim_died(guest, outcome, mark, SIGBUS)
    # The dead process's page may be free by now, so any message of memory-failure.c will do.
    guest.wait_for(rf"Memory failure: {real // size:#x}: ", mark, what="Memory failure")
    outcome.check("the page is handed to memory-failure.c", True)
    new = guest.victim()
    outcome.check("Linux lives, and starts a new victim", new != pid, f"pid {new}")
    buffer_is_free(guest, outcome)
    return finish(guest, outcome, mark)


def system_reset(guest, **options):
    """Linux takes a system reset as a request to dump: registers, then the crash kernel or a panic.

    ras.c handles only Linux's own NMI IPIs. This is none, so traps.c prints the interrupted
    process, waits two seconds for other CPUs and panics, and the pseries platform calls
    ibm,os-term.
    """
    pid = guest.victim()
    address, _, _ = guest.victim_page()
    mark, outcome = inject(guest, "system-reset", context="user", **options)
    report = outcome.injection.report
    oops = guest.wait_for(
        r"Oops: System Reset, sig: 6 (?:.*\n)*?.*---\[ end trace", mark, what="Oops: System Reset"
    )[0]

    def printed(pattern, base=16):
        match = re.search(pattern, oops)
        return match and int(match[1], base)

    outcome.check("the kernel says Oops: System Reset", True)
    outcome.equal(f"of the victim, pid {pid}", printed(r"PID: (\d+) Comm: victim ", 10), pid)
    outcome.equal("taken as interrupt 0100", printed(r"TRAP: (\d+)"), 0x100)
    outcome.equal(
        "NIP is the interrupted instruction's", printed(r"NIP:  (\S+)"), outcome.injection.nip
    )
    outcome.equal("MSR is the interrupted one", printed(r"MSR:  (\S+)"), int(report["msr"], 16))
    # exec clears R3, and the victim never changes it.
    outcome.equal(
        "R3 is the victim's own, from the save area", printed(r"GPR00: \S+ \S+ \S+ (\S+)"), 0
    )
    outcome.equal("R9 is untouched: the victim's page", printed(r"GPR08: \S+ (\S+)"), address)
    guest.wait_for(r"Kernel panic - not syncing: System Reset", mark, what="Kernel panic")
    outcome.check("without a crash kernel Linux then panics", True)
    # Linux 6.12 passes an empty text, 6.1 "OS panic: ...".
    panicked = guest.monitor.wait_event("GUEST_PANICKED")
    outcome.os_term = panicked
    outcome.check(
        "it tells the platform by ibm,os-term",
        panicked.get("text") in ("", "OS panic: System Reset"),
        panicked,
    )
    outcome.equal("the machine ends as crashed", guest.wait(), 3)
    return finish(guest, outcome, mark)


# ---- the other types, by Linux's names -----------------------------------------------------------

# (name, the kernel's words, options of inject). No addresses: SLB, ERAT and TLB errors get the
# interrupted instruction's, which Linux does not print twice.
RECOVERABLE = [
    *(
        (f"{type}_{subtype}", f"{type} {subtype.capitalize()}", {"type": type, "subtype": subtype})
        for type in ("SLB", "ERAT", "TLB")
        for subtype in ("parity", "multihit", "indeterminate")
    ),
    *(
        ("UE_" + subtype, "UE " + words, {"type": "UE", "subtype": subtype})
        for subtype, words in (
            ("indeterminate", "Indeterminate"),
            ("ifetch", "Instruction fetch"),
            ("page-table-walk-ifetch", "Page table walk ifetch"),
            ("load-store", "Load/Store"),
            ("page-table-walk-load-store", "Page table walk Load/Store"),
        )
    ),
    ("D-cache", "D-Cache Unknown", {"type": "D-cache"}),
    ("I-cache", "I-Cache Unknown", {"type": "I-cache"}),
]

# ras.c, mce_handle_err_virtmode() translates RTAS severities and initiators to Linux's own.
SEVERITIES = {
    "no-error": "Harmless",
    "event": "Warning",
    "warning": "Warning",
    "error-sync": "Severe",
    "error": "Severe",
    "already-reported": "Fatal",
}
INITIATORS = {
    "unknown": "Unknown",
    "CPU": "CPU",
    "PCI": "PCI",
    "ISA": "ISA",
    "memory": "Memory",
    "power-management": "Power Management",
    "hot-plug": "Unknown",
}


def recovered(guest, what, **options):
    """A recovered machine check of the victim: Linux prints its name, and the victim lives on."""
    pid = guest.victim()
    mark, outcome = machine_check(guest, what, victim=pid, context="user", **options)
    victim_lives(guest, outcome, pid)
    return finish(guest, outcome, mark)


# ---- errors that cost the victim its life --------------------------------------------------------


def oops(guest, mark):
    """Waits for the end of the Oops of a machine check."""
    pattern = r"Oops: Machine check, sig: 7 (?:.*\n)*?.*---\[ end trace"
    guest.wait_for(pattern, mark, what="Oops: Machine check")


def fatal(guest):
    pid = guest.victim()
    mark, outcome = machine_check(
        guest,
        "UE Load/Store",
        recovered=False,
        severity="Fatal",
        victim=pid,
        type="UE",
        severity_reported="fatal",
        context="user",
    )
    oops(guest, mark)
    victim_died(guest, outcome, mark, SIGBUS)
    return finish(guest, outcome, mark)


def already_reported(guest):
    """LoPAR: after a fatal error, only "fatal error previously reported", without details."""
    guest.victim_page()  # the new victim runs
    pid = guest.victim()
    mark, outcome = machine_check(
        guest,
        "Unknown",
        recovered=False,
        severity="Harmless",
        initiator="Unknown",
        victim=pid,
        type="SLB",
        context="user",
    )
    oops(guest, mark)
    victim_died(guest, outcome, mark, SIGBUS)
    return finish(guest, outcome, mark)
