"""An epoch of 128 bits for each client and authorization, and a number for each signing key of an algorithm.

The epochs are made anew, in both directions: tokens of the other form cannot be opened any more.
"""

import secrets
from collections.abc import Callable, Iterator
from typing import Any

from django.db import migrations, models

import django_oauthflows.models.client

_BATCH = 1000


def fresh_epochs(apps: Any, schema_editor: Any) -> None:
    _set_epochs(apps, schema_editor, lambda: secrets.token_hex(16))


def fresh_numbers(apps: Any, schema_editor: Any) -> None:
    _set_epochs(apps, schema_editor, lambda: str(secrets.randbits(63)))


def _set_epochs(apps: Any, schema_editor: Any, new: Callable[[], str]) -> None:
    for name in ("Client", "Authorization"):
        model = apps.get_model("django_oauthflows", name)
        rows = model._base_manager.using(schema_editor.connection.alias)
        for keys in _batches(rows):
            rows.bulk_update([model(pk=key, token_epoch=new()) for key in keys], ["token_epoch"])


def _batches(rows: Any) -> Iterator[list[Any]]:
    """The keys of all rows, some at a time."""
    keys = list(rows.order_by("pk").values_list("pk", flat=True)[:_BATCH])
    while keys:
        yield keys
        keys = list(rows.filter(pk__gt=keys[-1]).order_by("pk").values_list("pk", flat=True)[:_BATCH])


def number_keys(apps: Any, schema_editor: Any) -> None:
    keys = apps.get_model("django_oauthflows", "SigningKey").objects.using(schema_editor.connection.alias)
    numbers: dict[str, int] = {}
    for key in keys.order_by("signs_from", "pk"):
        key.number = numbers[key.algorithm] = numbers.get(key.algorithm, 0) + 1
        key.save(update_fields=["number"])


class Migration(migrations.Migration):
    dependencies = [("django_oauthflows", "0003_consents_for_existing_tokens")]

    operations = [
        *(
            migrations.AlterField(
                model_name=name,
                name="token_epoch",
                field=models.CharField(
                    default=django_oauthflows.models.client.random_epoch, editable=False, max_length=32
                ),
            )
            for name in ("client", "authorization")
        ),
        migrations.RunPython(fresh_epochs, fresh_numbers),
        migrations.AddField(
            model_name="signingkey",
            name="number",
            field=models.PositiveIntegerField(editable=False, null=True, verbose_name="number"),
        ),
        migrations.RunPython(number_keys, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="signingkey",
            name="number",
            field=models.PositiveIntegerField(editable=False, verbose_name="number"),
        ),
        migrations.AddConstraint(
            model_name="signingkey",
            constraint=models.UniqueConstraint(
                fields=("algorithm", "number"), name="oauthflows_signing_key_once"
            ),
        ),
    ]
