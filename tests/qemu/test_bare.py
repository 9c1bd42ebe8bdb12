#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A minimal big-endian guest: the rules of the buffer across invocations, and bad input.

usage: test_bare.py [--build DIR] --bare DIR QEMU        (7.2 or 10; DIR has the variants of bare.S)
"""

import os
import re
import signal
import socket
import struct
import sys
import tempfile

import qemu
import guest as harness
from guest import Check, Failure, expect
from qemu import Proxy, QemuGuest

RTAS = "0x200000"  # as bare.S has it
# Step between cuts, over the last bytes of a session, which start before the delivery: less than
# one answer.
LAST_BYTES, CUT_STEP = 2500, 23
MACHINE = qemu.MACHINE + ",kernel-addr=0"


EVENT = "bare: an event"
# Time limit for what never happens, in seconds. What must happen before has to fit in, on a busy
# host too.
VAIN = 10
PATIENT = ["--timeout", str(harness.INJECT)]


class Bare(QemuGuest):
    """A variant of bare.S that we attach to from its start."""

    def __init__(self, build, which, directory, variant="plain", smp=1, tcp=False):
        path = os.path.join(directory, f"bare_{variant}")
        if not os.path.exists(path):
            raise harness.Missing(f"{path} has not been built (needs a cross compiler)")
        super().__init__(
            build, which, path, bare=True, stopped=True, smp=smp, machine=MACHINE, tcp=tcp
        )

    def up(self):
        report = self.learn("--rtas", RTAS)
        self.wait_for("bare: ready")
        return report

    def handlers(self):
        """The value of --handlers."""
        return ",".join(self.registration[key] for key in ("system-reset", "machine-check"))

    def events(self):
        return self.since(0).count(EVENT)

    def event_comes(self, before):
        """Waits until the guest reports an event: then it has continued, its registers intact."""
        if not qemu.wait_until(self, lambda: self.transcript.count(EVENT) > before):
            raise Failure("the guest does not say that it has gone on after an event", self.tail())
        return "bare: registers" not in self.since(0)

    def hit(self, kind, *options, timeout=harness.INJECT):
        words = [
            kind,
            "--json",
            "--rtas",
            RTAS,
            "--timeout",
            str(int(timeout * harness.patience())),
        ]
        done = self.fwnmi("inject", *words, *options, timeout=3 * timeout + 10)
        return harness.Injection(done.args, done.returncode, done.stdout, done.stderr)


def refused(injection, pattern):
    yield expect("exit status", injection.status, 1)
    yield Check(
        f"one line: {pattern}",
        re.fullmatch(f"fwnmi: inject: {pattern}", injection.errors),
        injection.errors,
    )
    yield Check("nothing was delivered", not injection.delivered, injection.json)


def big_endian(make):
    with make("plain") as guest:
        report = guest.up()
        yield Check("the call was seen", report["call-seen"], report)
        symbols = {"system-reset": 0x100000, "machine-check": 0x100000}
        for key, start in symbols.items():
            yield Check(f"{key}: a routine of its own", int(report[key], 16) > start, report)
        for kind in ("machine-check", "system-reset", "machine-check"):
            before = guest.events()
            injection = guest.hit(kind)
            yield expect(f"{kind}: exit status", (injection.status, injection.errors), (0, ""))
            yield Check(
                f"{kind}: it came back with its registers",
                injection.returned and guest.event_comes(before),
                guest.tail(),
            )
            yield expect(f"{kind}: routine", injection.report["handler"], report[kind])
        yield Check("the guest runs", guest.monitor.running(), "")


def mute(make):
    """A guest that does not call ibm,nmi-interlock, so that the next machine check would end it."""
    with make("mute") as guest:
        guest.up()
        first = guest.hit("machine-check", timeout=VAIN)
        yield expect("first: exit status", first.status, 1)
        yield expect(
            "first: its line",
            first.errors,
            "fwnmi: inject: time limit: the guest did not call ibm,nmi-interlock",
        )
        yield Check("first: delivered", first.delivered and first.returned, first.json)
        before = guest.events()
        yield from refused(
            guest.hit("machine-check"),
            r"CPU 0 has not called ibm,nmi-interlock for its last machine check: use --nested .*",
        )
        reset = guest.hit("system-reset")
        yield Check(
            "a system reset needs no interlock",
            reset.delivered and guest.event_comes(before),
            reset.errors,
        )
        forgetful = guest.hit(
            "machine-check", "--forget", "--handlers", guest.handlers(), timeout=VAIN
        )
        yield Check("--forget forgets", forgetful.delivered, forgetful.errors)
        mark = guest.mark()
        nested = guest.hit("machine-check", "--nested")
        yield from refused(
            nested,
            r"a second machine check came before the interlock, which ends the partition: .*",
        )
        guest.wait_for("bare: ready", mark, what="bare: ready (QEMU has reset it)")
        yield from refused(guest.hit("machine-check"), r"the guest's routines are unknown: .*")


def unwatched(make):
    """Without a wait nobody sees the interlock, the only sign of this guest's return."""
    with make("plain") as guest:
        guest.up()
        before = guest.events()
        first = guest.hit("machine-check", "--no-wait")
        yield Check(
            "delivered",
            first.status == 0 and first.delivered and guest.event_comes(before),
            first.errors,
        )
        yield from refused(guest.hit("machine-check"), r"CPU 0 has not called ibm,nmi-interlock .*")


