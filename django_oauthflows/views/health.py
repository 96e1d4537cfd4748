"""Whether tokens can be issued and checked now: for load balancers and monitors. Says nothing else to anybody but the
site's own doctor.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from threading import Lock

from django.contrib.auth.decorators import login_not_required
from django.core.signing import BadSignature, TimestampSigner
from django.db import Error as AnyDatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.views.generic import View

from django_oauthflows.conf import options
from django_oauthflows.limits import proxies_before
from django_oauthflows.models import Client, SigningKey
from django_oauthflows.tokens.access_token import TokenRefused
from django_oauthflows.tokens.format import Kind, Reference, Subject, seal, unseal

#: Seconds for which one look counts: asking costs nobody more than that.
KEPT = 1.0
DOCTOR_SALT = "django_oauthflows.doctor"
_MEDIA_TYPE = "application/health+json"
_NOBODY = 0


def database() -> bool:
    """Whether the tables can be read: one statement."""
    Client.objects.values_list("pk", flat=True).first()
    return True


def tokens() -> bool:
    """Whether what is sealed can be opened again."""
    now = int(time.time())
    made = Reference(subject=Subject.CLIENT, id=_NOBODY, serial=0, issued=now, expires=now)
    return unseal(Kind.ACCESS, seal(Kind.ACCESS, made, epoch="0" * 32)).id == _NOBODY


def signing() -> bool:
    """Whether the newest key that signs can be opened; a key that is not there yet is made when it is needed."""
    newest = SigningKey.objects.published(options().JWT_ALGORITHM).order_by("-signs_from", "-pk").first()
    return newest is None or newest.signer() is not None


CHECKS: tuple[Callable[[], bool], ...] = (database, tokens, signing)


@method_decorator(login_not_required, name="dispatch")
class HealthView(View):
    """200 when tokens can be issued and checked, else 503. Nothing is told but which part fails."""

    _lock = Lock()
    _looked = (float("-inf"), dict[str, bool]())

    def get(self, request: HttpRequest) -> HttpResponse:
        parts = self._parts()
        well = all(parts.values())
        told: dict[str, str | int] = {"status": "pass" if well else "fail"}
        told |= {name: "pass" if good else "fail" for name, good in parts.items()}
        if _is_asked_by_the_doctor(request):
            told |= {"proxies": proxies_before(request)}
        headers = {"Cache-Control": "no-store"} | ({} if well else {"Retry-After": str(math.ceil(KEPT))})
        return JsonResponse(told, status=200 if well else 503, headers=headers, content_type=_MEDIA_TYPE)

    def _parts(self) -> dict[str, bool]:
        cls = type(self)
        with cls._lock:
            at, parts = cls._looked
            if time.monotonic() - at >= KEPT:
                parts = {check.__name__: _passes(check) for check in CHECKS}
                cls._looked = (time.monotonic(), parts)
            return parts


def _is_asked_by_the_doctor(request: HttpRequest) -> bool:
    """Whether the question was signed with this site's secret, within the last minute: what stands before the site is
    nobody else's business.
    """
    try:
        return (
            TimestampSigner(salt=DOCTOR_SALT).unsign(request.GET.get("doctor", ""), max_age=60) == "proxies"
        )
    except BadSignature:
        return False


def _passes(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (AnyDatabaseError, TokenRefused, ValueError):
        return False
