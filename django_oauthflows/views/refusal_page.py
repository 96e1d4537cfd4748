"""Why a request cannot go on, for the person who sees it: what happened, whose fault it is not, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from django_oauthflows.authorization_server.request import RequestRefused
from django_oauthflows.conf import site_name
from django_oauthflows.views.cards import is_web_address
from django_oauthflows.views.pages import page
from django_oauthflows.views.refusal import error_uri, record_refusal

#: The cause of a form that our page did not send, or sent long ago.
OUT_OF_DATE = "form out of date"


@dataclass(frozen=True, slots=True)
class Explanation:
    """One refusal in words; each text is a paragraph of whole sentences."""

    heading: str
    happened: str
    what_to_do: str


def refusal_page(request: HttpRequest, refused: RequestRefused) -> HttpResponse:
    """Puts ``refused`` on record and tells it, with the reference. Echoes nothing of the request but its own
    address, where the same page can be had anew.
    """
    client, out_of_date = refused.client, refused.cause == OUT_OF_DATE
    known = client if client is not None and not client.is_suspended else None
    context = {
        "said": explanation_of(refused, site_name(request)),
        "out_of_date": out_of_date,
        "logged_in": request.user.is_authenticated,
        "app_name": known.display_name if known else "",
        "app_website": known.client_uri if known and is_web_address(known.client_uri) else "",
        "reference": record_refusal(refused, user=request.user),
        "error": "" if out_of_date else refused.error.error,
        "description": "" if out_of_date else refused.error.description,
        **error_uri(request, "" if out_of_date else "invalid_request"),
    }
    return page(request, "error.html", context, status=refused.error.status_code)


def explanation_of(refused: RequestRefused, site: str) -> Explanation:
    """What happened, for somebody who has never heard of OAuth."""
    if refused.cause == OUT_OF_DATE:
        return _out_of_date()
    if refused.client is not None and refused.client.is_suspended:
        return _suspended({"app": refused.client.display_name, "site": site})
    if refused.cause == "unknown client":
        return _unknown()
    return _mistake(at_address="redirect" in refused.cause.lower())


def _out_of_date() -> Explanation:
    return Explanation(
        _("This page is out of date"),
        _("This page is out of date. Please look again and decide anew."),
        _(
            "That happens when a page was open for long, or when you have logged in or out in another window. "
            "Nothing was changed and nothing was shared."
        ),
    )


def _suspended(names: dict[str, str]) -> Explanation:
    return Explanation(
        _("%(site)s has stopped %(app)s for now") % names,
        _(
            "Until %(site)s lets %(app)s go on, it can do nothing with your account. Nothing was shared with it."
        )
        % names,
        _(
            "You have done nothing wrong, and there is nothing that you must do. If you need the app, ask the "
            "people who run %(site)s, or come back later."
        )
        % names,
    )


def _unknown() -> Explanation:
    return Explanation(
        _("This request cannot go on"),
        _(
            "We do not know the app that sent you here, so we stopped to protect you. Nothing was shared with it."
        ),
        _(
            "It is not your fault: the app may not be connected here any more, or the link that brought you "
            "here is old or incomplete. Go back to the app and begin again there."
        ),
    )


def _mistake(*, at_address: bool) -> Explanation:
    happened = _(
        "The app that sent you here made a mistake in its request, so we stopped to protect you. "
        "Nothing was shared with it."
    )
    if at_address:
        return Explanation(
            _("This request cannot go on"),
            happened,
            _(
                "It is not your fault: the app wants you to be sent to an address that is not known to be its "
                "own. Go back to the app and begin again there; if it happens again, tell the people who make it."
            ),
        )
    return Explanation(
        _("This request cannot go on"),
        happened,
        _(
            "It is not your fault. Go back to the app and begin again there; if it happens again, tell the "
            "people who make it."
        ),
    )
