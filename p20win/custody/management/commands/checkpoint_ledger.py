"""`manage.py checkpoint_ledger`: sign where the ledger stands now; after a loss, own up to it and go on."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from p20win import clock
from p20win.custody import checkpoints


class Command(BaseCommand):
    """Sign a checkpoint."""

    help = "Sign a checkpoint of the ledger now. Run it where the vault runs."

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for the words that explain a loss."""
        parser.add_argument(
            "--after-loss",
            metavar="WHY",
            help="signed lines are lost for good (a restored backup): say so in the ledger, go on",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Sign, or say why not."""
        now = clock.real_now()
        try:
            if why := options["after_loss"]:
                row = checkpoints.go_on_after_loss(why, now=now, at=clock.now())
            else:
                row = checkpoints.publish(now=now)
        except checkpoints.LedgerDiffers as problem:
            raise CommandError(
                f"{problem} Look into it first; see docs/how-to/verify-the-ledger.md."
            ) from problem
        self.stdout.write(row.note if row else "The ledger holds no line.")
