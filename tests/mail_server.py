"""A mail server on this machine that behaves as a test wants it to: takes mail, refuses it, or says nothing."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django

from tests.http_server import answering


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks enough SMTP (RFC 5321) for one mail after the other."""

    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False

    def __init__(self, *, silent: bool = False, answer_to_recipient: str = "250 ok") -> None:
        self.silent = silent
        self.answer_to_recipient = answer_to_recipient
        self.visited = threading.Event()
        self.visits = 0
        self.mails: list[str] = []
        self.closing = threading.Event()
        super().__init__(("127.0.0.1", 0), _Talk)

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Talk(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.server.visits += 1
        self.server.visited.set()
        if self.server.silent:
            self.server.closing.wait()  # accepted, and not a word
            return
        self._say("220 ready")
        for line in self.rfile:
            command = line.strip().upper()[:4]
            if command == b"RCPT":
                self._say(self.server.answer_to_recipient)
            elif command == b"DATA":
                self._say("354 go on")
                self.server.mails.append(self._text())
                self._say("250 taken")
            elif command == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _text(self) -> str:
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line.decode())
        return "".join(lines)

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def mail_server(**how: Any) -> Iterator[MailServer]:
    server = MailServer(**how)
    with answering(server):
        try:
            yield server
        finally:
            server.closing.set()


def smtp_settings(port: int, timeout: float | None = None) -> dict[str, Any]:
    """The settings with which a site sends its mail there."""
    backend = "django.core.mail.backends.smtp.EmailBackend"
    if django.VERSION >= (6, 1):
        options = {"host": "127.0.0.1", "port": port} | ({"timeout": timeout} if timeout else {})
        return {"MAILERS": {"default": {"BACKEND": backend, "OPTIONS": options}}}
    return {
        "EMAIL_BACKEND": backend,
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": port,
        "EMAIL_TIMEOUT": timeout,
    }
