"""Wiring at start: Celery, the lines of work, the demo clock, and the check that every desk is there."""

import datetime as dt
import time
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks


class P20WinConfig(AppConfig):
    """The portal."""

    name = "p20win"
    label = "p20win"

    def ready(self) -> None:
        """Find every line of work now, so that an unknown name fails where it is written."""
        from p20win.celery import app

        app.autodiscover_tasks(force=True)
        if settings.DEMO_CLOCK:
            from p20win import clock

            clock.use_demo_offset(_DemoReading())
        checks.register(_every_desk_is_there)


class _DemoReading:
    """The demo clock's offset from the database, read at most four times a second."""

    def __init__(self) -> None:
        self._read_at = float("-inf")
        self._offset = dt.timedelta()

    def __call__(self) -> dt.timedelta:
        if settings.P20WIN_MODE == "test" or time.monotonic() - self._read_at > 0.25:
            from p20win.accounts.public import demo_offset

            self._offset = demo_offset()
            self._read_at = time.monotonic()
        return self._offset


def _every_desk_is_there(**_: Any) -> list[checks.CheckMessage]:
    from p20win import access

    return [
        checks.Error(f"No desk answers the access condition {name!r}.", id="p20win.E001")
        for name in access.missing_conditions()
    ]
