"""Which browser apps on other origins may call the API: those that a client has registered."""

from __future__ import annotations

import re
from typing import Any

from corsheaders.signals import check_request_enabled
from django.conf import settings
from django.http import HttpRequest

from django_oauthflows.models import Client


def _is_registered(request: HttpRequest, **_: Any) -> bool:
    # Asked about every path: only the API is opened here. A preflight is anonymous (it carries no
    # token), so any client's origin will do; what a caller may see, its token decides.
    origin = request.headers.get("Origin", "")
    return re.match(settings.CORS_URLS_REGEX, request.path_info) is not None and Client.objects.for_origin(
        origin
    )


def watch() -> None:
    """Called when the app is ready."""
    check_request_enabled.connect(_is_registered, dispatch_uid="notes.cors")
