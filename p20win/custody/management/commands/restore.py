"""`manage.py restore BACKUP`: database and sealed files into a blank portal, keys from their own snapshot."""

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from p20win import clock
from p20win.audit.public import verify_chain
from p20win.custody import backup, dump, key_snapshots, key_watch, vault_keys
from p20win.custody.engine.errors import CustodyError
from p20win.custody.models import FileStatus, SealedFile
from p20win.jobs.public import MustWait


class Command(BaseCommand):
    """Restore, then verify the ledger and compare the keys with the database."""

    help = "Put a backup into a blank portal. Stop its programs first."

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for what the custodians bring."""
        parser.add_argument("folder", type=Path, help="one backup, as “manage.py backup” named it")
        parser.add_argument("--backup-key", type=Path, required=True, help="its private half, from offline")
        parser.add_argument(
            "--key-snapshot", type=Path, help="a snapshot of the key store; needs the master key"
        )
        parser.add_argument("--over", action="store_true", help="replace a database that is not blank")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it as the owner of the tables, in a process that may open keys."""
        try:
            self._restore(options)
        except (dump.NotRestorable, CustodyError, MustWait, FileNotFoundError) as problem:
            raise CommandError(str(problem)) from problem

    def _restore(self, options: dict[str, Any]) -> None:
        call_command("migrate", "--no-input", verbosity=0)
        key = key_snapshots.read_backup_key(options["backup_key"])
        told, missing = backup.restore(options["folder"], backup=key, over=options["over"])
        files = f"{len(told.files)} sealed files"
        self.stdout.write(
            f"The database of {told.taken}: {told.tables} tables; {files}, {len(missing)} missing."
        )
        waiting = SealedFile.objects.filter(status=FileStatus.ARRIVED).count()
        if waiting:
            self.stdout.write(f"{waiting} files had arrived and were not checked: have them sent again.")
        if snapshot := options["key_snapshot"]:
            count = key_snapshots.restore(snapshot, backup=key, now=clock.real_now())
            vault_keys.publish_own()
            self.stdout.write(f"{count} keys were put back.")
        chain = verify_chain()
        if not chain.ok:
            raise CommandError(f"The ledger is not as it was written, from line {chain.broken_at} on.")
        self.stdout.write(f"The ledger verifies: {chain.lines} lines.")
        found = key_watch.look(at=clock.now())
        self.stdout.write(
            f"Without key, so never readable again: {len(found.without_key)} files. Keys of finished "
            f"destructions that had come back and were destroyed again: {len(found.destroyed_again)}."
        )
