"""Home, and where a request is."""

import pytest
from django.urls import reverse

from governance import selectors, services
from governance.notices import everyone_concerned
from governance.seed import directory
from governance.seed.cast import Cast
from governance.seed.projects import STORIES
from p20win import clock
from p20win.accounts.public import User
from p20win.audit.public import timeline

HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def cast(db, settings):
    settings.PASSWORD_HASHERS = HASHERS
    at = clock.now()
    known = directory.organisations(at, only={"sde", "cscu", "dol", "opm", "copperfield", "salt-meadow"})
    directory.people(known, at)
    directory.papers(known, at)
    return Cast("copperfield", ("sde", "cscu"))


def told(title):
    return next(story for story in STORIES if story.title == title).tell()


@pytest.fixture
def draft(cast):
    return told("Early college: who takes courses, and who stays")


@pytest.fixture
def submitted(cast):
    return told("English learners on their way to college")


@pytest.mark.obligation("O-96")
class TestWhereIsMyRequest:
    def test_a_draft_is_with_its_requestor(self, draft, signed_in):
        page = signed_in(draft.cast.requestor).get(reverse("project", args=[draft.project.pk]))

        assert "Now: request. It is with the requestor." in page.content.decode()

    def test_a_submitted_request_is_with_the_operating_group_and_due(self, submitted, signed_in):
        page = signed_in(submitted.cast.requestor).get(reverse("project", args=[submitted.project.pk]))
        text = page.content.decode()

        assert "Now: completeness. It is with OPM (operating group staff)." in text
        assert "Check that the request is complete" in text
        assert "How this date was worked out" in text
        assert "Request signed and submitted" in text
        assert submitted.cast.requestor.name in text

    def test_decided_stages_are_done_and_the_rest_waits(self, cast, signed_in):
        line = told("From school straight to work")
        where = selectors.whereabouts(line.project)

        assert where.now.stage.slug == "decision"
        assert where.sentence == ("Now: decision. It is with CSCU and DOL (data governing board member).")

    def test_what_ended_says_so(self, cast):
        line = told("Discipline records and employment")

        assert selectors.whereabouts(line.project).sentence == "The agencies disapproved the request."

    def test_what_was_sent_back_is_with_the_requestor_again(self, cast):
        line = told("Lunch eligibility and graduation")
        where = selectors.whereabouts(line.project)

        assert where.now.stage.slug == "request"
        assert where.holders == [line.cast.requestor.name]

    def test_to_those_who_may_not_see_it_there_is_no_such_project(self, submitted, signed_in):
        stranger = User.objects.filter(organisation__slug="dol", role_holdings__role="data_steward").first()

        answer = signed_in(stranger).get(reverse("project", args=[submitted.project.pk]))

        assert answer.status_code == 404

    def test_it_leads_to_the_pages_of_the_desks(self, cast):
        line = told("From school straight to work")

        assert [label for label, _ in selectors.doors(line.project, line.cast.coordinator)] == ["The request"]

    def test_what_repeats_itself_is_told_once(self, cast, signed_in):
        line = told("Certificates: which ones pay")
        page = signed_in(line.cast.requestor).get(reverse("project", args=[line.project.pk]))

        assert "An agency approved a person (3 times)" in page.content.decode()

    def test_the_portals_own_notes_are_shown_only_if_asked_for(self, submitted, signed_in):
        client = signed_in(submitted.cast.requestor)
        address = reverse("project", args=[submitted.project.pk])

        assert "Clock started" not in client.get(address).content.decode()
        assert "Clock started" in client.get(address, {"all": ""}).content.decode()


class TestHome:
    def test_it_shows_what_waits_for_me_due_next_first(self, submitted, signed_in):
        page = signed_in(submitted.cast.coordinator).get(reverse("home")).content.decode()

        assert "Waiting for you" in page
        assert "Check that the request is complete" in page
        assert submitted.project.number in page

    def test_it_says_when_nothing_waits(self, cast, signed_in):
        page = signed_in(cast.hub_staff).get(reverse("home")).content.decode()

        assert "Nothing waits for you" in page
        assert "No open request." in page

    def test_one_signs_in_first(self, db, client):
        assert client.get(reverse("home")).status_code == 302


class TestClosing:
    def test_a_project_without_data_can_be_closed_by_the_operating_group_alone(self, cast, signed_in):
        line = told("Discipline records and employment")
        address = reverse("project-close", args=[line.project.pk])

        refused = signed_in(line.cast.requestor).post(address, follow=True).content.decode()
        line.project.refresh_from_db()
        assert "Only the operating group can do this" in refused
        assert line.project.status == "open"

        closed = signed_in(line.cast.coordinator).post(address, follow=True).content.decode()
        line.project.refresh_from_db()
        assert "is closed." in closed
        assert line.project.status == "closed"

    def test_those_who_worked_for_a_party_are_told_and_nobody_else(self, cast):
        line = told("Certificates: which ones pay")
        services.close(line.project, by=line.cast.coordinator, at=clock.now())
        event = timeline(line.project).filter(event="project.closed").get()

        heard = set(everyone_concerned(event))

        assert {line.cast.requestor, line.cast.coordinator, line.cast.hub_staff} <= heard
        assert {line.cast.steward(agency) for agency in line.cast.agencies} <= heard
        assert not {person for person in heard if person.organisation.slug == "copperfield"}
