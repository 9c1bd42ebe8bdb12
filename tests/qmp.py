# SPDX-License-Identifier: BSD-2-Clause
"""A client of QMP sockets: how all tests talk to the monitors of `fwnmi run` and QEMU."""

import contextlib
import json
import queue
import select
import socket
import threading
import time

from tap import Failure


class Client:
    """Reads only while it waits for something. Keeps events in their order of arrival."""

    def __init__(self, path, timeout, alive=lambda: True, negotiate=True):
        """Waits for a listener at the path, for as long as alive() is true."""
        self.timeout = timeout  # seconds, for each wait
        self.events = []
        self.buffer = b""
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            deadline = time.monotonic() + timeout
            self._connect(path, deadline, alive)
            self._connected()
            if "QMP" not in (self._receive(deadline) or {}):
                raise Failure(f"the monitor {path} does not greet")
            if negotiate:
                self.command("qmp_capabilities")
        except BaseException:
            self.close()
            raise

    def close(self):
        self.socket.close()

    def _connect(self, path, deadline, alive):
        while True:
            try:
                self.socket.connect(path)
                return
            except (FileNotFoundError, ConnectionRefusedError) as e:
                if time.monotonic() > deadline or not alive():
                    raise Failure(f"the monitor {path} does not come up: {e.strerror}") from e
                time.sleep(0.002)

    def _connected(self):
        """Called before anything is received, for subclasses."""

    def _receive(self, deadline):
        """The next message; None after the end of the connection."""
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Failure("the monitor did not answer in time")
            if not select.select([self.socket], [], [], left)[0]:
                continue
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def execute(self, name, **arguments):
        """Sends a command; returns the whole answer, which may be an error."""
        request = {"execute": name}
        if arguments:
            request["arguments"] = {k.replace("_", "-"): v for k, v in arguments.items()}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        deadline = time.monotonic() + self.timeout
        while True:
            message = self._receive(deadline)
            if message is None:
                raise Failure(f"the monitor closed the connection before it answered {name}")
            if "event" not in message:
                return message
            self.events.append(message)

    def command(self, name, **arguments):
        """Sends a command that must succeed; returns its result."""
        answer = self.execute(name, **arguments)
        if "error" in answer:
            raise Failure(f"{name}: {answer['error']['desc']}")
        return answer["return"]

    def wait_event(self, name, timeout=None):
        """The data of the next event of that name; drops it and all earlier ones."""
        deadline = time.monotonic() + (timeout or self.timeout)
        while True:
            for i, event in enumerate(self.events):
                if event["event"] == name:
                    del self.events[: i + 1]
                    return event["data"]
            message = self._receive(deadline)
            if message is None:
                raise Failure(f"the monitor closed the connection before event {name}")
            if "event" in message:
                self.events.append(message)

    def drain(self):
        """Keeps all messages until the connection ends."""
        deadline = time.monotonic() + self.timeout
        while (message := self._receive(deadline)) is not None:
            self.events.append(message)


class EagerClient(Client):
    """Reads whatever arrives at once, for a server that must not be kept waiting."""

    def __init__(self, *args, **options):
        self.messages = queue.SimpleQueue()
        super().__init__(*args, **options)

    def _connected(self):
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        with contextlib.suppress(OSError, ValueError):
            with self.socket.makefile("rb") as stream:
                for line in stream:
                    self.messages.put(json.loads(line))
        self.messages.put(None)

    def _receive(self, deadline):
        try:
            return self.messages.get(timeout=max(0, deadline - time.monotonic()))
        except queue.Empty as e:
            raise Failure("the monitor did not answer in time") from e

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        super().close()
