"""Governance: above the desks."""

from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    """The demo, the scenario, where a request is, and the closing of projects."""

    name = "governance"
    label = "governance"
    verbose_name = "Governance"

    def ready(self) -> None:
        """Say who hears about what."""
        from governance.notices import NOTICES
        from p20win.notifications import public as notifications

        notifications.register(NOTICES)
