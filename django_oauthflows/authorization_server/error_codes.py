"""The error codes that a client can meet here, for the people who write clients: what each means, and what to do.

Shown on the page that ``error_uri`` leads to (RFC 6749 §4.1.2.1, §5.2). In English, as protocol texts are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One code: what it means, what usually causes it with the way out, and where it is defined."""

    meaning: str
    remedies: tuple[str, ...]
    source: str


_OPENID = "OpenID Connect Core 1.0, section 3.1.2.6"

ERROR_CODES: Mapping[str, ErrorCode] = {
    "invalid_request": ErrorCode(
        "The request lacks a parameter, has one twice, or has a value that does not follow the standard.",
        (
            "Read error_description: it names the parameter and the rule.",
            "The token endpoint takes a form (application/x-www-form-urlencoded) in the body of a POST, never JSON, "
            "and nothing in the address.",
            "Authorization requests for a code need code_challenge with code_challenge_method=S256 (PKCE).",
        ),
        "RFC 6749, sections 4.1.2.1 and 5.2",
    ),
    "invalid_client": ErrorCode(
        "The server does not believe who is asking.",
        (
            "Send client_id and secret by HTTP Basic, each form-encoded before they are joined by a colon, or as "
            "client_id and client_secret in the body; not both.",
            "A secret ends when it is rotated or revoked. Ask the site for a new one; it is shown once.",
            "An app without a secret sends its client_id in the body and nothing else.",
            "A client that the site's staff have suspended is told so once it has shown its secret. Ask them.",
        ),
        "RFC 6749, section 5.2",
    ),
    "invalid_grant": ErrorCode(
        "The code or token that was presented is not good, or not any more, or not for this client.",
        (
            "A code is good once, for a minute, for the client and the redirect_uri that it was made for. Redeem it "
            "right after the redirect, in one place only.",
            "Send the code_verifier whose S256 digest was the code_challenge.",
            "Each refresh gives a new refresh token. Keep it and forget the old one: using an old one again ends all.",
            "The user may have disconnected the app. Have them log in again.",
        ),
        "RFC 6749, section 5.2",
    ),
    "unauthorized_client": ErrorCode(
        "The client is known, but it was not given this way of getting tokens.",
        ("Ask the site's staff which flow your client has; a flow can also have an end date.",),
        "RFC 6749, sections 4.1.2.1 and 5.2",
    ),
    "unsupported_grant_type": ErrorCode(
        "The server does not have this grant_type.",
        ("The server metadata lists those that it has as grant_types_supported.",),
        "RFC 6749, section 5.2",
    ),
    "unsupported_response_type": ErrorCode(
        "The server does not have this response_type.",
        ("Use response_type=code with PKCE. The server metadata lists what there is.",),
        "RFC 6749, section 4.1.2.1",
    ),
    "invalid_scope": ErrorCode(
        "A scope that was asked for does not exist, or the client may not have it.",
        (
            "error_description names it. Scopes are separated by single spaces, not by commas.",
            "Ask the site's staff to add the scope to what your client may ask for.",
            "A refresh can ask for fewer scopes than before, never for more.",
        ),
        "RFC 6749, sections 4.1.2.1, 5.2 and 6",
    ),
    "invalid_target": ErrorCode(
        "The resource that was named is no API that this server gives tokens for.",
        ("Name the address of the API as its own metadata says it, or leave resource out.",),
        "RFC 8707, section 2",
    ),
    "access_denied": ErrorCode(
        "The user, or the site's own rule, said no.",
        ("Tell the user that it goes on without, and ask again only when they start it themselves.",),
        "RFC 6749, section 4.1.2.1; RFC 8628, section 3.5",
    ),
    "login_required": ErrorCode(
        "prompt=none was asked for, but the user has to log in first.",
        ("Send the user here without prompt=none.",),
        _OPENID,
    ),
    "consent_required": ErrorCode(
        "prompt=none was asked for, but the user has to be asked first.",
        ("Send the user here without prompt=none.",),
        _OPENID,
    ),
    "interaction_required": ErrorCode(
        "prompt=none was asked for, but a page has to be shown first.",
        ("Send the user here without prompt=none.",),
        _OPENID,
    ),
    "account_selection_required": ErrorCode(
        "prompt=none was asked for, but the user has to choose an account first.",
        ("Send the user here without prompt=none.",),
        _OPENID,
    ),
    "request_not_supported": ErrorCode(
        "The server does not take request objects.",
        ("Send the parameters themselves instead of request.",),
        _OPENID,
    ),
    "request_uri_not_supported": ErrorCode(
        "The server does not fetch request objects.",
        ("Send the parameters themselves instead of request_uri.",),
        _OPENID,
    ),
    "registration_not_supported": ErrorCode(
        "The server does not take a client's metadata in a request.",
        ("Have the client registered by the site, and leave registration out.",),
        _OPENID,
    ),
    "unmet_authentication_requirements": ErrorCode(
        "The user did not log in as strongly as was asked for.",
        ("Ask for another acr_values, or have the user set up a second factor.",),
        "OpenID Connect Core Unmet Authentication Requirements 1.0",
    ),
    "authorization_pending": ErrorCode(
        "The user has not answered yet.",
        ("Ask again after the interval that the first answer named.",),
        "RFC 8628, section 3.5",
    ),
    "slow_down": ErrorCode(
        "The device asks too often.",
        ("Wait five seconds longer between two requests, from now on.",),
        "RFC 8628, section 3.5",
    ),
    "expired_token": ErrorCode(
        "The device's code is over.",
        ("Begin again with a new device authorization request.",),
        "RFC 8628, section 3.5",
    ),
    "unsupported_token_type": ErrorCode(
        "The server does not revoke this kind of token.",
        ("Send the refresh token, or the access token as you got it.",),
        "RFC 7009, section 2.2.1",
    ),
    "temporarily_unavailable": ErrorCode(
        "There were too many requests, or the server is busy.",
        ("Wait for as many seconds as Retry-After says, then send the same again.",),
        "RFC 6749, section 4.1.2.1",
    ),
    "server_error": ErrorCode(
        "The server cannot do what it should: its settings are incomplete.",
        ("Tell the site's staff. Nothing is wrong with the request, and nothing of it was used up.",),
        "RFC 6749, section 4.1.2.1",
    ),
    "invalid_token": ErrorCode(
        "The API does not accept the access token: it has expired, was revoked, or is not meant for this API.",
        ("Refresh it, or get a new one. If that does not help, have the user log in again.",),
        "RFC 6750, section 3.1",
    ),
    "insufficient_scope": ErrorCode(
        "The access token is good, but not for this.",
        ("The answer names the scope that is wanted: ask the user for it by a new authorization request.",),
        "RFC 6750, section 3.1",
    ),
    "insufficient_user_authentication": ErrorCode(
        "The API wants the user to have logged in more recently or more strongly.",
        (
            "Send the user through a new authorization request with the acr_values or max_age of the challenge.",
        ),
        "RFC 9470, section 3",
    ),
}
