"""Deadlines."""

from django.apps import AppConfig
from django.core import checks


class DeadlinesConfig(AppConfig):
    """Every clock, its rule and its derivation."""

    name = "p20win.deadlines"
    label = "deadlines"

    def ready(self) -> None:
        """Check at start that what is done when a deadline falls due is a known line of work."""
        from p20win.deadlines.actions import unknown_work

        checks.register(unknown_work)
