"""Refreshing (RFC 6749 §6): the continuation of a user flow without the user.

Its walk:

1. ``authorization_server/request.py`` reads the token request, and ``authorization_server/client_authentication/``
   finds out who sent it.
2. ``authorization_server/grants/refresh_token.py``, three functions: ``demand`` a refresh token, ``check`` it
   (using an old generation after the grace ends the authorization, RFC 9700 §4.14.2), and ``issue``: one
   UPDATE moves the ``Authorization`` on by one generation.
3. ``resource_server/`` opens the new access token at the API.
"""

from django.utils.translation import gettext_noop as _

from django_oauthflows.flows.base import ClientType, Flow, Need, Party, Step, use_of_token

FLOW = Flow(
    name="refresh_token",
    label=_("Refresh token"),
    summary=_("The client swaps its refresh token for a new pair of tokens while the user is away."),
    source="RFC 6749 §6, RFC 9700 §4.14",
    response_types=(),
    grant_types=("refresh_token",),
    response_mode="",
    client_types=(ClientType.CONFIDENTIAL, ClientType.PUBLIC),
    needs=frozenset({Need.USER}),
    may_refresh=True,
    access_token_lifetime=3600,
    lifetime_is_ceiling=False,
    protections=(
        "Each refresh token works once; the next one comes with the answer.",
        "Using an old one ends the whole authorization, for a thief and for the client.",
        "It ends after 30 days without use, and after a year in any case.",
        "It can never gain scopes, only give some up.",
    ),
    risks=(_("It lives long: a client must store it as carefully as a password."),),
    steps=(
        Step(
            "token_request",
            Party.CLIENT,
            Party.AUTHORIZATION_SERVER,
            "The client sends its refresh token",
            "POST /oauth/token/",
            ("grant_type", "refresh_token", "scope", "client_id"),
            "RFC 6749 §6",
        ),
        Step(
            "token_response",
            Party.AUTHORIZATION_SERVER,
            Party.CLIENT,
            "The authorization server gives a new pair and retires the old one",
            "200 OK, JSON",
            ("access_token", "token_type", "expires_in", "scope", "refresh_token"),
            "RFC 6749 §6, RFC 9700 §4.14.2",
        ),
        *use_of_token(kind="new access token"),
    ),
    when=_(
        "When a client goes on working after its access token has expired, without asking the user again."
    ),
    avoid=_("Do not use one refresh token twice or from two places at once; always keep the newest."),
    continues=True,
)
