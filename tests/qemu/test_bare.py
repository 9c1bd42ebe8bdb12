#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A big-endian guest that does little: the rules of the buffer, from one invocation to the next; bad input.

usage: test_bare.py [--build DIR] --bare DIR QEMU        (7.2 or 10; DIR has what bare.S became)
"""

import json
import os
import re
import signal
import socket
import struct
import sys
import tempfile
import threading
import time

import qemu
import guest as harness
from guest import Check, Failure, expect
from qemu import FakeStub, Proxy, QemuGuest, answers, packet

RTAS = "0x200000"  # as bare.S has it
MACHINE = qemu.MACHINE + ",kernel-addr=0"


class Bare(QemuGuest):
    """A variant of bare.S, attached to from its start."""

    def __init__(self, build, which, directory, variant="plain", smp=1):
        path = os.path.join(directory, f"bare_{variant}")
        if not os.path.exists(path):
            raise harness.Missing(f"{path} has not been built (needs a cross compiler)")
        super().__init__(build, which, path, bare=True, stopped=True, smp=smp, machine=MACHINE)

    def up(self):
        report = self.learn("--rtas", RTAS)
        self.wait_for("bare: ready")
        return report

    def events(self):
        return self.since(0).count("bare: an event")

    def event_comes(self, before):
        """It is printed once the guest has gone on: registers and all as they were."""
        self.wait_for(r"(?:bare: an event *\n(?:.*\n)*?){%d}" % (before + 1))
        return "bare: registers" not in self.since(0)

    def hit(self, kind, *options, timeout=5):
        words = [kind, "--json", "--rtas", RTAS, "--timeout", str(int(timeout * harness._patience))]
        done = self.fwnmi("inject", *words, *options)
        return harness.Injection(done.args, done.returncode, done.stdout, done.stderr)


def refused(injection, pattern):
    yield expect("exit status", injection.status, 1)
    yield Check(f"one line: {pattern}", re.fullmatch(f"fwnmi: inject: {pattern}", injection.errors),
                injection.errors)
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
            yield Check(f"{kind}: it came back with its registers", injection.returned and
                        guest.event_comes(before), guest.tail())
            yield expect(f"{kind}: routine", injection.report["handler"], report[kind])
        yield Check("the guest runs", guest.monitor.running(), "")


def mute(make):
    """A guest that does not call ibm,nmi-interlock: the next machine check would end it."""
    with make("mute") as guest:
        guest.up()
        first = guest.hit("machine-check", timeout=1)
        yield expect("first: exit status", first.status, 1)
        yield expect("first: its line", first.errors,
                     "fwnmi: inject: time limit: the guest did not call ibm,nmi-interlock")
        yield Check("first: delivered", first.delivered and first.returned, first.json)
        before = guest.events()
        yield from refused(guest.hit("machine-check"),
                           r"CPU 0 has not called ibm,nmi-interlock for its last machine check: --nested .*")
        reset = guest.hit("system-reset")
        yield Check("a system reset needs no interlock", reset.delivered and guest.event_comes(before),
                    reset.errors)
        forgetful = guest.hit("machine-check", "--forget", "--handlers",
                              ",".join(guest.registration[k] for k in ("system-reset", "machine-check")),
                              timeout=1)
        yield Check("--forget forgets", forgetful.delivered, forgetful.errors)
        mark = guest.mark()
        nested = guest.hit("machine-check", "--nested")
        yield from refused(nested, r"a second machine check before the interlock ends the partition: .*")
        guest.wait_for("bare: ready", mark, what="bare: ready (QEMU has reset it)")
        yield from refused(guest.hit("machine-check"), r"where are the guest's routines\? .*")


def unwatched(make):
    """Who does not wait does not see the interlock; this guest gives no other sign of having gone on."""
    with make("plain") as guest:
        guest.up()
        before = guest.events()
        first = guest.hit("machine-check", "--no-wait")
        yield Check("delivered", first.status == 0 and first.delivered and guest.event_comes(before),
                    first.errors)
        yield from refused(guest.hit("machine-check"), r"CPU 0 has not called ibm,nmi-interlock .*")


def second_cpu_waits(make):
    """Of two CPUs the second is reported when the first has called ibm,nmi-interlock."""
    with make("slow", smp=2) as guest:
        guest.up()
        before = guest.events()
        first = guest.hit("machine-check", "--no-wait")
        yield Check("first: delivered", first.delivered, first.errors)
        second = guest.hit("machine-check", "--cpu", "1", "--nested", timeout=20)
        yield expect("second: exit status", (second.status, second.errors), (0, ""))
        yield Check("second: delivered, interlocked", second.delivered and second.interlocked,
                    second.json)
        yield expect("second: CPU", second.report.get("cpu-index"), 1)
        yield Check("the first went on", guest.event_comes(before), guest.tail())
        third = guest.hit("machine-check", timeout=20)
        yield Check("the buffer is free", third.interlocked, third.errors)


def second_cpu_waits_in_vain(make):
    with make("mute", smp=2) as guest:
        guest.up()
        first = guest.hit("machine-check", timeout=1)
        yield Check("first: delivered", first.delivered and not first.interlocked, first.json)
        yield from refused(guest.hit("machine-check", "--cpu", "1", "--nested", timeout=1),
                           r"time limit: CPU 0, which holds the machine check buffer, does not call .*")
        yield Check("the guest runs", guest.monitor.running(), "")


def stranger(make):
    with make("stranger") as guest:
        attach = guest.fwnmi("attach", "--rtas", RTAS, "--timeout", "2")
        yield expect("attach: exit status", attach.returncode, 1)
        yield Check("attach: one line", re.fullmatch(
            r"fwnmi: attach: time limit: no ibm,nmi-register call: .*\n", attach.stderr), attach.stderr)
        yield from refused(guest.hit("machine-check"), r"where are the guest's routines\? Give .*")
        yield from refused(guest.hit("machine-check", "--handlers", "0x1ff0000,0x1ff0004"),
                           r"the routines at .* are no code")
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
                (harness.guest_file("6.1"), r"\S+ is not the kernel that the guest runs \(or .*\)")):
            injection = guest.hit("machine-check", "--kernel", path)
            for check in refused(injection, line):
                yield Check(f"{os.path.basename(path)}: {check.what}", check.ok, check.detail)
        yield Check("the guest runs", guest.monitor.running(), "")
        yield Check("and can still be hit", guest.hit("machine-check").interlocked, "")


def cut_connections(make):
    """The stub goes away after so many bytes: the guest runs on, and takes the next event."""
    with make("plain") as guest:
        guest.up()
        for cut in (1, 60, 500, 4000, 21000, 23000, 24500, 25000):
            with Proxy(guest, cut) as proxy:
                done = guest.fwnmi("inject", "machine-check", "--rtas", RTAS, "--state",
                                   os.path.join(guest.scratch.name, "cut-state"), "--handlers",
                                   ",".join(guest.registration[k]
                                            for k in ("system-reset", "machine-check")),
                                   "--forget", where=f"unix:{proxy.path}")
            if done.returncode:
                yield Check(f"cut after {cut}: one line", re.fullmatch(
                    r"fwnmi: inject: the stub at \S+ closed the connection\n", done.stderr), done.stderr)
            else:
                yield Check(f"cut after {cut}: all was over by then", cut > 20000, done.stdout)
            yield Check(f"cut after {cut}: the guest runs", guest.monitor.running(), "")
        before = guest.events()
        injection = guest.hit("machine-check", "--forget", "--handlers",
                              ",".join(guest.registration[k] for k in ("system-reset", "machine-check")))
        yield Check("the next event", injection.interlocked and guest.event_comes(before),
                    injection.errors)


def ends_meanwhile(make):
    """The machine is switched off while its guest is watched."""
    with make("stranger") as guest:
        process = guest.start_fwnmi("attach", "--rtas", RTAS)
        guest.wait_for("bare: ready")
        guest.monitor.command("quit")
        _, errors = process.communicate(timeout=30)
        yield expect("exit status", process.returncode, 1)
        yield Check("one line", re.fullmatch(
            r"fwnmi: attach: (?:the machine (?:has )?ended.*|the stub at \S+ closed the connection)\n",
            errors), errors)


def interrupted(make):
    with make("stranger") as guest:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = guest.start_fwnmi("attach", "--rtas", RTAS)
            time.sleep(0.5)
            process.send_signal(number)
            _, errors = process.communicate(timeout=30)
            yield expect(f"{number.name}: exit status and line", (process.returncode, errors),
                         (1, "fwnmi: attach: interrupted\n"))
            yield Check(f"{number.name}: the guest runs", guest.monitor.running(), "")


def two_debuggers(make):
    with make("plain") as guest:
        guest.up()
        other = socket.socket(socket.AF_UNIX)
        other.connect(guest.gdb_path)
        done = guest.fwnmi("inject", "machine-check", "--rtas", RTAS)
        yield expect("exit status", done.returncode, 1)
        yield Check("one line", re.fullmatch(r"fwnmi: inject: (\S+ does not answer: no gdb stub, or another "
                                             r"debugger is attached|cannot connect to \S+: .*)\n",
                                             done.stderr), done.stderr)
        other.close()
        yield Check("when it has gone: success", guest.hit("machine-check").interlocked, "")
        yield Check("the guest runs", guest.monitor.running(), "")


def not_stubs(make):
    """What may listen at an address by mistake."""
    x86 = {"qSupported": "PacketSize=1000;qXfer:features:read+", "vCont?": "vCont;c;C;s;S",
           "qXfer:features:read:target.xml": "l<target><architecture>i386:x86-64</architecture></target>",
           "?": "S05", "D": "OK"}
    others = {
        "qmp": (lambda c: (c.sendall(b'{"QMP": {"version": {}}}\r\n'), c.recv(4096)),
                r"what listens at \S+ is not a gdb stub"),
        "hangs-up": (lambda c: None, r"the stub at \S+ closed the connection"),
        "silent": (lambda c: time.sleep(7), r"\S+ does not answer: no gdb stub, or another debugger .*"),
        "damaged": (lambda c: [c.sendall(b"$OK#00") for _ in range(9)] + [time.sleep(1)],
                    r"what listens at \S+ is not a gdb stub"),
        "x86": (answers(x86), r"the guest at \S+ is not a 64-bit POWER one: its architecture is i386:x86-64"),
        "no-registers": (answers({"qSupported": "PacketSize=1000"}),
                         r"the stub at \S+ does not describe its registers"),
        "endless": (lambda c: [c.sendall(b"$" + b"a" * 60000) for _ in range(9)],
                    r"the stub at \S+ sends more than a packet can hold"),
        "bad-xml": (answers({**x86, "qXfer:features:read:target.xml": "l<target><reg name='r0'"}),
                    r"the description that the stub at \S+ gives is bad: it ends inside a tag"),
    }
    with make("plain") as guest:
        guest.up()
        for name, (talk, line) in others.items():
            with FakeStub(guest.scratch.name, name, talk) as stub:
                done = guest.fwnmi("inject", "machine-check", where=f"unix:{stub.path}")
            yield expect(f"{name}: exit status", done.returncode, 1)
            yield Check(f"{name}: one line", re.fullmatch(f"fwnmi: inject: {line}\n", done.stderr),
                        done.stderr)
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            for where in (f"127.0.0.1:{nobody.getsockname()[1]}", f"unix:{guest.scratch.name}/nobody"):
                done = guest.fwnmi("inject", "machine-check", where=where)
                yield expect(f"{where}: exit status and line", (done.returncode, done.stderr),
                             (1, f"fwnmi: inject: cannot connect to {where}: nobody listens there\n"))


def bad_states(make):
    """Records of other guests, other boots, or none at all."""
    with make("plain") as guest, make("plain") as other:
        guest.up()
        path = os.path.join(other.scratch.name, "state")
        other.learn("--rtas", RTAS, "--state", path)
        yield from refused(guest.hit("machine-check", "--state", path),
                           r"cannot use state \S+: it is of another guest, .*; start anew: --forget")
        with open(path, "rb") as f:
            record = bytearray(f.read())
        for name, change in (("cut", record[:60]), ("none", b"nothing\n"),
                             ("damaged", record[:40] + bytes([record[40] ^ 1]) + record[41:])):
            with open(path, "wb") as f:
                f.write(change)
            for check in refused(other.hit("machine-check", "--state", path),
                                 r"cannot use state \S+: .*; start anew: --forget"):
                yield Check(f"{name}: {check.what}", check.ok, check.detail)
        yield Check("both run", guest.monitor.running() and other.monitor.running(), "")


def define(tap, build, words, stack):
    which, directory = words
    qemu.qemu_path(which)

    def make(variant, smp=1):
        return Bare(build, which, directory, variant, smp)

    for function, name in (
            (big_endian, "hits_a_big_endian_guest"),
            (mute, "keeps_the_rules_of_the_buffer_between_invocations"),
            (unwatched, "takes_an_interlock_that_nobody_saw_for_missing"),
            (second_cpu_waits, "lets_a_second_cpu_wait_for_the_interlock"),
            (second_cpu_waits_in_vain, "takes_back_what_waits_in_vain"),
            (stranger, "refuses_a_guest_that_does_not_register"),
            (bad_kernels, "refuses_kernels_that_are_not_the_guests"),
            (cut_connections, "frees_the_guest_when_the_connection_is_cut"),
            (ends_meanwhile, "says_when_the_machine_ends"),
            (interrupted, "leaves_the_guest_running_on_signals"),
            (two_debuggers, "says_when_another_debugger_is_attached"),
            (not_stubs, "tells_what_is_not_the_stub_of_a_power_guest"),
            (bad_states, "refuses_states_of_other_guests_and_damaged_ones")):
        tap.test(f"qemu_{which}_{name}", function, make)


if __name__ == "__main__":
    sys.exit(harness.main(define, __doc__.split("\n")[0]))
