"""People, organisations, roles, keys."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from p20win.accounts.public import (
    Organisation,
    Role,
    enrol_key,
    move_demo_clock,
    organisation_called,
    people_with_role,
    revoke_key,
)
from p20win.refusal import Blocked
from tests import factories

pytestmark = pytest.mark.django_db
KEY = bytes(range(32))


class TestOrganisations:
    @pytest.mark.obligation("O-123")
    @pytest.mark.parametrize("name", ["OEC", "office of  early things", "Early Office", "oec"])
    def test_are_found_by_any_of_their_names(self, name):
        agency = factories.organisation(
            slug="oec", short_name="OEC", legal_name="Office of Early Things", aliases=["Early Office"]
        )

        assert organisation_called(name) == agency

    @pytest.mark.obligation("O-01")
    def test_there_is_one_hub(self):
        factories.hub()

        with pytest.raises(IntegrityError), transaction.atomic():
            factories.organisation(is_hub=True)

    @pytest.mark.obligation("O-57")
    def test_may_be_stricter_than_the_policy_never_looser(self):
        factories.organisation(min_cell_count=10)

        with pytest.raises(IntegrityError), transaction.atomic():
            factories.organisation(min_cell_count=5)


class TestRoles:
    def test_are_held_for_an_organisation(self):
        agency, other = factories.organisation(), factories.organisation()
        steward = factories.steward(agency)

        assert steward.has_role(Role.DATA_STEWARD, agency)
        assert not steward.has_role(Role.DATA_STEWARD, other)
        assert list(people_with_role(Role.DATA_STEWARD, agency)) == [steward]

    def test_end_with_the_persons_standing(self):
        steward = factories.steward(factories.organisation())
        steward.standing = "left"

        assert not steward.has_role(Role.DATA_STEWARD)


class TestKeys:
    def test_a_steward_enrols_and_revokes(self):
        agency = factories.organisation()
        steward = factories.steward(agency)

        key = enrol_key(agency, public_key=KEY, label="Server 1", by=steward, at=factories.START)
        key = revoke_key(key, by=steward, at=factories.START)

        assert key.revoked_at
        assert Organisation.objects.get(pk=agency.pk).signing_keys.count() == 1

    def test_a_stranger_does_not(self):
        agency = factories.organisation()

        with pytest.raises(Blocked, match="data steward of"):
            enrol_key(
                agency,
                public_key=KEY,
                label="Server 1",
                by=factories.steward(factories.organisation()),
                at=factories.START,
            )

    def test_what_is_no_key_is_refused(self):
        agency = factories.organisation()

        with pytest.raises(Blocked, match="not an Ed25519 public key"):
            enrol_key(
                agency, public_key=b"short", label="x", by=factories.steward(agency), at=factories.START
            )


def test_the_demo_clock_does_not_go_back():
    with pytest.raises(Blocked, match="only goes forward"):
        move_demo_clock(dt.timedelta(days=-1))
