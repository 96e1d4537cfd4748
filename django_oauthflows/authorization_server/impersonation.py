"""Whether a client passes itself off as something that the user trusts (RFC 9700 §4.1, RFC 6749 §10.2)."""

from __future__ import annotations

from typing import Any

from django_oauthflows.confusables import readable, skeleton
from django_oauthflows.models.client import Client
from django_oauthflows.models.client_index import ClientSkeleton, name_skeleton, shown_skeleton
from django_oauthflows.models.redirect_uri import host_of
from django_oauthflows.option_forms import LOOPBACK_HOSTS

#: Words that make a name sound like a department of whoever bears the rest of it, in the languages of our pages.
_CLAIMS = """
account accounts admin alert alerts app auth authentication center centre check connect customer desk help
helpdesk id identity login notice official online portal protect safe safety secure security service services
signin sign in log staff support team the update verified verification verify web
abteilung anmeldung hilfe konto kundendienst kundenservice offiziell offizielle offizieller sicherheit
aide assistance compte connexion officiel officielle securite service
acceso asistencia ayuda cuenta equipo oficial seguridad servicio soporte
الأمان الدعم الرسمي الرسمية تسجيل الدخول حساب خدمة فريق
アカウント サポート セキュリティ ログイン 公式 認証 安全
"""
_CLAIM_SKELETONS = frozenset(filter(None, map(skeleton, _CLAIMS.split())))
_LONGEST_CLAIM = max(map(len, _CLAIM_SKELETONS))
#: What is left of a name must be as long as this to be a name.
_SHORTEST = 2
#: A name that is made of ever more claims is compared in no more ways.
_MOST = 500
#: Part of another word: a site's name of fewer letters is looked for as a whole word only.
_SHORTEST_PART = 6


def impersonated_by(client: Client, *, user: Any, redirect_uri: str, site_name: str, site_host: str) -> str:
    """The name or host that ``client`` looks like, empty when it is like nothing that we know of.

    Compared with this site, with clients that staff have vouched for or reviewed, and with those that
    ``user`` has connected (``None``: with nobody's). It is like another whose name it has, alone or beside
    words such as "support", and like the site whose name stands anywhere in its own. A client that staff
    have reviewed is not suspected itself. One statement, however many clients there are.
    """
    if client.trust != Client.Trust.NOT_REVIEWED:
        return ""
    if _contains(client.name, site_name):
        return readable(site_name)
    host, site_host = host_of(redirect_uri), site_host.partition(":")[0]
    names_like, host_like = _without_claims(client.name), shown_skeleton(host)
    own = {
        ClientSkeleton.Kind.NAME: [(site_name, name_skeleton(site_name))],
        ClientSkeleton.Kind.HOST: [(site_host, shown_skeleton(site_host))],
    }
    for row in ClientSkeleton.objects.like([*names_like, host_like], known_to=user):
        if row.client_id != client.pk:
            own[ClientSkeleton.Kind(row.kind)].append((row.shown, row.skeleton))
    hosts = own[ClientSkeleton.Kind.HOST]
    # The very same host is not imitated, and everybody's own device is nobody's to imitate.
    if host in LOOPBACK_HOSTS or any(host == other for other, _alike in hosts):
        host_like = ""
    return _first_like(names_like, own[ClientSkeleton.Kind.NAME]) or _first_like({host_like}, hosts)


def _first_like(mine: set[str], others: list[tuple[str, str]]) -> str:
    return next((readable(shown) for shown, alike in others if alike and alike in mine), "")


def _without_claims(name: str) -> set[str]:
    """The skeleton of ``name``, and what is left of it without the claims before and after it."""
    whole = name_skeleton(name)
    found, waiting = {whole}, [whole]
    while waiting and len(found) < _MOST:
        text = waiting.pop()
        for length in range(1, min(_LONGEST_CLAIM, len(text) - _SHORTEST) + 1):
            for claim, rest in ((text[:length], text[length:]), (text[-length:], text[:-length])):
                if claim in _CLAIM_SKELETONS and rest not in found:
                    found.add(rest)
                    waiting.append(rest)
    return found


def _contains(name: str, site_name: str) -> bool:
    """Whether the site's name stands in ``name``: as words, or within one, if it is long enough to be no chance."""
    wanted = name_skeleton(site_name)
    # Scripts that write without spaces have no words to compare.
    if len(wanted) >= _SHORTEST_PART or not wanted.isascii():
        return len(wanted) >= _SHORTEST and wanted in name_skeleton(name)
    words = [skeleton(word) for word in readable(name).replace("-", " ").split()]
    runs = ("".join(words[start:end]) for end in range(len(words) + 1) for start in range(end))
    return bool(wanted) and wanted in runs
