"""The user's answer on the consent page, bound to what was shown and to whom."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_oauthflows.scopes import declared_scopes

_SALT = "django_oauthflows.consent"
#: A page that was left open for longer must be shown again.
MAX_AGE = 60 * 60


def _binding(request: HttpRequest, scopes: Iterable[str]) -> dict[str, Any]:
    """What ties an answer to its question: the user, this login of theirs, the request, the scopes shown."""
    session = request.session.session_key or ""
    return {
        "user": str(request.user.pk),
        "login": hashlib.sha256(session.encode()).hexdigest()[:32],
        "request": hashlib.sha256(request.META.get("QUERY_STRING", "").encode()).hexdigest(),
        "scopes": list(scopes),
    }


class ConsentForm(forms.Form):
    """Buttons ``decision`` (allow, deny) and one checkbox ``scope`` per scope."""

    shown = forms.CharField(widget=forms.HiddenInput)
    decision = forms.ChoiceField(choices=[("allow", _("Allow")), ("deny", _("Don't allow"))])
    scope = forms.MultipleChoiceField(required=False)

    def __init__(self, *args: Any, request: HttpRequest, scopes: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.scopes = tuple(scopes)
        self.fields["scope"].choices = [(name, name) for name in self.scopes]  # type: ignore[attr-defined]
        self.initial["shown"] = signing.dumps(_binding(request, self.scopes), salt=_SALT, compress=True)

    def clean_shown(self) -> str:
        """Refuse an answer to another question, of another user, from another login, or too old."""
        value: str = self.cleaned_data["shown"]
        try:
            shown = signing.loads(value, salt=_SALT, max_age=MAX_AGE)
        except signing.BadSignature:
            shown = None
        if shown != _binding(self.request, self.scopes):
            raise ValidationError(
                _("This page is out of date. Please look again and decide anew."), code="stale"
            )
        return value

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("decision") == "allow" and not self.errors:
            chosen = set(cleaned.get("scope", ()))
            missing = [name for name in self.scopes if self._is_required(name) and name not in chosen]
            if missing:
                raise ValidationError(_("The app cannot work without the permissions marked as needed."))
            if not chosen:
                raise ValidationError(_("Choose at least one permission, or choose “Don't allow”."))
        return cleaned

    @staticmethod
    def _is_required(name: str) -> bool:
        declared = declared_scopes()
        return name in declared and declared[name].required

    @property
    def allows(self) -> bool:
        return bool(self.cleaned_data["decision"] == "allow")

    @property
    def granted(self) -> list[str]:
        """The scopes that were shown and left ticked, in the order shown."""
        return [name for name in self.scopes if name in self.cleaned_data["scope"]]
