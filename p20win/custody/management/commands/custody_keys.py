"""`manage.py custody_keys …`: everything done to the vault's keys, where the vault runs."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from p20win import clock
from p20win.custody import key_desk, key_snapshots, key_watch, renewal, vault_keys
from p20win.custody.engine.errors import CustodyError
from p20win.custody.key_services import NotOurs
from p20win.jobs.public import MustWait


class Command(BaseCommand):
    """Make, list, rotate, retire and copy keys."""

    help = "Make, list, rotate, retire and copy the vault's keys."

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask what to do."""
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("init", help="make the vault's keys where there are none")
        acts.add_parser("list", help="every key: purpose, version, age, when to renew it")
        acts.add_parser("rotate", help="make a new version of the master key and wrap all keys anew")
        acts.add_parser("rewrap", help="finish a rotation that was cut short")
        renew = acts.add_parser("renew", help="make the next version of one of the vault's own keys")
        renew.add_argument("kind", choices=list(renewal.OVERLAP))
        retire = acts.add_parser("retire", help="end an older version of the master key")
        retire.add_argument("version", type=int)
        backup = acts.add_parser("backup-key", help="make the key that backups are sealed for")
        backup.add_argument("file", type=Path, help="its private half; take this file offline")
        acts.add_parser("snapshot", help="copy the key store, sealed for the backup key")
        restore = acts.add_parser("restore", help="put keys back from a snapshot")
        restore.add_argument("file", type=Path)
        restore.add_argument("--backup-key", type=Path, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, in a process that may."""
        act = str(options["act"]).replace("-", "_")
        try:
            getattr(self, f"_{act}")(options)
        except FileExistsError as problem:
            raise CommandError(f"{problem.filename2 or problem.filename} is there already.") from problem
        except (
            CustodyError,
            MustWait,
            NotOurs,
            key_desk.StillNeeded,
            vault_keys.NoKeys,
            FileNotFoundError,
        ) as problem:
            raise CommandError(str(problem)) from problem

    def _init(self, _: dict[str, Any]) -> None:
        made = vault_keys.make_keys()
        self.stdout.write(f"Made: {', '.join(made)}." if made else "All keys are there.")

    def _list(self, _: dict[str, Any]) -> None:
        for key in key_desk.listed():
            renew = f"renew by {key.renew_by[:10]}" if key.renew_by else ""
            whose = f"{key.project} {key.organisation}".strip()
            age = f"v{key.version}  {key.state}  {key.created[:10]}"
            self.stdout.write("  ".join(filter(None, (key.purpose, whose, age, renew, key.fingerprint))))

    def _rotate(self, _: dict[str, Any]) -> None:
        version, count = key_desk.rotate(at=clock.now())
        self.stdout.write(
            f"Version {version} of the master key is current; {count} keys were wrapped anew. Split it among "
            f"the custodians: manage.py key_ceremony. Then retire version {version - 1} when no snapshot "
            "needs it."
        )

    def _rewrap(self, _: dict[str, Any]) -> None:
        self.stdout.write(f"{key_desk.rewrap(at=clock.now())} keys were wrapped anew.")

    def _renew(self, options: dict[str, Any]) -> None:
        fresh = renewal.renew(options["kind"], now=clock.real_now(), at=clock.now())
        days = renewal.OVERLAP[fresh.kind].days
        self.stdout.write(
            f"Version {fresh.version} of the key “{fresh.kind}” is in use; version {fresh.version - 1} is "
            f"good beside it for {days} days. Take a snapshot now: custody_keys snapshot"
        )

    def _retire(self, options: dict[str, Any]) -> None:
        key_desk.retire(options["version"], at=clock.now())
        self.stdout.write(f"Version {options['version']} of the master key is retired.")

    def _backup_key(self, options: dict[str, Any]) -> None:
        vault_keys.make_backup_key(options["file"])
        self.stdout.write(f"{options['file']} opens the backups. Take it offline now; leave no copy here.")

    def _snapshot(self, _: dict[str, Any]) -> None:
        taken = key_snapshots.take(now=clock.real_now())
        self.stdout.write(f"{taken.path}: {taken.keys} keys, until {taken.expires:%d %B %Y}.")

    def _restore(self, options: dict[str, Any]) -> None:
        backup = key_snapshots.read_backup_key(options["backup_key"])
        count = key_snapshots.restore(options["file"], backup=backup, now=clock.real_now())
        vault_keys.publish_own()
        again = key_watch.look(at=clock.now()).destroyed_again
        self.stdout.write(f"{count} keys were put back, {len(again)} of them destroyed again.")
