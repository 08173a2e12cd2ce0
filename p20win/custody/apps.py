"""Custody."""

from django.apps import AppConfig
from django.conf import settings


class CustodyConfig(AppConfig):
    """Sealed files: receive, open, deliver, shred."""

    name = "p20win.custody"
    label = "custody"

    def ready(self) -> None:
        """Say who hears about files; in the vault's processes, keep memory from any disk."""
        from p20win.custody import holds, notices
        from p20win.deadlines import public as deadlines
        from p20win.notifications import public as notifications

        deadlines.register_due_action(holds.CLOCK, "custody.lapse_hold")
        notifications.register(notices.NOTICES)
        if settings.P20WIN_IS_VAULT:
            from p20win.custody import hardening

            hardening.keep_memory_private()
