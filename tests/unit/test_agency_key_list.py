"""The vault's list of agencies' keys: from the ledger, never from a row; and the countersigned statement."""

import datetime as dt
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from p20win import clock, policy
from p20win.accounts.models import SigningKey
from p20win.accounts.public import enrol_key, revoke_key
from p20win.audit.public import record
from p20win.custody import agency_key_list, renewal
from p20win.custody.engine import agencykeys, signing
from tests import factories
from tests import factories_custody as custody

pytestmark = pytest.mark.django_db
NOW = factories.START
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def vault(settings, tmp_path):
    factories.hub()
    with custody.own_vault(settings, tmp_path) as folder:
        yield folder


@pytest.fixture
def steward():
    return factories.steward(factories.organisation())


def a_key():
    return Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def enrol(steward, *, at=NOW, raw=None, replaces=None):
    return enrol_key(
        steward.organisation, public_key=raw or a_key(), label="Server", by=steward, at=at, replaces=replaces
    )


def listed(*, after=dt.timedelta()):
    agency_key_list.publish_if_due(now=clock.real_now() + after)
    hub = [signing.public_text(agency_key_list.vault_keys.private_keys().hub.public_key())]
    return agencykeys.read_list(agencykeys.read_block(agency_key_list.block()), hub=hub)


@pytest.mark.obligation("O-58", "O-64")
def test_it_tells_when_each_key_was_enrolled_replaced_and_revoked(steward):
    first = enrol(steward)
    second = enrol(steward, at=NOW + 3 * DAY, replaces=first)
    revoke_key(second, by=steward, at=NOW + 9 * DAY)

    one, two = listed().keys
    assert (one.name, one.organisation) == (steward.organisation.legal_name, str(steward.organisation_id))
    cooling = dt.timedelta(hours=policy.SIGNING_KEY_COOLING_HOURS)
    assert (one.enrolled, one.usable) == (NOW.isoformat(), (NOW + cooling).isoformat())
    ends = NOW + 3 * DAY + cooling + policy.SIGNING_KEY_OVERLAP_DAYS * DAY
    assert (one.ends, one.revoked) == (ends.isoformat(), "")
    assert (two.ends, two.revoked) == ("", (NOW + 9 * DAY).isoformat())


@pytest.mark.obligation("O-58")
def test_a_row_that_no_line_enrolled_does_not_stand_in_it(steward):
    """The web process can write rows (T34); it gets no key of its own among an agency's."""
    raw = a_key()
    written = enrol(steward, raw=raw)
    SigningKey.objects.filter(pk=written.pk)._raw_delete(using="default")
    mark = agencykeys.mark_of(agency_key_list.to_text(raw))
    fields = {"organisation": steward.organisation, "label": "x", "enrolled_by": steward, "enrolled_at": NOW}
    SigningKey.objects.bulk_create(
        [
            SigningKey(public_key=raw, fingerprint=mark, usable_from=NOW, **fields),
            SigningKey(pk=written.pk, public_key=a_key(), fingerprint="0" * 64, usable_from=NOW, **fields),
        ]
    )
    assert listed().keys == ()


def test_a_line_added_later_changes_no_time(steward):
    key = enrol(steward)
    revoke_key(key, by=steward, at=NOW + DAY)
    for event in ("signing_key.enrolled", "signing_key.revoked"):
        record(event, key, by=steward, at=NOW + 9 * DAY, details={"fingerprint": key.fingerprint})
    (told,) = listed().keys
    assert (told.enrolled, told.revoked) == (NOW.isoformat(), (NOW + DAY).isoformat())


def test_it_is_signed_anew_for_a_change_each_day_and_by_the_hubs_next_key(steward):
    first = listed()
    assert listed().made == first.made
    enrol(steward)
    second = listed(after=dt.timedelta(minutes=10))
    assert (len(second.keys), second.made > first.made) == (1, True)
    assert listed(after=dt.timedelta(hours=23)).made == second.made
    assert listed(after=2 * DAY).made > second.made
    renewal.renew("hub", now=clock.real_now(), at=NOW)
    assert len(listed().keys) == 1


def test_before_the_vault_made_it_the_trust_file_has_none(client):
    assert agency_key_list.block() == b""
    page = "/files/trust.pem"
    assert b"AGENCY KEYS" not in client.get(page).content
    listed()
    assert client.get(page).content.count(b"BEGIN AGENCY KEYS") == 1


def test_a_file_that_a_person_sent_carries_no_statement():
    file = custody.checked(custody.arrived(custody.a_slot()))
    assert json.loads(json.dumps(file.receipt))["document"]["statement"] is None
