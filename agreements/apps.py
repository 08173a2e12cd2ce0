"""The agreements desk."""

from django.apps import AppConfig


class AgreementsConfig(AppConfig):
    """Data sharing agreements, statements, methods, certificates."""

    name = "agreements"

    def ready(self) -> None:
        """Tell the access decision what the papers say, and who hears about them."""
        from agreements import checks, notices
        from p20win import access
        from p20win.notifications import public as notifications

        access.register_condition("confidentiality", checks.why_not_confidential)
        access.register_condition("agreement_in_force", checks.why_no_agreement)
        notifications.register(notices.NOTICES)
