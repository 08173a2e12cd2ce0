"""Django's migrate, and after it the guards of the tables that only grow."""

from typing import Any

from django.core.management.commands.migrate import Command as Migrate
from django.db import connections

from p20win.audit import batches, guards


class Command(Migrate):
    """Migrate, then set triggers and grants."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Run both."""
        with batches.in_batches():
            super().handle(*args, **options)
        guards.apply(connections[options["database"]])
