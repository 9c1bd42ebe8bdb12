# SPDX-License-Identifier: BSD-2-Clause
"""A guest of an unmodified QEMU, with injections through its gdb stub.

QemuGuest has the interface of Guest in tests/linux/guest.py, so that tests/linux/scenarios.py runs
on both.
"""

import contextlib
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "linux"))

import guest as harness  # noqa: E402
import qmp  # noqa: E402
from guest import Failure, Injection, Missing  # noqa: E402

# TCG implements none of the mitigations that other values would promise; x-vof is QEMU's small,
# fast firmware.
MACHINE = "pseries,x-vof=on,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off"
PANICKED = 3  # exit status of `fwnmi run` when its guest panics; QEMU's own does not tell

# Every time limit is of guest.py's harness, and grows with its patience.
COMMAND = 300


def temporary(data):
    """A file with these bytes, which exists until the program ends."""
    file = tempfile.NamedTemporaryFile(prefix="fwnmi-test-")
    file.write(data)
    file.flush()
    _temporaries.append(file)
    return file.name


_temporaries = []


def qemu_path(which):
    """The distribution's QEMU ("7.2"), or the one that scripts/guests has fetched ("10")."""
    if which == "10":
        return harness.guest_file("qemu10")
    path = "/usr/bin/qemu-system-ppc64"
    if not os.access(path, os.X_OK):
        raise Missing(f"{path} is not installed (package qemu-system-ppc)")
    return path


def wait_until(guest, predicate, timeout=harness.ANSWER):
    """Waits for what the console says; False if it never does, or the machine ends before."""
    deadline = time.monotonic() + timeout * harness.patience()
    with guest.changed:
        while not predicate():
            left = deadline - time.monotonic()
            if guest.ended or left <= 0:
                return False
            guest.changed.wait(left)
    return True


class QemuMonitor(qmp.Client):
    """QEMU's monitor; answers commands that only `fwnmi run` has from what the guest has shown."""

    def __init__(self, guest, path, timeout):
        self.guest = guest
        self.panicked = False
        super().__init__(path, timeout)

    def command(self, name, **arguments):
        if name == "query-fwnmi":
            return {**self.guest.registration, "interlock-held": self.guest.interlock_held}
        return super().command(name, **arguments)

    def _receive(self, deadline):
        """Drops the two events that each stop by a debugger causes."""
        while True:
            message = super()._receive(deadline)
            if message is None or message.get("event") not in ("STOP", "RESUME"):
                return message

    def running(self):
        return self.command("query-status")["status"] == "running"

    def wait_event(self, name, timeout=None):
        data = super().wait_event(name, timeout)
        if name == "GUEST_PANICKED":
            self.panicked = True
            text = re.search(r"OS terminated: (.*)$", self.guest.stderr(), re.MULTILINE)
            data = {**data, "text": text[1].strip() if text else None}
        return data


