"""The client: an application of somebody else (or of the site) that is given tokens (RFC 6749 §1.1, §2)."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from datetime import datetime
from functools import partial
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from oauth2_provider.settings import APPLICATION_MODEL

from django_oauthflows import logos, signals
from django_oauthflows.conf import options
from django_oauthflows.confusables import readable
from django_oauthflows.database import in_transaction, on_commit
from django_oauthflows.flows import registry
from django_oauthflows.flows.base import ClientType, Flow, UseCase
from django_oauthflows.models import redirect_uri as redirect_uris
from django_oauthflows.models.client_manager import ClientManager
from django_oauthflows.models.client_secret import ClientSecret
from django_oauthflows.models.client_validation import new_problems_only, new_problems_with
from django_oauthflows.models.event import Event
from django_oauthflows.option_forms import MAX_SECONDS, RATE
from django_oauthflows.scopes import declared_scopes
from django_oauthflows.tokens.cache import ended
from django_oauthflows.tokens.format import MAX_LENGTH as MAX_SEALED_LENGTH
from django_oauthflows.tokens.format import Kind, Reference, Subject, seal, sealed_length
from django_oauthflows.tokens.jwt import ALGORITHMS, END_OF_TIME, AccessClaims
from django_oauthflows.tokens.jwt import MAX_LENGTH as MAX_SIGNED_LENGTH
from django_oauthflows.tokens.keys import pairwise_key_id

# The site's application model, swapped or not; our own table hangs on it by one key.
Application: Any = apps.get_model(APPLICATION_MODEL, require_ready=False)

MAX_URI_LENGTH = 500
_LIFETIME = (MinValueValidator(1), MaxValueValidator(MAX_SECONDS))

#: Column names: what an API call needs to know of its client, and what a view may want to.
CALLER_COLUMNS = (
    *("id", "application_id", "client_id", "name", "allowed_scopes", "suspended_at", "throttle_rate"),
    "is_resource_server",
    *("service_user_id", "redirect_uris", "subject_kind", "subject_key", "userinfo_algorithm", "token_epoch"),
)


def random_epoch() -> str:
    """128 random bits: half of what makes a token, kept in the row (see ``tokens/format.py``)."""
    # In letters: no database and no driver needs a converter for those on its way back.
    return secrets.token_hex(16)


def use_case_choices() -> list[tuple[str, Any]]:
    """For the model field; a function, so that a better title needs no migration."""
    return [(case.name, _(case.title)) for case in registry.USE_CASES]


def _brief(value: Any) -> str:
    """A value as the record of a change keeps it."""
    return "" if value is None else str(value)[:500]


class Client(Application):
    """A registered client: the toolkit's application and what this package knows about it.

    Multi-table inheritance: one child row keyed by the application, so that the toolkit's foreign
    keys and a site's own keep pointing where they did. What is right for it to be is in
    ``client_validation.py``.
    """

    class Trust(models.TextChoices):
        NOT_REVIEWED = "not_reviewed", _("Not reviewed")
        REVIEWED = "reviewed", _("Reviewed by this site")
        FIRST_PARTY = "first_party", _("Belongs to this site")

    class SubjectKind(models.TextChoices):
        PUBLIC = "public", _("The same at every app")
        PAIRWISE = "pairwise", _("Another at each app")

    class TokenFormat(models.TextChoices):
        OPAQUE = "opaque", _("Opaque: checked by this site")
        JWT = "jwt", _("JWT: can be checked elsewhere")

    application = models.OneToOneField(
        APPLICATION_MODEL,
        on_delete=models.CASCADE,
        parent_link=True,
        primary_key=True,
        related_name="oauthflows_client",
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        help_text=_("Who looks after this client. The client stays when this person's account is deleted."),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="oauthflows_owned_clients",
    )
    use_case = models.CharField(_("use case"), max_length=20, blank=True, choices=use_case_choices)
    flows = models.CharField(
        _("flows"), max_length=200, blank=True, help_text=_("How it may get tokens; separated by spaces.")
    )
    allowed_scopes = models.TextField(
        _("allowed scopes"),
        blank=True,
        help_text=_("The most it can ever be given; separated by spaces."),
    )
    default_scopes = models.TextField(
        _("default scopes"),
        blank=True,
        help_text=_("What it gets when it does not say what it wants; separated by spaces."),
    )
    narrows_scopes = models.BooleanField(
        _("leave out scopes that it may not have"),
        default=False,
        help_text=_(
            "For apps that ask for all they find, as agents do. Otherwise such a request is refused."
        ),
    )
    description = models.TextField(_("description"), blank=True)
    logo = models.FileField(
        _("logo"), upload_to=logos.place_of, blank=True, default="", help_text=_("An uploaded picture.")
    )
    logo_uri = models.URLField(_("address of the logo"), blank=True)
    client_uri = models.URLField(_("website"), blank=True)
    policy_uri = models.URLField(_("privacy policy"), blank=True)
    tos_uri = models.URLField(_("terms of service"), blank=True)
    publisher = models.CharField(_("publisher"), max_length=200, blank=True)
    contacts = models.TextField(
        _("contacts"), blank=True, help_text=_("E-mail addresses, separated by spaces.")
    )
    trust = models.CharField(_("trust"), max_length=20, choices=Trust.choices, default=Trust.NOT_REVIEWED)
    #: Advice on it that staff have looked at and left: the key of each, and when (Unix seconds).
    advice_seen = models.JSONField(default=dict, blank=True, editable=False)
    service_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("service user"),
        help_text=_("The account whose permissions this client has when it acts for itself."),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="oauthflows_service_clients",
    )
    access_token_lifetime = models.PositiveIntegerField(
        _("access token lifetime"),
        null=True,
        blank=True,
        validators=_LIFETIME,
        help_text=_("Seconds; empty for the default."),
    )
    refresh_token_idle_lifetime = models.PositiveIntegerField(
        _("refresh token lifetime without use"),
        null=True,
        blank=True,
        validators=_LIFETIME,
        help_text=_("Seconds; empty for the default."),
    )
    refresh_token_absolute_lifetime = models.PositiveIntegerField(
        _("refresh token lifetime in all"),
        null=True,
        blank=True,
        validators=_LIFETIME,
        help_text=_("Seconds; empty for the default."),
    )
    pkce_exemption = models.CharField(
        _("reason for not asking for PKCE"),
        max_length=200,
        blank=True,
        help_text=_(
            "Leave empty: PKCE is a proof that only the app has, so that a stolen code is of no use. A reason here "
            "switches it off."
        ),
    )
    implicit_until = models.DateTimeField(
        _("implicit flow until"),
        null=True,
        blank=True,
        help_text=_("After this time the implicit flow is refused."),
    )
    implicit_reason = models.CharField(_("reason for the implicit flow"), max_length=200, blank=True)
    is_resource_server = models.BooleanField(
        _("is an API"),
        default=False,
        help_text=_("It may ask about (introspect) tokens that are meant for it."),
    )
    resources = models.TextField(
        _("resources"), blank=True, help_text=_("Addresses of its API (RFC 8707), separated by spaces.")
    )
    access_token_format = models.CharField(
        _("access token format"),
        max_length=10,
        choices=TokenFormat.choices,
        default=TokenFormat.OPAQUE,
        help_text=_(
            "A JWT (RFC 9068) can be checked by an API on another machine without asking this site; it is "
            "longer, and such an API notices a revocation only when the token expires."
        ),
    )
    user_groups = models.CharField(
        _("only for these groups"),
        max_length=500,
        blank=True,
        default="",
        help_text=_(
            "Names of groups of this site, separated by commas: only their members may use it. Empty: everybody may."
        ),
    )
    accepted_risk = models.CharField(
        _("why the risk is accepted"),
        max_length=200,
        blank=True,
        default="",
        help_text=_(
            "Only for addresses that others in a network, or other apps on a device, could listen to: http inside a "
            "private network, or an app's scheme without a dot. Say why that is acceptable for this client."
        ),
    )
    # Not by the names of RFC 7591's registry: a later release of the toolkit may have columns of those.
    logout_notice_uri = models.CharField(
        _("address for log-outs"),
        max_length=MAX_URI_LENGTH,
        blank=True,
        default="",
        help_text=_(
            "This site calls it when a user logs out here, so that the app ends its own session "
            "(back-channel logout): https://app.example.com/logout-notice"
        ),
    )
    logout_notice_needs_session = models.BooleanField(
        _("must be told which session"),
        default=False,
        help_text=_("It cannot end all sessions of a user at once: it is told of each one by itself."),
    )
    id_token_algorithm = models.CharField(
        _("ID tokens are signed with"),
        max_length=10,
        choices=[(name, name) for name in ALGORITHMS],
        default="RS256",
        help_text=_("RS256 is what every library reads."),
    )
    userinfo_algorithm = models.CharField(
        _("UserInfo is signed with"),
        max_length=10,
        choices=[("", _("Plain JSON, not signed")), *((name, name) for name in ALGORITHMS)],
        blank=True,
        default="",
        help_text=_("Plain JSON is what every library reads; signed, it is a JWT."),
    )
    subject_kind = models.CharField(
        _("name of a user"),
        max_length=10,
        choices=SubjectKind.choices,
        default=SubjectKind.PUBLIC,
        help_text=_(
            "By which number apps know a user. Another at each app: two apps cannot find out that they have "
            "the same user. To change it later makes every user a stranger to the app."
        ),
    )
    #: With which of the site's keys such names are made (``tokens.keys.pairwise_key_id``), from the first on.
    subject_key = models.CharField(max_length=16, blank=True, default="", editable=False)
    throttle_rate = models.CharField(
        _("API rate"),
        max_length=30,
        blank=True,
        validators=[
            RegexValidator(
                RATE, _("Write a number and a unit, as in 1000/hour. Units: second, minute, hour, day.")
            )
        ],
        help_text=_("How many API calls it may make, as in 1000/hour; empty for the site's own rate."),
    )
    suspended_at = models.DateTimeField(_("suspended"), null=True, blank=True, editable=False)
    suspended_reason = models.CharField(_("reason"), max_length=200, blank=True, editable=False)
    token_epoch = models.CharField(max_length=32, default=random_epoch, editable=False)

    authorization_grant_type: Any  # the toolkit's columns, inherited
    user_id: Any

    objects = ClientManager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("client")
        verbose_name_plural = _("clients")
        permissions = [
            ("rotate_secret", "Can give a client a new secret"),
            ("suspend_client", "Can suspend and resume a client"),
            ("revoke_tokens", "Can end the tokens of a client"),
            ("trust_client", "Can mark a client as belonging to this site"),
            ("set_service_user", "Can let a client act as an account whose rights one has"),
            ("try_client", "Can try a login through a client with one's own account"),
        ]
        indexes = [models.Index(fields=["implicit_until"], name="oauthflows_client_implicit")]

    def natural_key(self) -> tuple[str]:
        return (self.client_id,)

    def save(self, *args: Any, **kwargs: Any) -> None:
        named = kwargs.get("update_fields")
        if named is None or "owner" in named:
            # The toolkit's column for the same, for the host's code that asks it.
            self.user_id = self.owner_id
            kwargs |= {} if named is None else {"update_fields": [*named, "user"]}
        if named is None or "subject_kind" in named:
            self.subject_key = (self.subject_key or pairwise_key_id()) if self.has_pairwise_subjects else ""
            kwargs |= {} if named is None else {"update_fields": [*kwargs["update_fields"], "subject_key"]}
        super().save(*args, **kwargs)
        ended(client=self.pk)

    def clean_fields(self, exclude: Any = None) -> None:
        # The toolkit's column for "the" grant must not be empty; ours are many, in `flows`.
        if not self.authorization_grant_type:
            self.authorization_grant_type = self._toolkit_grant_type()
        with new_problems_only(self):
            super().clean_fields(exclude=exclude)

    def _toolkit_grant_type(self) -> str:
        """The nearest value for the toolkit's own column, which nothing of ours reads. It knows few."""
        known = dict(self._meta.get_field("authorization_grant_type").choices)
        of_flows = [flow for flow in registry.offered_flows(self.flow_names) if not flow.continues]
        names = (name for flow in of_flows for name in flow.toolkit_grant_types)
        nearest = (name for name in names if name in known)
        return next(nearest, str(Application.GRANT_AUTHORIZATION_CODE))

    def clean(self) -> None:
        """Raise ``ValidationError`` by field. Replaces the toolkit's rules, which allow more than ours.

        What was there before and breaks a rule of today is no reason to refuse another change.
        """
        problems = new_problems_with(self)
        if problems:
            raise ValidationError(problems)

    # What it is and may do. --------------------------------------------------------------------------

    @property
    def display_name(self) -> str:
        """Its name, safe to read on a page. One that has none to see goes by its id."""
        return readable(self.name) or readable(self.client_id)

    @property
    def flow_names(self) -> tuple[str, ...]:
        return tuple(self.flows.split())

    @property
    def declared_use_case(self) -> UseCase | None:
        return registry.use_case_named(self.use_case) if self.use_case else None

    @property
    def has_secret(self) -> bool:
        """Whether it authenticates with a secret (RFC 6749 §2.1)."""
        return str(self.client_type) == ClientType.CONFIDENTIAL

    @property
    def is_suspended(self) -> bool:
        return self.suspended_at is not None

    @property
    def is_first_party(self) -> bool:
        return self.trust == self.Trust.FIRST_PARTY

    @property
    def is_vouched_for(self) -> bool:
        """Whether the site lends it something of its own: its word, or the rights of an account."""
        return self.trust != self.Trust.NOT_REVIEWED or self.service_user_id is not None

    @property
    def has_pairwise_subjects(self) -> bool:
        """Whether it knows users by names that no other client has for them (OpenID Connect Core §8)."""
        return self.subject_kind == self.SubjectKind.PAIRWISE

    def sector(self) -> str:
        """The one host of its redirect URIs (Core §8.1); empty where they have several, or none."""
        hosts = {redirect_uris.host_of(uri) for uri in self.redirect_uris.split()}
        return hosts.pop() if len(hosts) == 1 else ""

    def may_use(self, flow: Flow, now: datetime | None = None) -> bool:
        """Whether staff gave it ``flow``, the site offers it, and its time is not over."""
        enabled = options().FLOWS
        if flow.name not in self.flow_names or not (enabled is None or flow.name in enabled):
            return False
        ends = self.implicit_until if flow.deprecated else None
        return ends is None or (now or timezone.now()) < ends

    def allows_grant_type(self, *grant_types: str) -> bool:
        """The toolkit's question; its own names for the grants have hyphens."""
        flows = registry.offered_flows(self.flow_names)
        return any({*flow.grant_types, *flow.toolkit_grant_types}.intersection(grant_types) for flow in flows)

    def is_usable(self, request: Any) -> bool:
        """The toolkit's question, asked wherever a client or its token is used."""
        return not self.is_suspended

    def requires_pkce(self) -> bool:
        """Whether an authorization request must bring a code challenge (RFC 7636, RFC 9700 §2.1.1)."""
        return not (self.has_secret and self.pkce_exemption)

    def may_refresh(self) -> bool:
        """Whether it gets refresh tokens."""
        return any(self.may_use(flow) for flow in registry.FLOWS if flow.continues)

    def may_act_for_itself(self) -> bool:
        """Whether it was given a flow without a user, so that it may hold tokens of its own."""
        return any(not flow.has_user for flow in registry.offered_flows(self.flow_names))

    def can_be_told_apart(self, redirect_uri: str) -> bool:
        """Whether whoever is answered at ``redirect_uri`` is surely this client (RFC 6749 §10.2).

        Not a public client on a loopback or private-use redirect: any program on the user's device can be
        there (RFC 8252 §8.6, RFC 9700 §4.13). Such a one is never answered without asking the user.
        """
        return self.has_secret or not (
            redirect_uris.is_loopback(redirect_uri) or redirect_uris.is_private_use(redirect_uri)
        )

    def allowed_scope_names(self) -> tuple[str, ...]:
        """What it can be given: its list, less what the site no longer offers."""
        grantable = declared_scopes().grantable
        return tuple(name for name in self.allowed_scopes.split() if name in grantable)

    def default_scope_names(self) -> tuple[str, ...]:
        """What it gets when it asks for nothing in particular (RFC 6749 §3.3)."""
        allowed = self.allowed_scope_names()
        return tuple(name for name in self.default_scopes.split() if name in allowed)

    def group_names(self) -> list[str]:
        """Names of the groups whose members alone may use it; empty for everybody."""
        return [name for part in self.user_groups.split(",") if (name := part.strip())]

    def redirect_uri_allowed(self, uri: str) -> bool:
        """Whether an answer may be sent to ``uri`` (the toolkit's question; RFC 6749 §3.1.2.3)."""
        case = self.declared_use_case
        # An adopted client has no use case: it keeps what the toolkit gave it, any loopback port.
        any_port = case is None or case.loopback_any_port
        return any(
            redirect_uris.matches(registered, uri, any_loopback_port=any_port)
            for registered in self.redirect_uris.split()
        )

    def origin_allowed(self, origin: str) -> bool:
        """Whether a browser app on ``origin`` may read our answers (CORS); exact match."""
        return origin in self.allowed_origins.split()

    def access_token_lifetime_for(self, flow: Flow) -> int:
        """Seconds that an access token of ``flow`` lives for this client."""
        site = int(options().ACCESS_TOKEN_LIFETIMES.get(flow.name, flow.access_token_lifetime))
        if self.access_token_lifetime is None:
            return site
        return (
            min(self.access_token_lifetime, site) if flow.lifetime_is_ceiling else self.access_token_lifetime
        )

    def fits_into_token(self, scopes: Collection[str], resources: Collection[str] = ()) -> bool:
        """Whether an access token for these could be used: what is longer than its format allows, or than
        servers let a line of a request's head be, is refused everywhere.
        """
        sealed = sealed_length(len(scopes), resources)
        if sealed > MAX_SEALED_LENGTH or self.access_token_format != self.TokenFormat.JWT:
            return sealed <= MAX_SEALED_LENGTH
        # Names of the site and of a user that are not known yet: as long as any can be.
        longest = "x" * 255
        claims = AccessClaims(
            issuer=longest,
            audience=tuple(resources) or (longest,),
            subject=longest,
            is_machine=True,
            client_id=self.client_id,
            scope=" ".join(scopes),
            issued=END_OF_TIME,
            expires=END_OF_TIME,
            token_id="x" * sealed,
        )
        return claims.signed_length() <= MAX_SIGNED_LENGTH

    def refresh_lifetimes(self) -> tuple[int, int]:
        """Seconds without use and seconds in all after which its authorizations end."""
        return (
            self.refresh_token_idle_lifetime or options().REFRESH_TOKEN_IDLE_LIFETIME,
            self.refresh_token_absolute_lifetime or options().REFRESH_TOKEN_ABSOLUTE_LIFETIME,
        )

    def live_secrets(self) -> models.QuerySet[ClientSecret]:
        """Secrets that it can authenticate with now."""
        found: models.QuerySet[ClientSecret] = self.secrets.live()
        return found

    def access_token(
        self,
        scopes: Iterable[str],
        *,
        lifetime: int,
        issued: datetime | None = None,
        resources: Iterable[str] = (),
        kind: Kind = Kind.ACCESS,
    ) -> str:
        """An access token with which it acts for itself (RFC 6749 §4.4.3), living ``lifetime`` seconds.

        Nothing is written.
        """
        second = int((issued or timezone.now()).timestamp())
        return seal(
            kind,
            Reference(
                subject=Subject.CLIENT,
                id=self.pk,
                serial=secrets.randbits(63),
                issued=second,
                expires=second + lifetime,
                scopes=tuple(scopes),
                resources=tuple(resources),
            ),
            epoch=self.token_epoch,
        )

    # What is done to it. `by` is who does it (`None` for the system), `reason` why. A change and its
    # record are one transaction: neither is there without the other. ---------------------------------

    @in_transaction
    def change(self, fields: Iterable[str], *, by: Any = None) -> None:
        """Save these fields, and put on record who changed them from what to what.

        Only these are written: a suspension or a new epoch that came in between stays.
        """
        names = [name for name in fields if name != "client_secret"]
        before = self._row().values(*names).get() if names else {}
        self.save(update_fields=[*names, "updated"])
        if before.get("logo") and before["logo"] != self.logo.name:
            on_commit(Client, partial(logos.discard, before["logo"]))
        changed = {name: [_brief(before[name]), _brief(self.serializable_value(name))] for name in names}
        self._record("CLIENT_CHANGED", by=by, changed=changed)

    def suspend(self, *, by: Any = None, reason: str = "") -> None:
        """Stop it at once: no new tokens, and the ones it has are refused until it is resumed."""
        self._set_suspension("CLIENT_SUSPENDED", timezone.now(), reason, by=by)
        signals.client_suspended.announce(Client, client=self, by=by)

    def resume(self, *, by: Any = None, reason: str = "") -> None:
        """Let it go on; tokens that have not expired meanwhile work again."""
        self._set_suspension("CLIENT_RESUMED", None, reason, by=by)
        signals.client_resumed.announce(Client, client=self, by=by)

    def note_advice(self, keys: Iterable[str]) -> None:
        """Note which advice on it staff have seen. No setting, so it is neither on record nor ends anything."""
        now = timezone.now().timestamp()
        self.advice_seen = {key: self.advice_seen.get(key, now) for key in keys}
        self._row().update(advice_seen=self.advice_seen)

    @in_transaction
    def _set_suspension(self, kind: str, at: datetime | None, reason: str, *, by: Any) -> None:
        self.suspended_at, self.suspended_reason = at, reason[:200] if at else ""
        self._row().update(suspended_at=at, suspended_reason=self.suspended_reason)
        ended(client=self.pk)
        self._record(kind, by=by, reason=reason)

    @in_transaction
    def revoke_tokens(self, *, by: Any = None, reason: str = "") -> None:
        """End every token it has, for every user and for itself; users need not agree again."""
        self.token_epoch = self._meta.get_field("token_epoch").get_default()
        self._row().update(token_epoch=self.token_epoch)
        self.consents.authorizations().revoke(cause="client tokens revoked")
        signals.access_ended.send(Client, client_id=self.pk, user_id=None, deleted=False)
        ended(client=self.pk)
        self._record("CLIENT_TOKENS_REVOKED", by=by, reason=reason)
        signals.client_tokens_revoked.announce(Client, client=self, by=by)

    @in_transaction
    def remove(self, *, by: Any = None, reason: str = "") -> None:
        """Delete it with its consents, authorizations and secrets; its events stay."""
        self._record("CLIENT_DELETED", by=by, reason=reason, client_id=self.client_id)
        # By table, not by row: a popular client has more of them than memory should hold.
        signals.access_ended.send(Client, client_id=self.pk, user_id=None, deleted=True)
        self.consents.authorizations().delete()
        self.consents.delete_all()
        ended(client=self.pk)
        # Whole: what is left out here, Django would look for in the application's table by the site's router.
        self.refresh_from_db(fields=sorted(self.get_deferred_fields()))
        on_commit(Client, partial(logos.discard, self.logo.name or ""))
        self.delete()

    def _row(self) -> Any:
        return Client._default_manager.filter(pk=self.pk)

    def _record(self, kind: str, *, by: Any, **data: Any) -> None:
        Event.objects.record(Event.Kind[kind], client=self, by=by, **data)

    def _first_secret(self, given: str | None, *, by: Any) -> str:
        if given:
            return ClientSecret.objects.adopt(self, given, by=by)
        return ClientSecret.objects.issue(self, by=by)[1]
