"""The device code flow (RFC 8628): a device without a browser shows a code, and the user answers elsewhere.

Its walk:

1. ``authorization_server/device_authorization.py`` takes the device's request: client, scopes, resources. One
   ``DeviceRequest`` is inserted; the device code is a sealed reference to it, the user code kept as a digest.
2. ``views/device.py`` asks the user for the code, then shows the consent page, whatever was allowed before
   (``authorization_server/consent_policy.py``). A yes inserts the ``Authorization``.
3. ``authorization_server/grants/device_code.py``, three functions: ``demand`` a device code, ``check`` what
   became of it, and ``issue``: the authorization is claimed with one UPDATE. Asking again writes nothing.
4. ``resource_server/`` opens the access token at the API.
"""

from django.utils.translation import gettext_noop as _

from django_oauthflows.flows.base import ClientType, Flow, Need, Party, Step, use_of_token

FLOW = Flow(
    name="device_code",
    label=_("Device code"),
    summary=_("A television, printer or command line shows a short code that the user enters elsewhere."),
    source="RFC 8628",
    response_types=(),
    grant_types=("urn:ietf:params:oauth:grant-type:device_code",),
    response_mode="",
    client_types=(ClientType.PUBLIC, ClientType.CONFIDENTIAL),
    needs=frozenset({Need.USER}),
    may_refresh=True,
    access_token_lifetime=3600,
    lifetime_is_ceiling=False,
    protections=(
        "The user types the code on a device of their own, compares it, and sees who asks, since when and from where.",
        "The user is always asked, whatever was allowed before.",
        "The codes live ten minutes; the device's works once, and only for the client that asked for it.",
        "Wrong codes are counted, by account and by network, so that nobody can try many.",
    ),
    risks=(_("A user can be talked into entering somebody else's code."),),
    steps=(
        Step(
            "device_authorization_request",
            Party.CLIENT,
            Party.AUTHORIZATION_SERVER,
            "The device asks for a pair of codes",
            "POST /oauth/device_authorization/",
            ("client_id", "scope"),
            "RFC 8628 §3.1",
        ),
        Step(
            "device_authorization_response",
            Party.AUTHORIZATION_SERVER,
            Party.CLIENT,
            "The device gets a code to show and a code to keep",
            "200 OK, JSON",
            (
                "device_code",
                "user_code",
                "verification_uri",
                "verification_uri_complete",
                "expires_in",
                "interval",
            ),
            "RFC 8628 §3.2",
        ),
        Step(
            "verification_request",
            Party.BROWSER,
            Party.AUTHORIZATION_SERVER,
            "The user opens the address on another device and enters the code",
            "POST /oauth/device/",
            ("user_code",),
            "RFC 8628 §3.3",
        ),
        Step(
            "verification_page",
            Party.AUTHORIZATION_SERVER,
            Party.BROWSER,
            "The user sees who asks for what, since when and from where",
            "200 OK, the consent page",
            ("scope",),
            "RFC 8628 §3.3, §5.4",
        ),
        Step(
            "verification_answer",
            Party.BROWSER,
            Party.AUTHORIZATION_SERVER,
            "The user allows (or refuses) and goes back to the device",
            "POST /oauth/device/",
            ("user_code", "decision", "scope"),
            "RFC 8628 §3.3",
        ),
        Step(
            "token_request",
            Party.CLIENT,
            Party.AUTHORIZATION_SERVER,
            "The device asks until the user has answered",
            "POST /oauth/token/",
            ("grant_type", "device_code", "client_id"),
            "RFC 8628 §3.4",
        ),
        Step(
            "token_response",
            Party.AUTHORIZATION_SERVER,
            Party.CLIENT,
            "The authorization server gives an access token and a refresh token",
            "200 OK, JSON",
            ("access_token", "token_type", "expires_in", "scope", "refresh_token"),
            "RFC 8628 §3.5",
        ),
        *use_of_token(caller="device"),
    ),
    when=_("When the device has no browser, or typing on it is a pain."),
    avoid=_("Do not use it where a browser can be opened: the code flow shows the user better who asks."),
    asks_elsewhere=True,
)
