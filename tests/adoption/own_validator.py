"""A validator of a host's own, as it was before the switch."""

from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator


class OwnValidator(OAuth2Validator):
    def get_additional_claims(self, request: Any) -> dict[str, Any]:
        return {"nickname": request.user.username}
