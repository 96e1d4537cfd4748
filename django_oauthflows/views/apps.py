"""Connected apps: what the user has allowed, and how to end it; with or without a login."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.generic import View

from django_oauthflows.authorization_server.notices import consent_for_key
from django_oauthflows.forms.apps import AppsForm
from django_oauthflows.models import Consent
from django_oauthflows.scopes import declared_scopes
from django_oauthflows.views.cards import app_context, card_of, day_of, labels_of, listed, permissions_of
from django_oauthflows.views.csrf import only_own_forms
from django_oauthflows.views.pages import own_page, page, secured

#: What an app did is told for so long, and of no more authorizations in all.
LATELY = timedelta(days=30)
MOST_USES = 500
#: More apps than these can be searched and sorted.
FEW = 5


@method_decorator((own_page, only_own_forms), name="dispatch")
class PersonalView(LoginRequiredMixin, View):
    """For the logged-in user, about their own; never kept in a cache or shown in a frame."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = super().dispatch(request, *args, **kwargs)
        except Http404:  # pressed on an old page, most likely
            return page(request, "disconnect_stale.html", {}, status=404)
        return secured(request, response)


class ConnectedAppsView(PersonalView):
    """A row for each app, which opens; some of them, if there are many."""

    def get(self, request: HttpRequest) -> HttpResponse:
        form = AppsForm(request.GET)
        consents = form.chosen(Consent.objects.live().filter(user=request.user))
        shown, more = one_page(consents, form.page)
        cards = [card_of(request, consent) for consent in shown]
        lately = lately_used(shown)
        for card in cards:
            consent = card["consent"]
            refused = sorted(consent.refused_for_good, key=lambda name: consent.refusals[name]["at"])
            card["refused"] = [
                (name, label, day_of(consent.refused_at(name)))
                for name, label in zip(refused, labels_of(refused), strict=True)
            ]
            card["lately"] = lately.get(consent.pk, [])
        context = {
            "form": form,
            "cards": cards,
            "can_report": True,
            "opened": cards[0]["consent"].pk if len(cards) == 1 else form.opened,
            "previous": form.address(page=form.page - 1) if form.page > 1 else "",
            "next": form.address(page=form.page + 1) if more else "",
            "is_list": bool(form.is_narrowed or more or form.page > 1 or len(cards) > FEW),
        }
        return page(request, "apps.html", context)


def one_page(consents: Any, number: int) -> tuple[list[Consent], bool]:
    """The consents on a page, and whether more come after them. One statement, and no count."""
    start = (number - 1) * AppsForm.PER_PAGE
    found = list(consents[start : start + AppsForm.PER_PAGE + 1])
    return found[: AppsForm.PER_PAGE], len(found) > AppsForm.PER_PAGE


def lately_used(consents: list[Consent]) -> dict[int, list[tuple[str, list[str]]]]:
    """Consent → days of the last month on which its app got access, and to what, in words. One statement."""
    if not consents:
        return {}
    found: dict[int, dict[str, set[str]]] = {}
    scopes = {consent.pk: set(consent.scope.split()) for consent in consents}
    since = timezone.now() - LATELY
    for pk, at, scope in Consent.objects.filter(pk__in=scopes).uses_since(since)[:MOST_USES]:
        found.setdefault(pk, {}).setdefault(day_of(at), set()).update(scopes[pk].intersection(scope.split()))
    ordered = declared_scopes().ordered
    return {
        pk: [(day, labels_of(ordered(names))) for day, names in days.items()] for pk, days in found.items()
    }


class TakingBackView(PersonalView):
    """A change of one of the user's own consents, made by POST."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A change is made by POST; who comes here from the login page has to press the button again."""
        return redirect("oauth2_provider:apps")

    @staticmethod
    def own(request: HttpRequest, pk: int) -> Consent:
        """A live consent of the user. Another's is not found, as if it did not exist."""
        return get_object_or_404(Consent.objects.live().select_related("client"), user=request.user, pk=pk)


class RemovePermissionView(TakingBackView):
    """Take one permission back."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        consent = self.own(request, pk)
        removed = consent.remove_scope(request.POST.get("scope", ""), by=request.user)
        if not removed:
            raise Http404
        _tell(
            request,
            _("%(app)s can no longer do this: %(permissions)s.")
            % {"app": consent.client.display_name, "permissions": listed(labels_of(removed))},
        )
        return _back_to(consent)


class ReconsiderView(TakingBackView):
    """Let an app ask once more for what the user refused."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        consent, name = self.own(request, pk), request.POST.get("scope", "")
        if name not in consent.refused_for_good:
            raise Http404
        consent.reconsider(name)
        _tell(
            request,
            _("The next time %(app)s asks for this, you can allow it: %(permissions)s.")
            % {"app": consent.client.display_name, "permissions": labels_of([name])[0]},
        )
        return _back_to(consent)


class DisconnectAppView(TakingBackView):
    """End all that the user has allowed an app."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        consent = self.own(request, pk)
        consent.withdraw(by=request.user)
        _tell(request, _("%(app)s is disconnected from your account.") % {"app": consent.client.display_name})
        return redirect("oauth2_provider:apps")


class DisconnectAllView(PersonalView):
    """End all that the user has allowed any app."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """As for one app: only the button changes something."""
        return redirect("oauth2_provider:apps")

    def post(self, request: HttpRequest) -> HttpResponse:
        consents = Consent.objects.live().filter(user=request.user).select_related("client")
        if sum(consent.withdraw(by=request.user) for consent in consents):
            _tell(request, _("All apps are disconnected from your account."))
        return redirect("oauth2_provider:apps")


def _back_to(consent: Consent) -> HttpResponse:
    """To the list, with the app's row open."""
    return redirect(f"{reverse('oauth2_provider:apps')}?open={consent.pk}#app-{consent.pk}")


def _tell(request: HttpRequest, text: str) -> None:
    """A message on the next page, where the host has messages."""
    messages.success(request, text, fail_silently=True)


@method_decorator((login_not_required, own_page, only_own_forms), name="dispatch")
class DisconnectLinkView(View):
    """The link in a notice. Looking at it changes nothing: mail scanners fetch links."""

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        consent = consent_for_key(key)
        if consent is None:
            return page(request, "disconnect_stale.html", {}, status=410)
        context = {
            "app": app_context(request, consent.client),
            "permissions": permissions_of(consent),
        }
        return page(request, "disconnect.html", context)

    def post(self, request: HttpRequest, key: str) -> HttpResponse:
        consent = consent_for_key(key)
        if consent is None or not consent.withdraw(by=consent.user):
            return page(request, "disconnect_stale.html", {}, status=410)
        return page(request, "disconnected.html", {"app": app_context(request, consent.client)})
