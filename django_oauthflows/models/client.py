"""The client: an application of somebody else (or of the site) that asks for tokens."""

from __future__ import annotations

import secrets
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from oauth2_provider.settings import APPLICATION_MODEL

from django_oauthflows.flows import registry
from django_oauthflows.models.client_deeds import ClientDeeds
from django_oauthflows.models.client_rules import ClientRules
from django_oauthflows.models.registration import ClientManager
from django_oauthflows.models.token_cache import ended
from django_oauthflows.option_forms import RATE

# The site's application model, swapped or not; our own table hangs on it by one key.
Application: Any = apps.get_model(APPLICATION_MODEL, require_ready=False)


def random_epoch() -> int:
    """A random 63-bit number: half of what makes a token, kept in the row (see ``tokens/format.py``)."""
    return secrets.randbits(63)


def use_case_choices() -> list[tuple[str, Any]]:
    """For the model field; a function, so that a better title needs no migration."""
    return [(case.name, _(case.title)) for case in registry.USE_CASES]


class Client(ClientDeeds, ClientRules, Application):
    """A registered client: the toolkit's application and what this package knows about it.

    Here are its fields; what it may do is in ``client_abilities.py``, what it must be in
    ``client_rules.py``, what is done to it in ``client_deeds.py``, how it comes to be in ``registration.py``.

    Multi-table inheritance: one child row keyed by the application, so that the toolkit's foreign
    keys and a site's own keep pointing where they did.
    """

    class Trust(models.TextChoices):
        NOT_REVIEWED = "not_reviewed", _("Not reviewed")
        REVIEWED = "reviewed", _("Reviewed by this site")
        FIRST_PARTY = "first_party", _("Belongs to this site")

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
    use_case = models.CharField(
        _("use case"),
        max_length=20,
        blank=True,
        choices=use_case_choices,
    )
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
    description = models.TextField(_("description"), blank=True)
    logo_uri = models.URLField(_("logo"), blank=True)
    client_uri = models.URLField(_("website"), blank=True)
    policy_uri = models.URLField(_("privacy policy"), blank=True)
    tos_uri = models.URLField(_("terms of service"), blank=True)
    publisher = models.CharField(_("publisher"), max_length=200, blank=True)
    contacts = models.TextField(
        _("contacts"), blank=True, help_text=_("E-mail addresses, separated by spaces.")
    )
    trust = models.CharField(_("trust"), max_length=20, choices=Trust.choices, default=Trust.NOT_REVIEWED)
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
        _("access token lifetime"), null=True, blank=True, help_text=_("Seconds; empty for the default.")
    )
    refresh_token_idle_lifetime = models.PositiveIntegerField(
        _("refresh token lifetime without use"),
        null=True,
        blank=True,
        help_text=_("Seconds; empty for the default."),
    )
    refresh_token_absolute_lifetime = models.PositiveIntegerField(
        _("refresh token lifetime in all"),
        null=True,
        blank=True,
        help_text=_("Seconds; empty for the default."),
    )
    pkce_exemption = models.CharField(
        _("reason for not asking for PKCE"),
        max_length=200,
        blank=True,
        help_text=_("Leave empty: PKCE protects the user. A reason here switches it off for this client."),
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
    token_epoch = models.BigIntegerField(default=random_epoch, editable=False)

    authorization_grant_type: Any  # the toolkit's column, inherited

    objects = ClientManager()

    class Meta:
        verbose_name = _("client")
        verbose_name_plural = _("clients")
        permissions = [
            ("rotate_secret", "Can give a client a new secret"),
            ("suspend_client", "Can suspend and resume a client"),
            ("revoke_tokens", "Can end the tokens of a client"),
            ("trust_client", "Can mark a client as belonging to this site"),
            ("set_service_user", "Can let a client act as an account whose rights one has"),
        ]

    def natural_key(self) -> tuple[str]:
        return (self.client_id,)

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        ended(client=self.pk)

    def clean_fields(self, exclude: Any = None) -> None:
        # The toolkit's column for "the" grant must not be empty; ours are many, in `flows`.
        if not self.authorization_grant_type:
            self.authorization_grant_type = self._toolkit_grant_type()
        super().clean_fields(exclude=exclude)

    def _toolkit_grant_type(self) -> str:
        """The nearest value for the toolkit's own column, which nothing of ours reads."""
        grant_types = (
            flow.grant_types[0].replace("_", "-") for flow in registry.offered_flows(self.flow_names)
        )
        return next((name for name in grant_types if name != "refresh-token"), "authorization-code")
