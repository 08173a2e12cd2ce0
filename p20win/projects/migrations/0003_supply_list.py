"""A person of a supplier that takes no part can be let to send one list, and see nothing else."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0002_being_closed"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="project",
            options={
                "default_permissions": [],
                "ordering": ["-opened_at"],
                "permissions": [
                    ("view_project", "See the project"),
                    ("edit_request", "Write its request"),
                    ("decide_request", "Decide on its request"),
                    ("manage_project", "Run its process"),
                    ("send_files", "Send its files"),
                    ("supply_list", "Send a list to it as an invited supplier"),
                    ("run_match", "Match its files"),
                    ("sign_off_match", "Agree to its match"),
                    ("download_extract", "Download its extract"),
                    ("submit_output", "Submit its outputs"),
                    ("review_output", "Review its outputs"),
                ],
            },
        ),
    ]
