"""Whether a client passes itself off as something that the user trusts (RFC 9700 §4.1, RFC 6749 §10.2)."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from django_oauthflows.lookalikes import host_skeleton, readable, skeleton
from django_oauthflows.models.client import Client
from django_oauthflows.models.redirect_uri import LOOPBACK_HOSTS, host_of


def impersonated_by(client: Client, *, user: Any, redirect_uri: str, site_name: str, site_host: str) -> str:
    """The name or host that ``client`` looks like, empty when it is like nothing that we know of.

    Compared with this site, with clients that staff have vouched for or reviewed, and with those that
    ``user`` has connected. A client that staff have reviewed is not suspected itself. One statement.
    """
    if client.trust != Client.Trust.NOT_REVIEWED:
        return ""
    host = host_of(redirect_uri)
    known = Client.objects.filter(Q(consents__user=user) | ~Q(trust=Client.Trust.NOT_REVIEWED))
    others = known.exclude(pk=client.pk).distinct().values_list("name", "redirect_uris")
    names, hosts = [site_name], [site_host.partition(":")[0]]
    for name, uris in others:
        names.append(name)
        hosts += [host_of(uri) for uri in uris.split()]
    return _look_alike(client.name, names) or _host_alike(host, hosts)


def _look_alike(name: str, names: list[str]) -> str:
    mine = skeleton(name)
    return next((readable(other) for other in names if mine and skeleton(other) == mine), "")


def _host_alike(host: str, hosts: list[str]) -> str:
    if host in hosts or host in LOOPBACK_HOSTS:
        return ""
    mine = host_skeleton(host)
    return next((other for other in hosts if mine and host_skeleton(other) == mine), "")
