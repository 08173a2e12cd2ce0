"""The inventory of keys as a page."""

import pytest
from django.urls import reverse

from p20win import clock
from p20win.custody import key_desk, key_snapshots, vault_keys
from tests import factories
from tests import factories_custody as custody

pytestmark = pytest.mark.django_db
PAGE = "custody:keys"


@pytest.fixture
def vault(settings, tmp_path):
    settings.P20WIN_KEY_SNAPSHOTS = tmp_path / "snapshots"
    with custody.own_vault(settings, tmp_path) as folder:
        yield folder


def test_c14_hub_and_operating_group_see_every_key_and_no_key_itself(vault, signed_in):
    file = custody.checked(custody.arrived(custody.a_slot()))
    vault_keys.make_backup_key(vault / "offline.key")
    key_snapshots.take(now=clock.real_now())
    key_desk.rotate(at=factories.START)
    key_desk.publish(now=clock.real_now(), missing_keys=[])

    for person in (factories.hub_member(), factories.operating_group_member()):
        page = signed_in(person).get(reverse(PAGE)).text
        assert file.project.number in page
        assert file.owner.short_name in page
        for words in ("Master key", "Opens only", "In use", "file, version 2", "gone by", "kept offline"):
            assert words in page
        for secret in (vault / "vault-keys").iterdir():
            assert secret.read_text().strip() not in page


def test_the_keys_of_data_are_searched_by_request_organisation_and_fingerprint(vault, signed_in):
    files = [custody.checked(custody.arrived(custody.a_slot())) for _ in range(2)]
    key_desk.publish(now=clock.real_now(), missing_keys=[])
    client = signed_in(factories.hub_member())

    for words in (files[0].project.number, files[0].owner.short_name):
        page = client.get(reverse(PAGE), {"q": words}).text
        assert files[0].project.number in page
        assert files[1].project.number not in page
    assert "No key fits this search" in client.get(reverse(PAGE), {"q": "DR-9999"}).text


def test_nobody_else_does(vault, signed_in):
    key_desk.publish(now=clock.real_now(), missing_keys=[])
    for person in (factories.steward(factories.organisation()), factories.person()):
        assert signed_in(person).get(reverse(PAGE)).status_code == 404


def test_before_the_vault_told_them_and_when_something_is_wrong(vault, signed_in):
    client = signed_in(factories.hub_member())
    assert "has not told its keys yet" in client.get(reverse(PAGE)).text
    key_desk.publish(now=clock.real_now(), missing_keys=["0192"])
    page = client.get(reverse(PAGE)).text
    assert "The database is older than the keys" in page
    assert "There is no copy" in page
