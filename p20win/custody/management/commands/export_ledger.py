"""`manage.py export_ledger FILE`: write the ledger for `p20 verify`."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from p20win import clock
from p20win.custody import ledger_export


class Command(BaseCommand):
    """Write every line of the ledger, and at the end a checkpoint signed by the hub."""

    help = "Write the ledger to a file for “p20 verify”. Run it where the vault runs."

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask where to write."""
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        """Write, whole or not at all."""
        path: Path = options["file"]
        draft = path.with_name(f".{path.name}.new")
        try:
            with draft.open("wb") as target:
                for line in ledger_export.export(at=clock.real_now()):
                    target.write(line)
        except OSError as problem:
            draft.unlink(missing_ok=True)
            raise CommandError(str(problem)) from problem
        draft.replace(path)
        self.stdout.write(f"Written: {path}")
