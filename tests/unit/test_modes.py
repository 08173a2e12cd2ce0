"""What is for demo and test mode does not start anywhere else."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from p20win import clock

PRODUCTION = {
    "P20WIN_MODE": "production",
    "SECRET_KEY": "x" * 50,
    "DATABASE_URL": "postgres://portal@db.example.org/p20win",
    "BROKER_URL": "rediss://broker.example.org/0?ssl_cert_reqs=required&ssl_ca_certs=/etc/ssl/broker.pem",
    "P20WIN_KEY_SERVICE": "vault",
    "ALLOWED_HOSTS": "portal.example.org",
    "PORTAL_ADDRESS": "https://portal.example.org",
}


def _start(**changes: str | None) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("P20WIN_")} | PRODUCTION | changes
    environment = {name: value for name, value in environment.items() if value is not None}
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


@pytest.mark.obligation("O-58")
@pytest.mark.parametrize(
    "address",
    [
        "redis://:hush-hush@broker.example.org:6379/0",
        "rediss://:hush-hush@broker.example.org:6379/0",  # which checks no certificate
        "rediss://:hush-hush@broker.example.org:6379/0?ssl_cert_reqs=none",
        "memory://",
    ],
)
def test_c11_production_reaches_its_broker_by_checked_tls_alone_and_tells_no_password(address):
    started = _start(BROKER_URL=address)

    assert started.returncode != 0
    assert "its certificate checked" in started.stderr.replace("\n", " ")
    assert "hush-hush" not in started.stderr


@pytest.mark.parametrize(
    "address", ["redis+socket:///run/broker/broker.sock", "rediss://b/0?ssl_cert_reqs=required"]
)
def test_c11_or_by_a_socket_of_the_machine(address):
    assert _start(BROKER_URL=address).returncode == 0


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is missing")
def test_c11_deploy_makes_secrets_that_production_accepts_and_keeps_them(tmp_path):
    script = shutil.copy(Path(__file__).parents[2] / "deploy" / "make-secrets", tmp_path)
    made = tmp_path / "secrets"
    made.mkdir()
    (made / "broker_url").write_text("redis://:old@broker:6379/0\n")  # of an earlier version: in the clear
    (made / "broker_config").write_text("requirepass old\n")
    for _ in range(2):
        subprocess.run([script], check=True, capture_output=True)
        address = (made / "broker_url").read_text().strip()
    assert _start(BROKER_URL=address).returncode == 0
    password = address.partition("://:")[2].partition("@")[0]
    config = (made / "broker_config").read_text().splitlines()
    assert f"requirepass {password}" in config
    assert {"port 0", "tls-port 6379"} <= set(config)


def test_production_is_told_who_holds_the_master_key():
    started = _start(P20WIN_KEY_SERVICE=None)

    assert started.returncode != 0
    assert "say who holds the master key" in started.stderr
    assert _start(P20WIN_KEY_SERVICE="file").returncode == 0


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
