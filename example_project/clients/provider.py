"""What a client developer notes down about the provider, and how the clients here talk to it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests


def _(text: str) -> str:
    """Marks a text for translation; these programs run without Django, too."""
    return text


#: Seconds to wait for the provider before giving up.
TIMEOUT = 20


@dataclass(frozen=True, slots=True)
class Provider:
    """The provider's addresses; its metadata (RFC 8414) lists the same."""

    issuer: str

    @property
    def authorization_endpoint(self) -> str:
        return f"{self.issuer}/oauth/authorize/"

    @property
    def token_endpoint(self) -> str:
        return f"{self.issuer}/oauth/token/"

    @property
    def device_authorization_endpoint(self) -> str:
        return f"{self.issuer}/oauth/device_authorization/"

    @property
    def revocation_endpoint(self) -> str:
        return f"{self.issuer}/oauth/revoke/"

    @property
    def jwks_uri(self) -> str:
        return f"{self.issuer}/oauth/jwks/"

    @property
    def userinfo_endpoint(self) -> str:
        return f"{self.issuer}/oauth/userinfo/"

    @property
    def end_session_endpoint(self) -> str:
        return f"{self.issuer}/oauth/logout/"

    def api(self, path: str) -> str:
        return f"{self.issuer}/api/{path}"

    def allow_plain_http_on_loopback(self) -> None:
        """Let the library speak http with a provider on this computer, and only there."""
        if urlsplit(self.issuer).hostname in ("127.0.0.1", "localhost", "::1"):
            os.environ.setdefault("OAUTHLIB_INSECURE_TRANSPORT", "1")


class ProviderError(Exception):
    """The provider could not be reached, or what it said cannot be used; the text is for people.

    Programs in a terminal say it as it is; pages translate ``text`` before they fill ``values`` in.
    """

    def __init__(self, text: str, **values: object) -> None:
        super().__init__(text % values if values else text)
        self.text, self.values = text, values

    @classmethod
    def of(cls, error: Exception) -> ProviderError:
        """In words that people understand, without any token or code."""
        if isinstance(error, requests.HTTPError) and error.response is not None:
            return cls(
                _("The API answered %(status)s: %(reason)s."),
                status=error.response.status_code,
                reason=error.response.reason,
            )
        if isinstance(error, requests.RequestException):
            return cls(_("The provider cannot be reached."))
        code = getattr(error, "error", "") or type(error).__name__
        description = getattr(error, "description", "") or ""
        if not description:
            return cls(_("The provider refused: %(code)s."), code=code)
        return cls(_("The provider refused: %(code)s. %(description)s"), code=code, description=description)
