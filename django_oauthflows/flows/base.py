"""What a flow declares about itself. Imports neither models nor django-oauth-toolkit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Party(StrEnum):
    """The four roles of RFC 6749 §1.1; the user acts through a browser (user-agent)."""

    CLIENT = "client"
    BROWSER = "browser"
    AUTHORIZATION_SERVER = "authorization server"
    RESOURCE_SERVER = "resource server"


_FROM_LEFT_TO_RIGHT = (Party.BROWSER, Party.CLIENT, Party.AUTHORIZATION_SERVER, Party.RESOURCE_SERVER)


class ClientType(StrEnum):
    """RFC 6749 §2.1: whether a client can keep a secret."""

    CONFIDENTIAL = "confidential"
    PUBLIC = "public"


class Need(StrEnum):
    """What a client or a request must bring before a flow can run."""

    USER = "user"
    REDIRECT_URI = "redirect URI"
    PKCE = "PKCE"
    SECRET = "secret"  # noqa: S105 - the name of a need, not a secret


@dataclass(frozen=True, slots=True)
class Step:
    """One message of a flow, from one party to another, in the order of the flow.

    ``name`` is the RFC's word for the message: unique within a flow, and the same in every flow that has
    such a message. ``message`` is what goes over the wire in short (method and endpoint, or status and
    body); ``parameters`` are the names a reader will see in it; ``source`` names RFC and section.
    """

    name: str
    sender: Party
    receiver: Party
    title: str
    message: str
    parameters: tuple[str, ...]
    source: str

    def parameters_from(self, known: Mapping[str, str]) -> dict[str, str]:
        """Its parameters with their ``known`` values, in the declared order; unknown ones are left out."""
        return {name: known[name] for name in self.parameters if name in known}


def use_of_token(
    *, caller: str = "client", kind: str = "access token", answer: str = "200 OK, the user's data"
) -> tuple[Step, Step]:
    """How every flow ends: the API is called with the token (RFC 6750 §2.1) and answers (RFC 6749 §7)."""
    return (
        Step(
            "resource_request",
            Party.CLIENT,
            Party.RESOURCE_SERVER,
            f"The {caller} calls the API with the {kind}",
            "GET /api/…, Authorization: Bearer …",
            ("access_token",),
            "RFC 6750 §2.1",
        ),
        Step(
            "resource_response",
            Party.RESOURCE_SERVER,
            Party.CLIENT,
            "The API checks the token and answers",
            answer,
            (),
            "RFC 6749 §7",
        ),
    )


@dataclass(frozen=True, slots=True)
class Flow:
    """One way to get an access token, declared once and read everywhere.

    Nobody outside compares ``name``: what others want to know of a flow is a field or a property here.
    Which use cases a flow serves is told by the use cases (``registry.use_cases_of``).

    ``grant_types`` and ``response_types`` are the protocol's own words for it (RFC 6749 §3.1.1, §4);
    ``openapi_name`` is OpenAPI's (OpenAPI 3.1 §4.8.30), empty where it has none. ``response_mode`` says
    where an authorization response travels ("query" or "fragment"); it is empty for flows that never visit
    the authorization endpoint. ``continues``: it goes on from a token that another flow gave (RFC 6749
    §1.5). ``asks_elsewhere``: the user is asked on another device than the client's, which comes again and
    again for the answer (RFC 8628 §3). Lifetimes are in seconds. ``when`` says for what it is right,
    ``avoid`` what to leave alone when using it. Label, summary, risks, ``when`` and ``avoid`` are marked for
    translation where they are declared, and translated where they are shown; so are the words of use cases
    and of the chooser.
    """

    name: str
    label: str
    summary: str
    source: str
    response_types: tuple[str, ...]
    grant_types: tuple[str, ...]
    response_mode: str
    client_types: tuple[ClientType, ...]
    needs: frozenset[Need]
    may_refresh: bool
    access_token_lifetime: int
    lifetime_is_ceiling: bool
    protections: tuple[str, ...]
    risks: tuple[str, ...]
    steps: tuple[Step, ...]
    when: str
    avoid: str
    openapi_name: str = ""
    continues: bool = False
    offered: bool = True
    deprecated: bool = False
    asks_elsewhere: bool = False

    def step(self, name: str) -> Step:
        """The step of that name. Raises ``KeyError`` when the flow has none."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)

    @property
    def parties(self) -> tuple[Party, ...]:
        """Who takes part, in the order in which a diagram shows them from left to right."""
        present = {party for step in self.steps for party in (step.sender, step.receiver)}
        return tuple(party for party in _FROM_LEFT_TO_RIGHT if party in present)

    @property
    def toolkit_grant_types(self) -> tuple[str, ...]:
        """Its grant types as django-oauth-toolkit writes them: with hyphens, but for those that are URNs."""
        return tuple(name if ":" in name else name.replace("_", "-") for name in self.grant_types)

    @property
    def has_user(self) -> bool:
        """Whether a person takes part; without one, a machine acts for itself (RFC 6749 §4.4)."""
        return Need.USER in self.needs

    @property
    def uses_pkce(self) -> bool:
        """Whether its answer is tied to whoever asked by a code challenge (RFC 7636)."""
        return Need.PKCE in self.needs

    @property
    def needs_end_date(self) -> bool:
        """Whether a client is given it only with an end date, or with the reason why there is none."""
        return self.deprecated

    @property
    def visits_authorization_endpoint(self) -> bool:
        """Whether the flow begins with a redirect to the authorization endpoint (RFC 6749 §3.1)."""
        return bool(self.response_types)

    @property
    def visits_token_endpoint(self) -> bool:
        """Whether tokens come from the token endpoint (RFC 6749 §3.2), not from a redirect."""
        return not self.answers_in_fragment

    @property
    def gives_code(self) -> bool:
        """Whether the authorization response carries a code (RFC 6749 §4.1.2)."""
        return "code" in self.response_types

    @property
    def answers_in_fragment(self) -> bool:
        """Whether the authorization response travels in the redirect URI's fragment (RFC 6749 §4.2.2)."""
        return self.response_mode == "fragment"


#: Redirect URIs as a website or a browser app registers them.
EXAMPLES_ON_THE_WEB = ("https://app.example.com/callback",)


@dataclass(frozen=True, slots=True)
class UseCase:
    """What somebody is building; it chooses flows and client type for them.

    ``flows`` are the names of its flows, the one that it begins with first. ``in_browser``: the whole
    client runs in a page; it has no server, and nothing is installed. ``narrows_scopes``: such programs
    often ask for every scope that they find, so what is beyond their list is left out, not refused.
    """

    name: str
    title: str
    sentence: str
    example: str
    why: str
    avoid: str
    flows: tuple[str, ...]
    client_type: ClientType
    #: Addresses to come back to, as such an app would register them: for forms and messages.
    redirect_uri_examples: tuple[str, ...] = EXAMPLES_ON_THE_WEB
    private_use_schemes: bool = False
    loopback_any_port: bool = False
    in_browser: bool = False
    narrows_scopes: bool = False
    offered: bool = True
