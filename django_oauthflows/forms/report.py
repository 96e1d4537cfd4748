"""A user tells the site's staff about an app."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

#: Why, in a fixed set of words, so that reports can be counted.
REASONS = (
    ("impersonation", _("It pretends to be something else")),
    ("unasked", _("I did not start this: somebody sent me here")),
    ("misuse", _("It does what I did not allow")),
    ("other", _("Something else")),
)
#: The record of events keeps no more of a text.
_MAX_WORDS = 300


class ReportForm(forms.Form):
    """What is wrong, and if they like, in their own words."""

    about = forms.ChoiceField(label=_("What is wrong with it?"), choices=REASONS, widget=forms.RadioSelect)
    words = forms.CharField(
        label=_("In your own words, if you like (no passwords)"),
        required=False,
        max_length=_MAX_WORDS,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
