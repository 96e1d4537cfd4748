"""What ``prometheus_client`` reads: counted by this site's processes, and what is asked of the database for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_variables
from django.views.generic import View

from django_oauthflows.conf import options
from django_oauthflows.database import without_transaction
from django_oauthflows.metrics import multiprocess, prometheus_client
from django_oauthflows.models import Event, OutboxMessage, SigningKey
from django_oauthflows.views.endpoint import postpones


@method_decorator((login_not_required, postpones, sensitive_variables()), name="dispatch")
class MetricsView(View):
    """For whoever brings ``METRICS_KEY`` as a bearer token, and staff who may view events. Others get a 404."""

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        return without_transaction(super().as_view(**initkwargs))

    def get(self, request: HttpRequest) -> HttpResponse:
        if prometheus_client is None or not _may_read(request):
            raise Http404
        content = prometheus_client.generate_latest(_counted()) + prometheus_client.generate_latest(
            _standing()
        )
        return HttpResponse(
            content, content_type=prometheus_client.CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"}
        )


def _may_read(request: HttpRequest) -> bool:
    key = options().METRICS_KEY
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if key and scheme.lower() == "bearer":
        return constant_time_compare(given.strip(), key)
    user: Any = getattr(request, "user", None)
    return bool(
        user is not None
        and user.is_active
        and user.is_staff
        and user.has_perm("django_oauthflows.view_event")
    )


def _counted() -> Any:
    """Of all processes where they share a folder (``PROMETHEUS_MULTIPROC_DIR``), else of this one."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return prometheus_client.REGISTRY
    registry = prometheus_client.CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return registry


def _standing() -> Any:
    """How things stand now, by four statements."""
    registry = prometheus_client.CollectorRegistry()
    for name, text, value in _ages():
        prometheus_client.Gauge(name, text, registry=registry).set(value)
    return registry


def _ages() -> Iterator[tuple[str, str, float]]:
    now = timezone.now()
    waiting = OutboxMessage.objects.waiting()
    yield "oauth_outbox_waiting", "Messages in the outbox that wait.", waiting.count()
    due = waiting.order_by("next_attempt_at").values_list("next_attempt_at", flat=True).first()
    age = max((now - due).total_seconds(), 0) if due is not None else 0
    yield "oauth_outbox_oldest_seconds", "For how long the oldest of them has been due.", age
    purged = Event.objects.filter(kind=Event.Kind.PURGED).order_by("-at").values_list("at", flat=True).first()
    if purged is not None:
        yield "oauth_purge_age_seconds", "Time since the last purge.", (now - purged).total_seconds()
    signs = SigningKey.objects.published().filter(signs_from__lte=now).order_by("-signs_from")
    since = signs.values_list("signs_from", flat=True).first()
    if since is not None:
        yield (
            "oauth_signing_key_age_seconds",
            "For how long the newest key has signed.",
            (now - since).total_seconds(),
        )
