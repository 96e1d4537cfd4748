"""The one map of client metadata: the member names of RFC 7591 §2, and ours, beside the fields of ``Client``.

Whatever tells or sets a client from outside reads it: ``oauth client``, export and import, and what the
admin shows to the client's developer. A column of ``Client`` stands in ``MEMBERS`` or in ``INTERNAL``.
Here is the form in which a value travels; whether it is right for the client, the model says (``Client.clean``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import models
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware, make_aware, make_naive
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import AbstractApplication

from django_oauthflows.accounts import found_by_name
from django_oauthflows.flows import registry
from django_oauthflows.models.client import Application, Client
from django_oauthflows.scopes import scope_string


class Setter(Enum):
    """Who may set a member from outside."""

    STAFF = "staff"
    REGISTRATION = "registration"  # the client itself, or its developer (RFC 7591)


@dataclass(frozen=True, slots=True, eq=False)  # each is itself: a translated text has no lasting hash
class Kind:
    """The form of a value in JSON.

    ``told`` makes it of a field's value; ``kept`` makes the field's value of it, and raises ``ValueError``
    or ``TypeError`` when the form is wrong; ``form`` then says which is right. ``null`` is no matter of
    the kind: it is right where the column takes it.
    """

    form: Any
    kept: Callable[[Any], Any]
    told: Callable[[Any], Any] = lambda value: value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    if "\0" in value:  # which PostgreSQL cannot hold
        raise ValueError
    return value


def _words(value: Any) -> str:
    """A list of texts as the model keeps it: in one line, separated by spaces."""
    if not isinstance(value, list):
        raise TypeError
    if any(word.split() != [word] for word in map(_text, value)):
        raise ValueError
    return " ".join(value)


def _of_type(expected: type) -> Callable[[Any], Any]:
    def kept(value: Any) -> Any:
        if type(value) is not expected:  # `isinstance` would take true for 1
            raise TypeError
        return value

    return kept


def _seconds(value: Any) -> int:
    if type(value) is not int:
        raise TypeError
    if value <= 0:
        raise ValueError
    return value


def _time(value: Any) -> datetime:
    moment = parse_datetime(_text(value))
    if moment is None:
        raise ValueError
    if is_aware(moment):
        return moment if settings.USE_TZ else make_naive(moment)
    return make_aware(moment) if settings.USE_TZ else moment


def _user(value: Any) -> Any:
    user = found_by_name(_text(value))
    if user is None:
        raise ValidationError(gettext("There is no user “%(name)s”.") % {"name": value})
    return user


TEXT = Kind(_("Give a text."), _text)
#: RFC 7591 §2 writes scopes in one text; the model keeps them in the order in which the site declares them.
SCOPES = Kind(
    _("Give a text: names of scopes, separated by spaces."), lambda value: scope_string(_text(value).split())
)
WORDS = Kind(_("Give a list of texts without blanks."), _words, lambda value: value.split())
FLAG = Kind(_("Give true or false."), _of_type(bool))
NUMBER = Kind(_("Give a whole number."), _of_type(int))
SECONDS = Kind(_("Give a whole number of seconds above zero."), _seconds)
TIME = Kind(_("Give a time, as in 2030-12-31T23:59:00+00:00."), _time, lambda value: value.isoformat())
KEY = Kind(_("Give the key of a row that is there."), str, lambda value: value.pk)
USER = Kind(
    _("Give the name of a user."), _user, lambda value: str(value.serializable_value(value.USERNAME_FIELD))
)


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a client's metadata.

    ``rule`` says in a few words what it is and must be; ``source`` is where its name comes from, empty for
    ours; ``field`` is the column of ``Client`` that it stands for, where that has another name. ``once``: it
    is chosen when the client is registered and never changed. ``read`` is there where the value is not the
    column's own.
    """

    name: str
    kind: Kind
    rule: str
    set_by: tuple[Setter, ...] = ()
    source: str = ""
    _: KW_ONLY
    field: str = ""
    once: bool = False
    read: Callable[[Client], Any] | None = None

    @property
    def attribute(self) -> str:
        """The column's name."""
        return self.field or self.name

    def told(self, client: Client) -> Any:
        """Its value for ``client``, ready for JSON."""
        if self.read is not None:
            return self.read(client)
        value = getattr(client, self.attribute)
        return None if value is None else self.kind.told(value)

    def kept(self, value: Any) -> Any:
        """The column's value for what came as JSON. Raises ``ValidationError`` when its form is wrong."""
        if value is None and self.column.null:
            return None
        try:
            if self.kind is KEY:
                return self.column.related_model._default_manager.get(pk=value)  # type: ignore[union-attr]
            return self.kind.kept(value)
        except (TypeError, ValueError, ObjectDoesNotExist):
            raise ValidationError(self.kind.form) from None

    @property
    def required(self) -> bool:
        """Whether whoever registers a client must say it: its name, and what the site's own model wants."""
        return self.attribute == "name" or self.attribute in required_columns()

    @property
    def column(self) -> models.Field[Any, Any]:
        """The column that it stands for."""
        found: models.Field[Any, Any] = Client._meta.get_field(self.attribute)
        return found


