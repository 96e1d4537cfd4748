"""Calling a server of somebody else's, at an address that its owner chose: without letting it lead us astray.

The address must be of https and outside of the site's own network, as it is resolved now; the connection is made to
just that result. Redirects are not followed, no proxy's or login's settings of the process are used, the answer's
body is not read, and the time for all of it has an end, however slowly the other side goes on talking.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import requests
from django.conf import settings
from django.utils.translation import gettext_noop
from requests_hardened import Config, HTTPSession
from requests_hardened.ip_filter import InvalidIPAddress

from django_oauthflows.authorization_server.outbox.errors import NotNowError
from django_oauthflows.authorization_server.outbox.kind import UndeliverableError
from django_oauthflows.models.redirect_uri import is_public, problem_with_server

#: RFC 9110 §15: wait and try again.
_NOT_NOW = frozenset({408, 425, 429})


def post(uri: str, form: dict[str, str], seconds: float) -> None:
    """Send a form and return when it was taken (any 2xx).

    Raises ``UndeliverableError`` when it never will be, else whatever says that it may be another time.
    """
    if problem_with_server(uri):
        raise UndeliverableError(
            gettext_noop(
                "The address may not be called: it must be https, and outside of this site's own network."
            )
        )
    status = _answered(uri, form, seconds)
    if status < 200 or status in _NOT_NOW or status >= 500:
        raise NotNowError(gettext_noop("The app said that it could not take it now."))
    if status >= 300:
        raise UndeliverableError(gettext_noop("The app refused it, or sent us elsewhere."))


def _answered(uri: str, form: dict[str, str], seconds: float) -> int:
    config = Config(
        ip_filter_enable=True,
        ip_filter_allow_loopback_ips=settings.DEBUG,
        never_redirect=True,
        default_timeout=(seconds, seconds),
        user_agent_override="django-oauthflows",
    )
    try:
        with HTTPSession(config) as session, _deadline(session, seconds) as passed:
            session.trust_env = False
            try:
                with session.post(uri, data=form, stream=True) as response:
                    status = int(response.status_code)
            except OSError as error:  # all of requests' own are
                if _went_astray(error):
                    raise InvalidIPAddress from None
                if not passed.is_set():
                    raise
            if passed.is_set():  # an answer that was cut off looks like a whole one
                raise TimeoutError
            return status
    except InvalidIPAddress:
        raise UndeliverableError(gettext_noop("The address leads into this site's own network.")) from None
    except requests.Timeout:
        raise TimeoutError from None
    except requests.exceptions.SSLError:
        raise ssl.SSLError from None
    except requests.ConnectionError:
        raise ConnectionError from None


@contextmanager
def _deadline(session: requests.Session, seconds: float) -> Iterator[threading.Event]:
    """Ends every connection of ``session`` after so many seconds in all; the event says that this was done.

    A time limit of a socket begins anew with each byte, so a server that sends one now and then would keep us for ever.
    """
    opened: list[socket.socket] = []
    passed = threading.Event()
    for adapter in session.adapters.values():
        # Where requests asks its adapter for a connection (since 2.32).
        pool_of: Any = getattr(adapter, "get_connection_with_tls_context")  # noqa: B009
        setattr(adapter, "get_connection_with_tls_context", partial(_watched, pool_of, opened))  # noqa: B010

    def end() -> None:
        passed.set()
        for connection in opened:
            with suppress(OSError):  # it may be closed already
                connection.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield passed
    finally:
        timer.cancel()
        for connection in opened:
            connection.close()


def _watched(get_pool: Any, opened: list[socket.socket], *arguments: Any, **more: Any) -> Any:
    """A pool whose connections are noted. What TLS makes of a socket is another object; a copy stays ours."""
    pool = get_pool(*arguments, **more)
    plain = pool.ConnectionCls

    class Watched(plain):  # type: ignore[misc, valid-type]
        def _new_conn(self) -> socket.socket:
            connection: socket.socket = super()._new_conn()
            opened.append(connection.dup())
            # What the session's own rule lets pass is looked at by ours, before anything is said.
            if not _may_be_called(ip_address(connection.getpeername()[0])):
                raise _AstrayError
            return connection

    pool.ConnectionCls = Watched
    return pool


class _AstrayError(ConnectionError):
    """The connection has led to a machine that may not be called."""


def _may_be_called(address: IPv4Address | IPv6Address) -> bool:
    return is_public(address) or (settings.DEBUG and address.is_loopback)


def _went_astray(error: BaseException | None) -> bool:
    """Whether that is what lies behind an error of requests'."""
    return error is not None and (isinstance(error, _AstrayError) or _went_astray(error.__context__))
