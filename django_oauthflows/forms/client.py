"""Registering and changing a client, and what the acts on it ask for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.core import signing
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from oauth2_provider.generators import generate_client_id

from django_oauthflows.flows import registry
from django_oauthflows.flows.base import ClientType, UseCase
from django_oauthflows.models import Client
from django_oauthflows.models.redirect_uri import origin_of
from django_oauthflows.scopes import declared_scopes, scope_string

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Client]
else:  # Django's class takes no parameter when it runs
    _ModelForm = forms.ModelForm

_MACHINE = "client_credentials"
_SALT = "django_oauthflows.new_client"


class LinesField(forms.CharField):
    """Values that the model keeps in one line, separated by spaces, shown one per line."""

    widget = forms.Textarea

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}))
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value.split()) if isinstance(value, str) else value

    def clean(self, value: Any) -> str:
        return " ".join(str(super().clean(value) or "").split())

    def has_changed(self, initial: Any, data: Any) -> bool:
        return str(initial or "").split() != str(data or "").split()


class WordsField(forms.MultipleChoiceField):
    """Names that the model keeps in one line, separated by spaces, shown as boxes to tick."""

    widget = forms.CheckboxSelectMultiple

    def prepare_value(self, value: Any) -> Any:
        return value.split() if isinstance(value, str) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return set(str(initial or "").split()) != set(data or ())


class ScopesField(WordsField):
    """Some of the site's scopes."""

    def offer(self, kept: str = "") -> None:
        """Let the scopes of the site be chosen, and those that a client has though they are gone."""
        declared = declared_scopes()
        names = declared.ordered([*declared.grantable, *kept.split()])
        self.choices = [
            (name, f"{declared[name].label} ({name})" if name in declared else name) for name in names
        ]

    def clean(self, value: Any) -> str:
        return scope_string(super().clean(value))


class FlowsField(WordsField):
    """Some of the flows that a type of client can have."""

    def clean(self, value: Any) -> str:
        return " ".join(super().clean(value))


class _ClientForm(_ModelForm):
    """What registering and changing share."""

    redirect_uris = LinesField(
        label=_("Redirect URIs"),
        required=False,
        help_text=_(
            "Where users are sent back to, one address per line, letter by letter as the app will send it: "
            "https://app.example.com/callback"
        ),
    )
    allowed_origins = LinesField(
        label=_("Allowed origins"),
        required=False,
        help_text=_("Where the browser app is served from, one per line: https://app.example.com"),
    )
    allowed_scopes = ScopesField(
        label=_("Allowed scopes"), required=False, help_text=_("The most it can ever be given.")
    )

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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        until = self.fields.get("implicit_until")
        if until is not None and isinstance(until.widget, forms.MultiWidget):
            # The admin's pair of inputs has one label between them, which belongs to neither.
            for widget, name in zip(until.widget.widgets, (_("Date"), _("Time")), strict=True):
                widget.attrs["aria-label"] = f"{until.label}: {name}"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        flows = registry.offered_flows(self._flow_names(cleaned))
        deprecated = any(flow.deprecated for flow in flows)
        if deprecated and not (cleaned.get("implicit_until") or cleaned.get("implicit_reason")):
            self.add_error(
                "implicit_until" if "implicit_until" in self.fields else None,
                _("Give an end date for the implicit flow, or the reason why there is none."),
            )
        return cleaned

    def _flow_names(self, cleaned: dict[str, Any]) -> list[str]:
        return str(cleaned.get("flows", self.instance.flows)).split()

    def _update_errors(self, errors: ValidationError) -> None:
        """The model names each field that is wrong; those not on this form are told at its top."""
        if hasattr(errors, "error_dict"):
            told: dict[str, list[ValidationError]] = {}
            for name, problems in errors.error_dict.items():
                told.setdefault(name if name in self.fields else NON_FIELD_ERRORS, []).extend(problems)
            errors = ValidationError(told)
        super()._update_errors(errors)  # type: ignore[misc]


class NewClientForm(_ClientForm):
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
        scopes = self.fields["allowed_scopes"]
        assert isinstance(scopes, ScopesField)
        scopes.offer()
        scopes.required = bool(scopes.choices)
        scopes.error_messages["required"] = _("Tick at least one: without a scope it can do nothing.")

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
        return [*self.case.flows, *([_MACHINE] if cleaned.get("also_machine") else [])]

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


def fields_for(case: UseCase) -> tuple[str, ...]:
    """The fields that somebody registering a client for ``case`` must see, in their order."""
    flows = registry.offered_flows(case.flows)
    with_user = any(flow.has_user for flow in flows)
    public = case.client_type is ClientType.PUBLIC
    in_browser = public and not case.private_use_schemes
    deprecated = any(flow.deprecated for flow in flows)
    wanted = {
        "redirect_uris": registry.needs_redirect_uri(case.flows),
        "allowed_origins": in_browser and any(flow.visits_token_endpoint for flow in flows),
        "also_machine": with_user and not public,
        "implicit_until": deprecated,
        "implicit_reason": deprecated,
        "client_uri": with_user,
        "service_user": not with_user,
        "trust": with_user,
    }
    order = (
        "client_id",
        "name",
        "description",
        "client_uri",
        "redirect_uris",
        "allowed_origins",
        "allowed_scopes",
        "also_machine",
        "implicit_until",
        "implicit_reason",
        "owner",
        "service_user",
        "trust",
    )
    return tuple(name for name in order if wanted.get(name, True))


class ClientForm(_ClientForm):
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
        for name in ("allowed_scopes", "default_scopes"):
            if name in self.fields:
                field = self.fields[name]
                assert isinstance(field, ScopesField)
                field.offer(kept=getattr(self.instance, name))
        if "flows" in self.fields:
            flows = self.fields["flows"]
            assert isinstance(flows, FlowsField)
            flows.choices = [
                (flow.name, _with_risk(flow.label, flow.risks if flow.deprecated else ()))
                for flow in registry.offered_flows()
                if self.instance.client_type in flow.client_types
            ]


def _with_risk(label: str, risks: tuple[str, ...]) -> str:
    return f"{gettext(label)}: {gettext(risks[0])}" if risks else gettext(label)


class ReasonForm(forms.Form):
    """What every act on a client asks for."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        help_text=_("For the record: who reads it later should understand why."),
    )


class RotateForm(forms.Form):
    """A new secret, and how long the old ones go on working."""

    OVERLAPS = (
        (0, _("They end at once")),
        (3600, _("One hour")),
        (24 * 3600, _("One day")),
        (7 * 24 * 3600, _("One week")),
        (30 * 24 * 3600, _("30 days")),
    )
    overlap = forms.TypedChoiceField(
        label=_("The secrets it has now go on working for"), choices=OVERLAPS, coerce=int, initial=24 * 3600
    )
    label = forms.CharField(
        label=_("Label"), max_length=100, required=False, help_text=_("To tell secrets apart: “server 2”.")
    )
    # The newest secret that the page was shown with: sending the form twice must not rotate twice.
    newest = forms.IntegerField(widget=forms.HiddenInput, required=False)

    @property
    def overlap_time(self) -> timedelta:
        return timedelta(seconds=self.cleaned_data["overlap"])


class RedirectTestForm(forms.Form):
    """A redirect URI to try."""

    uri = forms.CharField(label=_("Redirect URI that the app sends"), max_length=2000, required=False)
