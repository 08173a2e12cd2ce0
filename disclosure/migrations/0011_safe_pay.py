from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("disclosure", "0010_cells_wished_for")]

    operations = [
        migrations.AddField(model_name=name, name="pay", field=models.JSONField(blank=True, default=dict))
        for name in ("safetable", "historicalsafetable")
    ]
