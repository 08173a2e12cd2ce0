"""What waits for whom, and the calendar feed of it."""

import datetime as dt

import icalendar
import pytest

from p20win import clock
from p20win.accounts.models import Standing
from p20win.accounts.public import Role, system_user
from p20win.deadlines import feeds
from p20win.deadlines import public as deadlines
from p20win.projects.public import assign_number, open_to_person
from p20win.workflow import amend
from tests import factories
from tests.conftest import MONDAY
from tests.factories_deadlines import deadline, steward_who_sees

pytestmark = pytest.mark.django_db


def waiting(person):
    return list(deadlines.waiting_for(person, at=MONDAY))


@pytest.mark.obligation("O-91")
class TestWaitingFor:
    def test_due_next_first(self):
        later = deadline("agency-decision")
        person = steward_who_sees(later)
        sooner = deadline("signature", project=later.project, agency=later.waiting_on_organisation)

        assert waiting(person) == [sooner, later]

    def test_a_role_counts_for_its_own_organisation_only(self):
        row = deadline()
        elsewhere = factories.steward(factories.organisation())
        open_to_person(row.project, elsewhere, ["view_project"])
        other_role = factories.person(Role.SIGNATORY, at=row.waiting_on_organisation)
        open_to_person(row.project, other_role, ["view_project"])

        assert waiting(elsewhere) == []
        assert waiting(other_role) == []

    def test_a_role_without_organisation_is_anyone_who_holds_it(self):
        row = deadline(waiting_on_organisation=None, waiting_on_role=Role.OPERATING_GROUP)
        member = factories.operating_group_member()
        open_to_person(row.project, member, ["view_project"])

        assert waiting(member) == [row]
        assert row.waits_for == "operating group staff"

    def test_a_person_by_name_and_an_organisation_as_a_whole(self):
        row = deadline(waiting_on_role="")
        anyone = factories.person(at=row.waiting_on_organisation)
        named = deadline(
            project=row.project, waiting_on_organisation=None, waiting_on_role="", waiting_on_person=anyone
        )
        open_to_person(row.project, anyone, ["view_project"])

        assert set(waiting(anyone)) == {row, named}
        assert list(deadlines.people_waited_for(named)) == [anyone]
        assert list(deadlines.people_waited_for(row)) == [anyone]
        assert named.waits_for == anyone.name

    def test_nothing_of_a_project_one_may_not_see(self):
        row = deadline()

        assert waiting(factories.steward(row.waiting_on_organisation)) == []

    def test_nothing_that_is_over_held_or_for_somebody_suspended(self):
        row = deadline("completeness-check")
        person = steward_who_sees(row)
        deadlines.pause(row.slug, row.project, at=MONDAY, by=system_user(), reason="sent back")
        assert waiting(person) == []
        deadlines.resume(row.slug, row.project, at=MONDAY, by=system_user())
        assert waiting(person) == [row]

        person = amend("person.suspended", person, by=system_user(), at=MONDAY, standing=Standing.SUSPENDED)
        assert waiting(person) == []

    def test_what_was_missed_still_waits(self):
        row = deadline("breach-report")
        deadlines.tick(at=row.due_at + dt.timedelta(hours=1))

        assert waiting(steward_who_sees(row)) == [row]

    def test_nobody_is_waited_for(self):
        row = deadline("certificate-kept", waiting_on_role="", waiting_on_organisation=None)

        assert not deadlines.people_waited_for(row).exists()
        assert row.waits_for == ""


@pytest.fixture
def feed_of(signed_in, client):
    """Return a function that makes a person's calendar address and reads it without signing in."""

    def read(person):
        secret = feeds.make_feed(person, at=clock.real_now())
        return secret, client.get(f"/deadlines/calendar/{secret}.ics")

    return read


class TestFeed:
    def test_tells_tasks_and_dates_and_no_names(self, feed_of):
        row = deadline("agency-decision", at=clock.now())
        assign_number(row.project, by=system_user(), at=MONDAY)
        hours = deadline(
            "breach-report", at=clock.now(), project=row.project, agency=row.waiting_on_organisation
        )
        person = steward_who_sees(row)

        _, answer = feed_of(person)

        entries = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
        shown = {str(entry["summary"]): entry["dtstart"].dt for entry in entries}
        assert answer["Content-Type"] == "text/calendar; charset=utf-8"
        assert shown == {
            "DR-0001 – Decide on the request": row.due_at.astimezone(clock.STATE_ZONE).date(),
            "DR-0001 – Report the breach to the operating group": hours.due_at.replace(microsecond=0),
        }
        text = answer.content.decode()
        for secret in (person.name, person.email, row.project.title, row.waiting_on_organisation.short_name):
            assert secret not in text

    def test_an_overdue_task_says_so(self, feed_of):
        row = deadline("breach-report")
        deadlines.tick(at=clock.now())

        assert b"Overdue: Report the breach" in feed_of(steward_who_sees(row))[1].content

    def test_ends_when_revoked_replaced_or_the_person_leaves(self, feed_of, client):
        person = factories.person()
        secret, answer = feed_of(person)
        assert answer.status_code == 200

        second, answer = feed_of(person)
        assert client.get(f"/deadlines/calendar/{secret}.ics").status_code == 404
        assert answer.status_code == 200

        amend("person.left", person, by=system_user(), at=MONDAY, standing=Standing.LEFT)
        assert client.get(f"/deadlines/calendar/{second}.ics").status_code == 404

    def test_revoking_says_whether_there_was_one(self, feed_of, client):
        person = factories.person()
        secret, _ = feed_of(person)

        assert feeds.revoke_feed(person, at=clock.real_now())
        assert not feeds.revoke_feed(person, at=clock.real_now())
        assert client.get(f"/deadlines/calendar/{secret}.ics").status_code == 404
        assert feeds.has_feed(person) is None

    def test_a_guess_opens_nothing_and_the_secret_is_stored_nowhere(self, feed_of, client):
        person = factories.person()
        secret, _ = feed_of(person)

        assert client.get("/deadlines/calendar/guess.ics").status_code == 404
        kept = [
            str(value)
            for row in (feeds.Feed.objects.get(), feeds.Feed.history.get())
            for value in vars(row).values()
        ]
        assert not any(secret in value for value in kept)


def test_somebody_without_organisation_is_asked_by_name_only():
    person = factories.person()
    person.organisation = None
    row = deadline(waiting_on_organisation=None, waiting_on_role="", waiting_on_person=person)
    open_to_person(row.project, person, ["view_project"])

    assert waiting(person) == [row]
