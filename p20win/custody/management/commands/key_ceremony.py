"""`manage.py key_ceremony split|drill|recover`: at the vault's terminal, before two witnesses."""

import getpass
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from p20win import clock, policy
from p20win.custody import ceremony
from p20win.custody.ceremony import Ceremony, Purpose
from p20win.custody.engine.errors import CustodyError
from p20win.refusal import Blocked

CLEAR: Final = "\x1b[2J\x1b[3J\x1b[H"  # screen and what can be scrolled back to


class Command(BaseCommand):
    """Split the master key, try the shares, or bring the key back."""

    help = "Split the master key among custodians, try their shares, or bring the key back."

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask what is to be done."""
        parser.add_argument("purpose", choices=Purpose.values)
        parser.add_argument("--version-of-key", type=int, default=1, help="the version to bring back (1)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, if two people agreed to it in the portal."""
        try:
            held = ceremony.expect_agreed(Purpose(options["purpose"]), now=clock.real_now())
            getattr(self, f"_{held.purpose}")(held, options)
        except Blocked as refusal:
            raise CommandError(" ".join(refusal.reasons)) from refusal
        except FileExistsError as there:
            raise CommandError("This version of the master key is there; nothing was changed.") from there
        except CustodyError as problem:
            raise CommandError(str(problem)) from problem

    def _split(self, held: Ceremony, _: dict[str, Any]) -> None:
        if not self.stdout.isatty():
            raise CommandError("Shares are shown on a terminal alone, so that no file or log keeps them.")
        for number, share in enumerate(ceremony.shares(held, at=clock.now()), 1):
            input(f"Custodian {number} alone at the screen? Press Enter.")
            self.stdout.write(f"Share {number} of {policy.CUSTODIANS}. Write it down on paper:\n\n{share}\n")
            input("Written down and read over? Press Enter; it is not shown again.")
            self.stdout.write(CLEAR)
        self.stdout.write(
            f"Done. Any {policy.CUSTODIANS_NEEDED} of the shares bring this version back. Hold a drill now."
        )

    def _drill(self, held: Ceremony, _: dict[str, Any]) -> None:
        version = ceremony.drill(held, self._asked(), at=clock.now())
        self.stdout.write(
            f"These shares bring back version {version} of the master key. Nothing was changed."
        )

    def _recover(self, held: Ceremony, options: dict[str, Any]) -> None:
        mark = ceremony.recover(held, self._asked(), version=options["version_of_key"], at=clock.now())
        self.stdout.write(f"The master key is back, fingerprint {mark}. Next: custody_keys restore SNAPSHOT.")

    def _asked(self) -> list[str]:
        return [
            getpass.getpass(f"Share {number} of {policy.CUSTODIANS_NEEDED} (not shown while you type): ")
            for number in range(1, policy.CUSTODIANS_NEEDED + 1)
        ]
