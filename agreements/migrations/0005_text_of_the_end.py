"""Adopt the first version of the text that certifies the end of a project."""

import datetime as dt
from pathlib import Path

from django.db import migrations

TEXT = Path(__file__).resolve().parent.parent / "texts" / "project_end.v1.md"


def adopt(apps, schema_editor):
    """Make the row."""
    apps.get_model("agreements", "TextTemplate").objects.get_or_create(
        kind="project_end",
        version="v1",
        defaults={
            "body": TEXT.read_text(encoding="utf-8"),
            "adopted_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        },
    )


class Migration(migrations.Migration):
    """The text of a certificate."""

    dependencies = [("agreements", "0004_certificate_of_the_end")]
    operations = [migrations.RunPython(adopt, migrations.RunPython.noop)]
