from django.db import migrations, models

TYPES = [
    ("text", "Text"),
    ("integer", "Whole number"),
    ("decimal", "Number with decimals"),
    ("date", "Date"),
    ("boolean", "Yes or no"),
    ("code", "Code from a list"),
    ("amount", "Amount of money, in dollars"),
    ("employer", "Code of an employer"),
]


class Migration(migrations.Migration):
    dependencies = [("requests_app", "0001_first")]

    operations = [
        migrations.RemoveConstraint(model_name="dataelement", name="element_type_known"),
        *(
            migrations.AlterField(
                model_name=name,
                name="data_type",
                field=models.CharField(choices=TYPES, default="text", max_length=8, verbose_name="Data type"),
            )
            for name in ("dataelement", "historicaldataelement")
        ),
        migrations.AddConstraint(
            model_name="dataelement",
            constraint=models.CheckConstraint(
                condition=models.Q(("data_type__in", [slug for slug, _ in TYPES])), name="element_type_known"
            ),
        ),
    ]
