"""What a trial of a client asks for: of what it has registered, the address to come back to and the scopes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from django_oauthflows.models import Client
from django_oauthflows.scopes import declared_scopes


class TrialForm(forms.Form):
    """The request that the client would send. Only what it may ask for can be chosen."""

    required_css_class = "required"

    redirect_uri = forms.ChoiceField(
        label=_("Redirect URI that the app sends"),
        help_text=_("You do not go there: what would have been sent stays here and is explained."),
    )
    asked = forms.MultipleChoiceField(
        label=_("Scopes that it asks for"), widget=forms.CheckboxSelectMultiple(attrs={"class": "oaf-boxes"})
    )

    def __init__(self, client: Client, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        declared = declared_scopes()
        names = client.allowed_scope_names()
        addresses, scopes = self.fields["redirect_uri"], self.fields["asked"]
        addresses.choices = [(uri, uri) for uri in dict.fromkeys(client.redirect_uris.split())]  # type: ignore[attr-defined]
        scopes.choices = [(name, f"{declared[name].label} ({name})") for name in names]  # type: ignore[attr-defined]
        scopes.initial = list(client.default_scope_names() or names)

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What the next page sends along: name and value."""
        chosen = self.cleaned_data
        return [("redirect_uri", chosen["redirect_uri"]), *(("asked", name) for name in chosen["asked"])]
