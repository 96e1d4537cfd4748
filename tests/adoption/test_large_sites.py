"""A site with any number of applications and tokens: adopted in short steps that may be broken off anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_application_model, get_refresh_token_model

from django_oauthflows.adoption import applications, consents
from django_oauthflows.models import Client, ClientSecret, Consent
from django_oauthflows.models.client_index import ClientOrigin, ClientSkeleton
from tests.factories import UserFactory

AccessToken: Any = get_access_token_model()
Application: Any = get_application_model()


def add_applications(number: int) -> None:
    """Past the receiver, as they are in a site that has not met us."""
    begin = Application.objects.count()
    Application.objects.bulk_create(
        Application(
            name=f"App {n}",
            client_id=f"app{n}",
            client_type="public" if n % 3 == 1 else "confidential",
            authorization_grant_type="client-credentials" if n % 3 == 1 else "authorization-code",
            client_secret=sha256(str(n).encode()).hexdigest(),
            hash_client_secret=False,
            redirect_uris=f"https://app{n}.example/callback",
            allowed_origins=f"https://app{n}.example",
        )
        for n in range(begin, begin + number)
    )


def adopt_applications() -> None:
    """As ``oauth adopt`` and ``migrate`` do."""
    applications.adopt_all(apps, using=connection.alias)


def add_tokens(number: int) -> None:
    """Each of another user, and then more of the first of them."""
    users = [UserFactory(username=f"user{n}") for n in range((number + 1) // 2)]
    add_applications(1)
    adopt_applications()
    now = timezone.now()
    AccessToken.objects.bulk_create(
        AccessToken(
            token=f"token{n}",
            token_checksum=f"token{n}",
            user=users[n % len(users)],
            application=Application.objects.get(),
            scope="profile" if n < len(users) else "notes:read",
            expires=now + timedelta(hours=1),
        )
        for n in range(number)
    )
    # The oldest have the highest keys.
    for token in AccessToken.objects.all():
        AccessToken.objects.filter(pk=token.pk).update(created=now - timedelta(minutes=token.pk))


def adopt_tokens() -> None:
    consents.consents_for_tokens(
        AccessToken.objects, get_refresh_token_model().objects, Consent.objects.order_by()
    )


def what_became() -> list[Any]:
    """Everything, without keys that are another at each try."""
    return [
        sorted(rows.values_list(*names))
        for rows, names in (
            (Client.objects, ("client_id", "flows", "client_type", "allowed_scopes")),
            (ClientSecret.objects, ("client__client_id", "digest", "label")),
            (ClientOrigin.objects, ("client__client_id", "origin")),
            (ClientSkeleton.objects, ("client__client_id", "kind", "shown", "skeleton", "vouched", "folded")),
            (Consent.objects, ("user__username", "client__client_id", "scope", "given_at")),
        )
    ]


def forget(made: Any) -> None:
    """By table: an application would go with its client."""
    models = (ClientSecret, ClientOrigin, ClientSkeleton, Client) if made is Client else (Consent,)
    for model in models:
        model.objects.all()._raw_delete(using="default")
    Application.objects.filter(client_id__in=["app1", "app4"]).update(client_type="public")


WORK = pytest.mark.parametrize(
    ("add", "adopt", "made"),
    [(add_applications, adopt_applications, Client), (add_tokens, adopt_tokens, Consent)],
    ids=["applications", "tokens"],
)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> int:
    for module in (applications, consents):
        monkeypatch.setattr(module, "BATCH", 4)
    return 4


class Killed(BaseException):
    """What nobody catches."""


@contextmanager
def killed_at(number: int) -> Iterator[list[int]]:
    """The statement of this number is not reached. Yields how many there were."""
    seen = [0]

    def count(execute: Callable[..., Any], *arguments: Any) -> Any:
        seen[0] += 1
        if seen[0] == number:
            raise Killed
        return execute(*arguments)

    with connection.execute_wrapper(count):
        try:
            yield seen
        except Killed:
            seen.append(number)


@WORK
def test_broken_off_at_any_statement_it_is_never_half_done_and_ends_the_same(
    transactional_db: None, small_batches: int, add: Any, adopt: Any, made: Any
) -> None:
    add(6)
    with killed_at(0) as seen:
        adopt()
    whole = what_became()
    assert [len(rows) for rows in whole] == ([6, 6, 6, 12, 0] if made is Client else [1, 1, 1, 2, 3])
    for number in range(1, seen[0] + 1):
        forget(made)
        with killed_at(number) as broken:
            adopt()
        assert broken[1:] == [number]
        sizes = [len(rows) for rows in what_became()]
        if made is Client:
            clients = sizes[0]
            assert sizes == [clients, clients, clients, clients * 2, 0]
        adopt()
        assert what_became() == whole


@WORK
def test_statements_are_counted_by_batches_and_not_by_rows(db: None, add: Any, adopt: Any, made: Any) -> None:
    counts = []
    for number in (3, 12):
        add(number)
        with CaptureQueriesContext(connection) as captured:
            adopt()
        counts.append(len(captured))
        made.objects.all().delete()
        AccessToken.objects.all().delete()
        Application.objects.all().delete()
        for user in UserFactory._meta.model.objects.all():
            user.delete()
    assert counts[0] == counts[1]


@WORK
def test_no_statement_reads_more_rows_than_a_batch(
    db: None, small_batches: int, add: Any, adopt: Any, made: Any
) -> None:
    add(30)
    answers: list[int] = []

    def count(execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any) -> Any:
        found = execute(sql, parameters, many, context)
        if sql.startswith("SELECT"):
            answers.append(context["cursor"].rowcount)  # SQLite does not know
        return found

    with connection.execute_wrapper(count):
        adopt()
    assert len(answers) > 2 * (30 // small_batches)
    assert max(answers) <= small_batches


def test_tokens_of_an_application_that_came_meanwhile_do_not_stop_it(db: None) -> None:
    """Processes of the old code may go on, and staff may add one there."""
    add_tokens(2)
    add_applications(1)
    late = Application.objects.get(client_id="app1")
    AccessToken.objects.update(application=late)
    adopt_tokens()
    assert not Consent.objects.exists()
    adopt_applications()
    adopt_tokens()
    assert set(Consent.objects.values_list("client__client_id", flat=True)) == {"app1"}


@pytest.mark.parametrize("times", range(2))
def test_two_at_once_adopt_each_application_once(
    times: int, parallel_writers: None, small_batches: int
) -> None:
    add_applications(30)

    def run(_: int) -> None:
        try:
            adopt_applications()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(run, range(3)))
    assert [len(rows) for rows in what_became()] == [30, 30, 30, 60, 0]
