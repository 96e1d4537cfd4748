"""Numbers for a monitor: counted where something happens, and read by ``prometheus_client`` or OpenTelemetry.

Both are optional. Without either, nothing is counted and nothing runs. With the first, the numbers are in its default
registry (so ``django-prometheus`` shows them, too) and at ``oauth/metrics/``; with the second, they go to the site's
meter provider, under the same names with dots. Nothing is asked of a database, and every label has one of a few fixed
values: none is made of what a stranger sends.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any

from django.http import HttpRequest, HttpResponseBase


def _optional(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:  # it is not installed
        return None


prometheus_client = _optional("prometheus_client")
multiprocess = _optional("prometheus_client.multiprocess")
opentelemetry = _optional("opentelemetry.metrics")

#: Values of one label that are counted apart; what comes later is counted as "other".
MAX_VALUES = 200
#: Seconds. A token is given out within a few thousandths of one.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


def is_on() -> bool:
    """Whether anybody could read them."""
    return prometheus_client is not None or opentelemetry is not None


class Counter:
    """How often something happened, by labels."""

    def __init__(self, name: str, text: str, *labels: str) -> None:
        self._name, self._labels = name, labels
        self._known: dict[tuple[str, ...], Any] = {}
        self._prometheus = prometheus_client and prometheus_client.Counter(name, text, labels)
        self._otel = opentelemetry and opentelemetry.get_meter("django_oauthflows").create_counter(
            name.replace("_", ".", 1), description=text
        )

    def count(self, *values: str) -> None:
        """One more of these labels."""
        if self._prometheus is not None:
            child = self._known.get(values)
            if child is None:
                values = self._bounded(values)
                child = self._known.setdefault(values, self._prometheus.labels(*values))
            child.inc()
        if self._otel is not None:
            if self._prometheus is None:
                values = self._bounded(values)
                self._known.setdefault(values, True)
            self._otel.add(1, dict(zip(self._labels, values, strict=True)))

    def _bounded(self, values: tuple[str, ...]) -> tuple[str, ...]:
        full = values not in self._known and len(self._known) >= MAX_VALUES
        return ("other",) * len(values) if full else values


class Timer:
    """How long something took, in seconds, by labels."""

    def __init__(self, name: str, text: str, *labels: str) -> None:
        self._labels = labels
        self._prometheus = prometheus_client and prometheus_client.Histogram(
            name, text, labels, buckets=_BUCKETS
        )
        self._otel = opentelemetry and opentelemetry.get_meter("django_oauthflows").create_histogram(
            name.removesuffix("_seconds").replace("_", "."), unit="s", description=text
        )

    def note(self, seconds: float, *values: str) -> None:
        """One more, which took so long."""
        if self._prometheus is not None:
            self._prometheus.labels(*values).observe(seconds)
        if self._otel is not None:
            self._otel.record(seconds, dict(zip(self._labels, values, strict=True)))


REQUESTS = Timer("oauth_request_seconds", "Requests by endpoint and class of status.", "endpoint", "status")
TOKENS = Counter("oauth_tokens_issued", "Access tokens given out, by flow.", "flow")
REFUSALS = Counter("oauth_requests_refused", "Refused requests, by cause.", "cause")
EVENTS = Counter("oauth_events", "What was put on record (code_replayed, refresh_reused …), by kind.", "kind")
LIMITS = Counter("oauth_limits_hit", "Requests beyond a rate, by the name of the rate.", "limit")


def measured(view: Callable[..., HttpResponseBase], endpoint: str) -> Callable[..., HttpResponseBase]:
    """``view``, whose requests are timed as those of ``endpoint``; itself where nobody could read that."""
    if not is_on():
        return view

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        begun, status = time.perf_counter(), "5xx"
        try:
            response = view(request, *args, **kwargs)
            status = f"{response.status_code // 100}xx"
            return response
        finally:
            REQUESTS.note(time.perf_counter() - begun, endpoint, status)

    return wrapper
