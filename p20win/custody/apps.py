"""Custody."""

from django.apps import AppConfig
from django.conf import settings


class CustodyConfig(AppConfig):
    """Sealed files: receive, open, deliver, shred."""

    name = "p20win.custody"
    label = "custody"

    def ready(self) -> None:
        """Say who hears about files; in the vault's processes, keep memory from any disk."""
        from p20win import access
        from p20win.custody import (
            comparing,
            download_tickets,
            holds,
            notices,
            schedule,
            upload_tickets,
        )
        from p20win.deadlines import public as deadlines
        from p20win.notifications import public as notifications

        comparing.register_comparison("files", comparing.files)
        access.register_download_ticket_reader(download_tickets.shown)
        deadlines.register_due_action(holds.CLOCK, "custody.lapse_hold")
        deadlines.register_follower(schedule.WINDOW, schedule.follow_window)
        notifications.register(notices.NOTICES)
        notifications.register(notices.TO_ITS_AGENCY)
        notifications.register(notices.TO_INVITED)
        access.register_upload_ticket_verifier(upload_tickets.shown)
        if settings.P20WIN_IS_VAULT:
            from p20win.custody import hardening

            hardening.keep_memory_private()
