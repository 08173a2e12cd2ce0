"""What is for demo and test mode does not start anywhere else."""

import os
import subprocess
import sys

import pytest

from p20win import clock

PRODUCTION = {
    "P20WIN_MODE": "production",
    "SECRET_KEY": "x" * 50,
    "DATABASE_URL": "postgres://portal@db.example.org/p20win",
    "BROKER_URL": "rediss://broker.example.org/0",
    "ALLOWED_HOSTS": "portal.example.org",
    "PORTAL_ADDRESS": "https://portal.example.org",
}


def _start(**changes: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("P20WIN_")} | PRODUCTION | changes
    code = "from django.conf import settings; print(settings.PRODUCTION, settings.SESSION_COOKIE_SECURE)"
    environment["DJANGO_SETTINGS_MODULE"] = "p20win.settings"
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )


def test_production_starts_without_the_demos_parts():
    assert _start().stdout.split() == ["True", "True"]


@pytest.mark.parametrize("name", ["P20WIN_DEMO_SIGN_IN", "P20WIN_DEMO_CLOCK", "P20WIN_EMBEDDED"])
def test_production_refuses_the_demos_parts(name):
    started = _start(**{name: "1"})

    assert started.returncode != 0
    assert f"{name} is for demo and test mode" in started.stderr


def test_an_unknown_mode_is_refused():
    assert "must be demo, test or production" in _start(P20WIN_MODE="Production").stderr


def test_an_address_without_its_scheme_is_refused_with_the_remedy():
    assert "write it in full, as in https://" in _start(PORTAL_ADDRESS="portal.example.org").stderr


def test_the_clock_cannot_be_moved_in_production(settings):
    settings.P20WIN_MODE = "production"

    with pytest.raises(RuntimeError, match="demo mode only"):
        clock.use_demo_offset(lambda: None)


@pytest.mark.django_db
def test_the_demo_clock_moves_deadlines_and_leaves_real_time_alone(demo_clock):
    import datetime as dt

    demo_clock(dt.timedelta(days=30))

    assert dt.timedelta(days=29) < clock.now() - clock.real_now() < dt.timedelta(days=31)
