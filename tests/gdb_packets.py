# SPDX-License-Identifier: BSD-2-Clause
"""The debugger's side of gdb's remote protocol, as far as tests need it."""

import re
import socket

from tap import Failure


class Packets:
    """A debugger that sends what it is told to."""

    def __init__(self, path, timeout):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)  # seconds, for each wait
        self.socket.connect(path)

    def send(self, body):
        self.socket.sendall(b"$%s#%02x" % (body.encode(), sum(body.encode()) & 255))

    def answer(self):
        text = b""
        while not re.search(rb"\$([^#]*)#..", text):
            more = self.socket.recv(65536)
            if not more:
                raise Failure("the stub has hung up")
            text += more
        return re.search(rb"\$([^#]*)#..", text).group(1).decode()

    def ask(self, body):
        self.send(body)
        return self.answer()
