"""Make the portal's seal key, if there is none."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from agreements import seal
from p20win import clock


class Command(BaseCommand):
    """Make the key and a self-signed certificate; keep what is there."""

    help = "Make the portal's seal key and a self-signed certificate, if there are none."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it."""
        key, certificate = Path(settings.P20WIN_SEAL_KEY), Path(settings.P20WIN_SEAL_CERTIFICATE)
        if key.exists() and certificate.exists():
            self.stdout.write("The seal key is there.")
            return
        seal.make_key(key, certificate, now=clock.real_now())
        self.stdout.write("Made the seal key.")
