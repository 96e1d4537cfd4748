"""A charset beside the form's content type is no reason to refuse what is plain ASCII (RFC 6749 appendix B)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import ClientFactory

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    "charset",
    [
        "utf-8",
        "UTF-8",
        '"utf-8"',
        "ISO-8859-1",
        "iso-8859-1",
        "us-ascii",
        "windows-1252",
        "no-such",
        "utf-16",
    ],
)
@pytest.mark.parametrize("endpoint", ["token", "revoke", "introspect"])
def test_it_makes_no_difference_to_ascii(client: Any, charset: str, endpoint: str) -> None:
    registered, secret = ClientFactory(machine=True, scopes=["stats:read"])
    body = f"client_id={registered.client_id}&client_secret={secret}&grant_type=client_credentials&token=x"
    answer = client.generic("POST", f"/oauth/{endpoint}/", body, content_type=f"{FORM}; charset={charset}")
    plain = client.generic("POST", f"/oauth/{endpoint}/", body, content_type=FORM)
    assert answer.status_code == plain.status_code == 200
    assert set(answer.json()) == set(plain.json()) if endpoint != "revoke" else True


@pytest.mark.parametrize("body", [b"grant_type=client_credentials&scope=\xe9", b"\xff\xfeg\x00"])
def test_what_is_not_ascii_in_another_encoding_is_refused_in_words(client: Any, body: bytes) -> None:
    answer = client.generic("POST", "/oauth/token/", body, content_type=f"{FORM}; charset=ISO-8859-1")
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"


def test_percent_signs_are_utf_8_whatever_is_named(client: Any) -> None:
    registered, secret = ClientFactory(machine=True)
    body = f"client_id={registered.client_id}&client_secret={secret}&grant_type=client_credentials&scope=%E9"
    answer = client.generic("POST", "/oauth/token/", body, content_type=f"{FORM}; charset=ISO-8859-1")
    assert answer.json()["error"] == "invalid_request"


@pytest.mark.parametrize("page", ["authorize", "logout"])
def test_forms_of_other_sites_are_read_as_those_of_programs(client: Any, page: str) -> None:
    """OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2: the request may be posted."""
    body = "client_id=nobody&state=s"
    answer = client.generic("POST", f"/oauth/{page}/", body, content_type=f"{FORM}; charset=ISO-8859-1")
    assert (answer.status_code, answer["Location"]) == (303, f"/oauth/{page}/?{body}")


@pytest.mark.parametrize("length", ["abc", "-1", "1e3", ""])
def test_a_length_that_is_none_is_told_in_words(client: Any, length: str) -> None:
    body = "grant_type=client_credentials"
    answer = client.generic("POST", "/oauth/token/", body, content_type=FORM, CONTENT_LENGTH=length)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
