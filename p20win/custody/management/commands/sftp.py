"""`manage.py sftp`: where agencies' machines send files by SFTP. Off unless SFTP_ADDRESS is set."""

import signal
import threading
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from p20win.custody import vault_keys
from p20win.custody.sftp import host_key
from p20win.custody.sftp.server import Server


class Command(BaseCommand):
    """Take files by SFTP until told to stop."""

    help = "Serve SFTP at SFTP_LISTEN; or make the host key, if there is none."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take one option."""
        parser.add_argument("--make-key", action="store_true", help="make the host key, and stop")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGTERM or SIGINT."""
        if options["make_key"]:
            made = host_key.make()
            shown = host_key.fingerprint_of(host_key.public_line(host_key.read()))
            self.stdout.write(f"{'Made the host key' if made else 'The host key is there'}: {shown}")
            return
        if settings.P20WIN_IS_VAULT:
            raise CommandError("What takes files in from outside must not be able to open them.")
        if not settings.SFTP_ADDRESS:
            raise CommandError("SFTP is off. Set SFTP_ADDRESS to the host and port that agencies use.")
        if not settings.PRODUCTION:
            host_key.make()
        try:
            host_key.read_address(settings.SFTP_ADDRESS)
            vault_keys.vault_public()
            server = Server(host_key.read_address(settings.SFTP_LISTEN), host_key.read())
        except (OSError, ValueError, host_key.NoHostKey, vault_keys.NoKeys) as trouble:
            raise CommandError(str(trouble)) from None
        stop = threading.Event()

        def told(_signal: int, _frame: FrameType | None) -> None:
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, told)
        server.serve(stop)
