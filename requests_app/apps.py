"""Requests."""

from django.apps import AppConfig


class RequestsConfig(AppConfig):
    """Exhibit A, the data elements, review and decisions, and the user list."""

    name = "requests_app"
    label = "requests_app"
    verbose_name = "Data requests"

    def ready(self) -> None:
        """Tell the access decision how to ask for the agencies' approval, and who hears about requests."""
        from p20win import access
        from p20win.notifications import public as notifications
        from requests_app import notices, selectors

        access.register_condition("approved_people", selectors.why_not_approved)
        notifications.register(notices.NOTICES)
