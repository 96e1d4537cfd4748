"""Numbers on the command line that would make a command run for ever, or fail on the way."""

from __future__ import annotations

import re

import pytest
from django.core.management import call_command

from django_oauthflows.models import ClientSecret
from tests.factories import ClientFactory


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        call_command("oauth", *arguments)
    assert re.search(r"argument --\w+: (must be|invalid)", capsys.readouterr().err)


@pytest.mark.parametrize(
    "arguments",
    [
        ("purge", "--step", "0"),
        ("purge", "--step", "-5"),
        ("purge", "--step", str(10**30)),
        ("deliver", "--limit", "0"),
        ("deliver", "--limit", "-1"),
        ("deliver", "--limit", "many"),
        ("deliver", "--watch", "--interval", "0"),
        ("deliver", "--watch", "--interval", "nan"),
    ],
)
def test_a_number_out_of_bounds_is_refused_at_once(
    db: None, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    refused(capsys, *arguments)


@pytest.mark.parametrize("overlap", ["-1", str(10**12), "soon"])
def test_an_overlap_out_of_bounds_leaves_the_secret_as_it_is(
    db: None, capsys: pytest.CaptureFixture[str], overlap: str
) -> None:
    client, _ = ClientFactory(machine=True)
    before = list(ClientSecret.objects.values())
    refused(capsys, "client", "rotate-secret", client.client_id, "--overlap", overlap)
    assert list(ClientSecret.objects.values()) == before
