"""What each parameter of a message is for, in one sentence, and where it is defined."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parameter:
    """One named value or header in a request or response; ``source`` names RFC and section."""

    name: str
    meaning: str
    source: str


PARAMETERS: tuple[Parameter, ...] = (
    # Authorization request and response.
    Parameter(
        "response_type", "What the client wants back: code for a code, token for a token.", "RFC 6749 §3.1.1"
    ),
    Parameter("client_id", "Which client asks. It is public: knowing it proves nothing.", "RFC 6749 §2.2"),
    Parameter(
        "redirect_uri",
        "Where the answer goes. It must be one that the client registered, letter for letter.",
        "RFC 6749 §3.1.2, RFC 9700 §2.1",
    ),
    Parameter("scope", "What the client asks for, or what it was given; names with spaces.", "RFC 6749 §3.3"),
    Parameter(
        "state",
        "A random value that comes back unchanged; the client compares it, so that nobody can slip in "
        "an answer of their own.",
        "RFC 6749 §10.12",
    ),
    Parameter(
        "code_challenge",
        "The SHA-256 digest of a secret that only this run of the client knows.",
        "RFC 7636 §4.2",
    ),
    Parameter("code_challenge_method", "How the challenge was made; only S256 is accepted.", "RFC 7636 §4.3"),
    Parameter("decision", "What the user chose on the consent page: allow or deny.", "RFC 6749 §4.1"),
    Parameter(
        "code",
        "The authorization code: short-lived, works once, worthless without the rest.",
        "RFC 6749 §4.1.2",
    ),
    Parameter(
        "iss",
        "Which authorization server answers; the client compares it with the one it asked.",
        "RFC 9207 §2",
    ),
    Parameter("error", "Why it was refused, as one of a few fixed words.", "RFC 6749 §4.1.2.1, §5.2"),
    Parameter("error_description", "Why it was refused, for the client's developer.", "RFC 6749 §5.2"),
    # Token request and response.
    Parameter("grant_type", "What the client presents in order to get a token.", "RFC 6749 §4"),
    Parameter(
        "code_verifier",
        "The secret behind the challenge: it proves that whoever has the code also started the flow.",
        "RFC 7636 §4.5",
    ),
    Parameter("client_secret", "With it a confidential client proves who it is.", "RFC 6749 §2.3.1"),
    Parameter(
        "access_token", "The key to the API; whoever holds it can use it until it expires.", "RFC 6749 §1.4"
    ),
    Parameter(
        "token_type", "How to present the token: Bearer means in the Authorization header.", "RFC 6750 §2.1"
    ),
    Parameter("expires_in", "For how many seconds the access token lives.", "RFC 6749 §5.1"),
    Parameter(
        "refresh_token", "With it the client gets the next pair of tokens; it works once.", "RFC 6749 §1.5"
    ),
    # Revocation and introspection.
    Parameter("token", "The token that the request is about.", "RFC 7009 §2.1, RFC 7662 §2.1"),
    Parameter("active", "Whether the token counts now, for the client that asks.", "RFC 7662 §2.2"),
    Parameter("exp", "When the token expires, in seconds since 1970.", "RFC 7662 §2.2"),
    Parameter("iat", "When the token was given, in seconds since 1970.", "RFC 7662 §2.2"),
    Parameter("sub", "For whom the token speaks: the user, or the client itself.", "RFC 7662 §2.2"),
    Parameter("sub_kind", "Whether that is a user or a client.", "RFC 9068 §5"),
    Parameter("username", "The user's name on this site.", "RFC 7662 §2.2"),
    Parameter("aud", "The APIs that the token is meant for.", "RFC 7662 §2.2"),
    # Headers.
    Parameter(
        "Authorization",
        "Who asks: Basic with a client's id and secret, or Bearer with an access token.",
        "RFC 6749 §2.3.1, RFC 6750 §2.1",
    ),
    Parameter(
        "WWW-Authenticate", "Why the request was refused, and what it takes to be let in.", "RFC 6750 §3"
    ),
    Parameter("Location", "Where the browser is sent, with the answer in it.", "RFC 6749 §4.1.2"),
    Parameter("Cache-Control", "no-store: nobody on the way may keep what is in here.", "RFC 6749 §5.1"),
    # Device flow.
    Parameter("device_code", "The code that the device keeps and asks with.", "RFC 8628 §3.2"),
    Parameter("user_code", "The short code that the user types on another device.", "RFC 8628 §3.2"),
    Parameter("verification_uri", "Where the user types the code.", "RFC 8628 §3.2"),
    Parameter(
        "verification_uri_complete",
        "The same address with the user code in it, for a QR code; the user compares the code.",
        "RFC 8628 §3.3.1",
    ),
    Parameter("interval", "How many seconds to wait between two questions.", "RFC 8628 §3.2"),
)

_BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}


def parameter_named(name: str) -> Parameter | None:
    """What is known of a parameter, if anything; an API's own answers have names of their own."""
    return _BY_NAME.get(name)
