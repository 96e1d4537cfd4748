"""What staff search and leaf through is found by indexes, made while the site goes on; texts are filled in batches."""

from typing import Any

from django.db import migrations, models

from django_oauthflows.migrations._online import AddIndexOnline
from django_oauthflows.models.client_index import ClientSkeleton, folded, index_clients

_STEP = 1000


def fill(apps: Any, schema_editor: Any) -> None:
    """Some rows at a time, each time committed: it can be broken off, and goes on where it was."""
    alias = schema_editor.connection.alias
    model = apps.get_model("django_oauthflows", "ClientSkeleton")
    rows, last = model.objects.using(alias), 0
    while some := list(rows.filter(pk__gt=last, folded="").order_by("pk")[:_STEP]):
        for row in some:
            row.folded = folded(row.shown)
        rows.bulk_update(some, ["folded"])
        last = some[-1].pk
    # Names without a letter had no row before.
    clients = apps.get_model("django_oauthflows", "Client").objects.using(alias)
    index_clients(clients.exclude(skeletons__kind="name"), {ClientSkeleton: model})


def leave(apps: Any, schema_editor: Any) -> None:
    """The column goes with what it has."""


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("django_oauthflows", "0025_event_export")]

    operations = [
        migrations.AddField(
            model_name="clientskeleton",
            name="folded",
            field=models.CharField(default="", max_length=255),
        ),
        migrations.RunPython(fill, leave),
        *(
            AddIndexOnline(
                model_name=model, index=models.Index(fields=fields, name=name, opclasses=opclasses)
            )
            for model, fields, name, opclasses in (
                ("clientskeleton", ["folded"], "oauthflows_folded", ["varchar_pattern_ops"]),
                ("consent", ["updated_at", "id"], "oauthflows_consent_newest", ()),
                ("consent", ["client", "updated_at", "id"], "oauthflows_consent_of_client", ()),
                ("event", ["client", "at"], "oauthflows_event_of_client", ()),
                (
                    "event",
                    ["client_name"],
                    "oauthflows_event_client_name",
                    ["varchar_pattern_ops"],
                ),
                ("clientsecret", ["slow_hash"], "oauthflows_secret_slow", ()),
                ("client", ["implicit_until"], "oauthflows_client_implicit", ()),
            )
        ),
    ]
