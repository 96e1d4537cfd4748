"""The demo's client secrets.

A client in life is told its secret once and keeps it in its own configuration: give it as
``CLIENT_SECRET`` to the command-line clients here. The demo, which has to work again after every
start though the provider stores only digests, derives each secret from ``SECRET_KEY`` instead, in
the shape of those that the provider issues.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os

from django.conf import settings


def client_secret(client_id: str) -> str:
    """The secret of a demo client: the same one for as long as ``SECRET_KEY`` stays the same."""
    mac = hmac.digest(settings.SECRET_KEY.encode(), f"demo client secret of {client_id}".encode(), "sha256")
    body = "oafs_" + base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
    return f"{body}{binascii.crc32(body.encode()):08x}"


def configured_secret(client_id: str) -> str:
    """For a program of its own: the secret from its environment, else the demo's."""
    return os.environ.get("CLIENT_SECRET") or client_secret(client_id)