def second_cpu_waits(make):
    """The second CPU's machine check is reported once the first has called ibm,nmi-interlock."""
    with make("slow", smp=2) as guest:
        guest.up()
        before = guest.events()
        first = guest.hit("machine-check", "--no-wait")
        yield Check("first: delivered", first.delivered, first.errors)
        second = guest.hit("machine-check", "--cpu", "1", "--nested")
        yield expect("second: exit status", (second.status, second.errors), (0, ""))
        yield Check(
            "second: delivered, interlocked", second.delivered and second.interlocked, second.json
        )
        yield expect("second: CPU", second.report.get("cpu-index"), 1)
        yield Check("the first went on", guest.event_comes(before), guest.tail())
        third = guest.hit("machine-check")
        yield Check("the buffer is free", third.interlocked, third.errors)


def second_cpu_waits_in_vain(make):
    with make("mute", smp=2) as guest:
        guest.up()
        first = guest.hit("machine-check", timeout=VAIN)
        yield Check("first: delivered", first.delivered and not first.interlocked, first.json)
        yield from refused(
            guest.hit("machine-check", "--cpu", "1", "--nested", timeout=VAIN),
            r"time limit: CPU 0, which holds the machine check buffer, does not call .*",
        )
        yield Check("the guest runs", guest.monitor.running(), "")


def whole_partition(make):
    """A system reset goes to every CPU unless one is named."""
    with make("plain", smp=2) as guest:
        guest.up()
        before = guest.events()
        reset = guest.hit("system-reset")
        yield expect("exit status", (reset.status, reset.errors), (0, ""))
        yield expect(
            "each CPU",
            [
                (cpu["injection"]["cpu-index"], cpu["delivered"])
                for cpu in reset.json.get("cpus", [])
            ],
            [(0, True), (1, True)],
        )
        yield Check("the routine has run", guest.event_comes(before), guest.tail())
        one = guest.hit("system-reset", "--cpu", "1")
        yield expect(
            "one: its warning",
            (one.status, one.errors),
            (
                0,
                "fwnmi: inject: warning: only CPU 1 of 2 is reset, but a guest that dumps waits for all "
                "of them: leave out --cpu",
            ),
        )
        yield expect("one: as an object of its own", one.report.get("cpu-index"), 1)
    with make("plain") as guest:
        guest.up()
        yield expect(
            "of one CPU: as an object of its own",
            guest.hit("system-reset").report.get("cpu-index"),
            0,
        )


