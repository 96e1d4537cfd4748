"""The client's credentials, as Django's test client wants a header."""

from base64 import b64encode


def get_basic_auth_header(user: str, password: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}