def _grant_types(client: Client) -> list[str]:
    return [grant for flow in registry.offered_flows(client.flow_names) for grant in flow.grant_types]


def _response_types(client: Client) -> list[str]:
    return [
        response for flow in registry.offered_flows(client.flow_names) for response in flow.response_types
    ]


_STAFF = (Setter.STAFF,)
_ANYBODY = (Setter.STAFF, Setter.REGISTRATION)
_RFC = "RFC 7591 §2"
_LOGOUT = "OpenID Connect RP-Initiated Logout 1.0 §3.1"
_OPENID = "OpenID Connect Dynamic Client Registration 1.0 §2"
_BACK_CHANNEL = "OpenID Connect Back-Channel Logout 1.0 §2.2"

MEMBERS: tuple[Member, ...] = (
    Member("client_id", TEXT, "Its public name at every endpoint.", _STAFF, "RFC 7591 §3.2.1", once=True),
    Member("client_name", TEXT, "What users see when they are asked.", _ANYBODY, _RFC, field="name"),
    Member("use_case", TEXT, "What it is; chooses flows and type.", _STAFF, once=True),
    Member("flows", WORDS, "How it may get tokens, beyond what its use case brings.", _STAFF),
    Member(
        "redirect_uris", WORDS, "Where users go back to, letter by letter as it sends it.", _ANYBODY, _RFC
    ),
    Member("post_logout_redirect_uris", WORDS, "Where users may go after logging out.", _ANYBODY, _LOGOUT),
    Member(
        "backchannel_logout_uri",
        TEXT,
        "Where this site tells it that a user has logged out.",
        _ANYBODY,
        _BACK_CHANNEL,
        field="logout_notice_uri",
    ),
    Member(
        "backchannel_logout_session_required",
        FLAG,
        "It must be told which session, not only which user.",
        _ANYBODY,
        _BACK_CHANNEL,
        field="logout_notice_needs_session",
    ),
    Member(
        "id_token_signed_response_alg",
        TEXT,
        "How its ID tokens are signed: RS256, ES256 or EdDSA.",
        _ANYBODY,
        _OPENID,
        field="id_token_algorithm",
    ),
    Member(
        "userinfo_signed_response_alg",
        TEXT,
        "How UserInfo is signed for it; empty for plain JSON.",
        _ANYBODY,
        _OPENID,
        field="userinfo_algorithm",
    ),
    Member(
        "subject_type",
        TEXT,
        "By which name it knows a user: public, or pairwise (another at each app).",
        _ANYBODY,
        _OPENID,
        field="subject_kind",
    ),
    Member("grant_types", WORDS, "Follow from its flows.", (), _RFC, field="flows", read=_grant_types),
    Member("response_types", WORDS, "Follow from its flows.", (), _RFC, field="flows", read=_response_types),
    Member(
        "token_endpoint_auth_method",
        TEXT,
        "Follows from its use case.",
        (),
        _RFC,
        field="client_type",
        read=lambda client: "client_secret_basic" if client.has_secret else "none",
    ),
    Member("scope", SCOPES, "The most it can be given.", _ANYBODY, _RFC, field="allowed_scopes"),
    Member("default_scope", SCOPES, "What it gets when it asks for nothing.", _STAFF, field="default_scopes"),
    Member("narrows_scopes", FLAG, "Scopes that it may not have are left out, not refused.", _STAFF),
    Member("user_groups", TEXT, "Groups whose members alone may use it, separated by commas.", _STAFF),
    Member("accepted_risk", TEXT, "Why it may have addresses that are allowed only with a reason.", _STAFF),
    Member("allowed_origins", WORDS, "Where its pages are served from: scheme, host and port.", _STAFF),
    Member("description", TEXT, "What it does, for the people who look after it.", _STAFF),
    Member("publisher", TEXT, "Who is behind it, as users see it.", _STAFF),
    Member("logo_uri", TEXT, "Its logo.", _ANYBODY, _RFC),
    Member("client_uri", TEXT, "Its website.", _ANYBODY, _RFC),
    Member("policy_uri", TEXT, "Its privacy policy.", _ANYBODY, _RFC),
    Member("tos_uri", TEXT, "Its terms of service.", _ANYBODY, _RFC),
    Member("contacts", WORDS, "E-mail addresses of those who run it.", _ANYBODY, _RFC),
    Member("owner", USER, "Who looks after it.", _STAFF),
    Member("trust", TEXT, "How far this site vouches for it.", _STAFF),
    Member("first_party", FLAG, "It belongs to this site.", field="trust", read=lambda it: it.is_first_party),
    Member("service_user", USER, "Whose permissions it has as a machine.", _STAFF),
    Member("access_token_lifetime", SECONDS, "How long an access token lives.", _STAFF),
    Member("refresh_token_idle_lifetime", SECONDS, "How long an unused refresh token lives.", _STAFF),
    Member("refresh_token_absolute_lifetime", SECONDS, "How long an authorization lives in all.", _STAFF),
    Member("access_token_format", TEXT, "A jwt (RFC 9068) can be checked by an API elsewhere.", _STAFF),
    Member("pkce_exemption", TEXT, "Why it need not do PKCE; empty is safe.", _STAFF),
    Member("implicit_until", TIME, "When its implicit flow ends.", _STAFF),
    Member("implicit_reason", TEXT, "Why it has the implicit flow.", _STAFF),
    Member("is_resource_server", FLAG, "It is an API that introspects tokens.", _STAFF),
    Member("resources", WORDS, "Addresses of its API (RFC 8707).", _STAFF),
    Member("throttle_rate", TEXT, "API calls it may make: 1000/hour.", _STAFF),
    Member("suspended", FLAG, "It is stopped.", field="suspended_at", read=lambda it: it.is_suspended),
    Member(
        "client_id_issued_at",
        NUMBER,
        "When it was registered, in seconds since 1970.",
        (),
        "RFC 7591 §3.2.1",
        field="created",
        read=lambda client: int(client.created.timestamp()),
    ),
)

