"""What every page knows: mode, clock, and how much waits in the inbox."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from p20win import clock


def portal(request: HttpRequest) -> dict[str, Any]:
    """Return the values that base.html needs."""
    context: dict[str, Any] = {"demo": settings.P20WIN_MODE == "demo", "now": clock.now()}
    if context["demo"]:
        context["demo_clock_ahead"] = clock.offset()
    user: Any = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        from p20win.notifications.public import unread_count

        context["roles"] = {role for role, _ in user.roles()}
        context["unread"] = unread_count(user)
    return context
