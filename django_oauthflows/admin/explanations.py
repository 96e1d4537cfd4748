"""Why a request was refused and what would help, for the site's staff: one sentence per cause."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_oauthflows.authorization_server.introspection import NOT_AN_API
from django_oauthflows.models import redirect_uri as redirect_uris
from django_oauthflows.models.event_bounds import TOO_MANY

if TYPE_CHECKING:
    from django_oauthflows.models.client import Client
    from django_oauthflows.models.event import Event

_NO_SUCH_RESPONSE_TYPE = _(
    "The response type is not offered here; the developer should use response_type=code."
)
_NO_PAGE = _(
    "The client wanted an answer without any page (prompt=none), but the user has to log in or to be asked "
    "first; the developer should send the request again without prompt."
)

#: Cause of a refusal → what happened and what to do about it.
_SENTENCES: dict[str, Any] = {
    "no client secret": _(
        "The client has a secret but did not send it; the developer should send client id and secret by HTTP Basic, "
        "as the snippets on the client's page do."
    ),
    "wrong client secret": _(
        "The client id and secret do not belong together, or the secret has expired; compare the secret's "
        "last characters with the hint under Secrets, or give the client a new secret."
    ),
    "unknown client": _(
        "No client has this client id; compare it with the one on the client's page, letter by letter."
    ),
    NOT_AN_API: _(
        "The client asked about (introspected) a token of another client and was told that it is not active; if "
        "it is an API, tick “is an API” in its settings."
    ),
    "client suspended": _("The client is suspended; resume it on its page if the reason is gone."),
    "code malformed": _(
        "The authorization code is not one of ours, or it was cut off; the developer should check that it "
        "is decoded once, and not shortened, before it is sent."
    ),
    "code unknown": _(
        "The authorization behind the code is gone or all tokens of the client were ended; start again "
        "at the authorization endpoint."
    ),
    "code of another client": _(
        "The code was given to another client; the developer should use the same client id in both steps."
    ),
    "code used twice": _(
        "The code had been exchanged before, so everything it gave was ended; the developer should look "
        "for a page that is loaded twice or a request that is repeated."
    ),
    "code expired": _(
        "The code was too old; it must be exchanged right after the redirect, within a minute by default."
    ),
    "device code malformed": _(
        "The device code is not one of ours, or it was cut off; the developer should send it as the device got it."
    ),
    "device code unknown": _(
        "What the device had asked for is gone, or the account of the user who allowed it; have the device ask anew."
    ),
    "device code of another client": _(
        "The device code was given to another client; the developer should use the same client id in both requests."
    ),
    "device code used twice": _(
        "The device had got its tokens with this code before, so everything it gave was ended; the developer "
        "should stop asking after the tokens have come, and the user has to allow the device again."
    ),
    "token too long": _(
        "The request is for so many scopes or APIs that the token would be too long to be used; have the "
        "developer ask for fewer."
    ),
    "no code verifier": _(
        "The token request has no code verifier (PKCE); the developer should send the one whose S256 digest "
        "was the code challenge."
    ),
    "wrong code verifier": _(
        "The code verifier does not fit the code challenge (PKCE); the developer should keep the "
        "verifier between the two steps and send the S256 digest of it first."
    ),
    "redirect URI differs from the authorization request": _(
        "The token request named another redirect URI than the authorization request; both must be the "
        "same, letter by letter."
    ),
    "flow not allowed for this client": _(
        "The client was not given the flow it asked for, or the flow's end date has passed; see Flows "
        "in its settings."
    ),
    "unsupported response type": _NO_SUCH_RESPONSE_TYPE,
    "unsupported_response_type": _NO_SUCH_RESPONSE_TYPE,
    "unsupported grant type": _(
        "The grant type is not offered here; the server metadata lists those that are."
    ),
    "old refresh token used again": _(
        "A refresh token that had been replaced was used again, so the authorization was ended: either "
        "it was stolen, or the client does not store the new one; the user has to allow the client again."
    ),
    "refresh token expired": _("The refresh token was too old; the user has to allow the client again."),
    "refresh token used meanwhile": _(
        "The refresh token was used by two requests at a time; the developer should refresh in one place only."
    ),
    "refresh token of another client": _(
        "The refresh token was given to another client; each client must use its own."
    ),
    "revoked": _("The authorization was ended before; the user has to allow the client again."),
    "consent withdrawn": _("The user has withdrawn the permission; only they can give it again."),
    "consent ended": _("The time for which the user allowed it is over; they can allow it again."),
    "user may not use the client": _(
        "The site does not let this user use the client: see the groups in its settings, and the site's own rule "
        "(MAY_USE). Nor may staff who act as a user let an app use that user's account."
    ),
    "user may no longer use the client": _(
        "The site does not let this user use the client: see the groups in its settings, and the site's own rule "
        "(MAY_USE)."
    ),
    "user refused it before": _(
        "The user has said no to all of this before, so they are not asked again; they can open it anew among their "
        "connected apps, or the developer sends prompt=consent."
    ),
    "no login is strong enough": _(
        "No login of this user is of the kind that the client must have (acr); have the user set up a second factor, "
        "or see AUTHENTICATION_CONTEXT and ACR_VALUES in the site's settings."
    ),
    "user inactive": _("The user's account is inactive; nothing is given out for it."),
    "form out of date": _(
        "The form was from another site, or from before the user had logged in anew; they only have to "
        "look again. Nothing is wrong with the client."
    ),
    "no scope left": _(
        "Everything that the user had allowed was taken back by them, or off the client's allowed scopes; "
        "see both, and have the user allow the client again."
    ),
    "no names for users": _(
        "This site cannot name its users to this client at present: the key that makes their names (PAIRWISE_KEY) "
        "was lost or changed, or its redirect URIs are of more than one host; the log says which."
    ),
    "invalid_client": _(
        "The Authorization header cannot be read; it must be the word Basic and the Base64 of client id, "
        "colon and secret."
    ),
    "invalid_target": _(
        "The request names an API (resource) that is not known here or that the user did not allow; the "
        "developer should name the address of a registered API, or none."
    ),
    "login_required": _NO_PAGE,
    "consent_required": _NO_PAGE,
    "access_denied": _NO_PAGE,
    TOO_MANY: _(
        "So many requests were refused in this hour that the rest of them are only counted; look at those "
        "that were recorded before, and at who sends them."
    ),
    "hint is no ID token of ours": _(
        "The app sent its user to log out with something that is no ID token of this site, or one that was changed on "
        "its way; the developer should send the ID token of the user's last login as id_token_hint."
    ),
    "hint of another client": _(
        "The app sent its user to log out with the ID token of another client; each client must use its own."
    ),
    "log-out address of nobody": _(
        "The app wanted its user back after the log-out, but did not say who it is; the developer should send "
        "id_token_hint, or client_id, along with post_logout_redirect_uri."
    ),
    "log-out address not registered": _(
        "The address to go to after the log-out is not registered, so the user stayed here; add it to the client's "
        "addresses after logging out, letter by letter, or have the developer send a registered one."
    ),
    "whether the user may use the client is unknown": _(
        "The site's own rule of who may use which client (MAY_USE) failed, so nothing was decided and no token was "
        "lost; look into the site's log for the error."
    ),
    "user did not allow it": _("The user chose not to allow it; nothing is wrong with the client."),
}


#: Cause of an end, as it is stored → the same in words for staff.
_ENDS: dict[str, Any] = {
    "revoked": _("it was ended"),
    "revoked by staff": _("ended by staff"),
    "revoked by the client": _("ended by the client"),
    "logged out by the app": _("the user logged out from the app"),
    "client tokens revoked": _("all tokens of the client were ended"),
    "client suspended": _("the client is suspended"),
    "consent withdrawn": _("the consent was withdrawn"),
    "password changed": _("the user changed their password"),
    "everything ended": _("staff ended everything that apps could do for this user"),
    "user inactive": _("the user's account is inactive"),
    "no scope left": _("none of its scopes is left"),
    "code used twice": _("its code was used twice"),
    "old refresh token used again": _("an old refresh token was used again"),
}


def cause_in_words(cause: str) -> str:
    """Why an authorization ended or does not hold, in the reader's language; an unknown cause as it is."""
    return str(_ENDS.get(cause, cause))


