# SPDX-License-Identifier: BSD-2-Clause
"""A POWER KVM host to test on: Debian under QEMU's nested HV, with our program inside.

KvmHost boots it (scripts/kvm-host says how) and runs commands in it. KvmGuest is tests/linux's
Guest on that host, with the same interface, so that the same scenarios run under real KVM. There
are three consoles: the host's shell, the guest's console, and its monitor.
"""

import contextlib
import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import threading
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TESTS)
sys.path[:0] = [TESTS, os.path.join(TESTS, "linux")]

import cross  # noqa: E402
import guest as harness  # noqa: E402
import qmp  # noqa: E402
from guest import ANSWER, Failure, Guest, Injection, Missing  # noqa: E402

HELPERS = ("relay", "watch")
CC = "powerpc64le-linux-gnu-gcc"
# Everything here is emulated twice, next to other tests.
PATIENCE = 1.0
HOST_BOOT = 600
LAST_WORDS = 20

INIT = """
for n in 1 2; do stty raw -echo </dev/hvc$n; done
exec 7<>/dev/hvc1
printf '\\n@ready\\n'
while read -r line; do
	eval "$line"
	printf '\\n@done %d\\n' $?
done
poweroff -nf
"""


def set_patience(factor=None):
    """Multiplies every time limit; by the test program's --patience unless told."""
    global PATIENCE
    PATIENCE = factor or harness.patience()
    harness.set_patience(PATIENCE)


def program(build):
    """Builds our program and helpers for the KVM host. Returns {name in the host: path}."""
    for needed in ("host", "sysroot", "busybox"):
        harness.guest_file(needed)
    directory = os.path.join(build, "ppc64el")
    with cross.alone_in(directory):
        return compiled(directory)


def compiled(directory):
    try:
        files = {"fwnmi": cross.built(directory, "ppc64el")}
        for name in HELPERS:
            files[name] = os.path.join(directory, name)
            source = os.path.join(TESTS, "kvm", name + ".c")
            if os.path.exists(files[name]) and os.path.getmtime(files[name]) > os.path.getmtime(
                source
            ):
                continue
            new = files[name] + ".new"  # another test may be reading the old one
            done = subprocess.run(
                [CC, "-static", "-O2", "-Wall", "-Wextra", "-Werror", "-o", new, source],
                text=True,
                capture_output=True,
                check=False,
            )
            if done.returncode:
                raise Failure(f"{name} does not build", done.stderr)
            os.replace(new, files[name])
    except FileNotFoundError as e:
        raise Missing(f"{e.filename} is not installed (scripts/setup-packages check)") from e
    return files


class Console:
    """One of the host's serial lines, as a socket."""

    def __init__(self, path, deadline):
        self.socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.socket.connect(path)
                break
            except (FileNotFoundError, ConnectionRefusedError) as e:
                if time.monotonic() > deadline:
                    raise Failure("the KVM host's QEMU does not open its consoles") from e
                time.sleep(0.01)
        self.text = ""
        self.changed = threading.Condition()
        self.ended = False
        self.listener = None  # called with each new piece of text
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while True:
            try:
                data = self.socket.recv(65536)
            except OSError:
                data = b""
            with self.changed:
                text = data.decode(errors="replace").replace("\r", "")
                self.text += text
                self.ended = not data
                if self.listener:
                    self.listener(text, self.ended)
                self.changed.notify_all()
            if not data:
                return

    def send(self, line):
        self.socket.sendall(line.encode() + b"\n")

    def wait_for(self, pattern, after, timeout):
        expression = re.compile(pattern, re.MULTILINE)
        deadline = time.monotonic() + timeout * PATIENCE
        with self.changed:
            while True:
                match = expression.search(self.text, after)
                if match:
                    return match
                left = deadline - time.monotonic()
                if self.ended or left <= 0:
                    why = "it has ended" if self.ended else f"{timeout * PATIENCE:g} s passed"
                    raise Failure(
                        f"the KVM host never said {pattern!r} ({why})",
                        "\n".join(self.text[after:].splitlines()[-40:]),
                    )
                self.changed.wait(left)

    def close(self):
        self.socket.close()


