"""The device code flow (RFC 8628): declared so that its place is known, not offered yet.

It has no walk: no request of it is answered.
"""

from django.utils.translation import gettext_noop as _

from django_oauthflows.flows.base import ClientType, Flow, Need, Party, Step

FLOW = Flow(
    name="device_code",
    label=_("Device code"),
    summary=_("A television, printer or command line shows a short code that the user enters elsewhere."),
    source="RFC 8628",
    response_types=(),
    grant_types=("urn:ietf:params:oauth:grant-type:device_code",),
    response_mode="",
    client_types=(ClientType.PUBLIC,),
    needs=frozenset({Need.USER}),
    may_refresh=True,
    access_token_lifetime=3600,
    lifetime_is_ceiling=False,
    protections=("The user types the code on a device of their own and sees who asks.",),
    risks=(_("A user can be talked into entering somebody else's code."),),
    steps=(
        Step(
            "device_authorization_request",
            Party.CLIENT,
            Party.AUTHORIZATION_SERVER,
            "The device asks for a pair of codes",
            "POST the device authorization endpoint",
            ("client_id", "scope"),
            "RFC 8628 §3.1",
        ),
        Step(
            "device_authorization_response",
            Party.AUTHORIZATION_SERVER,
            Party.CLIENT,
            "The device gets a code to show and a code to keep",
            "200 OK, JSON",
            ("device_code", "user_code", "verification_uri", "expires_in", "interval"),
            "RFC 8628 §3.2",
        ),
        Step(
            "user_interaction",
            Party.BROWSER,
            Party.AUTHORIZATION_SERVER,
            "The user enters the code on another device and allows",
            "POST the verification page",
            ("user_code",),
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
    ),
    when=_("When the device has no browser, or typing on it is a pain."),
    avoid=_("Do not use it where a browser can be opened: the code flow shows the user better who asks."),
    offered=False,
)
