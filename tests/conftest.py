"""What every test may use."""

import datetime as dt
from typing import Any

import hypothesis
import pytest

# A busy machine is no failure: what must be fast is measured in bench/, against a peer.
hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.load_profile("here")

MONDAY = dt.datetime(2026, 3, 2, 15, 0, tzinfo=dt.UTC)


_as_migrated: dict[str, Any] = {}


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Keep the rows that migrations wrote: a test with real transactions empties every table."""
    from tests import starting_points

    with django_db_blocker.unblock():
        _as_migrated.update(rows=starting_points.all_rows(), blocker=django_db_blocker)


def pytest_itemcollected(item):
    """Keep a file's tests on one worker: what they start from is made there once.

    At collection, since xdist reads the groups before a conftest may change the collected items.
    """
    if item.config.pluginmanager.hasplugin("xdist") and not item.get_closest_marker("xdist_group"):
        item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item, nextitem):
    """Put back what migrations wrote, with the same ids: what was made before such a test still fits."""
    told = yield
    mark = item.get_closest_marker("django_db")
    with_transactions = mark is not None and (mark.kwargs.get("transaction") or any(mark.args))
    if nextitem is not None and (with_transactions or "transactional_db" in item.fixturenames):
        from tests import starting_points

        with _as_migrated["blocker"].unblock():
            starting_points.restore(_as_migrated["rows"])
    return told


@pytest.fixture(autouse=True)
def _quick_passwords(request):
    """Let signing and sign-in not cost a tenth of a second each time."""
    if request.config.pluginmanager.hasplugin("django"):  # the engines' tests run without it, too
        settings = request.getfixturevalue("settings")
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _starting_points_as_patched(request):
    """Let what a test replaces not reach another by what they both start from."""
    if not request.config.pluginmanager.hasplugin("django"):
        return
    from tests import starting_points

    patches = request.getfixturevalue("monkeypatch") if "monkeypatch" in request.fixturenames else None
    starting_points.watch(patches, request.getfixturevalue("settings"))


@pytest.fixture(autouse=True)
def _ledger_of_its_own(request):
    """Empty the ledger after a test with real transactions: what empties the other tables leaves it alone."""
    if request.node.get_closest_marker("django_db") is None:
        yield
        return
    request.getfixturevalue("_django_db_helper")
    from django.db import connection, transaction

    is_rolled_back = connection.in_atomic_block
    yield
    if is_rolled_back:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_event DISABLE TRIGGER audit_keep_all")
        cursor.execute("TRUNCATE audit_event")
        cursor.execute("ALTER TABLE audit_event ENABLE TRIGGER audit_keep_all")


@pytest.fixture
def monday() -> dt.datetime:
    """Return a Monday morning in Connecticut without a holiday near."""
    return MONDAY


@pytest.fixture
def demo_clock(db):
    """Return a function that moves the portal's clock forward."""
    from p20win.accounts.public import move_demo_clock

    return move_demo_clock


@pytest.fixture
def at_start(monkeypatch):
    """Let the portal read the time at which the factories make everything."""
    from tests.factories import START

    monkeypatch.setattr("p20win.clock.now", lambda: START)


@pytest.fixture
def vault(settings, tmp_path):
    """Let the test be the vault, with keys and files of its own; return their folder."""
    from tests.factories_custody import become_vault

    become_vault(settings, tmp_path)
    return tmp_path


@pytest.fixture
def signed_in(client):
    """Return a function that signs a person in, second factor included, and returns the client."""

    def sign_in(user):
        from allauth.mfa.models import Authenticator

        Authenticator.objects.get_or_create(
            user=user, type=Authenticator.Type.TOTP, defaults={"data": {"secret": "x"}}
        )
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return sign_in
