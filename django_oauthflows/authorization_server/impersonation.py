"""Whether a client passes itself off as something that the user trusts (RFC 9700 §4.1, RFC 6749 §10.2)."""

from __future__ import annotations

from typing import Any

from django_oauthflows.confusables import readable
from django_oauthflows.models.client import Client
from django_oauthflows.models.client_index import ClientSkeleton, name_skeleton, shown_skeleton
from django_oauthflows.models.redirect_uri import host_of
from django_oauthflows.option_forms import LOOPBACK_HOSTS


def impersonated_by(client: Client, *, user: Any, redirect_uri: str, site_name: str, site_host: str) -> str:
    """The name or host that ``client`` looks like, empty when it is like nothing that we know of.

    Compared with this site, with clients that staff have vouched for or reviewed, and with those that
    ``user`` has connected. A client that staff have reviewed is not suspected itself. One statement,
    however many clients there are.
    """
    if client.trust != Client.Trust.NOT_REVIEWED:
        return ""
    host, site_host = host_of(redirect_uri), site_host.partition(":")[0]
    name_like, host_like = name_skeleton(client.name), shown_skeleton(host)
    own = {
        ClientSkeleton.Kind.NAME: [(site_name, name_skeleton(site_name))],
        ClientSkeleton.Kind.HOST: [(site_host, shown_skeleton(site_host))],
    }
    for row in ClientSkeleton.objects.like([name_like, host_like], known_to=user):
        if row.client_id != client.pk:
            own[ClientSkeleton.Kind(row.kind)].append((row.shown, row.skeleton))
    hosts = own[ClientSkeleton.Kind.HOST]
    # The very same host is not imitated, and everybody's own device is nobody's to imitate.
    if host in LOOPBACK_HOSTS or any(host == other for other, _alike in hosts):
        host_like = ""
    names = own[ClientSkeleton.Kind.NAME]
    return _first_like(name_like, names) or _first_like(host_like, hosts)


def _first_like(mine: str, others: list[tuple[str, str]]) -> str:
    return next((readable(shown) for shown, alike in others if mine and alike == mine), "")
