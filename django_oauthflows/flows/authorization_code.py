"""The authorization code flow (RFC 6749 §4.1) with PKCE (RFC 7636).

Its walk:

1. ``authorization_server/authorization.py`` checks the authorization request from top to bottom: client,
   redirect URI, flow, PKCE, scopes. ``authorization_server/consent_policy.py`` says whether the user is
   asked, and ``views/consent.py`` shows who asks for what.
2. When the user agrees, ``authorization.py`` inserts one ``Authorization``; the code is a sealed reference
   to it.
3. ``authorization_server/request.py`` reads the token request, and ``authorization_server/client_authentication/``
   finds out who sent it.
4. ``authorization_server/grants/authorization_code.py``, three functions: ``demand`` a code, ``check`` it with
   its redirect URI and verifier, and ``issue``: one UPDATE claims the code, then the tokens are sealed.
5. ``resource_server/`` opens the access token at the API.
"""

from django.utils.translation import gettext_noop as _

from django_oauthflows.flows.base import ClientType, Flow, Need, Party, Step, use_of_token

FLOW = Flow(
    name="authorization_code",
    label=_("Authorization code"),
    summary=_(
        "The user logs in here and agrees; the client gets a short-lived code in the browser and "
        "swaps it for tokens on a direct line."
    ),
    source="RFC 6749 §4.1, RFC 7636",
    response_types=("code",),
    grant_types=("authorization_code",),
    response_mode="query",
    client_types=(ClientType.CONFIDENTIAL, ClientType.PUBLIC),
    needs=frozenset({Need.USER, Need.REDIRECT_URI, Need.PKCE}),
    may_refresh=True,
    access_token_lifetime=3600,
    lifetime_is_ceiling=False,
    protections=(
        "The answer goes only to a redirect URI that was registered beforehand.",
        "PKCE ties the code to the program that started the flow, so a stolen code is useless.",
        "The code lives 60 seconds and works once; using it twice ends everything it gave.",
        "Tokens never travel through the browser's address bar.",
        "Access tokens expire within the hour and are limited to the scopes the user agreed to.",
    ),
    risks=(
        _("A client that skips the check of the state can be tricked into using somebody else's account."),
        _("A public client cannot prove who it is; only its redirect URI and PKCE protect the user."),
    ),
    steps=(
        Step(
            "authorization_redirect",
            Party.CLIENT,
            Party.BROWSER,
            "The client sends the user's browser to the authorization endpoint",
            "302 Found, Location: /oauth/authorize/",
            (
                "response_type",
                "client_id",
                "redirect_uri",
                "scope",
                "state",
                "code_challenge",
                "code_challenge_method",
            ),
            "RFC 6749 §4.1.1, RFC 7636 §4.3",
        ),
        Step(
            "authorization_request",
            Party.BROWSER,
            Party.AUTHORIZATION_SERVER,
            "The browser asks for authorization",
            "GET /oauth/authorize/",
            (
                "response_type",
                "client_id",
                "redirect_uri",
                "scope",
                "state",
                "code_challenge",
                "code_challenge_method",
            ),
            "RFC 6749 §4.1.1",
        ),
        Step(
            "consent_page",
            Party.AUTHORIZATION_SERVER,
            Party.BROWSER,
            "The user logs in and sees who asks for what",
            "200 OK, the consent page",
            ("scope",),
            "RFC 6749 §4.1 (B)",
        ),
        Step(
            "consent_answer",
            Party.BROWSER,
            Party.AUTHORIZATION_SERVER,
            "The user allows (or refuses)",
            "POST /oauth/authorize/",
            ("decision", "scope"),
            "RFC 6749 §4.1 (B)",
        ),
        Step(
            "authorization_response",
            Party.AUTHORIZATION_SERVER,
            Party.BROWSER,
            "The authorization server answers with a code",
            "302 Found, Location: the redirect URI",
            ("code", "state", "iss"),
            "RFC 6749 §4.1.2, RFC 9207 §2",
        ),
        Step(
            "redirection",
            Party.BROWSER,
            Party.CLIENT,
            "The browser carries the code to the client, which compares state and iss",
            "GET the redirect URI",
            ("code", "state", "iss"),
            "RFC 6749 §4.1.2, RFC 9207 §2.4",
        ),
        Step(
            "token_request",
            Party.CLIENT,
            Party.AUTHORIZATION_SERVER,
            "The client swaps the code for tokens on a direct line",
            "POST /oauth/token/",
            ("grant_type", "code", "redirect_uri", "code_verifier", "client_id"),
            "RFC 6749 §4.1.3, RFC 7636 §4.5",
        ),
        Step(
            "token_response",
            Party.AUTHORIZATION_SERVER,
            Party.CLIENT,
            "The authorization server gives an access token and a refresh token",
            "200 OK, JSON",
            ("access_token", "token_type", "expires_in", "scope", "refresh_token"),
            "RFC 6749 §4.1.4",
        ),
        *use_of_token(),
    ),
    when=_("Whenever a person uses the client: websites, browser apps, phone and desktop apps."),
    avoid=_(
        "Do not ask for the user's password in the client, do not skip the check of state, "
        "and never log a code or token."
    ),
    openapi_name="authorizationCode",
)
