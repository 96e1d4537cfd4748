"""The client credentials flow (RFC 6749 §4.4): a machine acts for itself.

Its walk:

1. ``authorization_server/request.py`` reads the token request, and ``authorization_server/client_authentication/``
   checks the secret, in one statement.
2. ``authorization_server/grants/client_credentials.py``, three functions: ``demand`` nothing more, ``check`` the
   scopes, and ``issue``: a token is sealed with the client's own ``token_epoch``. Nothing is written.
3. ``resource_server/`` opens the access token at the API.
"""

from django.utils.translation import gettext_noop as _

from django_oauthflows.flows.base import ClientType, Flow, Need, Party, Step, use_of_token

FLOW = Flow(
    name="client_credentials",
    label=_("Client credentials"),
    summary=_("A server or a scheduled job proves who it is with its secret and gets a token for itself."),
    source="RFC 6749 §4.4",
    response_types=(),
    grant_types=("client_credentials",),
    response_mode="",
    client_types=(ClientType.CONFIDENTIAL,),
    needs=frozenset({Need.SECRET}),
    may_refresh=False,
    access_token_lifetime=3600,
    lifetime_is_ceiling=False,
    protections=(
        "Only the holder of the client's secret gets a token; the secret is stored as a digest only.",
        "The token is limited to the scopes that staff gave the client.",
        "The token expires within the hour; suspending the client ends it at once.",
    ),
    risks=(
        _("Whoever holds the secret is the client: keep it out of source code, and rotate it."),
        _("No user takes part, so no user has agreed: give such a client only what its job needs."),
    ),
    steps=(
        Step(
            "token_request",
            Party.CLIENT,
            Party.AUTHORIZATION_SERVER,
            "The client proves who it is and asks for a token",
            "POST /oauth/token/, Authorization: Basic …",
            ("grant_type", "scope"),
            "RFC 6749 §4.4.2, §2.3.1",
        ),
        Step(
            "token_response",
            Party.AUTHORIZATION_SERVER,
            Party.CLIENT,
            "The authorization server gives an access token",
            "200 OK, JSON",
            ("access_token", "token_type", "expires_in", "scope"),
            "RFC 6749 §4.4.3",
        ),
        *use_of_token(answer="200 OK, JSON"),
    ),
    when=_("When a machine acts for itself and no person is there to be asked."),
    avoid=_(
        "Do not use it to act for users, and do not put the secret into an app or a page that others can read."
    ),
    openapi_name="clientCredentials",
)
