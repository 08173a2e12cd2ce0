"""Where the board's approval of a method is written, and why one was retired."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agreements", "0002_texts")]

    operations = [
        migrations.AddField(
            model_name="historicalmatchmethod",
            name="reference",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name="historicalmatchmethod",
            name="retired_reason",
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name="matchmethod", name="reference", field=models.CharField(blank=True, max_length=200)
        ),
        migrations.AddField(
            model_name="matchmethod",
            name="retired_reason",
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddConstraint(
            model_name="matchmethod",
            constraint=models.CheckConstraint(
                name="method_retired_says_why",
                condition=models.Q(
                    ("retired_on__isnull", True),
                    models.Q(("retired_reason", ""), _negated=True),
                    _connector="OR",
                ),
            ),
        ),
    ]
