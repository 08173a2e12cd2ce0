"""The certificate of the end of a project."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_signing_keys_cool_off"),
        ("agreements", "0003_methods"),
        ("projects", "0002_being_closed"),
        ("signatures", "0001_first"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="certificate",
            name="certificate_kind_known",
        ),
        migrations.RemoveConstraint(
            model_name="certificate",
            name="recipient_signs_certificate",
        ),
        migrations.RemoveConstraint(
            model_name="texttemplate",
            name="text_kind_known",
        ),
        migrations.AlterField(
            model_name="certificate",
            name="kind",
            field=models.CharField(
                choices=[
                    ("agreement", "Data sharing agreement"),
                    ("acknowledgement", "User acknowledgement (Exhibit B)"),
                    ("confidentiality", "Personal confidentiality statement (Exhibit C)"),
                    ("destruction", "Certificate of destruction (Exhibit F)"),
                    ("retention", "Certificate of authorised retention (Exhibit F)"),
                    ("hub_destruction", "Hub's certificate of destroyed inputs"),
                    ("project_end", "Hub's certificate of the end of a project"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="historicalcertificate",
            name="kind",
            field=models.CharField(
                choices=[
                    ("agreement", "Data sharing agreement"),
                    ("acknowledgement", "User acknowledgement (Exhibit B)"),
                    ("confidentiality", "Personal confidentiality statement (Exhibit C)"),
                    ("destruction", "Certificate of destruction (Exhibit F)"),
                    ("retention", "Certificate of authorised retention (Exhibit F)"),
                    ("hub_destruction", "Hub's certificate of destroyed inputs"),
                    ("project_end", "Hub's certificate of the end of a project"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="texttemplate",
            name="kind",
            field=models.CharField(
                choices=[
                    ("agreement", "Data sharing agreement"),
                    ("acknowledgement", "User acknowledgement (Exhibit B)"),
                    ("confidentiality", "Personal confidentiality statement (Exhibit C)"),
                    ("destruction", "Certificate of destruction (Exhibit F)"),
                    ("retention", "Certificate of authorised retention (Exhibit F)"),
                    ("hub_destruction", "Hub's certificate of destroyed inputs"),
                    ("project_end", "Hub's certificate of the end of a project"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="certificate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ["destruction", "retention", "hub_destruction", "project_end"])
                ),
                name="certificate_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="certificate",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "project_end")),
                fields=("project",),
                name="one_certificate_of_the_end",
            ),
        ),
        migrations.AddConstraint(
            model_name="certificate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ("hub_destruction", "project_end")),
                    ("signature__isnull", False),
                    _connector="OR",
                ),
                name="recipient_signs_certificate",
            ),
        ),
        migrations.AddConstraint(
            model_name="texttemplate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "agreement",
                            "acknowledgement",
                            "confidentiality",
                            "destruction",
                            "retention",
                            "hub_destruction",
                            "project_end",
                        ],
                    )
                ),
                name="text_kind_known",
            ),
        ),
    ]
