"""Agencies' signing keys: when first usable, what they replace, when they end, and who revoked them."""

import datetime as dt

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

BEFORE = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)  # keys that are there already stay usable


def added(model, name, field, **more):
    return migrations.AddField(model_name=model, name=name, field=field, **more)


def key_of(to, **options):
    return models.ForeignKey(blank=True, null=True, related_name="+", to=to, **options)


OF_HISTORY = {"db_constraint": False, "on_delete": django.db.models.deletion.DO_NOTHING}
OF_ROWS = {"on_delete": django.db.models.deletion.PROTECT}


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_first")]
    operations = [
        migrations.AlterModelOptions(name="signingkey", options={"ordering": ["-enrolled_at"]}),
        *(
            operation
            for model, options in (("historicalsigningkey", OF_HISTORY), ("signingkey", OF_ROWS))
            for operation in (
                added(model, "ends_at", models.DateTimeField(blank=True, null=True)),
                added(model, "replaces", key_of("accounts.signingkey", **options)),
                added(model, "revoked_by", key_of(settings.AUTH_USER_MODEL, **options)),
                added(model, "usable_from", models.DateTimeField(default=BEFORE), preserve_default=False),
            )
        ),
    ]
