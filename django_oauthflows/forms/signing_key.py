"""What the admin asks for before it publishes a new signing key."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from django_oauthflows.conf import options
from django_oauthflows.forms.action import ReasonForm
from django_oauthflows.tokens.jwt import ALGORITHMS


class RotateKeyForm(ReasonForm):
    """Which ring of keys, whether it is urgent, and why."""

    algorithm = forms.ChoiceField(
        label=_("Algorithm"),
        choices=[(name, name) for name in ALGORITHMS],
        initial=lambda: options().JWT_ALGORITHM,
        help_text=_(
            "How it signs. The keys of one algorithm succeed one another and leave the others alone."
        ),
    )
    at_once = forms.BooleanField(
        label=_("A key has leaked: sign with the new one as soon as every process of this site knows it"),
        required=False,
        help_text=_(
            "Without this, others get time to fetch the new key before they meet a token that it signed."
        ),
    )
    field_order = ("algorithm", "at_once", "reason")
