"""Which of a client's people staff want to see."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from django_oauthflows.accounts import named
from django_oauthflows.models.consent import ConsentQuerySet
from django_oauthflows.scopes import declared_scopes

#: So many users of one beginning are looked for; who types so little types more.
MOST_NAMED = 1000


class PeopleForm(forms.Form):
    """By the beginning of the user name and by a permission. What is no such thing narrows nothing."""

    who = forms.CharField(label=_("Beginning of the user name"), max_length=200, required=False)
    scope = forms.ChoiceField(label=pgettext_lazy("consent", "Permission"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scopes = ((name, scope.label) for name, scope in declared_scopes().items())
        self.fields["scope"].choices = [("", _("any")), *scopes]  # type: ignore[attr-defined]

    @property
    def looks_through(self) -> bool:
        """Whether no index leads to what is asked for."""
        return self.is_valid() and bool(self.cleaned_data["scope"]) and not self.cleaned_data["who"]

    def narrowed(self, consents: ConsentQuerySet) -> ConsentQuerySet:
        """Those of ``consents`` that are asked for."""
        asked = self.cleaned_data if self.is_valid() else {}
        if asked.get("who"):
            # By their keys: else a database may go through all people of the client, or of the site.
            users = named(asked["who"]).values_list("pk", flat=True)[:MOST_NAMED]
            theirs = consents.filter(user__in=list(users)).order_by().values_list("pk", flat=True)
            consents = consents.filter(pk__in=list(theirs))
        return consents.allowing(asked["scope"]) if asked.get("scope") else consents