def idle_cpu(make):
    """Only the reset can wake the second CPU, which has no timer and gets no interrupts."""
    with make("idle", smp=2) as guest:
        guest.up()
        before = guest.events()
        reset = guest.hit("system-reset", timeout=2)
        yield expect("exit status", (reset.status, reset.errors), (0, ""))
        yield expect(
            "who was idle", [cpu["injection"]["idle"] for cpu in reset.json["cpus"]], [False, True]
        )
        yield Check("the first goes on with its registers", guest.event_comes(before), guest.tail())


def given(make):
    """The report describes the log that the guest got, not the request."""
    with make("plain") as guest:
        guest.up()
        first = guest.hit("machine-check", "--type", "UE", "--severity", "fatal", "--ea", "0x4321")
        log = first.report.get("log", {})
        yield expect(
            "the first",
            {
                key: log.get(key)
                for key in (
                    "type",
                    "subtype",
                    "severity",
                    "disposition",
                    "effective-address",
                    "already-reported",
                )
            },
            {
                "type": "UE",
                "subtype": "load-store",
                "severity": "fatal",
                "disposition": "not-recovered",
                "effective-address": "0x4321",
                "already-reported": False,
            },
        )
        yield expect("recoverable", first.report.get("recoverable"), True)
        second = guest.hit("machine-check")
        log = second.report.get("log", {})
        yield expect(
            "the second",
            (log.get("severity"), log.get("already-reported"), log.get("type")),
            ("already-reported", True, None),
        )


def over_tcp(make):
    """A stub as of qemu -gdb tcp::PORT."""
    with make("plain", tcp=True) as guest:
        yield Check(
            "the stub listens on a port",
            re.fullmatch(r"127\.0\.0\.1:\d+", guest.address),
            guest.address,
        )
        port = guest.address.rpartition(":")[2]
        guest.up()
        for where in (guest.address, f":{port}", f"localhost:{port}"):
            before = guest.events()
            done = guest.fwnmi(
                "inject",
                "machine-check",
                *PATIENT,
                "--rtas",
                RTAS,
                "--handlers",
                guest.handlers(),
                where=where,
            )
            yield expect(f"{where}: exit status", (done.returncode, done.stderr), (0, ""))
            yield Check(
                f"{where}: it came back with its registers", guest.event_comes(before), guest.tail()
            )


def now(make):
    """Injects where the guest stopped, without a step."""
    with make("plain") as guest:
        guest.up()
        before = guest.events()
        injection = guest.hit("machine-check", "--now")
        yield expect(
            "stops and single steps",
            [injection.report.get("moment", {}).get(key) for key in ("stops", "steps")],
            [0, 0],
        )
        yield Check(
            "it came back with its registers",
            injection.returned and guest.event_comes(before),
            injection.errors or guest.tail(),
        )


def no_such_context(make):
    """The guest never leaves the kernel, so waiting for user mode runs into the time limit."""
    with make("plain") as guest:
        guest.up()
        yield from refused(
            guest.hit("machine-check", "--context", "user", timeout=1),
            r"time limit: CPU 0 reached no suitable instruction",
        )
        yield from refused(guest.hit("machine-check", "--cpu", "1"), r"no CPU 1: the machine has 1")
        yield from refused(
            guest.hit("machine-check", "--unsafe"), r"cannot stop an unsafe processor: .*"
        )
        yield Check("the guest runs", guest.monitor.running(), "")


def stranger(make):
    with make("stranger") as guest:
        attach = guest.fwnmi("attach", "--rtas", RTAS, "--timeout", "2")
        yield expect("attach: exit status", attach.returncode, 1)
        yield Check(
            "attach: one line",
            re.fullmatch(
                r"fwnmi: attach: time limit: no ibm,nmi-register call: .*\n", attach.stderr
            ),
            attach.stderr,
        )
        yield from refused(guest.hit("machine-check"), r"the guest's routines are unknown: give .*")
        yield from refused(
            guest.hit("machine-check", "--handlers", "0x1ff0000,0x1ff0004"),
            r"there is no code at .*",
        )
        yield Check("the guest runs", guest.monitor.running(), "")


