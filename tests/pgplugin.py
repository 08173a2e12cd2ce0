"""Starts PostgreSQL and the broker for the tests, before pytest-django reads the settings.

Named in `addopts`. Workers of xdist inherit the environment and start nothing of their own.
`-p no:django` (the engines' tests alone) starts nothing either.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import tempfile
from pathlib import Path

import pytest

from p20win import embedded


class TestServers:
    """What this run started, and its folder."""

    __test__ = False

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="p20-test-"))
        self.folder.chmod(0o711)  # as root the servers run as nobody and must get through
        self.servers = embedded.start(
            self.folder,
            durable=False,
            database="DATABASE_URL" not in os.environ,
            broker="BROKER_URL" not in os.environ,
        )
        os.environ.update(self.servers.env)
        os.environ["P20WIN_DATA"] = str(self.folder)
        self.process = os.getpid()
        atexit.register(self.stop)  # also when pytest does not get as far as running a test

    def stop(self) -> None:
        """Stop the servers and remove all they wrote."""
        if os.getpid() != self.process:  # a child that was forked from us
            return
        self.servers.stop()
        embedded.forget(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)


_started: TestServers | None = None


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Start the servers in the first process of the run."""
    global _started
    os.environ["DJANGO_SETTINGS_MODULE"] = "p20win.settings"
    os.environ["P20WIN_MODE"] = "test"
    os.environ["P20WIN_AS_OWNER"] = "1"  # tests make and migrate their own databases
    os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(50))
    without_django = "no:django" in args or "-pno:django" in args
    if not without_django and "PYTEST_XDIST_WORKER" not in os.environ and _started is None:
        _started = TestServers()