class RelayedMonitor(qmp.EagerClient):
    """The monitor behind one of the host's serial lines.

    QEMU stands still while a line takes no more, and a local socket is full after some kilobytes
    that come 16 bytes at a time. While nobody is connected QEMU drops what is said; so only then is
    begin() called, which starts the other side.
    """

    def __init__(self, path, timeout, begin):
        self.begin = begin
        super().__init__(path, timeout)

    def _connected(self):
        super()._connected()
        self.begin()


class KvmHost:
    """A context manager: leaving it ends QEMU."""

    def __init__(self, files, memory="2G", smp=1, append="", qemu="7.2"):
        kvm_host = harness.script("kvm-host")
        self.scratch = tempfile.TemporaryDirectory(prefix="fwnmi-kvm-")
        initrd = os.path.join(self.scratch.name, "initrd")
        with open(initrd, "wb") as f:
            f.write(kvm_host.initramfs(files, INIT))
        self.paths = [
            os.path.join(self.scratch.name, name) for name in ("shell", "guest", "monitor")
        ]
        try:
            command = kvm_host.qemu_command(
                initrd,
                memory,
                smp,
                [f"unix:{path},server=on,wait=off" for path in self.paths],
                append,
                qemu,
            )
        except kvm_host.Failure as e:
            self.scratch.cleanup()
            raise Missing(str(e)) from e
        with open(os.path.join(self.scratch.name, "errors"), "wb") as errors:
            self.qemu = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors
            )
        self.consoles = []
        try:
            deadline = time.monotonic() + ANSWER * PATIENCE
            self.consoles = [Console(path, deadline) for path in self.paths[:2]]
            self.shell, self.guest_console = self.consoles
            self.shell.wait_for(r"^@ready$", 0, HOST_BOOT)
            self.command("test -e /dev/kvm")
        except Failure as e:
            self.close()
            raise e

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.qemu.kill()
        self.qemu.wait()
        for console in self.consoles:
            console.close()
        self.scratch.cleanup()

    def ask(self, line, timeout=ANSWER):
        """Runs a shell command line in the host. Returns its exit status and its output."""
        after = len(self.shell.text)
        self.shell.send(line)
        done = self.shell.wait_for(r"^@done (\d+)$", after, timeout)
        return int(done[1]), self.shell.text[after : done.start()].strip("\n")

    def command(self, line, timeout=ANSWER):
        """The same for a command that must succeed."""
        status, said = self.ask(line, timeout)
        if status:
            raise Failure(f"{line!r} failed in the KVM host: exit {status}", said)
        return said


class OnDemand:
    """A KvmHost that starts on first use, and contains one payload in both byte orders."""

    def __init__(self, build, payloads, payload, stack, more=(), **options):
        self.build, self.stack, self.options = build, stack, options
        self.files = {
            f"{payload}_{order}": os.path.join(payloads, f"{payload}_{order}")
            for order in ("little", "big")
        }
        self.files.update(more)
        self.started = None

    @property
    def host(self):
        if not self.started:
            for path in self.files.values():
                if not os.path.exists(path):
                    raise Missing(f"{path} has not been built")
            self.started = self.stack.enter_context(
                KvmHost({**program(self.build.directory), **self.files}, **self.options)
            )
        return self.started


class Process:
    """`fwnmi run` in the host, with the part of Popen's interface that is used."""

    def __init__(self, host, name):
        self.host, self.name, self.status = host, name, None

    def poll(self):
        if self.status is None:
            status, said = self.host.ask(f"cat /tmp/{self.name}.status 2>/dev/null")
            if not status and said:
                self.status = int(said)
        return self.status