def bad_kernels(make):
    with make("plain") as guest, tempfile.NamedTemporaryFile() as text:
        guest.up()
        text.write(b"not a kernel\n" * 20)
        text.flush()
        for path, line in (
            (text.name, r"bad kernel \S+: not an ELF file"),
            ("/nowhere/vmlinux", r"cannot open kernel /nowhere/vmlinux: No such file or directory"),
            (sys.executable, r"bad kernel \S+: not for 64-bit POWER"),
            (guest.kernel, r"bad kernel \S+: it is not Linux \(no symbol _text\)"),
            (harness.guest_file("6.1"), r"\S+ is not the kernel that the guest runs, or .*"),
        ):
            injection = guest.hit("machine-check", "--kernel", path)
            for check in refused(injection, line):
                yield Check(f"{os.path.basename(path)}: {check.what}", check.ok, check.detail)
        yield Check("the guest runs", guest.monitor.running(), "")
        yield Check("and can still be hit", guest.hit("machine-check").interlocked, "")


class CutAt:
    """Injects over a connection that is cut after some bytes from the stub."""

    def __init__(self, guest):
        self.guest = guest
        self.words = [
            "--rtas",
            RTAS,
            "--forget",
            "--state",
            os.path.join(guest.scratch.name, "cut-state"),
            "--handlers",
            guest.handlers(),
        ]

    def inject(self, cut):
        with Proxy(self.guest, cut) as proxy:
            done = self.guest.fwnmi(
                "inject", "machine-check", *PATIENT, *self.words, where=f"unix:{proxy.path}"
            )
            return done, proxy.passed


def cut_connections(make):
    """Wherever the stub disconnects, the guest runs on unharmed and takes the next event.

    The cuts are spread over the session, and at every packet near the delivery, where R3, NIP and
    MSR change.
    """
    with make("plain") as guest:
        guest.up()
        cutter = CutAt(guest)
        whole, total = cutter.inject(1 << 30)
        yield expect("uncut", (whole.returncode, whole.stderr), (0, ""))
        early = [1, 60, 500, *range(2000, total - LAST_BYTES, 4000)]
        for cut in (*early, *range(total - LAST_BYTES, total, CUT_STEP)):
            done, _ = cutter.inject(cut)
            if done.stderr:
                yield Check(
                    f"cut after {cut}: one line",
                    re.fullmatch(
                        r"fwnmi: inject: the stub at \S+ closed the connection\n", done.stderr
                    ),
                    done.stderr,
                )
            if not done.returncode:
                yield Check(
                    f"cut after {cut}: ibm,nmi-interlock was seen by then",
                    "\n  interlock " in done.stdout,
                    done.stdout,
                )
            yield Check(f"cut after {cut}: the guest runs", guest.monitor.running(), "")
        before = guest.events()
        injection = guest.hit("machine-check", "--forget", "--handlers", guest.handlers())
        yield Check(
            "the next event, with all registers as they were",
            injection.interlocked and guest.event_comes(before),
            injection.errors or guest.tail(),
        )


def ends_meanwhile(make):
    """The machine is powered off while its guest is watched."""
    with make("stranger") as guest:
        process = guest.start_fwnmi("attach", "--rtas", RTAS)
        guest.wait_for("bare: ready")
        guest.monitor.command("quit")
        _, errors = process.communicate(timeout=harness.ANSWER * harness.patience())
        yield expect("exit status", process.returncode, 1)
        yield Check(
            "one line",
            re.fullmatch(
                r"fwnmi: attach: (?:the machine (?:has )?ended.*|the stub at \S+ closed the connection)\n",
                errors,
            ),
            errors,
        )


def interrupted(make):
    with make("stranger") as guest:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = guest.start_fwnmi("attach", "--rtas", RTAS)
            guest.wait_attached()
            process.send_signal(number)
            _, errors = process.communicate(timeout=harness.ANSWER * harness.patience())
            yield expect(
                f"{number.name}: exit status and line",
                (process.returncode, errors),
                (1, "fwnmi: attach: interrupted\n"),
            )
            yield Check(f"{number.name}: the guest runs", guest.monitor.running(), "")


