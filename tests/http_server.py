"""Small servers on this machine, each for as long as a test needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread


class Handler(BaseHTTPRequestHandler):
    """Says nothing of what it is asked."""

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def listening(handler: type[Handler]) -> Iterator[int]:
    """The port on which ``handler`` answers."""
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
