"""An agency's keys: enrolled, replaced and revoked by its stewards, with time for the others to object."""

import datetime as dt

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core import mail
from django.urls import reverse

from p20win import clock
from p20win.accounts.public import SigningKey, move_demo_clock, why_not_key
from p20win.audit.public import events_of
from p20win.custody import agency_keys
from p20win.custody.agency_keys import Proof
from p20win.custody.engine import signing
from p20win.custody.models import SealedFile
from p20win.notifications.public import Message, tell
from p20win.refusal import Blocked
from p20win.signatures.public import Signature
from tests import factories
from tests import factories_custody as custody

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


def public_key():
    return signing.public_pem(Ed25519PrivateKey.generate().public_key()).decode()


@pytest.fixture
def steward():
    return factories.steward(factories.organisation())


def form(steward, **given):
    return {
        "agency": str(steward.organisation_id),
        "label": "Nightly job",
        "public_key": public_key(),
        "replaces": "",
        "typed_name": steward.name,
        "password": factories.PASSWORD,
    } | given


def enrolled(steward, at=None, **given):
    return agency_keys.enrol(
        steward.organisation,
        public_key=given.pop("public_key", public_key()),
        label="Nightly job",
        replaces=given.pop("replaces", None),
        proof=Proof(steward.name, factories.PASSWORD),
        by=steward,
        at=at or clock.now(),
    )


class TestEnrolling:
    def test_t03_a_new_key_waits_a_day_and_the_second_steward_hears_of_it(self, steward, signed_in):
        second = factories.steward(steward.organisation)
        page = signed_in(steward).post(reverse("custody:agency-key-enrol"), form(steward), follow=True)

        assert "Waiting for its first use" in page.text
        key = SigningKey.objects.get()
        assert key.usable_from - key.enrolled_at == 24 * HOUR
        assert why_not_key(key, key.usable_from - HOUR / 3600)
        assert why_not_key(key, key.usable_from) is None
        enrolment = events_of(key).get()
        tell(enrolment)
        assert set(Message.objects.values_list("person_id", flat=True)) == {steward.pk, second.pk}
        assert not any(key.fingerprint in each.body for each in mail.outbox)
        assert Signature.objects.get().document_kind == "signing_key_enrolment"

    @pytest.mark.parametrize(
        ("given", "why"),
        [
            ({"password": "not it"}, "The password is not right"),
            ({"typed_name": "Somebody Else"}, "Type your name as it stands"),
            ({"public_key": "ssh-rsa AAAA"}, "This is not a public key"),
        ],
    )
    def test_without_proof_or_key_nothing_is_enrolled(self, steward, signed_in, given, why):
        page = signed_in(steward).post(reverse("custody:agency-key-enrol"), form(steward, **given))
        assert why in page.text
        assert factories.PASSWORD not in page.text
        assert not SigningKey.objects.exists()

    def test_a_key_is_enrolled_once_even_after_it_was_revoked(self, steward):
        text = public_key()
        key = enrolled(steward, public_key=text)
        agency_keys.revoke(
            key, reason="lost", proof=Proof(steward.name, factories.PASSWORD), by=steward, at=clock.now()
        )
        with pytest.raises(Blocked, match="enrolled already"):
            enrolled(steward, public_key=text)

    def test_only_for_ones_own_agency_and_only_by_stewards(self, steward, signed_in):
        other = factories.organisation()
        client = signed_in(steward)
        refused = client.post(reverse("custody:agency-key-enrol"), form(steward, agency=str(other.pk)))
        assert "Select a valid choice" in refused.text
        theirs = enrolled(factories.steward(other))
        for name in ("custody:agency-key", "custody:agency-key-revoke"):
            assert client.get(reverse(name, args=[theirs.pk])).status_code == 404
        for person in (factories.person(), factories.hub_member()):
            assert signed_in(person).get(reverse("custody:agency-keys")).status_code == 404


class TestRotation:
    def test_the_old_key_works_a_week_beside_the_new_one_and_ends(self, steward, signed_in):
        old = enrolled(steward)
        client = signed_in(steward)
        client.post(reverse("custody:agency-key-enrol"), form(steward, replaces=str(old.pk)))
        new = SigningKey.objects.get(replaces=old)
        old.refresh_from_db()
        assert old.ends_at - new.usable_from == 7 * 24 * HOUR
        assert why_not_key(old, old.ends_at - HOUR) is None
        assert "its time is over" in why_not_key(old, old.ends_at)
        assert "Another key takes its place" in client.get(reverse("custody:agency-key", args=[old.pk])).text
        with pytest.raises(Blocked, match="not in use any more"):
            enrolled(steward, replaces=old)


class TestRevoking:
    def test_it_ends_at_once_with_reason_and_proof(self, steward, signed_in):
        key = enrolled(steward)
        client, address = signed_in(steward), reverse("custody:agency-key-revoke", args=[key.pk])
        assert "What it signed before stays valid" in client.get(address).text
        wrong = {"reason": "Left", "typed_name": steward.name, "password": "x"}
        assert "The password is not right" in client.post(address, wrong).text
        page = client.post(address, wrong | {"password": factories.PASSWORD}, follow=True)
        assert "Revoked" in page.text
        key.refresh_from_db()
        assert why_not_key(key, key.revoked_at) == "This key was revoked."
        assert key.revoked_by == steward
        assert events_of(key).last().note == "Left"
        assert "was revoked before" in client.post(address, wrong | {"password": factories.PASSWORD}).text


def test_what_was_signed_before_the_revocation_stands_by_its_place_in_the_ledger(
    settings, tmp_path, steward, signed_in
):
    with custody.own_vault(settings, tmp_path):
        key = enrolled(steward, at=factories.START)
        proof = Proof(steward.name, factories.PASSWORD)
        slot = custody.a_slot(steward.organisation)
        before = custody.announced(slot, key)
        agency_keys.revoke(key, reason="lost", proof=proof, by=steward, at=clock.now())
        after = custody.announced(slot, key)  # as if somebody had got past the refusal

        assert [(each.file, each.stands) for each in agency_keys.signed_with(key)] == [
            (after, False),
            (before, True),
        ]
        page = signed_in(steward).get(reverse("custody:agency-key", args=[key.pk])).text
        assert "the signature stands" in page
        assert "the signature does not stand" in page
        assert SealedFile.objects.count() == 2


def test_a_steward_who_is_alone_is_told_so(steward, signed_in):
    client = signed_in(steward)
    assert "no second data steward" in client.get(reverse("custody:agency-keys")).text
    factories.steward(steward.organisation)
    assert "no second data steward" not in client.get(reverse("custody:agency-keys")).text


def test_the_clock_of_the_demo_ends_the_wait(steward):
    key = enrolled(steward)
    assert why_not_key(key, clock.now())
    move_demo_clock(dt.timedelta(hours=25))
    assert why_not_key(key, clock.now()) is None
