"""Small servers on this machine, each for as long as a test needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import BaseServer
from threading import Thread


@contextmanager
def answering(server: BaseServer) -> Iterator[None]:
    """``server`` answers meanwhile, in a thread of its own, and ends as soon as it is told to."""
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Handler(BaseHTTPRequestHandler):
    """Says nothing of what it is asked."""

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def listening(handler: type[Handler]) -> Iterator[int]:
    """The port on which ``handler`` answers."""
    server = HTTPServer(("127.0.0.1", 0), handler)
    with answering(server):
        yield server.server_port
