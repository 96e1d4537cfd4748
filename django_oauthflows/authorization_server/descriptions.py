"""What the developer of a client is told of a refusal (RFC 6749 §4.1.2.1, §5.2): the parameter, and the rule.

By cause, so that the words stand in one place. A description says nothing that only an authenticated client,
the user or the site's staff may know: whose code it was, whether an account is switched off, whether a client
exists. Causes that must not be told apart have one description. ASCII without quotes, as RFC 6749 §5.2 wants.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_CODE_UNKNOWN = "code is not one that this client was given, or it was cut off."
_CODE_OVER = "code was used or has expired. Each code is good once, for a minute."
_REFRESH_UNKNOWN = "refresh_token is not one that this client was given, or it was cut off."
_REFRESH_OVER = (
    "refresh_token was replaced, was revoked or has expired. Keep the newest; without it, the user logs in."
)
_DEVICE_CODE_UNKNOWN = "device_code is not one that this client was given, or it was cut off."
_ENDED = "What the user had allowed this client has ended. Have the user allow it again."
_NO_PROOF = (
    "Client authentication failed: client_id or the secret is wrong or missing, or was sent in a way that this "
    "client may not use."
)

#: Cause → description. What is not here is told by the error's own words.
DESCRIPTIONS: Mapping[str, str] = {
    "code malformed": _CODE_UNKNOWN,
    "code unknown": _CODE_UNKNOWN,
    "code of another client": _CODE_UNKNOWN,
    "code used twice": _CODE_OVER,
    "code expired": _CODE_OVER,
    "no code verifier": "code_verifier is missing: send the one whose S256 digest was the code_challenge.",
    "wrong code verifier": "code_verifier does not fit the code_challenge of the authorization request.",
    "redirect URI differs from the authorization request": (
        "redirect_uri is not that of the authorization request, letter by letter."
    ),
    "refresh token malformed": _REFRESH_UNKNOWN,
    "refresh token unknown": _REFRESH_UNKNOWN,
    "refresh token of another client": _REFRESH_UNKNOWN,
    "refresh token expired": _REFRESH_OVER,
    "old refresh token used again": _REFRESH_OVER,
    "refresh token used meanwhile": (
        "refresh_token was used by two requests at a time. Refresh in one place, and keep its answer."
    ),
    "device code malformed": _DEVICE_CODE_UNKNOWN,
    "device code unknown": _DEVICE_CODE_UNKNOWN,
    "device code of another client": _DEVICE_CODE_UNKNOWN,
    "device code used twice": "device_code was used. Stop asking when the tokens have come.",
    "consent withdrawn": _ENDED,
    "consent ended": _ENDED,
    "revoked": _ENDED,
    "user inactive": _ENDED,
    "no scope left": _ENDED,
    "user may no longer use the client": _ENDED,
    "user did not allow it": "The user did not allow it.",
    "user refused it before": "The user has refused this before. With prompt=consent they are asked again.",
    "user may not use the client": "The user may not use this client.",
    "no login is strong enough": "No login here is of the kind that is needed.",
    # Who reads this has shown the secret, or needs none, and then the authorization page tells everybody the same.
    "client suspended": "This client is suspended: nothing is wrong with the request. Ask the staff of this site.",
    "no client secret": _NO_PROOF,
    "wrong client secret": _NO_PROOF,
    "unknown client": "client_id is not one that is registered here.",
    "redirect URI not registered": "redirect_uri is not one that this client registered, letter by letter.",
    "unsupported grant type": "grant_type is not one that this server supports.",
    "unsupported response type": "response_type is not one that this server supports.",
    "flow not allowed for this client": (
        "This client was not given the flow of this grant_type or response_type. Ask the site that registered it."
    ),
    "invalid_client": (
        "The Authorization header cannot be read. It must be the word Basic and the Base64 of client_id:secret."
    ),
}
_SHOWN = 300


def of_scopes(refused: Iterable[str]) -> str:
    """What is said of scopes that a client may not have. None: it asked for nothing, and has no default."""
    names = " ".join(sorted(refused))
    if not names:
        return "scope is missing, and this client has no default."
    # RFC 6749 §3.3: what a scope can consist of, and §5.2: what a description can.
    told = "".join(letter if " " <= letter <= "~" and letter not in '"\\' else "?" for letter in names)
    said = f"scope: not allowed for this client: {told[:_SHOWN]}."
    if "," in names:
        said += " Separate scopes by spaces, not by commas."
    if "+" in names:
        said += " Separate scopes by spaces; a plus sign stands for one only where it is not encoded as %2B."
    return said
