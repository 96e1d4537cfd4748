"""The demo's clients: one per use case. The home page and the registrations both read this list."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext_noop as _

from django_oauthflows.flows import registry
from django_oauthflows.flows.base import Flow, UseCase

_LOGOS = Path(__file__).resolve().parent / "logos"


@dataclass(frozen=True, slots=True)
class DemoClient:
    """One client: what it is called, what it is for, and how it is registered. ``how`` tells of its flow."""

    client_id: str
    name: str
    use_case: str
    path: str
    description: str
    how: str
    scopes: tuple[str, ...]
    source: str
    callback: str = ""
    #: Where the provider sends visitors back to when they have logged out there.
    after_logout: str = ""
    calls_from_browser: bool = False
    service_user: str = ""
    #: Who makes it; empty where nobody says so.
    publisher: str = ""
    #: Whether the staff of Example Notes have looked at it: users are warned of apps that nobody has looked at.
    reviewed: bool = False

    @property
    def logo(self) -> bytes | None:
        """Its picture, a PNG file; ``None`` where it has none."""
        file = _LOGOS / f"{self.client_id}.png"
        return file.read_bytes() if file.exists() else None

    @property
    def case(self) -> UseCase:
        """What it is an example of."""
        return registry.use_case_named(self.use_case)

    @property
    def flows(self) -> list[Flow]:
        """How it gets its tokens."""
        return [registry.flow_named(name) for name in self.case.flows]

    def redirect_uris(self, origin: str) -> tuple[str, ...]:
        """Where the provider may send answers; ``origin`` is where the browser clients are served."""
        if not self.callback:
            return ()
        return (self.callback if "://" in self.callback else origin + self.callback,)

    def logout_uris(self, origin: str) -> tuple[str, ...]:
        """Where the provider may send those who have logged out."""
        if not self.after_logout:
            return ()
        return (self.after_logout if "://" in self.after_logout else origin + self.after_logout,)


WEB = DemoClient(
    client_id="demo-web",
    name="Note Calendar",
    use_case="web",
    path="/clients/web/",
    description=_("A web app with a server of its own. It shows your notes and can add one for you."),
    how=_(
        "It logs you in by an ID token, which it checks; it keeps its tokens and its secret on its server."
    ),
    scopes=("openid", "profile", "email", "notes:read", "notes:write"),
    source="example_project/clients/web.py",
    callback="/clients/web/callback/",
    after_logout="/clients/web/",
    publisher="Example Calendars",
    reviewed=True,
)
SPA = DemoClient(
    client_id="demo-spa",
    name="Note Board",
    use_case="spa",
    path="/clients/spa/",
    description=_("An app that runs entirely in your browser and calls the API from there."),
    how=_("It has no secret, and keeps its tokens in the page's memory only."),
    scopes=("profile", "notes:read", "notes:write"),
    source="example_project/clients/static/clients/spa.js",
    callback="/clients/spa/",
    calls_from_browser=True,
    publisher="Example Boards",
    reviewed=True,
)
NATIVE = DemoClient(
    client_id="demo-native",
    name="Note Terminal",
    use_case="native",
    path="/clients/native/",
    description=_("A program on your own computer that opens your browser to log in."),
    how=_("It has no secret; the answer comes back to a port on your own computer."),
    scopes=("profile", "notes:read"),
    source="example_project/clients/native.py",
    # Any port: the program learns its own only when it runs (RFC 8252 §7.3).
    callback="http://127.0.0.1/callback",
    publisher="Example Terminals",
    reviewed=True,
)
SERVICE = DemoClient(
    client_id="demo-service",
    name="Site Counter",
    use_case="service",
    path="/clients/service/",
    description=_("Another server that asks how many notes there are. No person takes part."),
    how=_("It proves who it is with its secret."),
    scopes=("stats:read",),
    source="example_project/clients/service.py",
    publisher="Example Counters",
    reviewed=True,
)
JOB = DemoClient(
    client_id="demo-job",
    name="Nightly Report",
    use_case="service",
    path="/clients/job/",
    description=_("A scheduled job that acts for a service account, and may do what that account may do."),
    how=_("Its tokens speak for a service account, with that account's permissions."),
    scopes=("stats:read",),
    source="example_project/clients/job.py",
    service_user="nightly-report",
    publisher="Example Notes",
    reviewed=True,
)
# Nobody has reviewed it, so that there is one that users are warned of and staff find in their overview.
LEGACY_SPA = DemoClient(
    client_id="demo-legacy-spa",
    name="Old Note Widget",
    use_case="legacy-spa",
    path="/clients/legacy-spa/",
    description=_("A browser app from before PKCE. It works, but new apps should not be built like it."),
    how=_("The token comes back in the address, and lives ten minutes at most."),
    scopes=("profile", "notes:read"),
    source="example_project/clients/static/clients/legacy_spa.js",
    callback="/clients/legacy-spa/",
    calls_from_browser=True,
)
TV = DemoClient(
    client_id="demo-tv",
    name="Note Television",
    use_case="device",
    path="/clients/tv/",
    description=_("A television in a terminal: it has no browser, so it shows a code for your phone."),
    how=_("It has no secret and gets no answer by a redirect: it asks until you have answered."),
    scopes=("profile", "notes:read"),
    source="example_project/clients/tv.py",
    publisher="Example Televisions",
    reviewed=True,
)
SECOND_SITE = DemoClient(
    client_id="demo-second-site",
    name="Second Site",
    use_case="web",
    path="/clients/second-site/",
    description=_("Another Django site. It has no passwords: its users log in with their accounts here."),
    how=_("django-allauth does all of it; the client's integration page shows what to write."),
    scopes=("openid", "profile", "email"),
    source="example_project/clients/second_site/",
    callback="http://localhost:8010/accounts/oidc/example-notes/login/callback/",
    after_logout="http://localhost:8010/",
    publisher="Second Site",
    reviewed=True,
)

#: The page at /api/docs/, whose "Authorize" button is a client as well. Part of the site, so not in the list.
API_DOCS = DemoClient(
    client_id="demo-api-docs",
    name="API page of Example Notes",
    use_case="spa",
    path="/api/docs/",
    description=_("The page where developers try the API."),
    how=_("It has no secret."),
    # All that there are: its form for trying has "select all".
    scopes=("openid", "profile", "email", "notes:read", "notes:write", "stats:read"),
    source="example_project/schema.py",
    callback="/api/docs/oauth2-redirect.html",
    publisher="Example Notes",
    reviewed=True,
)

CLIENTS = (WEB, SPA, NATIVE, SERVICE, JOB, LEGACY_SPA, TV, SECOND_SITE)
