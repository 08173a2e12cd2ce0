"""A project can be being closed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0001_first"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="project",
            name="project_standing_known",
        ),
        migrations.AlterField(
            model_name="historicalproject",
            name="status",
            field=models.CharField(
                choices=[("open", "Open"), ("closing", "Being closed"), ("closed", "Closed")],
                default="open",
                max_length=8,
                verbose_name="standing",
            ),
        ),
        migrations.AlterField(
            model_name="project",
            name="status",
            field=models.CharField(
                choices=[("open", "Open"), ("closing", "Being closed"), ("closed", "Closed")],
                default="open",
                max_length=8,
                verbose_name="standing",
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["open", "closing", "closed"])),
                name="project_standing_known",
            ),
        ),
    ]
