"""A match's own clock for the destruction of its inputs, and everybody's as they counted at the sign-off."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("matching", "0007_abandonment")]

    operations = [
        migrations.AddField(
            model_name="historicalmatch",
            name="own_rule_hours",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="historicalmatch",
            name="own_rule_business_days",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="historicalmatch",
            name="own_rule_reason",
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name="historicalmatch", name="destruction_rules", field=models.JSONField(default=list)
        ),
        migrations.AddField(
            model_name="match",
            name="own_rule_hours",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="match",
            name="own_rule_business_days",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="match", name="own_rule_reason", field=models.CharField(blank=True, max_length=500)
        ),
        migrations.AddField(
            model_name="match", name="destruction_rules", field=models.JSONField(default=list)
        ),
        migrations.AddConstraint(
            model_name="match",
            constraint=models.CheckConstraint(
                name="match_has_one_rule_of_its_own",
                condition=models.Q(
                    ("own_rule_hours__isnull", True),
                    ("own_rule_business_days__isnull", True),
                    _connector="OR",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="match",
            constraint=models.CheckConstraint(
                name="match_rule_of_its_own_has_a_reason",
                condition=models.Q(
                    models.Q(("own_rule_business_days__isnull", True), ("own_rule_hours__isnull", True)),
                    models.Q(("own_rule_reason", ""), _negated=True),
                    _connector="OR",
                ),
            ),
        ),
    ]