class KvmGuest(Guest):
    """A guest under `fwnmi run -accel kvm` in a KvmHost; one at a time."""

    count = 0

    def __init__(
        self,
        host,
        kernel="/vmlinux",
        initrd="/initramfs",
        job="victim",
        append="",
        smp=1,
        memory="512M",
        options=(),
        monitor=True,
        accel="kvm",
        watched=False,
    ):
        KvmGuest.count += 1
        self.host, self.name = host, f"guest{KvmGuest.count}"
        self.transcript = ""
        self.changed = threading.Condition()
        self.ended = False
        self.monitor = None
        self.monitor_path = f"/tmp/{self.name}.monitor"
        self.process = Process(host, self.name)
        words = [
            "fwnmi",
            "run",
            "-accel",
            accel,
            "-kernel",
            kernel,
            "-m",
            memory,
            "-smp",
            str(smp),
            *options,
        ]
        if initrd:
            quiet = harness.QUIET if job == "victim" else ""
            append = f"console=hvc0 fwnmi.job={job} {quiet} {append}".strip()
            words += ["-initrd", initrd]
        if append:
            words += ["-append", append]
        if monitor:
            words += ["--monitor", self.monitor_path]
        if watched:
            words = ["/watch", f"/tmp/{self.name}.caps", "/fwnmi", *words[1:]]
        self.argv = words
        host.guest_console.listener = self._heard
        start = (
            f"({shlex.join(words)} <&7 >&7 2>/tmp/{self.name}.err; "
            f"echo $? >/tmp/{self.name}.status) &"
        )
        relay = f"/relay /dev/hvc2 {self.monitor_path} 2>/tmp/{self.name}.relay &"
        try:
            if monitor:
                self.monitor = RelayedMonitor(
                    host.paths[2], ANSWER * PATIENCE, lambda: host.command(f"{relay} {start}")
                )
            else:
                host.command(start)
        except Failure as e:
            self.close()
            raise Failure(f"{e}; fwnmi run said: {self.stderr().strip() or 'nothing'}") from e

    def _heard(self, text, ended):
        with self.changed:
            self.transcript += text
            self.ended |= ended
            self.changed.notify_all()

    def close(self):
        with contextlib.suppress(Failure):
            if self.process.poll() is None:
                self.kill("TERM")
                with contextlib.suppress(Failure):
                    self.wait(10)
        self.host.guest_console.listener = None
        if self.monitor:
            self.monitor.close()

    def kill(self, signal_name):
        # busybox ps; there is only our process.
        self.host.ask(
            f"kill -{signal_name} $(ps | grep 'fwnmi run' | grep -v '/watch ' | "
            "grep -v grep | sed 's/^ *\\([0-9]*\\).*/\\1/')"
        )

    def stderr(self):
        with contextlib.suppress(Failure):
            return self.host.ask(f"cat /tmp/{self.name}.err")[1] + "\n"
        return ""

    def capabilities(self):
        """The capabilities enabled so far, in order: (capability, result)."""
        said = self.host.command(f"cat /tmp/{self.name}.caps")
        return [tuple(map(int, line.split())) for line in said.splitlines()]

    def send(self, line):
        self.host.guest_console.send(line)

    def settle(self, instructions=0):
        """KVM does not count instructions, so wait for the guest to answer a few times."""
        started = time.monotonic()
        for _ in range(3):
            self.victim()
        time.sleep(max(0.5, time.monotonic() - started))

    def inject(self, kind, timeout=harness.INJECT, **options):
        argv = [
            "fwnmi",
            "inject",
            "--monitor",
            self.monitor_path,
            *harness.injection_words(kind, timeout, options),
        ]
        status, said = self.host.ask(f"{shlex.join(argv)} 2>/tmp/inject.err", 3 * timeout)
        return Injection(argv, status, said, self.host.ask("cat /tmp/inject.err")[1])

    def wait_for(self, pattern, after=0, timeout=ANSWER, what=None, whole_lines=True):
        """As Guest has it; a guest that does not say it tells by a system reset where it is."""
        try:
            return super().wait_for(pattern, after, timeout, what, whole_lines)
        except Failure as e:
            if self.monitor and not self.ended:
                raise Failure(str(e), self.where(after)) from e
            raise

    def where(self, after):
        said, mark = self.tail(after), self.mark()
        try:
            states = [cpu["state"] for cpu in self.monitor.command("query-cpus-fast")]
            self.monitor.command("inject-nmi")
        except (OSError, Failure) as e:
            return f"the monitor does not answer: {e}\n{said}"
        with self.changed:
            self.changed.wait_for(lambda: self.ended, LAST_WORDS * PATIENCE)
        return f"CPUs: {', '.join(states)}\n{said}\nA system reset:\n{self.tail(mark)}"

    def wait(self, timeout=harness.EXIT):
        deadline = time.monotonic() + timeout * PATIENCE
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                raise Failure("the machine did not end", self.tail())
            time.sleep(0.1)
        return self.process.status
