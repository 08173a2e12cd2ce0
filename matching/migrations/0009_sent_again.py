"""Files that are sent again before the sign-off, and the runs that count no more for it."""

import django.db.models.deletion
import p20win.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("custody", "0010_sent_again"),
        ("matching", "0008_destruction_rules"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
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
