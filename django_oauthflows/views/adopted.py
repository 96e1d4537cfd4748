"""Pages and answers at addresses that a site has from its time with django-oauth-toolkit."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.generic import RedirectView
from oauth2_provider.views import ApplicationDelete, ApplicationRegistration, ApplicationUpdate

from django_oauthflows.models import Client


class AuthorizedTokensView(RedirectView):
    """The toolkit's list of a user's tokens; that of their connected apps tells the same, and more."""

    pattern_name = "oauth2_provider:apps"


# There, whoever is logged in registers an application, and changes and deletes their own. Here that is for
# those who may do it in the admin. The two pages that only show go on for every owner.


class RegistrationPage(PermissionRequiredMixin, ApplicationRegistration):
    """The toolkit's form for a new application."""

    permission_required = "django_oauthflows.add_client"


class UpdatePage(PermissionRequiredMixin, ApplicationUpdate):
    """The toolkit's form for an application that one owns."""

    permission_required = "django_oauthflows.change_client"


class DeletionPage(PermissionRequiredMixin, ApplicationDelete):
    """The toolkit's question before an application that one owns is deleted."""

    permission_required = "django_oauthflows.delete_client"

    def form_valid(self, form: Any) -> HttpResponse:
        Client.objects.get(pk=self.object.pk).remove(by=self.request.user)
        return HttpResponseRedirect(self.get_success_url())


def not_offered(request: HttpRequest, **_: str) -> HttpResponse:
    """The name can be reversed, as in the templates of a site; what was there is not here."""
    raise Http404
