"""The user's answer on the consent page, bound to what was shown and to whom."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_oauthflows.authorization_server.auth_time import login_id
from django_oauthflows.conf import options
from django_oauthflows.models import Client, Consent, DeviceRequest
from django_oauthflows.models.consent_terms import Duration, wording_of
from django_oauthflows.scopes import declared_scopes

_SALT = "django_oauthflows.consent"
#: A page that was left open for longer must be shown again.
MAX_AGE = 60 * 60
STALE = "stale"


@dataclass(frozen=True, slots=True)
class Question:
    """What the page asks: everything that an answer must not be able to change."""

    request: HttpRequest
    client: Client
    scopes: tuple[str, ...]
    redirect_uri: str
    #: What there is already, live or not.
    standing: Consent | None = None
    #: What asks by a code that it shows (RFC 8628), where no answer is sent by a redirect.
    device: DeviceRequest | None = None
    #: Whether the app asks to go on while the user is away, and can (``offline_access``, OpenID Connect Core §11).
    offline: bool = False

    def ticked_at_first(self) -> set[str]:
        """Boxes that are ticked when the page is shown.

        Not what the user refused, nor, where the site wants it, what is sensitive and not allowed so far;
        nor what includes one of these.
        """
        declared, standing = declared_scopes(), self.standing
        open_ones = {name for name in self.scopes if standing is not None and standing.refused_at(name)}
        if options().SENSITIVE_UNTICKED:
            allowed = standing.granted_of(self.scopes) if standing is not None and standing.is_live() else ()
            sensitive = {name for name in self.scopes if name in declared and declared[name].sensitive}
            open_ones |= sensitive.difference(allowed)
        return {name for name in self.scopes if open_ones.isdisjoint(declared.expand([name]))}

    @property
    def version(self) -> str:
        """The state that an answer is about; another after every decision."""
        return self.standing.version if self.standing is not None else ""

    def binding(self) -> dict[str, Any]:
        """What ties an answer to its question: user, login, request, client, destination, words, state.

        The state makes an answer count once: it differs after every decision.
        """
        query = self.request.META.get("QUERY_STRING", "")
        return {
            "user": str(self.request.user.pk),
            "login": login_id(self.request),
            "request": hashlib.sha256(query.encode()).hexdigest(),
            "client": self.client.client_id,
            "redirect_uri": hashlib.sha256(self.redirect_uri.encode()).hexdigest(),
            "scopes": {name: wording_of(name) for name in self.scopes},
            "state": self.version,
            "device": self.device.pk if self.device is not None else None,
        }


def duration_choices() -> list[tuple[str, Any]]:
    """What the site lets users choose from, in its order."""
    named = {"once": _("This time only"), "always": _("Until I end it")}
    return [
        (
            str(choice),
            named[choice]
            if isinstance(choice, str)
            else ngettext("For %(days)d day", "For %(days)d days", choice) % {"days": choice},
        )
        for choice in options().CONSENT_DURATIONS
    ]


class ConsentForm(forms.Form):
    """Buttons ``decision`` (allow, deny), one checkbox ``scope`` per scope, radio buttons ``duration``."""

    shown = forms.CharField(widget=forms.HiddenInput)
    decision = forms.ChoiceField(choices=[("allow", _("Allow")), ("deny", _("Don't allow"))])
    scope = forms.MultipleChoiceField(required=False)
    duration = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, question: Question, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.question = question
        self.scopes = question.scopes
        self.fields["scope"].choices = [(name, name) for name in self.scopes]  # type: ignore[attr-defined]
        self.fields["duration"].choices = duration_choices()  # type: ignore[attr-defined]

    @property
    def asked(self) -> str:
        """The question for the page's hidden field ``shown``, signed. It is the one of now, also beneath an answer
        to an older one.
        """
        return signing.dumps(self.question.binding(), salt=_SALT, compress=True)

    def clean_shown(self) -> str:
        """Refuse an answer to another question, of another user, from another login, used, or too old."""
        value: str = self.cleaned_data["shown"]
        try:
            shown = signing.loads(value, salt=_SALT, max_age=MAX_AGE)
        except signing.BadSignature:
            shown = None
        if shown != self.question.binding():
            raise ValidationError(
                _("This page is out of date. Please look again and decide anew."), code=STALE
            )
        return value

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("decision") == "allow" and not self.errors:
            chosen = set(cleaned.get("scope", ()))
            missing = [name for name in self.scopes if self._is_required(name) and name not in chosen]
            if missing:
                raise ValidationError(_("The app cannot work without the permissions marked as needed."))
            self._demand_what_is_included(chosen)
            if not chosen:
                raise ValidationError(_("Choose at least one permission, or choose “Don't allow”."))
        return cleaned

    def _demand_what_is_included(self, chosen: set[str]) -> None:
        """No box that was left empty may come along within another (``implies``)."""
        declared = declared_scopes()
        for name in self.scopes:
            included = declared.expand([name]) if name in chosen else frozenset()
            for other in declared.ordered(included.intersection(self.scopes).difference(chosen)):
                words = {"more": declared[name].label, "less": declared[other].label}
                raise ValidationError(
                    _("“%(more)s” includes “%(less)s”. Tick both, or leave both empty."), params=words
                )

    @staticmethod
    def _is_required(name: str) -> bool:
        declared = declared_scopes()
        return name in declared and declared[name].required

    @property
    def denies(self) -> bool:
        """Whether the answer is no. A no changes nothing, so it counts on an outdated page as well."""
        return bool(self.cleaned_data.get("decision") == "deny")

    @property
    def repeats(self) -> bool:
        """Whether it is a yes that came once before, such as a second click on the button."""
        said_yes = self.cleaned_data.get("decision") == "allow" and bool(self.cleaned_data.get("scope"))
        return said_yes and self.has_error("shown", STALE)

    @property
    def granted(self) -> list[str]:
        """The scopes that were shown and left ticked, in the order shown."""
        return [name for name in self.scopes if name in self.cleaned_data["scope"]]

    def chosen_duration(self, access_token_lifetime: int) -> Duration:
        """How long it is to hold. "This time only" ends with the tokens that are given now (seconds)."""
        chosen = self.cleaned_data["duration"] or str(options().CONSENT_DURATIONS[0])
        if chosen == "always":
            return Duration()
        now = timezone.now()
        if chosen == "once":
            lifetime = access_token_lifetime + options().AUTHORIZATION_CODE_LIFETIME
            return Duration(expires_at=now + timedelta(seconds=lifetime), remembered=False)
        return Duration(expires_at=now + timedelta(days=int(chosen)))


class TrialConsentForm(ConsentForm):
    """The same questions and rules, for an answer that counts nowhere: nothing of it ties a yes to a request."""

    asked = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["shown"]
