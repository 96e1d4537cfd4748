"""Bare csrf-exempt views with the ORM: what the least conventional provider would do, and no checks."""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template import engines
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.benchmarks.floor.models import FloorClient, FloorToken


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def client_of(request: HttpRequest) -> FloorClient:
    if "HTTP_AUTHORIZATION" not in request.META:
        return FloorClient.objects.get(client_id=request.POST["client_id"])
    text = base64.b64decode(request.META["HTTP_AUTHORIZATION"].split(" ")[1]).decode()
    client_id, _, secret = text.partition(":")
    return FloorClient.objects.get(client_id=client_id, secret_digest=digest(secret))


def new_token(kind: str, client_id: int, user_id: int | None, scope: str) -> tuple[str, FloorToken]:
    text = secrets.token_urlsafe(32)
    expires = timezone.now() + timedelta(hours=1)
    return text, FloorToken(
        digest=digest(text), kind=kind, client_id=client_id, user_id=user_id, scope=scope, expires_at=expires
    )


@csrf_exempt
def token(request: HttpRequest) -> JsonResponse:
    return HANDLERS[request.POST["grant_type"]](request)


def machine(request: HttpRequest) -> JsonResponse:
    """One SELECT, one INSERT."""
    client = client_of(request)
    access, row = new_token("access", client.pk, None, request.POST["scope"])
    row.save()
    return answer(access, request.POST["scope"])


def swap(request: HttpRequest, kind: str, text: str) -> JsonResponse:
    """Four statements in a transaction: client, what is swapped, spend it, insert the new pair."""
    with transaction.atomic():
        client = client_of(request)
        old = FloorToken.objects.get(digest=digest(text), kind=kind, client=client, spent=False)
        FloorToken.objects.filter(pk=old.pk, spent=False).update(spent=True)
        access, access_row = new_token("access", client.pk, old.user_id, old.scope)
        refresh, refresh_row = new_token("refresh", client.pk, old.user_id, old.scope)
        FloorToken.objects.bulk_create([access_row, refresh_row])
    more = {"id_token": id_token(old)} if "openid" in old.scope.split() else {}
    return answer(access, old.scope, refresh_token=refresh, **more)


#: As stock signs.
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def id_token(row: FloorToken) -> str:
    """One signature."""
    return jwt.encode({"sub": str(row.user_id), "aud": str(row.client_id)}, KEY, algorithm="RS256")


def poll(request: HttpRequest) -> JsonResponse:
    """Two SELECTs: a device whose user has not answered yet is told to wait."""
    client = client_of(request)
    FloorToken.objects.get(digest=digest(request.POST["device_code"]), kind="device", client=client)
    return JsonResponse({"error": "authorization_pending"}, status=400)


def answer(access: str, scope: str, **more: str) -> JsonResponse:
    return JsonResponse(
        {"access_token": access, "token_type": "Bearer", "expires_in": 3600, "scope": scope} | more
    )


HANDLERS: dict[str, Any] = {
    "client_credentials": machine,
    "authorization_code": lambda request: swap(request, "code", request.POST["code"]),
    "refresh_token": lambda request: swap(request, "refresh", request.POST["refresh_token"]),
    "urn:ietf:params:oauth:grant-type:device_code": poll,
}


PAGE = engines["django"].from_string(
    """<!doctype html><title>Allow?</title><form method="post">{% csrf_token %}
<p>{{ client.client_id }} wants to read your name, {{ user }}.</p>
<button name="decision" value="allow">Allow</button></form>"""
)


def authorize(request: HttpRequest) -> HttpResponse:
    """Session and user; one SELECT each for client and consent; one INSERT each for consent and code."""
    client = FloorClient.objects.get(client_id=request.GET["client_id"])
    theirs = {"kind": "consent", "client": client, "user_id": request.user.pk}
    if request.method == "POST":
        _, consent = new_token("consent", client.pk, request.user.pk, request.GET["scope"])
        consent.save()
    elif not FloorToken.objects.filter(**theirs).exists():
        return HttpResponse(PAGE.render({"client": client}, request))
    code, row = new_token("code", client.pk, request.user.pk, request.GET["scope"])
    row.save()
    return HttpResponseRedirect(f"{request.GET['redirect_uri']}?code={code}")


@csrf_exempt
def introspect(request: HttpRequest) -> JsonResponse:
    """Two SELECTs."""
    client_of(request)
    row = FloorToken.objects.select_related("client").get(digest=digest(request.POST["token"]), kind="access")
    return JsonResponse(
        {
            "active": row.expires_at > timezone.now(),
            "scope": row.scope,
            "client_id": row.client.client_id,
            "exp": int(row.expires_at.timestamp()),
        }
    )


@csrf_exempt
def revoke(request: HttpRequest) -> JsonResponse:
    """One SELECT, one UPDATE."""
    client = client_of(request)
    FloorToken.objects.filter(digest=digest(request.POST["token"]), client=client).update(spent=True)
    return JsonResponse({})


def presented(request: HttpRequest) -> FloorToken:
    """One SELECT."""
    text = request.META["HTTP_AUTHORIZATION"].split(" ")[1]
    return FloorToken.objects.select_related("user").get(digest=digest(text), kind="access", spent=False)


def userinfo(request: HttpRequest) -> JsonResponse:
    row = presented(request)
    return JsonResponse({"sub": str(row.user_id), "name": row.user.get_full_name() if row.user else ""})


def api(request: HttpRequest) -> HttpResponse:
    row = presented(request)
    if row.user is None or row.expires_at <= timezone.now() or "profile" not in row.scope.split():
        return HttpResponse(status=401)
    return JsonResponse({"username": row.user.get_username()})


class Bearer(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Any, Any]:
        try:
            row = presented(request._request)
        except FloorToken.DoesNotExist:
            raise AuthenticationFailed from None
        if row.expires_at <= timezone.now():
            raise AuthenticationFailed
        return row.user, row


class Api(APIView):
    authentication_classes = [Bearer]

    def get(self, request: Request) -> Response:
        return Response({"username": request.user.get_username()})
