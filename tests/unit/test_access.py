"""The one decision on access: all conditions, every time; a desk that is missing denies."""

import pytest

from p20win import access
from p20win.accounts.public import Standing, system_user
from p20win.projects.public import open_to_person
from p20win.workflow import amend
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def only_the_ground_floor(monkeypatch):
    """Let the papers be in order, to look at standing and permission alone."""
    kept = {name: access._conditions[name] for name in ("standing", "project_permission")}
    rest = {name: lambda ask: None for name in access.EXPECTED_CONDITIONS if name not in kept}
    monkeypatch.setattr(access, "_conditions", rest | kept)


def test_a_missing_desk_denies(monkeypatch):
    monkeypatch.setattr(access, "_conditions", {})

    [why] = access.why_not(factories.person(), "download", factories.project(), "extract", factories.START)

    assert "not set up to decide" in why


@pytest.mark.obligation("O-41", "O-10")
class TestGroundFloor:
    def test_permission_and_good_standing_open(self, only_the_ground_floor):
        project, person = factories.project(), factories.person()
        open_to_person(project, person, ["run_match"])

        assert access.why_not(person, "match", project, "matching", factories.START) == []

    def test_no_permission_no_access(self, only_the_ground_floor):
        [why] = access.why_not(factories.person(), "match", factories.project(), "matching", factories.START)

        assert "no part in this project" in why

    def test_a_suspended_organisation_cuts_its_people_off_at_once(self, only_the_ground_floor):
        project, person = factories.project(), factories.person()
        open_to_person(project, person, ["run_match"])

        amend(
            "organisation.suspended",
            person.organisation,
            by=system_user(),
            at=factories.START,
            standing=Standing.SUSPENDED,
        )
        person.refresh_from_db()

        [why] = access.why_not(person, "match", project, "matching", factories.START)
        assert "does not take part" in why


def test_an_unexpected_condition_is_refused():
    with pytest.raises(ValueError, match="No access condition"):
        access.register_condition("weather", lambda ask: None)
