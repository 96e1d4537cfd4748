"""The site, served to ourselves on a free port of this machine while the tour lasts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.test.utils import override_settings
from django.urls import get_script_prefix

from django_oauthflows.management.tour.temporary import OWN_BACKEND

HOST = "127.0.0.1"


class _Quiet(WSGIRequestHandler):
    """The tour prints each request itself; the server's line would only be in its way."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the parent's name for it
        pass


class _Server(ThreadedWSGIServer):
    daemon_threads = True


@contextmanager
def _refusals_unlogged() -> Iterator[None]:
    """The tour provokes refusals on purpose; Django would put each into the log. Errors still go there."""
    log = logging.getLogger("django.request")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


class _BelowScriptName:
    """The site under the path that it is told to live under, as the server before it would pass it on."""

    def __init__(self, site: Any, path: str) -> None:
        self.site, self.path = site, path

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if f"{environ['PATH_INFO']}/".startswith(f"{self.path}/"):
            environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix(self.path)
            environ["SCRIPT_NAME"] = self.path
        return self.site(environ, start_response)


@contextmanager
def own_server() -> Iterator[str]:
    """Serve this site from this process; gives the origin, such as ``http://127.0.0.1:40001``. The site is
    below it, where ``FORCE_SCRIPT_NAME`` says.

    A site may accept only its public name and only https. For this process alone, which nobody else
    can reach, its loopback address is let in, cookies travel over http, and nobody gets mail about it.
    """
    loosened = override_settings(
        ALLOWED_HOSTS=[*settings.ALLOWED_HOSTS, HOST],
        AUTHENTICATION_BACKENDS=[*settings.AUTHENTICATION_BACKENDS, OWN_BACKEND],
        SECURE_SSL_REDIRECT=False,
        PREPEND_WWW=False,
        SESSION_COOKIE_SECURE=False,
        SESSION_COOKIE_DOMAIN=None,
        CSRF_COOKIE_SECURE=False,
        CSRF_COOKIE_DOMAIN=None,
        OAUTHFLOWS={**settings.OAUTHFLOWS, "NOTICES": False},
    )
    with loosened, _refusals_unlogged():
        server = _Server((HOST, 0), _Quiet)
        server.set_app(_BelowScriptName(WSGIHandler(), get_script_prefix().rstrip("/")))
        thread = threading.Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
