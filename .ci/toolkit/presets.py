"""Settings that the toolkit's tests ask for by name."""

_READ_WRITE = {"read": "Read scope", "write": "Write scope"}

DEFAULT_SCOPES_RW = {"DEFAULT_SCOPES": ["read", "write"]}
DEFAULT_SCOPES_RO = {"DEFAULT_SCOPES": ["read"]}
OIDC_SETTINGS_RW = {
    "OIDC_ENABLED": True,
    "SCOPES": {**_READ_WRITE, "openid": "Log in"},
    "PKCE_REQUIRED": False,
}
OIDC_SETTINGS_RO = {**OIDC_SETTINGS_RW, "DEFAULT_SCOPES": ["read"]}
REST_FRAMEWORK_SCOPES = {
    "SCOPES": {**_READ_WRITE, "scope1": "One", "scope2": "Two", "resource1": "A resource"},
}
INTROSPECTION_SETTINGS = {
    "SCOPES": {**_READ_WRITE, "introspection": "Introspect", "dolphin": "Eek"},
    "RESOURCE_SERVER_INTROSPECTION_URL": "http://example.org/introspection",
    "READ_SCOPE": "read",
    "WRITE_SCOPE": "write",
}
