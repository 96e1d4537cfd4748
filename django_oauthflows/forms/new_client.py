"""Registering a client from its use case: which fields it needs, and what becomes of them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from oauth2_provider.generators import generate_client_id

from django_oauthflows.flows import registry
from django_oauthflows.flows.base import UseCase
from django_oauthflows.forms.client import ClientFormBase
from django_oauthflows.forms.fields import ScopesField
from django_oauthflows.logos import can_be_kept
from django_oauthflows.models import Client
from django_oauthflows.models.client_metadata import required_columns
from django_oauthflows.models.client_validation import missing_redirect_uri
from django_oauthflows.models.redirect_uri import origin_of

_SALT = "django_oauthflows.new_client"


class NewClientForm(ClientFormBase):
    """Registers a client for ``case``, with just the fields that this use case needs."""

    case: UseCase

    # Chosen before the form is shown, and signed: sending it twice finds the client instead of a second one.
    client_id = forms.CharField(widget=forms.HiddenInput)
    also_machine = forms.BooleanField(
        label=_("It also runs jobs of its own"),
        required=False,
        help_text=_("Adds the client credentials flow, as for a nightly job without a user."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.use_case = self.case.name
        self.instance.flows = " ".join(self.case.flows)
        self.instance.client_type = self.case.client_type.value
        for name in set(self.fields) - set(fields_for(self.case)):
            del self.fields[name]
        self.fields["name"].required = True
        if "redirect_uris" in self.fields:
            addresses = self.fields["redirect_uris"]
            addresses.required = True
            addresses.error_messages["required"] = missing_redirect_uri(self.case)
        scopes = self.fields["allowed_scopes"]
        assert isinstance(scopes, ScopesField)
        scopes.offer()
        scopes.required = bool(scopes.choices)
        scopes.error_messages["required"] = _(
            "Tick at least one: a scope is a permission, and without any it can do nothing."
        )

    def use_case(self) -> UseCase:
        return self.case

    @staticmethod
    def new_client_id() -> str:
        """A value for the hidden field."""
        return signing.dumps(generate_client_id(), salt=_SALT)

    def clean_client_id(self) -> str:
        try:
            client_id = str(signing.loads(self.cleaned_data["client_id"], salt=_SALT))
        except signing.BadSignature:
            raise ValidationError(_("This form has been changed on its way. Please start again.")) from None
        if Client.objects.filter(client_id=client_id).exists():
            raise ValidationError(_("This form was sent before: the client is registered already."))
        return client_id

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "allowed_origins" in self.fields and not cleaned.get("allowed_origins"):
            origins = dict.fromkeys(origin_of(uri) for uri in cleaned.get("redirect_uris", "").split())
            cleaned["allowed_origins"] = " ".join(origin for origin in origins if "://" in origin)
        return cleaned

    def _flow_names(self, cleaned: dict[str, Any]) -> list[str]:
        return [*self.case.flows, *(_machine_flows(self.case) if cleaned.get("also_machine") else ())]

    def register(self, *, by: Any) -> tuple[Client, str | None]:
        """Register it. Returns the client and its secret, which is told this once."""
        values = {
            name: value
            for name, value in self.cleaned_data.items()
            if name not in ("also_machine", "allowed_scopes", "redirect_uris") and value not in (None, "")
        }
        return Client.objects.register(
            use_case=self.case.name,
            flows=" ".join(self._flow_names(self.cleaned_data)),
            redirect_uris=self.cleaned_data.get("redirect_uris", "").split(),
            scopes=self.cleaned_data["allowed_scopes"].split(),
            by=by,
            **values,
        )


def _machine_flows(case: UseCase) -> list[str]:
    """Names of the flows by which a client of ``case`` can act for itself."""
    return [
        flow.name
        for flow in registry.offered_flows()
        if not flow.has_user and case.client_type in flow.client_types
    ]


def fields_for(case: UseCase) -> tuple[str, ...]:
    """The fields that somebody registering a client for ``case`` must see, in their order."""
    flows = registry.offered_flows(case.flows)
    with_user = any(flow.has_user for flow in flows)
    needs_end_date = any(flow.needs_end_date for flow in flows)
    wanted = {
        "redirect_uris": registry.needs_redirect_uri(case.flows),
        "accepted_risk": registry.needs_redirect_uri(case.flows),
        "allowed_origins": case.in_browser and any(flow.visits_token_endpoint for flow in flows),
        "also_machine": with_user and bool(_machine_flows(case)),
        "implicit_until": needs_end_date,
        "implicit_reason": needs_end_date,
        "client_uri": with_user,
        "logo": with_user and can_be_kept(),
        "service_user": not with_user,
        "trust": with_user,
    }
    order = (
        "client_id",
        "name",
        "description",
        "client_uri",
        "logo",
        "redirect_uris",
        "allowed_origins",
        "accepted_risk",
        "allowed_scopes",
        "also_machine",
        "implicit_until",
        "implicit_reason",
        "owner",
        "service_user",
        "trust",
    )
    return (*(name for name in order if wanted.get(name, True)), *required_columns())
