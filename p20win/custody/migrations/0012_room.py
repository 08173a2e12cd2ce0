"""How much each organisation may keep here; of an upload, whether its length was announced."""

import django.db.models.deletion
import p20win.ids
import simple_history.models
from django.conf import settings
from django.db import migrations, models


# Uploads by SFTP that are under way: their length is what may come at most, and takes no room.
UNMEASURED = """
UPDATE custody_upload SET is_measured = false FROM custody_sealedfile AS file
WHERE file.id = custody_upload.id AND file.status = 'announced' AND file.statement IS NULL
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_signing_keys_cool_off"),
        ("custody", "0011_invitations"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="upload",
            name="is_measured",
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.CreateModel(
            name="HistoricalAllowance",
            fields=[
                ("id", models.UUIDField(db_index=True, default=p20win.ids.uuid7, editable=False)),
                ("most_bytes", models.BigIntegerField()),
                ("reason", models.CharField(max_length=300)),
                ("changed_at", models.DateTimeField()),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(
                        choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1
                    ),
                ),
                (
                    "changed_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.organisation",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical allowance",
                "verbose_name_plural": "historical allowances",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Allowance",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=p20win.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("most_bytes", models.BigIntegerField()),
                ("reason", models.CharField(max_length=300)),
                ("changed_at", models.DateTimeField()),
                (
                    "changed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organisation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="allowance",
                        to="accounts.organisation",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("most_bytes__gt", 0)), name="allowance_is_room"
                    )
                ],
            },
        ),
        migrations.RunSQL(UNMEASURED, migrations.RunSQL.noop),
    ]