#: Columns that are nobody's business outside, and why.
INTERNAL: Mapping[str, str] = {
    "id": "the application's key; the client is told by its client_id",
    "application": "the same key",
    "updated": "bookkeeping",
    "advice_seen": "what staff looked at, not what the client is",
    "logo": "a file of this site's; its address is no part of the metadata",
    "subject_key": "which of the site's keys its names of users were made with",
    "suspended_reason": "told by the record of events",
    "token_epoch": "half of what makes a token",
    "client_secret": "holds nothing usable: secrets are rows of ClientSecret",
    "hash_client_secret": "of the toolkit's own secret",
    "user": "the toolkit's column for the owner, which follows ours",
    "authorization_grant_type": "the toolkit's single grant; ours are flows",
    "skip_authorization": "the toolkit's word for trust",
    "algorithm": "of the toolkit's own ID tokens",
    "registration_source": "how the toolkit's own registration made it",
    "cimd_expires_at": "of the toolkit's own client ID metadata documents",
}
_SOUNDS_SECRET = re.compile("secret|password|private|hash")


def inherited(fields: Iterable[models.Field[Any, Any]]) -> Iterator[Member]:
    """Columns among ``fields`` that this map does not know: those of another release of the toolkit, and those
    of the site's own model.

    They travel under their own names and staff may set them, so that nothing is lost on the way.
    """
    named = {member.attribute for member in MEMBERS} | set(INTERNAL)
    kinds = (
        (models.ForeignKey, KEY),
        (models.BooleanField, FLAG),
        (models.IntegerField, NUMBER),
        (models.DateTimeField, TIME),
    )
    for field in fields:
        known = field.name in named or (field.is_relation and field.name not in own_columns())
        if field.editable and not known and not _SOUNDS_SECRET.search(field.name):
            kind = next((kind for type_, kind in kinds if isinstance(field, type_)), TEXT)
            rule = "The site's own." if field.name in own_columns() else "The toolkit's own."
            yield Member(field.name, kind, rule, _STAFF)


