"""The database: is it all there, does it behave, and can its keys be opened?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.apps import apps
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.models.functions import Now
from django.utils import timezone

from django_oauthflows.database import writer_of
from django_oauthflows.management.doctor.finding import Finding, error, ok, unseen, warning
from django_oauthflows.management.doctor.served import MAX_DRIFT
from django_oauthflows.models import Authorization, Client, Consent, Event, SigningKey

_OURS = "django_oauthflows"
#: A key that signs for longer should be replaced.
MAX_AGE_OF_KEY = timedelta(days=365)
MIGRATE = "python manage.py migrate"


def migrations() -> Iterator[Finding]:
    connection = connections[writer_of(Client)]
    executor = MigrationExecutor(connection)
    targets = [key for key in executor.loader.graph.leaf_nodes() if key[0] in (_OURS, "oauth2_provider")]
    waiting = [
        f"{migration.app_label}.{migration.name}" for migration, _back in executor.migration_plan(targets)
    ]
    if waiting:
        yield error("migrations", f"Not applied: {', '.join(waiting)}.", MIGRATE)
    else:
        yield ok("migrations", "All are applied.")


def indexes() -> Iterator[Finding]:
    """Each table has the indexes that the models declare: without, every request reads a whole table."""
    connection, missing = connections[writer_of(Client)], []
    with connection.cursor() as cursor:
        for model in apps.get_app_config(_OURS).get_models():
            there = connection.introspection.get_constraints(cursor, model._meta.db_table)
            missing += [index.name for index in model._meta.indexes if index.name not in there]
    if missing:
        yield error("indexes", f"Missing: {', '.join(missing)}.", f"{MIGRATE} (or make them again by hand)")
    else:
        yield ok("indexes", "All are there.")


def clock() -> Iterator[Finding]:
    """The database's clock against this machine's."""
    theirs = (
        Client._base_manager.using(writer_of(Client))
        .annotate(now=Now())
        .values_list("now", flat=True)
        .first()
    )
    if not isinstance(theirs, datetime):
        yield unseen("database-clock", "The clock of the database: there is no client yet to ask it by.")
        return
    now = timezone.now() if timezone.is_aware(theirs) else datetime.now()
    drift = round((theirs - now).total_seconds())
    if abs(drift) > MAX_DRIFT:
        yield error(
            "database-clock",
            f"The clocks of database and site differ by {abs(drift)} s.",
            "timedatectl set-ntp true  # on both",
        )


def isolation() -> Iterator[Finding]:
    """Claims are single statements that look again (READ COMMITTED); a snapshot would make them fail, not safer."""
    connection = connections[writer_of(Client)]
    asked = {
        "postgresql": "SHOW default_transaction_isolation",
        "mysql": "SELECT @@transaction_isolation",
    }.get(connection.vendor)
    if asked is None:
        if connection.vendor == "sqlite" and not str(connection.settings_dict["NAME"]).startswith(
            ("file:", ":")
        ):
            yield warning(
                "database",
                "SQLite lets one request write at a time: right for trying out.",
                "DATABASES = … PostgreSQL",
            )
        return
    with connection.cursor() as cursor:
        cursor.execute(asked)
        (level,) = cursor.fetchone()
    if str(level).lower().replace("-", " ") != "read committed":
        yield warning(
            "isolation",
            f"Transactions are {level}: requests at the same time get errors that they must repeat.",
            'DATABASES["default"]["OPTIONS"] = {"isolation_level": …}  # READ COMMITTED',
        )
    else:
        yield ok("isolation", "READ COMMITTED, as it should be.")


def sizes() -> Iterator[Finding]:
    """How large the tables are; by the highest key, which needs no count of them."""
    told = []
    for model in (Client, Consent, Authorization, Event):
        last = (
            model._base_manager.using(writer_of(model)).order_by("-pk").values_list("pk", flat=True).first()
            or 0
        )
        told.append(f"{model._meta.verbose_name_plural} {last}")
    yield ok("tables", f"Rows that there ever were: {', '.join(told)}.")


def keys() -> Iterator[Finding]:
    """Signing keys: each that is published can be opened, and none signs for ever."""
    published = list(SigningKey.objects.published().order_by("algorithm", "signs_from"))
    newest = {key.algorithm: key for key in published}
    for algorithm, key in newest.items():
        age = timezone.now() - key.signs_from
        if not _opens(key):
            yield error(
                "signing-key",
                f"The newest {algorithm} key cannot be opened: its secret is gone from SECRET_KEY, "
                "SECRET_KEY_FALLBACKS and TOKEN_KEYS.",
                f"SECRET_KEY_FALLBACKS = [the old one]\nor: python manage.py oauth key rotate --algorithm {algorithm}",
            )
        elif age > MAX_AGE_OF_KEY:
            yield warning(
                "signing-key",
                f"The {algorithm} key has signed for {age.days} days, and no next one is published: it is near its "
                "end.",
                f"python manage.py oauth key rotate --algorithm {algorithm}",
            )
    yield ok("signing-keys", f"Published: {len(published)}.")


def _opens(key: SigningKey) -> bool:
    try:
        return key.signer() is not None
    except ValueError:
        return False


LOOKS = (migrations, indexes, clock, isolation, sizes, keys)
