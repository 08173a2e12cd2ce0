"""Home, and where a request is."""

import pytest
from django.urls import reverse

from agreements import public as agreements
from agreements import seal
from governance import selectors
from governance.notices import everyone_concerned
from governance.seed import directory
from governance.seed.cast import Cast
from governance.seed.projects import STORIES
from p20win import clock
from p20win.accounts.public import User
from p20win.audit.public import timeline
from tests import factories_custody as files
from tests import factories_governance as ends

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


@pytest.mark.obligation("O-117")
class TestClosing:
    @pytest.fixture
    def line(self, cast):
        return told("Certificates: which ones pay")

    def test_one_asks_another_confirms_and_the_pages_say_so_to_everyone(self, line, signed_in):
        project = reverse("project", args=[line.project.pk])
        page = reverse("project-close", args=[line.project.pk])
        assert signed_in(line.cast.requestor).get(page).status_code == 404
        shown = signed_in(line.cast.requestor).get(project).content.decode()
        assert "Closing the project" not in shown

        client = signed_in(line.cast.coordinator)
        assert page in client.get(project).content.decode()
        listed = client.get(page).content.decode()
        assert "What is destroyed" in listed
        assert "The hub holds no file of this project" in listed
        assert "lines of the ledger" in listed
        empty = client.post(page, {"reason": ""})
        assert empty.status_code == 200
        asked = client.post(page, {"reason": "The study was given up."}, follow=True).content.decode()
        assert "Another person must confirm it" in asked
        assert "You asked for it; another person must confirm it." in asked
        own = client.post(reverse("project-close-confirm", args=[line.project.pk]), follow=True)
        assert "You asked for it" in own.content.decode()
        line.project.refresh_from_db()
        assert line.project.status == "open"

        client = signed_in(line.cast.hub_staff)
        assert "the closing of the project" in client.get(reverse("home")).content.decode()
        confirm = reverse("project-close-confirm", args=[line.project.pk])
        assert "The study was given up." in client.get(confirm).content.decode()
        assert "in an hour the project is closed" in client.post(confirm, follow=True).content.decode()
        line.project.refresh_from_db()
        assert line.project.status == "closing"
        seen = signed_in(line.cast.requestor).get(project).content.decode()
        assert "Being closed" in seen
        assert "Until then nothing new starts" in seen
        assert "Withdraw the closing" not in seen

    def test_it_is_withdrawn_by_who_may_and_for_others_the_page_is_not_there(self, line, signed_in):
        ends.confirmed(line.project, by=line.cast.hub_staff)
        page = reverse("project-close-withdraw", args=[line.project.pk])
        assert signed_in(line.cast.requestor).get(page).status_code == 404
        assert signed_in(line.cast.hub_colleague).get(page).status_code == 404
        said = signed_in(line.cast.hub_staff).post(page, {"reason": "Too soon."}, follow=True)
        assert "goes on as it was" in said.content.decode()
        assert "A closing was withdrawn" in said.content.decode()
        line.project.refresh_from_db()
        assert line.project.status == "open"

    def test_what_prevents_it_is_said_in_words(self, line, signed_in, monkeypatch):
        why = "The recipient has not filed the certificate of destruction."
        monkeypatch.setattr("governance.checks.is_destroyed_at_the_recipient", lambda project: why)
        client = signed_in(line.cast.coordinator)
        page = reverse("project-close", args=[line.project.pk])
        assert why in client.get(reverse("project", args=[line.project.pk])).content.decode()
        listed = client.get(page).content.decode()
        assert "What still prevents it" in listed
        refused = client.post(page, {"reason": "Now."}).content.decode()
        assert refused.count(why) >= 2

    def test_the_certificate_is_on_the_page_when_it_is_made(self, line, signed_in, settings, tmp_path):
        row = ends.closed(line.project)
        client = signed_in(line.cast.requestor)
        page = reverse("project", args=[line.project.pk])
        assert "The certificate of the end is being made" in client.get(page).content.decode()

        settings.P20WIN_SEAL_KEY, settings.P20WIN_SEAL_CERTIFICATE = tmp_path / "k.pem", tmp_path / "c.pem"
        seal.make_key(settings.P20WIN_SEAL_KEY, settings.P20WIN_SEAL_CERTIFICATE, now=clock.real_now())
        certificate = agreements.certificates(row.project).get(kind="project_end")
        files.run_job("agreements.make_certificate", certificate_id=certificate.pk)

        shown = client.get(page).content.decode()
        certificate.refresh_from_db()
        paper = certificate.document
        assert reverse("agreements:document", args=[paper.pk]) in shown
        assert client.get(reverse("agreements:document", args=[paper.pk])).content[:4] == b"%PDF"

    def test_those_who_worked_for_a_party_are_told_and_nobody_else(self, cast):
        line = told("Certificates: which ones pay")
        ends.closed(line.project, at=clock.now())
        event = timeline(line.project).filter(event="project.closed").get()

        heard = set(everyone_concerned(event))

        assert {line.cast.requestor, line.cast.coordinator, line.cast.hub_staff} <= heard
        assert {line.cast.steward(agency) for agency in line.cast.agencies} <= heard
        assert not {person for person in heard if person.organisation.slug == "copperfield"}