@cache
def own_columns() -> tuple[str, ...]:
    """What the site's own application model has and the toolkit's has not, by name."""
    known = {field.name for field in AbstractApplication._meta.get_fields()}
    return tuple(
        field.name for field in Application._meta.local_fields if field.editable and field.name not in known
    )


@cache
def required_columns() -> tuple[str, ...]:
    """Those of them that must be filled."""
    fields = [Application._meta.get_field(name) for name in own_columns()]
    return tuple(field.name for field in fields if not (field.blank or field.has_default()))


@cache
def members() -> tuple[Member, ...]:
    """All there are. Where two have one name, the later tells what this package makes of it."""
    return (*inherited(Application._meta.local_fields), *MEMBERS)


@cache
def settable(by: Setter) -> dict[str, Member]:
    """What ``by`` may set, by the member's name."""
    return {member.name: member for member in members() if by in member.set_by}


def metadata(client: Client, *names: str) -> dict[str, Any]:
    """What a client is, ready for JSON: all its members, or those named. Never a secret."""
    return {member.name: member.told(client) for member in members() if not names or member.name in names}


def values(entry: Mapping[str, Any], set_by: Setter) -> dict[str, Any]:
    """The fields that ``entry`` sets, a mapping of members to JSON values.

    Raises ``ValidationError`` by member, for each that ``set_by`` may not set or that has a wrong form.
    """
    allowed, found, problems = settable(set_by), {}, {}
    for name, value in entry.items():
        try:
            if name not in allowed:
                raise ValidationError(gettext("This cannot be set here."))
            found[allowed[name].attribute] = allowed[name].kept(value)
        except ValidationError as error:
            problems[name] = error
    if problems:
        raise ValidationError(problems)
    return found


def register(
    entry: Mapping[str, Any], set_by: Setter, *, by: Any, issue_secret: bool = True
) -> tuple[Client, str | None]:
    """Register a client that is as ``entry`` says.

    Returns it and its first secret, which is told this once. Raises ``ValidationError`` by member.
    """
    fields = values(entry, set_by)
    use_case = fields.pop("use_case", "")
    if use_case not in {case.name for case in registry.USE_CASES}:
        raise ValidationError({"use_case": gettext("A new client needs one of the use cases.")})
    default_scopes = fields.pop("default_scopes", None)
    try:
        return Client.objects.register(
            name=fields.pop("name", ""),
            use_case=use_case,
            redirect_uris=fields.pop("redirect_uris", "").split(),
            scopes=fields.pop("allowed_scopes", "").split(),
            default_scopes=None if default_scopes is None else default_scopes.split(),
            by=by,
            issue_secret=issue_secret,
            **fields,
        )
    except ValidationError as error:
        raise by_member(error) from None


def by_member(error: ValidationError) -> ValidationError:
    """What the model says of its fields, said of the members that set them."""
    if not hasattr(error, "error_dict"):
        return error
    names = {member.attribute: member.name for member in settable(Setter.STAFF).values()}
    return ValidationError({names.get(field, field): told for field, told in error.error_dict.items()})
