"""Settings and code with which another program logs people in with this site (OpenID Connect), as they stand.

Each has this site's addresses and the client's own values; the secret comes from the environment, or is typed in
where the program has no other way. The redirect URI is the one that the program will send: registered or not, the
first line says it.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.template.loader import get_template
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from django_oauthflows.conf import options
from django_oauthflows.flows import registry
from django_oauthflows.models import Client
from django_oauthflows.models.client_metadata import metadata
from django_oauthflows.models.redirect_uri import is_loopback
from django_oauthflows.openid.claims import STANDARD
from django_oauthflows.scopes import OPENID, offers_openid


def _ini(value: str) -> str:
    """For Grafana's configuration, where ``;`` and ``#`` begin a comment, and ``$`` a variable."""
    return value if re.fullmatch(r"[\w:/.,?=&%+~ -]*", value) else f'"""{value}"""'


@dataclass(frozen=True, slots=True)
class LoginProgram:
    """A program that can log people in. ``callback`` is the path that it is called back at, where it says itself:
    ``{name}`` is what it calls this site. ``quote`` writes a text in its language.
    """

    key: str
    label: Any
    quote: Callable[[str], str]
    callback: str = ""


PROGRAMS = (
    LoginProgram(
        "allauth", _("Django site, with django-allauth"), repr, "/accounts/oidc/{name}/login/callback/"
    ),
    LoginProgram("mozilla", _("Django site, with mozilla-django-oidc"), repr, "/oidc/callback/"),
    LoginProgram("python", _("Python web app, with Flask and Authlib"), repr),
    LoginProgram("node", _("Node.js web app, with openid-client"), json.dumps),
    LoginProgram("grafana", "Grafana", _ini, "/login/generic_oauth"),
    LoginProgram("nextcloud", "Nextcloud", shlex.quote, "/apps/user_oidc/code"),
)


def logs_people_in(client: Client) -> bool:
    """Whether ``client`` can be one of these programs: each runs on a server, has a secret, and is given ID tokens."""
    flows = registry.offered_flows(client.flow_names)
    return (
        offers_openid()
        and client.has_secret
        and OPENID in client.allowed_scope_names()
        and any(flow.gives_code and client.may_use(flow) for flow in flows)
    )


def login_snippets(client: Client, *, issuer: str, origin: str) -> Iterator[tuple[LoginProgram, str]]:
    """Each program and what to copy into it; nothing where the client is none of that kind."""
    if logs_people_in(client):
        for program in PROGRAMS:
            yield program, login_snippet(program, client, issuer=issuer, origin=origin)


def login_snippet(program: LoginProgram, client: Client, *, issuer: str, origin: str) -> str:
    """What to copy into ``program``. ``origin`` is where this site's own addresses begin."""
    values = _values(program, client, issuer, origin)
    context: dict[str, Any] = {name: program.quote(value) for name, value in values.items()}
    context |= {
        # Within a comment, where nothing is quoted, and no line may end.
        "called_back_at": " ".join(values["redirect_uri"].split()),
        "is_registered": values["redirect_uri"] in client.redirect_uris.split(),
        "has_way_back": bool(values["after_logout"]),
        "plain_http": is_loopback(issuer),
    }
    return (
        get_template(f"admin/django_oauthflows/snippets/openid.{program.key}.txt").render(context).strip()
        + "\n"
    )


def _values(program: LoginProgram, client: Client, issuer: str, origin: str) -> dict[str, str]:
    told = metadata(client, "client_id", "redirect_uris", "post_logout_redirect_uris")
    name, redirect_uri = _called_back(program, list(told["redirect_uris"]))
    home = urlsplit(redirect_uri)
    after_logout = next(iter(told["post_logout_redirect_uris"]), "")
    end_session = origin + reverse("oauth2_provider:rp-initiated-logout")
    # Grafana adds the ID token; without one, it has to be said whose address it is.
    leave = urlencode({"client_id": told["client_id"], "post_logout_redirect_uri": after_logout})
    allowed = client.allowed_scope_names()
    return {
        "name": name,
        "label": options().SITE_NAME or urlsplit(origin).netloc,
        "client_id": told["client_id"],
        "redirect_uri": redirect_uri,
        "home": f"{home.scheme}://{home.netloc}",
        "callback_path": home.path or "/",
        "port": str(home.port or 3000),
        "scope": " ".join(scope for scope in (OPENID, *STANDARD) if scope in allowed),
        "issuer": issuer,
        "discovery": f"{issuer.rstrip('/')}/.well-known/openid-configuration",
        "authorize": origin + reverse("oauth2_provider:authorize"),
        "token": origin + reverse("oauth2_provider:token"),
        "userinfo": origin + reverse("oauth2_provider:user-info"),
        "jwks": origin + reverse("oauth2_provider:jwks"),
        "end_session": end_session,
        "signout": f"{end_session}?{leave}",
        "algorithm": client.id_token_algorithm,
        "after_logout": after_logout,
    }


def _called_back(program: LoginProgram, registered: list[str]) -> tuple[str, str]:
    """What the program calls this site, and where it is called back: as registered, if one of those is its own."""
    ours = slugify(options().SITE_NAME) or "login"
    if not program.callback:
        web = (uri for uri in registered if urlsplit(uri).scheme in ("https", "http"))
        return ours, next(web, "https://app.example.com/callback")
    shape = re.escape(program.callback).replace(re.escape("{name}"), "(?P<name>[^/]+)")
    for uri in registered:
        found = re.search(f"{shape}$", urlsplit(uri).path)
        if found:
            return found.groupdict().get("name", ours), uri
    first = urlsplit(next(iter(registered), ""))
    base = f"{first.scheme}://{first.netloc}" if first.netloc else "https://app.example.com"
    return ours, base + program.callback.replace("{name}", ours)
