"""Times as people have them, with time zones and without."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone


def local(at: datetime) -> datetime:
    """A time as people here have it; that of a site without time zones (``USE_TZ = False``) is so already."""
    return timezone.localtime(at) if timezone.is_aware(at) else at
