"""An app's own server, which this site calls: it notes what arrives, and behaves as badly as it is told to."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from tests.http_server import Handler, answering


@dataclass
class Receiver:
    """``statuses`` are answered one after the other; when none is left, 200. ``manner`` is how."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    #: ``answers``, ``hangs`` or ``dribbles`` (a byte now and then, for ever).
    manner: str = "answers"
    forms: list[dict[str, str]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def tokens(self) -> list[str]:
        return [form["logout_token"] for form in self.forms]

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0))).decode()
        self.forms.append({name: values[0] for name, values in parse_qs(body).items()})
        with suppress(OSError):
            if self.manner != "answers":
                self._keep_waiting(request.connection)
                return
            status = self.statuses.pop(0) if self.statuses else 200
            request.send_response(status)
            if 300 <= status < 400:
                request.send_header("Location", f"{self.url}elsewhere")
            request.send_header("Content-Length", "0")
            request.end_headers()

    def _keep_waiting(self, connection: socket.socket) -> None:
        if self.manner == "dribbles":
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        until = time.monotonic() + 30
        while not self.ended.wait(0.05) and time.monotonic() < until:
            if self.manner == "dribbles":
                connection.sendall(b"a")


@contextmanager
def receiving(**behaviour: Any) -> Iterator[Receiver]:
    receiver = Receiver(**behaviour)

    class Request(Handler):
        def do_POST(self) -> None:
            receiver.handle(self)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Request)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/"
    with answering(server):
        try:
            yield receiver
        finally:
            receiver.ended.set()
