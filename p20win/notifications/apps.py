"""Notices."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Who hears about what."""

    name = "p20win.notifications"
    label = "notifications"

    def ready(self) -> None:
        """Tell people about deadlines; the desks register their own notices."""
        from p20win import workflow
        from p20win.notifications import registry
        from p20win.notifications.notices import NOTICES

        registry.register(NOTICES)
        workflow.tell_only(lambda event: bool(registry.notices_for(event)))