def explanation(event: Event) -> str:
    """What happened and what to do, for a refused request; for any other event why, if that is known."""
    if event.kind != event.Kind.REQUEST_REFUSED:
        return str(event.data.get("reason", "")) or cause_in_words(event.cause)
    if event.cause == "redirect URI not registered":
        return _about_redirect_uri(event.client, str(event.data.get("redirect_uri", "")))
    if event.cause == "scope not allowed":
        return _about_scope(str(event.data.get("scope", "")))
    known = _SENTENCES.get(event.cause)
    if known is not None:
        return str(known)
    if event.cause.startswith("refresh token "):
        return gettext(
            "The refresh token is not one of ours, or what it stood for is gone; the user has to allow the "
            "client again."
        )
    return gettext(
        "The request does not follow the standard: %(what)s The developer should compare it with the "
        "snippets on the client's page."
    ) % {"what": _sentence(str(event.data.get("description", "") or event.cause))}


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def nearest_redirect_uri(client: Client, presented: str) -> str:
    """The registered redirect URI that ``presented`` looks most like; empty when none is registered."""
    return max(
        client.redirect_uris.split(),
        key=lambda registered: SequenceMatcher(None, registered, presented[:500]).ratio(),
        default="",
    )


def redirect_uri_verdict(client: Client, presented: str) -> str:
    """Whether an answer could be sent to ``presented``; if not, which part differs from the nearest."""
    if client.redirect_uri_allowed(presented):
        return gettext("This redirect URI is registered.")
    nearest = nearest_redirect_uri(client, presented)
    if not nearest:
        return gettext("The client has no redirect URI; register this one if it is right.")
    return gettext("%(difference)s from the nearest registered one, %(nearest)s.") % {
        "difference": _capitalized(redirect_uris.difference(nearest, presented)),
        "nearest": nearest,
    }


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def _about_redirect_uri(client: Client | None, presented: str) -> str:
    if client is None:
        return gettext("The redirect URI was not registered, and the client is gone.")
    if client.redirect_uri_allowed(presented):
        return gettext("The redirect URI was not registered then; it is now, so nothing is left to do.")
    return gettext(
        "The redirect URI %(presented)s is not registered. %(verdict)s Register it if it is the client's, "
        "or have the developer send the registered one."
    ) % {"presented": presented, "verdict": redirect_uri_verdict(client, presented)}


def _about_scope(scope: str) -> str:
    if not scope:
        return gettext(
            "The client asked for no scope and has no default scopes; have the developer name the scopes, "
            "or set default scopes in the client's settings."
        )
    return gettext(
        "The client may not have these scopes: %(scope)s. Add them to its allowed scopes, or have the "
        "developer leave them out."
    ) % {"scope": scope}