class QemuGuest(harness.Guest):
    """A guest of qemu-system-ppc64 -gdb unix:... A context manager: leaving it ends the process."""

    def __init__(
        self,
        build,
        which,
        kernel,
        job="victim",
        append="",
        smp=1,
        memory="512M",
        options=(),
        bare=False,
        stopped=False,
        machine=MACHINE,
        tcp=False,
    ):
        build.check()
        self.build, self.kernel, self.bare = build, kernel, bare
        self.transcript, self.changed, self.ended = "", threading.Condition(), False
        self.registration, self.interlock_held = {"registered": False}, False
        self.started = time.monotonic()
        self.scratch = tempfile.TemporaryDirectory(prefix="fwnmi-test-")
        self.gdb_path = os.path.join(self.scratch.name, "gdb")
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": self.scratch.name}
        monitor = os.path.join(self.scratch.name, "qmp")
        self.argv = [
            qemu_path(which),
            "-M",
            machine,
            "-cpu",
            "power9",
            "-m",
            memory,
            "-smp",
            str(smp),
            "-vga",
            "none",
            "-nic",
            "none",
            "-display",
            "none",
            "-serial",
            "stdio",
            "-monitor",
            "none",
            "-qmp",
            f"unix:{monitor},server=on,wait=off",
            "-chardev",
            "socket,id=gdb,server=on,wait=off,"
            + ("host=127.0.0.1,port=0" if tcp else f"path={self.gdb_path}"),
            "-gdb",
            "chardev:gdb",
            "-action",
            "panic=pause",
            "-kernel",
            kernel,
            *options,
        ]
        if not bare:
            self.argv += [
                "-initrd",
                build.initramfs,
                "-append",
                f"console=hvc0 fwnmi.job={job} {append} {harness.QUIET}",
            ]
        if stopped:
            self.argv.append("-S")
        self.monitor = None
        self.errors = tempfile.TemporaryFile("w+", dir=self.scratch.name)
        self.process = subprocess.Popen(
            self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.address = f"unix:{self.gdb_path}"
        try:
            self.monitor = QemuMonitor(self, monitor, harness.ANSWER * harness.patience())
            if tcp:
                self.address = re.search(r"tcp:(127\.0\.0\.1:[1-9]\d*)", self.stub())[1]
        except Failure as e:
            self.close()
            raise Failure(f"{e}; QEMU said: {self.stderr().strip() or 'nothing'}") from e

    def stub(self):
        """What QEMU reports about its stub's connection."""
        return next(
            c["filename"] for c in self.monitor.command("query-chardev") if c["label"] == "gdb"
        )

    def wait_attached(self):
        """Until somebody is attached to the stub and lets the guest run."""
        deadline = time.monotonic() + COMMAND * harness.patience()
        while self.stub().startswith("disconnected:") or not self.monitor.running():
            if time.monotonic() > deadline:
                raise Failure("nobody attaches to the guest and lets it run", self.tail())
            time.sleep(0.01)

    def boot(self, timeout=harness.BOOT):
        """Waits for the victim job, and looks up the registered routines."""
        super().boot(timeout)
        self.learn()

    def learn(self, *options, **where):
        done = self.fwnmi("attach", "--json", *options, timeout=harness.BOOT, **where)
        if done.returncode:
            raise Failure(f"fwnmi attach failed: {done.stderr.strip()}", self.tail())
        report = json.loads(done.stdout)
        self.registration = {
            "registered": True,
            **{k: report[k] for k in ("system-reset", "machine-check")},
        }
        return report

    def learn_by_watching(self):
        """The same for a guest that is stopped at its start, by watching it only."""
        return self.learn(kernel="")

    # -- the program --

    def arguments(self, command, *words, where=None, kernel=None):
        if kernel is None and not self.bare:
            kernel = self.kernel
        return [
            self.build.fwnmi,
            command,
            "--gdb",
            where or self.address,
            *(["--kernel", kernel] if kernel else []),
            *words,
        ]

    def fwnmi(self, command, *words, timeout=COMMAND, **where):
        """Runs the program against the guest's stub; returns the CompletedProcess."""
        argv = self.arguments(command, *words, **where)
        try:
            return subprocess.run(
                argv,
                text=True,
                capture_output=True,
                check=False,
                env=self.environment,
                timeout=timeout * harness.patience(),
            )
        except subprocess.TimeoutExpired as e:
            raise Failure(f"{shlex.join(argv)} did not end", self.tail()) from e

    def start_fwnmi(self, command, *words, **where):
        """Starts the program without waiting for it."""
        return subprocess.Popen(
            self.arguments(command, *words, **where),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment,
        )

    def settle(self, *_, **__):
        """Waits until the victim has touched its page: until then its parent's code may run."""
        self.victim_page()

    def inject(self, kind, timeout=harness.INJECT, **options):
        if options.get("context") == "user":
            options.setdefault("process", "victim")
        done = self.fwnmi(
            "inject", *harness.injection_words(kind, timeout, options), timeout=3 * timeout + 10
        )
        if not self.ended:
            self.monitor.running()  # keep reading, so that events do not pile up
        injection = Injection(done.args, done.returncode, done.stdout, done.stderr)
        if kind == "machine-check" and injection.delivered:
            self.interlock_held = not injection.interlocked
        return injection

    # -- the end --

    def wait(self, timeout=harness.EXIT):
        if self.monitor.panicked:  # QEMU was told to wait, so that the panic can be seen
            self.monitor.command("quit")
        status = super().wait(timeout)
        return PANICKED if self.monitor.panicked else status


# ---- proxies and fake stubs ----------------------------------------------------------------------


class Listener:
    """Calls serve() for each connection to a socket in turn, until the context is left."""

    def __init__(self, path):
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(4)
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.listener.shutdown(socket.SHUT_RDWR)  # close() alone would not wake accept()
        self.thread.join(10)
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client:
                self.serve(client)


class Proxy(Listener):
    """Forwards a connection to a guest's stub, and cuts it after some bytes from the stub."""

    def __init__(self, guest, cut_after):
        self.target, self.left, self.passed = guest.gdb_path, cut_after, 0
        super().__init__(os.path.join(guest.scratch.name, f"proxy-{cut_after}"))

    def _pump(self, source, sink, counted):
        with contextlib.suppress(OSError):
            while True:
                data = source.recv(4096)
                if counted:
                    data, self.left = data[: max(self.left, 0)], self.left - len(data)
                if not data:
                    break
                if counted:
                    self.passed += len(data)
                sink.sendall(data)
                if counted and self.left <= 0:
                    break
        for s in (source, sink):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)

    def serve(self, client):
        with socket.socket(socket.AF_UNIX) as stub:
            stub.connect(self.target)
            back = threading.Thread(target=self._pump, args=(client, stub, False), daemon=True)
            back.start()
            self._pump(stub, client, True)
            back.join(10)
        # After the cut, later connections are forwarded whole: the program makes one to resume the
        # guest.
        self.left = 1 << 30


class FakeStub(Listener):
    """Listens, and handles each connection by a function of the socket."""

    def __init__(self, scratch, name, talk):
        self.talk = talk
        super().__init__(os.path.join(scratch, f"fake-{name}"))

    def serve(self, client):
        with contextlib.suppress(OSError):
            self.talk(client)


def packet(text):
    return b"$" + text.encode() + b"#%02x" % (sum(text.encode()) & 255)


def write_memory(path, address, data):
    """Writes to a guest's real memory, through its stub."""
    with socket.socket(socket.AF_UNIX) as stub:
        stub.connect(path)
        stub.settimeout(COMMAND * harness.patience())
        for command in (
            "?",
            "Qqemu.PhyMemMode:1",
            f"M{address:x},{len(data):x}:{data.hex()}",
            "Qqemu.PhyMemMode:0",
            "D",
        ):
            stub.sendall(b"+" + packet(command))
            answer = b""
            while not re.search(
                rb"\$((?!T02)[^#]*)#..", answer
            ):  # T02: QEMU 7.2 tells that it stops
                answer += stub.recv(4096)


def answers(table, otherwise=""):
    """A function for FakeStub: a request that starts with a key gets its value as the answer."""

    def talk(client):
        buffer = b""
        while data := client.recv(4096):
            buffer += data
            while match := re.search(rb"\$([^#]*)#..", buffer):
                buffer = buffer[match.end() :]
                command = match[1].decode()
                answer = next((a for key, a in table.items() if command.startswith(key)), otherwise)
                client.sendall(b"+" + packet(answer))

    return talk
