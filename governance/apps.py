"""Governance: above the desks."""

from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    """The demo, the scenario, where a request is, and the closing of projects."""

    name = "governance"
    label = "governance"
    verbose_name = "Governance"

    def ready(self) -> None:
        """Tell the vault what a project's end rests on, what happens after its hour, and who hears of it."""
        from governance import closing
        from governance.notices import NOTICES
        from p20win.custody import public as custody
        from p20win.deadlines import public as deadlines
        from p20win.notifications import public as notifications

        custody.register_ground("closing of a project", closing.stands_behind)
        deadlines.register_due_action(closing.HOUR_CLOCK, "governance.carry_out_closing")
        notifications.register(NOTICES)
