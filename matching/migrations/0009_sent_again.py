"""Files sent again before the sign-off, the review of groups, and what a repeat may tell of the last match."""

import django.db.models.deletion
import p20win.ids
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("custody", "0010_sent_again"),
        ("matching", "0008_destruction_rules"),
        ("projects", "0001_first"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="deliveryterms",
            name="map_basis",
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name="historicaldeliveryterms",
            name="map_basis",
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name="historicalrepeat",
            name="map_agreed_in",
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name="repeat",
            name="map_agreed_in",
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name="reviewsample",
            name="groups",
            field=models.JSONField(default=list),
        ),
        migrations.CreateModel(
            name="GroupLook",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=p20win.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("group", models.PositiveSmallIntegerField()),
                ("revealed", models.BooleanField()),
                ("at", models.DateTimeField()),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="projects.project"
                    ),
                ),
                (
                    "sample",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="group_looks",
                        to="matching.reviewsample",
                    ),
                ),
            ],
            options={
                "ordering": ["at", "id"],
            },
        ),
        migrations.CreateModel(
            name="HistoricalGroupReading",
            fields=[
                ("id", models.UUIDField(db_index=True, default=p20win.ids.uuid7, editable=False)),
                ("group", models.PositiveSmallIntegerField()),
                ("pair", models.PositiveSmallIntegerField()),
                (
                    "verdict",
                    models.CharField(
                        choices=[("link", "One person"), ("not", "Two people"), ("unsure", "Cannot tell")],
                        max_length=6,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("taken_back_at", models.DateTimeField(null=True)),
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
                    "reader",
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
                    "sample",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="matching.reviewsample",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical group reading",
                "verbose_name_plural": "historical group readings",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Reopening",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=p20win.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "ground",
                    models.CharField(
                        choices=[
                            ("agency_asks", "The agency asks for it"),
                            ("rejected", "A party said that the match is not optimal"),
                        ],
                        max_length=12,
                    ),
                ),
                ("asked_in", models.CharField(blank=True, max_length=300)),
                ("reason", models.CharField(max_length=500)),
                ("opened_at", models.DateTimeField()),
                (
                    "expected",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reopenings",
                        to="matching.expectedfile",
                    ),
                ),
                (
                    "file",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="custody.sealedfile"
                    ),
                ),
                (
                    "opened_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-opened_at"],
            },
        ),
        migrations.AddField(
            model_name="historicalmatchrun",
            name="outdated_by",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="matching.reopening",
            ),
        ),
        migrations.AddField(
            model_name="matchrun",
            name="outdated_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="outdated_runs",
                to="matching.reopening",
            ),
        ),
        migrations.CreateModel(
            name="GroupReading",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=p20win.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("group", models.PositiveSmallIntegerField()),
                ("pair", models.PositiveSmallIntegerField()),
                (
                    "verdict",
                    models.CharField(
                        choices=[("link", "One person"), ("not", "Two people"), ("unsure", "Cannot tell")],
                        max_length=6,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("taken_back_at", models.DateTimeField(null=True)),
                (
                    "reader",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "sample",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="group_readings",
                        to="matching.reviewsample",
                    ),
                ),
            ],
            options={
                "ordering": ["at", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("verdict__in", ["link", "not", "unsure"])),
                        name="group_reading_verdict_known",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("taken_back_at__isnull", True)),
                        fields=("sample", "group", "pair", "reader"),
                        name="one_group_reading_each",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="reopening",
            constraint=models.CheckConstraint(
                condition=models.Q(("ground__in", ["agency_asks", "rejected"])), name="reopening_ground_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="reopening",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="reopening_says_why"
            ),
        ),
        migrations.AddConstraint(
            model_name="reopening",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ground", "agency_asks"), _negated=True),
                    models.Q(("asked_in", ""), _negated=True),
                    _connector="OR",
                ),
                name="reopening_asked_somewhere",
            ),
        ),
    ]