def changed_routines(make):
    """The registered routine is gone: another system runs in the same place."""
    with make("plain") as guest:
        guest.up()
        routine = int(guest.registration["machine-check"], 16)
        qemu.write_memory(guest.gdb_path, routine + 4, struct.pack(">I", 0x38600000))
        yield from refused(guest.hit("machine-check"), r"the registered routine is gone: .*")
        yield Check("the guest runs", guest.monitor.running(), "")


def two_debuggers(make):
    with make("plain") as guest:
        guest.up()
        other = socket.socket(socket.AF_UNIX)
        other.connect(guest.gdb_path)
        done = guest.fwnmi("inject", "machine-check", "--rtas", RTAS)
        yield expect("exit status", done.returncode, 1)
        yield Check(
            "one line",
            re.fullmatch(
                r"fwnmi: inject: (\S+ does not answer: no gdb stub, or another "
                r"debugger is attached|cannot connect to \S+: .*)\n",
                done.stderr,
            ),
            done.stderr,
        )
        other.close()
        yield Check("when it has gone: success", guest.hit("machine-check").interlocked, "")
        yield Check("the guest runs", guest.monitor.running(), "")


def bad_states(make):
    """State files of other guests or other boots, and files that are none."""
    with make("plain") as guest, make("plain") as other:
        guest.up()
        path = os.path.join(other.scratch.name, "state")
        other.learn("--rtas", RTAS, "--state", path)
        yield from refused(
            guest.hit("machine-check", "--state", path),
            r"cannot use state \S+: it belongs to another guest .*; ignore it: --forget",
        )
        with open(path, "rb") as f:
            record = bytearray(f.read())
        for name, change in (
            ("cut", record[:60]),
            ("none", b"nothing\n"),
            ("damaged", record[:40] + bytes([record[40] ^ 1]) + record[41:]),
        ):
            with open(path, "wb") as f:
                f.write(change)
            for check in refused(
                other.hit("machine-check", "--state", path),
                r"cannot use state \S+: .*; ignore it: --forget",
            ):
                yield Check(f"{name}: {check.what}", check.ok, check.detail)
        yield Check("both run", guest.monitor.running() and other.monitor.running(), "")


def define(tap, build, words, stack):
    which, directory = words
    qemu.qemu_path(which)

    def make(variant, **options):
        return Bare(build, which, directory, variant, **options)

    for function, name in (
        (big_endian, "hits_a_big_endian_guest"),
        (whole_partition, "resets_every_cpu_unless_one_is_named"),
        (idle_cpu, "wakes_an_idle_cpu_for_a_system_reset"),
        (given, "says_what_the_guest_was_given"),
        (over_tcp, "hits_a_guest_over_tcp"),
        (now, "hits_where_it_stopped"),
        (no_such_context, "gives_up_on_what_never_comes"),
        (mute, "keeps_the_rules_of_the_buffer_between_invocations"),
        (unwatched, "takes_an_interlock_that_nobody_saw_for_missing"),
        (second_cpu_waits, "lets_a_second_cpu_wait_for_the_interlock"),
        (second_cpu_waits_in_vain, "takes_back_what_waits_in_vain"),
        (stranger, "refuses_a_guest_that_does_not_register"),
        (bad_kernels, "refuses_kernels_that_are_not_the_guests"),
        (cut_connections, "frees_the_guest_when_the_connection_is_cut"),
        (ends_meanwhile, "says_when_the_machine_ends"),
        (interrupted, "leaves_the_guest_running_on_signals"),
        (changed_routines, "does_not_enter_routines_that_have_changed"),
        (two_debuggers, "says_when_another_debugger_is_attached"),
        (bad_states, "refuses_states_of_other_guests_and_damaged_ones"),
    ):
        tap.test(f"qemu_{which}_{name}", function, make)


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n")[0]))
