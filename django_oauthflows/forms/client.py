"""The settings of a client: what registering and changing one share, and changing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_oauthflows.flows import registry
from django_oauthflows.flows.base import UseCase
from django_oauthflows.forms.fields import FlowsField, LinesField, ScopesField
from django_oauthflows.forms.logo import LogoField, problem_with_address
from django_oauthflows.logos import can_be_kept
from django_oauthflows.models import Client
from django_oauthflows.models.redirect_uri import examples_for

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Client]
else:  # Django's class takes no parameter when it runs
    _ModelForm = forms.ModelForm


_IMPLICIT_LIMITS = ("implicit_until", "implicit_reason")


class ClientFormBase(_ModelForm):
    """What registering and changing share."""

    redirect_uris = LinesField(
        label=_("Redirect URIs"),
        required=False,
    )
    allowed_origins = LinesField(
        label=_("Allowed origins"),
        required=False,
        help_text=_("Where the browser app is served from, one per line: https://app.example.com"),
    )
    allowed_scopes = ScopesField(
        label=_("Allowed scopes"),
        required=False,
        help_text=_("Scopes are permissions: these are the most it can ever be given."),
    )

    logo = LogoField()

    class Meta:
        model = Client
        fields: tuple[str, ...] = ()
        # The toolkit's own fields, whose names it does not mark for translation.
        labels = {
            "name": _("Name"),
            "redirect_uris": _("Redirect URIs"),
            "allowed_origins": _("Allowed origins"),
            "post_logout_redirect_uris": _("Addresses after logging out"),
        }
        help_texts = {"implicit_reason": _("Needed where the flow has no end date.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not can_be_kept():
            self.fields.pop("logo", None)
        if "redirect_uris" in self.fields:
            self.fields["redirect_uris"].help_text = _help_on_addresses(self.use_case())
        until = self.fields.get("implicit_until")
        if until is not None and isinstance(until.widget, forms.MultiWidget):
            # The admin's pair of inputs has one label between them, which belongs to neither.
            for widget, name in zip(until.widget.widgets, (_("Date"), _("Time")), strict=True):
                widget.attrs["aria-label"] = f"{until.label}: {name}"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        flows = registry.offered_flows(self._flow_names(cleaned))
        needs_end_date = any(flow.needs_end_date for flow in flows)
        # What is not on the form, because it may only be looked at, stays as it is.
        limits = [cleaned.get(n) if n in self.fields else getattr(self.instance, n) for n in _IMPLICIT_LIMITS]
        # One that has the flow without an end from before may be changed in other ways.
        touched = self.instance._state.adding or {"flows", *_IMPLICIT_LIMITS}.intersection(self.changed_data)
        if needs_end_date and touched and not any(limits):
            self.add_error(
                "implicit_until" if "implicit_until" in self.fields else None,
                _("Give an end date for the implicit flow, or the reason why there is none."),
            )
        return cleaned

    def use_case(self) -> UseCase | None:
        """What the client is for, where that is known."""
        return self.instance.declared_use_case

    def clean_logo_uri(self) -> str:
        """One that was there before this rule may stay: pages show an initial instead."""
        address = str(self.cleaned_data["logo_uri"] or "")
        problem = problem_with_address(address) if address and "logo_uri" in self.changed_data else ""
        if problem:
            raise ValidationError(problem)
        return address

    def _flow_names(self, cleaned: dict[str, Any]) -> list[str]:
        return str(cleaned.get("flows", self.instance.flows)).split()

    def _update_errors(self, errors: ValidationError) -> None:
        """The model names each field that is wrong; those not on this form are told at its top."""
        if hasattr(errors, "error_dict"):
            told: dict[str, list[ValidationError]] = {}
            for name, problems in errors.error_dict.items():
                if name in self.errors:  # its own rule has said so already
                    continue
                told.setdefault(name if name in self.fields else NON_FIELD_ERRORS, []).extend(problems)
            errors = ValidationError(told)
        super()._update_errors(errors)  # type: ignore[misc]


class ClientForm(ClientFormBase):
    """Changes the settings of a client."""

    default_scopes = ScopesField(
        label=_("Default scopes"),
        required=False,
        help_text=_("What it gets when it does not say what it wants; best left to the harmless ones."),
    )
    flows = FlowsField(label=_("Flows"), help_text=_("How it may get tokens."))
    post_logout_redirect_uris = LinesField(label=_("Addresses after logging out"), required=False)
    contacts = LinesField(label=_("Contacts"), required=False, help_text=_("E-mail addresses, one per line."))
    resources = LinesField(
        label=_("Resources"), required=False, help_text=_("Addresses of its API (RFC 8707), one per line.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "name" in self.fields:
            self.fields["name"].required = bool(self.instance.name.strip())  # one from before may have none
        for name in ("allowed_scopes", "default_scopes"):
            if name in self.fields:
                field = self.fields[name]
                assert isinstance(field, ScopesField)
                field.offer(kept=getattr(self.instance, name))
        if "flows" in self.fields:
            flows = self.fields["flows"]
            assert isinstance(flows, FlowsField)
            # What it has stays to be seen, and one that has none, as after the password grant, can be saved.
            flows.required = bool(self.instance.flows)
            flows.choices = [
                (flow.name, _with_risk(flow.label, flow.risks if flow.deprecated else ()))
                for flow in registry.offered_flows()
                if self.instance.client_type in flow.client_types or flow.name in self.instance.flow_names
            ]

    def clean_name(self) -> str:
        """Nothing but blanks, from before, comes back as nothing: that is no change."""
        return str(self.cleaned_data["name"] or self.instance.name)


def _help_on_addresses(case: UseCase | None) -> str:
    sentence = gettext(
        "Where users are sent back to, one address per line, letter by letter as the app will send it. "
        "For example: %(examples)s"
    )
    return sentence % {"examples": ", ".join(examples_for(case))}


def _with_risk(label: str, risks: tuple[str, ...]) -> str:
    return f"{gettext(label)}: {gettext(risks[0])}" if risks else gettext(label)
