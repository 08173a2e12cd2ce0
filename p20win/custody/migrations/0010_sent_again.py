"""A file that was accepted can be closed, so that another is sent in its place."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("custody", "0009_used_ids_and_rereading")]

    operations = [
        migrations.RemoveConstraint(
            model_name="sealedfile",
            name="file_status_known",
        ),
        migrations.AlterField(
            model_name="historicalsealedfile",
            name="status",
            field=models.CharField(
                choices=[
                    ("announced", "Announced, not yet sent"),
                    ("given_up", "Announced, never came"),
                    ("arrived", "Received, being checked"),
                    ("accepted", "Accepted and sealed"),
                    ("refused", "Refused"),
                    ("set_aside", "Closed: another is sent in its place"),
                    ("destroyed", "Destroyed"),
                ],
                default="arrived",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="sealedfile",
            name="status",
            field=models.CharField(
                choices=[
                    ("announced", "Announced, not yet sent"),
                    ("given_up", "Announced, never came"),
                    ("arrived", "Received, being checked"),
                    ("accepted", "Accepted and sealed"),
                    ("refused", "Refused"),
                    ("set_aside", "Closed: another is sent in its place"),
                    ("destroyed", "Destroyed"),
                ],
                default="arrived",
                max_length=10,
            ),
        ),
        migrations.AddConstraint(
            model_name="sealedfile",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        ["announced", "given_up", "arrived", "accepted", "refused", "set_aside", "destroyed"],
                    )
                ),
                name="file_status_known",
            ),
        ),
    ]
