"""Adopt the first version of every text."""

import datetime as dt
from pathlib import Path

from django.db import migrations

TEXTS = Path(__file__).resolve().parent.parent / "texts"
KINDS = ("agreement", "acknowledgement", "confidentiality", "destruction", "retention", "hub_destruction")


def adopt(apps, schema_editor):
    """Make the rows."""
    template = apps.get_model("agreements", "TextTemplate")
    for kind in KINDS:
        template.objects.get_or_create(
            kind=kind,
            version="v1",
            defaults={
                "body": (TEXTS / f"{kind}.v1.md").read_text(encoding="utf-8"),
                "adopted_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
            },
        )


class Migration(migrations.Migration):
    """Texts that people sign."""

    dependencies = [("agreements", "0001_first")]
    operations = [migrations.RunPython(adopt, migrations.RunPython.noop)]
