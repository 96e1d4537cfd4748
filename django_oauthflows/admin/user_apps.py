"""What apps can do in the name of one user, on one page; staff can end it, with a reason, where they may.

Reached from the list of consents and, by ``ConnectedAppsMixin``, from the host's own pages of users.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets, quote, unquote
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_oauthflows.admin.actions import Action, ActionAdmin, action_page, is_key, on_chosen
from django_oauthflows.admin.impact import impact_of_users
from django_oauthflows.admin.permissions import END_TOKENS, demand, may
from django_oauthflows.authorization_server.account_changes import end_everything
from django_oauthflows.conf import options
from django_oauthflows.database import atomic
from django_oauthflows.forms.action import ReasonForm
from django_oauthflows.models import Client, Consent
from django_oauthflows.views.cards import cards_for, labels_of, listed

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:  # a mixin when it runs
    _ModelAdmin = object

VIEW_PERMISSION = "view_consent"
#: Apps on one page.
SHOWN = 50

END_EVERYTHING = Action(
    name="end-everything",
    permission=END_TOKENS,
    title=_("End everything"),
    many=_("End everything that apps can do for the selected users"),
    warning=_(
        "Every app is disconnected and every token that acts for them ends now. The apps can ask these people again."
    ),
    done=_("Everything ended"),
    run=end_everything,
    impact=impact_of_users,
    describe=str,
    harmful=True,
)


def url_for(user: Any) -> str:
    """Where the connected apps of ``user`` are."""
    return reverse("admin:django_oauthflows_consent_user", args=[quote(user.pk)])


class ConnectedAppsMixin(_ModelAdmin):
    """For the host's own admin of users: a line on a user's page that leads to their connected apps, and an
    action of the list that ends everything that apps can do for the chosen ones.
    """

    def get_actions(self, request: HttpRequest, *where: Any) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request, *where)
        of_list = all(place.name == "CHANGE_LIST" for place in where)
        if of_list and END_EVERYTHING.allowed_to(request.user):
            run = partial(on_chosen, END_EVERYTHING)
            actions[END_EVERYTHING.list_name] = (run, END_EVERYTHING.list_name, END_EVERYTHING.many)
        return actions

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        shown = obj is not None and may(request.user, VIEW_PERMISSION)
        return (*fields, "connected_apps") if shown else fields

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        shown = "connected_apps" in self.get_readonly_fields(request, obj)
        if not shown or "connected_apps" in flatten_fieldsets(fieldsets):
            return fieldsets
        return (*fieldsets, (None, {"fields": ("connected_apps",)}))

    @admin.display(description=_("connected apps"))
    def connected_apps(self, user: Any) -> str:
        count = Consent.objects.live().filter(user=user).count()
        return format_html('<a href="{}">{}</a>', url_for(user), count)


class UserAppsPages(ActionAdmin):
    """What the admin of consents has for each user: a link in the list, and the pages behind it."""

    def get_list_display(self, request: HttpRequest) -> Any:
        return (*super().get_list_display(request), "of_user")

    @admin.display(description=_("connected apps"))
    def of_user(self, consent: Consent) -> str:
        text = gettext("All of %(user)s") % {"user": consent.user}
        return format_html('<a href="{}">{}</a>', url_for(consent.user), text)

    def own_urls(self) -> list[URLPattern]:
        pages = (
            ("user", "user/<str:key>/", self.user_apps),
            ("user_end", "user/<str:key>/end/", self.end_all),
        )
        return [
            path(where, self.admin_site.admin_view(view), name=f"django_oauthflows_consent_{name}")
            for name, where, view in pages
        ]

    def user_apps(self, request: HttpRequest, key: str) -> HttpResponse:
        """A table of the apps and their permissions; a POST ends those that are ticked."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        user, sent = _user(key), request.method == "POST"
        form = ReasonForm(request.POST if sent else None)
        if sent:
            demand(request.user, END_TOKENS)
            if not {"consent", "permission"} & request.POST.keys():
                form.add_error(None, gettext("Tick what is to end."))
            if form.is_valid():
                with atomic(Consent):
                    self._end_ticked(request, user, form.cleaned_data["reason"])
                return HttpResponseRedirect(url_for(user))
        consents = Consent.objects.live().filter(user=user)
        shown = Paginator(consents.order_by("-updated_at", "-pk"), SHOWN).get_page(request.GET.get("p"))
        return self.page(
            request,
            "user_apps.html",
            gettext("Connected apps of %(user)s") % {"user": user},
            shown=shown,
            cards=cards_for(request, consents.filter(pk__in=[consent.pk for consent in shown])),
            acting=Client.objects.filter(service_user=user).order_by("name"),
            may_end=may(request.user, END_TOKENS),
            ends_sessions=bool(options().END_SESSIONS),
            form=form,
            ticked={*request.POST.getlist("consent"), *request.POST.getlist("permission")},
            end_url=reverse("admin:django_oauthflows_consent_user_end", args=[quote(user.pk)]),
        )

    def end_all(self, request: HttpRequest, key: str) -> HttpResponse:
        """Asks first, with what it hits; on the confirming POST ends everything of the user."""
        user = _user(key)
        return action_page(self, request, END_EVERYTHING, [user], back=url_for(user))

    def _end_ticked(self, request: HttpRequest, user: Any, reason: str) -> None:
        """By the same verbs as the user's own page."""
        # All looked up before the first is changed: one that is no one's ends nothing.
        whole = [self._own(user, key) for key in request.POST.getlist("consent")]
        permissions = list(self._ticked_permissions(user, request.POST.getlist("permission")))
        for consent in whole:
            consent.withdraw(by=request.user, reason=reason)
            note = gettext("%(app)s is disconnected.") % {"app": consent.client.display_name}
            self._tell(request, consent, note, reason)
        gone = {consent.pk for consent in whole}
        for consent, scope in permissions:
            # What includes it may have gone with another that was ticked, and is no mistake.
            removed = (
                () if consent.pk in gone else consent.remove_scope(scope, by=request.user, reason=reason)
            )
            if removed:
                done = gettext("%(app)s can no longer do this: %(permissions)s.")
                told = {"app": consent.client.display_name, "permissions": listed(labels_of(removed))}
                self._tell(request, consent, done % told, reason)

    def _ticked_permissions(self, user: Any, ticked: list[str]) -> Iterator[tuple[Consent, str]]:
        """Each box is named by the key of the consent and the scope."""
        for box in ticked:
            key, _space, scope = box.partition(" ")
            consent = self._own(user, key)
            if scope not in consent.scope.split():
                raise Http404
            yield consent, scope

    @staticmethod
    def _own(user: Any, key: str) -> Consent:
        """A live consent of ``user``; anybody else's is not found."""
        if not is_key(Consent, key):
            raise Http404
        return get_object_or_404(Consent.objects.live().filter(user=user).select_related("client"), pk=key)

    def _tell(self, request: HttpRequest, consent: Consent, note: str, reason: str) -> None:
        self.log_change(request, consent, f"{note} {reason}")
        self.message_user(request, note, messages.SUCCESS)


def _user(key: str) -> Any:
    try:
        return get_object_or_404(get_user_model(), pk=unquote(key))
    except (
        ValueError,
        ValidationError,
        OverflowError,
        DataError,
    ):  # no key of this site's users looks like that
        raise Http404 from None
