"""What the actions of staff ask for, and the redirect URI that they may try."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.utils.translation import gettext_lazy as _


class ReasonForm(forms.Form):
    """What every act of staff asks for, and is not done without."""

    required_css_class = "required"
    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=_("For the record: who reads it later should understand why."),
    )


class RotateForm(ReasonForm):
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

    field_order = ("overlap", "label", "reason")

    @property
    def overlap_time(self) -> timedelta:
        return timedelta(seconds=self.cleaned_data["overlap"])


class RedirectTestForm(forms.Form):
    """A redirect URI to try."""

    uri = forms.CharField(label=_("Redirect URI that the app sends"), max_length=2000, required=False)
