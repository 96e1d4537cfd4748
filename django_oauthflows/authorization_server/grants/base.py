"""What a grant type is to the token endpoint: three functions that follow each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from django_oauthflows.authorization_server.issue import TokenResponse
from django_oauthflows.authorization_server.request import Parameters, TokenRequest
from django_oauthflows.flows.base import Flow
from django_oauthflows.models.authorization import Presented

Demanded = TypeVar("Demanded")
Checked = TypeVar("Checked")


@dataclass(frozen=True, slots=True)
class Grant(Generic[Demanded, Checked]):
    """One grant type (RFC 6749 §1.3), and the flow that it belongs to.

    ``demand`` takes what must be there from the parameters; ``check`` says whether it holds, for a client
    that has been authenticated; ``issue`` claims it and gives tokens, by one single-row write at most.
    All three raise ``RequestRefused``. ``presented`` tells of what was demanded the code or token that refers to a
    row, so that this is read together with the client.
    """

    grant_type: str
    flow: Flow
    demand: Callable[[Parameters], Demanded]
    check: Callable[[TokenRequest, Demanded], Checked]
    issue: Callable[[TokenRequest, Checked], TokenResponse]
    presented: Callable[[Demanded], Presented | None] | None = None
