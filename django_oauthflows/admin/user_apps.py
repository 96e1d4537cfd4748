"""The connected apps of one user, as the user sees them; staff can end them, with a reason, where they may.

Reached from the list of consents and, by ``ConnectedAppsMixin``, from the host's own page of a user.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets, quote, unquote
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_oauthflows.admin.actions import ActionAdmin
from django_oauthflows.admin.permissions import END_TOKENS, demand, may
from django_oauthflows.forms.action import ReasonForm
from django_oauthflows.models import Consent
from django_oauthflows.views.cards import cards_for, labels_of

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:  # a mixin when it runs
    _ModelAdmin = object

VIEW_PERMISSION = "view_consent"


def url_for(user: Any) -> str:
    """Where the connected apps of ``user`` are."""
    return reverse("admin:django_oauthflows_consent_user", args=[quote(user.pk)])


class ConnectedAppsMixin(_ModelAdmin):
    """For the host's own admin of users: a line on a user's page that leads to their connected apps."""

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
    """What the admin of consents has for each user: a link in the list, and the page behind it."""

    def get_list_display(self, request: HttpRequest) -> Any:
        return (*super().get_list_display(request), "of_user")

    @admin.display(description=_("connected apps"))
    def of_user(self, consent: Consent) -> str:
        text = gettext("All of %(user)s") % {"user": consent.user}
        return format_html('<a href="{}">{}</a>', url_for(consent.user), text)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.user_apps)
        return [path("user/<str:key>/", view, name="django_oauthflows_consent_user"), *super().get_urls()]

    def user_apps(self, request: HttpRequest, key: str) -> HttpResponse:
        """One card per app; a POST takes a permission back or disconnects."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        user, form = _user(key), ReasonForm(request.POST or None)
        if request.method == "POST":
            demand(request.user, END_TOKENS)
            if form.is_valid():
                self._take_back(request, user, form.cleaned_data["reason"])
                return HttpResponseRedirect(url_for(user))
        return self.page(
            request,
            "user_apps.html",
            gettext("Connected apps of %(user)s") % {"user": user},
            cards=cards_for(request, Consent.objects.live().filter(user=user)),
            may_end=may(request.user, END_TOKENS),
            form=form,
            chosen=request.POST.get("consent", ""),
        )

    @transaction.atomic
    def _take_back(self, request: HttpRequest, user: Any, reason: str) -> None:
        """By the same verbs as the user's own page."""
        chosen = request.POST.get("consent", "")
        if not chosen.isascii() or not chosen.isdigit():
            raise Http404
        mine = Consent.objects.live().filter(user=user).select_related("client")
        consent = get_object_or_404(mine, pk=chosen)
        app = consent.client.display_name
        if "scope" in request.POST:
            removed = consent.remove_scope(request.POST["scope"], by=request.user, reason=reason)
            if not removed:
                raise Http404
            done = gettext("%(app)s can no longer do this: %(permissions)s.")
            note = done % {"app": app, "permissions": ", ".join(labels_of(removed))}
        else:
            consent.withdraw(by=request.user, reason=reason)
            note = gettext("%(app)s is disconnected.") % {"app": app}
        self.log_change(request, consent, f"{note} {reason}")
        self.message_user(request, note, messages.SUCCESS)


def _user(key: str) -> Any:
    try:
        return get_object_or_404(get_user_model(), pk=unquote(key))
    except (ValueError, ValidationError):  # no key of this site's users looks like that
        raise Http404 from None
