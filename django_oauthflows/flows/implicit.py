"""The implicit flow (RFC 6749 §4.2), kept for browser apps that cannot do PKCE, and fenced in.

Its walk:

1. ``authorization_server/authorization.py`` checks the authorization request from top to bottom, and
   ``authorization_server/consent_policy.py`` and ``views/consent.py`` ask the user, as in the code flow.
2. When the user agrees, ``authorization.py`` inserts one ``Authorization``, and the access token travels in
   the fragment of the redirect URI. There is no token request and never a refresh token.
3. ``resource_server/`` opens the access token at the API.
"""

from django.utils.translation import gettext_noop as _

from django_oauthflows.flows.base import ClientType, Flow, Need, Party, Step, use_of_token

FLOW = Flow(
    name="implicit",
    label=_("Implicit"),
    summary=_(
        "The access token itself comes back in the browser's address, after the #. "
        "Only for old browser apps; new ones use the authorization code flow with PKCE."
    ),
    source="RFC 6749 §4.2, RFC 9700 §2.1.2",
    response_types=("token",),
    grant_types=("implicit",),
    response_mode="fragment",
    client_types=(ClientType.PUBLIC,),
    needs=frozenset({Need.USER, Need.REDIRECT_URI}),
    may_refresh=False,
    access_token_lifetime=600,
    lifetime_is_ceiling=True,
    protections=(
        "The answer goes only to a redirect URI that was registered beforehand.",
        "The token travels in the fragment (after the #), which browsers do not send to servers.",
        "The token lives ten minutes at most and there is never a refresh token.",
        "Only clients that staff gave this flow may use it, optionally until an end date.",
    ),
    risks=(
        _("The token is visible to every script on the page, in the browser's history and to extensions."),
        _("Nothing proves that the program that got the token is the one that asked for it."),
        _("Current guidance (RFC 9700 §2.1.2) is to move to the authorization code flow with PKCE."),
    ),
    steps=(
        Step(
            "authorization_redirect",
            Party.CLIENT,
            Party.BROWSER,
            "The page sends the user's browser to the authorization endpoint",
            "302 Found, Location: /oauth/authorize/",
            ("response_type", "client_id", "redirect_uri", "scope", "state"),
            "RFC 6749 §4.2.1",
        ),
        Step(
            "authorization_request",
            Party.BROWSER,
            Party.AUTHORIZATION_SERVER,
            "The browser asks for authorization",
            "GET /oauth/authorize/",
            ("response_type", "client_id", "redirect_uri", "scope", "state"),
            "RFC 6749 §4.2.1",
        ),
        Step(
            "consent_page",
            Party.AUTHORIZATION_SERVER,
            Party.BROWSER,
            "The user logs in and sees who asks for what",
            "200 OK, the consent page",
            ("scope",),
            "RFC 6749 §4.2 (B)",
        ),
        Step(
            "consent_answer",
            Party.BROWSER,
            Party.AUTHORIZATION_SERVER,
            "The user allows (or refuses)",
            "POST /oauth/authorize/",
            ("decision", "scope"),
            "RFC 6749 §4.2 (B)",
        ),
        Step(
            "authorization_response",
            Party.AUTHORIZATION_SERVER,
            Party.BROWSER,
            "The access token comes back in the fragment of the redirect URI",
            "302 Found, Location: the redirect URI#…",
            ("access_token", "token_type", "expires_in", "scope", "state", "iss"),
            "RFC 6749 §4.2.2, RFC 9207 §2",
        ),
        Step(
            "redirection",
            Party.BROWSER,
            Party.CLIENT,
            "The page's script reads the fragment and compares state and iss",
            "the fragment stays in the browser",
            ("access_token", "state", "iss"),
            "RFC 6749 §4.2 (D-G)",
        ),
        *use_of_token(caller="page"),
    ),
    when=_("Only for a browser app that exists, cannot do PKCE and cannot be changed yet."),
    avoid=_("Do not begin anything new with it; give it an end date, and few scopes."),
    openapi_name="implicit",
    deprecated=True,
)
