"""Signing keys: which sign, which only verify, which wait. Rotated and retired here, never edited."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_oauthflows.admin.actions import Action
from django_oauthflows.admin.filters import WordFilter
from django_oauthflows.admin.permissions import RETIRE_KEY, ROTATE_KEY, demand
from django_oauthflows.admin.readonly import ReadOnlyAdmin, day_of, in_words, moment_of
from django_oauthflows.database import atomic
from django_oauthflows.forms.signing_key import RotateKeyForm
from django_oauthflows.models import SigningKey

#: A key's state, in words for those who do not know what signing keys are.
STATES = {
    "next": _("Waits: it is published, and signs from the time beside it"),
    "signs": _("Signs new tokens"),
    "verifies": _("Only verifies tokens that it signed before"),
    "retired": _("Retired: what it signed is refused"),
}

RETIRE = Action(
    name="retire",
    permission=RETIRE_KEY,
    title=_("Retire"),
    many=_("Retire selected signing keys"),
    warning=_(
        "It is published no more, and its private half is wiped. Whoever verifies tokens elsewhere refuses those that "
        "it signed. A key that still signs, or whose tokens may still be good, cannot be retired."
    ),
    done=_("Retired"),
    run=SigningKey.retire,
    impact=None,
    applies=lambda key: key.retired_at is None,
    obstacle=SigningKey.objection_to_retiring,
    harmful=True,
)
RETIRE_AT_ONCE = Action(
    name="retire-at-once",
    permission=RETIRE_KEY,
    title=_("Retire at once"),
    many=_("Retire selected signing keys at once, because they have leaked"),
    warning=_(
        "For a key that somebody else may have: all that it signed is refused from now on, though it would still be "
        "good. Apps have to get new tokens. A key that still signs must have a successor first."
    ),
    done=_("Retired at once"),
    run=partial(SigningKey.retire, at_once=True),
    impact=None,
    applies=lambda key: key.retired_at is None,
    obstacle=partial(SigningKey.objection_to_retiring, at_once=True),
    harmful=True,
)


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnlyAdmin):
    about = _(
        "With these keys this site signs what it tells apps, so that they can check that it comes from here."
    )
    list_display = ("kid", "algorithm", "standing", "from_then", "needed_short", "begun", "ended")
    list_filter = (("algorithm", WordFilter),)
    ordering = ("-signs_from", "-pk")
    fields = ("kid", "algorithm", "standing", "signs_from", "needed", "created_at", "retired_at", "public")
    readonly_fields = ("standing", "needed")
    row_actions = (RETIRE, RETIRE_AT_ONCE)

    def own_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.rotate_view)
        return [path("rotate/", view, name="django_oauthflows_signingkey_rotate")]

    def rotate_view(self, request: HttpRequest) -> HttpResponse:
        """Publish a next key, with a reason."""
        demand(request.user, ROTATE_KEY)
        form = RotateKeyForm(request.POST if request.method == "POST" else None)
        back = reverse("admin:django_oauthflows_signingkey_changelist")
        if form.is_valid():
            with atomic(SigningKey):
                key = SigningKey.objects.rotate(**form.cleaned_data, by=request.user)
                note = gettext("It signs from %(time)s.") % {"time": in_words(key.signs_from).rstrip(".")}
                self.log_change(request, key, f"{note} {form.cleaned_data['reason']}")
            self.message_user(request, f"{key}: {note}", messages.SUCCESS)
            return HttpResponseRedirect(back)
        return self.page(
            request, "rotate_key.html", gettext("Publish the next signing key"), form=form, back=back
        )

    @admin.display(description=_("state"))
    def standing(self, key: SigningKey) -> Any:
        return STATES[key.state()]

    @admin.display(description=_("signs from"), ordering="signs_from")
    def from_then(self, key: SigningKey) -> str:
        return moment_of(key.signs_from)

    @admin.display(description=_("its tokens are good until"))
    def needed_short(self, key: SigningKey) -> str:
        needed = key.needed_until()
        return moment_of(needed) if needed is not None else "-"

    @admin.display(description=_("created"), ordering="created_at")
    def begun(self, key: SigningKey) -> str:
        return day_of(key.created_at)

    @admin.display(description=_("retired"), ordering="retired_at")
    def ended(self, key: SigningKey) -> str:
        return day_of(key.retired_at)

    @admin.display(description=_("its tokens are good until"))
    def needed(self, key: SigningKey) -> str:
        needed = key.needed_until()
        return in_words(needed) if needed is not None else "-"
