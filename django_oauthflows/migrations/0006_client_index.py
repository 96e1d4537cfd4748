"""Small tables by which clients are found by origin, API identifier and looks; filled from the clients there are."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from django_oauthflows.models.client_index import INDEXES, index_clients


def fill(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    clients = apps.get_model("django_oauthflows", "Client").objects.using(alias)
    index_clients(clients, {each: apps.get_model("django_oauthflows", each.__name__) for each in INDEXES})


def _of_client(related_name: str) -> Any:
    return models.ForeignKey(
        db_index=False,
        on_delete=django.db.models.deletion.CASCADE,
        related_name=related_name,
        to="django_oauthflows.client",
    )


def _key() -> Any:
    return models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


class Migration(migrations.Migration):
    dependencies = [("django_oauthflows", "0005_adopted_tokens_and_renewed_permissions")]

    operations = [
        migrations.CreateModel(
            name="ClientOrigin",
            fields=[
                ("id", _key()),
                ("origin", models.CharField(max_length=300)),
                ("client", _of_client("origins")),
            ],
            options={
                "indexes": [models.Index(fields=["origin"], name="oauthflows_origin")],
                "constraints": [
                    models.UniqueConstraint(fields=("client", "origin"), name="oauthflows_origin_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ClientResource",
            fields=[
                ("id", _key()),
                ("identifier", models.CharField(max_length=255)),
                ("client", _of_client("resource_identifiers")),
            ],
            options={
                "indexes": [models.Index(fields=["identifier"], name="oauthflows_resource")],
                "constraints": [
                    models.UniqueConstraint(fields=("client", "identifier"), name="oauthflows_resource_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ClientSkeleton",
            fields=[
                ("id", _key()),
                (
                    "kind",
                    models.CharField(choices=[("name", "Name"), ("host", "Host")], max_length=4),
                ),
                ("shown", models.CharField(max_length=255)),
                ("skeleton", models.CharField(max_length=255)),
                ("vouched", models.PositiveSmallIntegerField(default=0)),
                ("client", _of_client("skeletons")),
            ],
            options={
                "indexes": [models.Index(fields=["skeleton", "vouched"], name="oauthflows_skeleton")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("client", "skeleton", "kind", "shown"), name="oauthflows_skeleton_once"
                    )
                ],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=False),
    ]
