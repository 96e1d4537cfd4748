"""Which of a user's connected apps are shown, and in which order: what stands in the page's address."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from django_oauthflows.adoption.consents import with_last_use
from django_oauthflows.models.consent import ConsentQuerySet

#: Beyond it nobody leafs; who has so many apps looks for one by its name.
_LAST_PAGE = 100
#: A key that is not in the list, whatever database keeps it.
_NONE = 0


class AppsForm(forms.Form):
    """A search and an order. Whatever else stands in the address counts as nothing."""

    PER_PAGE = 15

    q = forms.CharField(label=_("Find an app"), required=False, max_length=100)
    order = forms.ChoiceField(
        label=_("Order"),
        required=False,
        choices=[("used", _("Last used first")), ("given", _("Last allowed first")), ("name", _("By name"))],
    )
    page_number = forms.IntegerField(required=False, min_value=1, max_value=_LAST_PAGE)
    open_row = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)

    def __init__(self, given: Any) -> None:
        super().__init__(
            {
                "q": given.get("q", "").replace("\0", ""),
                "order": given.get("order", "") or "used",
                "page_number": given.get("page", ""),
                "open_row": given.get("open", ""),
            }
        )
        self.full_clean()

    @property
    def page(self) -> int:
        return self.cleaned_data.get("page_number") or 1

    @property
    def opened(self) -> int:
        """The key of the row that is open."""
        return self.cleaned_data.get("open_row") or _NONE

    @property
    def search(self) -> str:
        return str(self.cleaned_data.get("q", ""))

    @property
    def chosen_order(self) -> str:
        return str(self.cleaned_data.get("order") or "used")

    @property
    def is_narrowed(self) -> bool:
        return bool(self.search)

    def chosen(self, consents: ConsentQuerySet) -> Any:
        """Those that are looked for, in the order that is wanted, with their clients and last use."""
        if self.search:
            consents = consents.filter(client__name__icontains=self.search)
        orders: dict[str, Any] = {
            "used": F("last_used_at").desc(nulls_last=True),
            "given": F("updated_at").desc(),
            "name": F("client__name").asc(),
        }
        return with_last_use(consents.select_related("client")).order_by(orders[self.chosen_order], "-pk")

    def address(self, *, page: int) -> str:
        """The query of another page of the same list."""
        wanted = {"q": self.search, "order": self.chosen_order, "page": page}
        return f"?{urlencode({name: value for name, value in wanted.items() if value})}"
