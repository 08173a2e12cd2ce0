"""`manage.py backup FOLDER`: the database, sealed for the backup key, and the sealed files."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from p20win import clock
from p20win.custody import backup, dump, vault_keys


class Command(BaseCommand):
    """Write a backup while the portal works."""

    help = (
        "Write a backup: the database sealed for the backup key, and the sealed files. Keys are not in it."
        " Run it where the vault runs: the web may not read every table."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask where to."""
        parser.add_argument("folder", type=Path, help="on another volume than the portal's data")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it, whole or not at all, with the vault's right to read."""
        try:
            taken = backup.take(options["folder"], now=clock.real_now())
        except (vault_keys.NoKeys, dump.NotReadable, OSError) as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(
            f"{taken.folder}: the database and {taken.files} sealed files ({taken.copied} new)."
        )
