"""An agency may ask to read a kind of material before it is released (O-82)."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from disclosure import review_services, services, standing
from disclosure.models import Material, OutputStatus, PriorReview
from p20win import clock
from p20win.accounts.public import operating_group
from p20win.audit.public import events_of
from p20win.deadlines import public as deadlines
from p20win.projects import public as projects
from p20win.refusal import Blocked
from tests import factories
from tests import factories_agreements as agreements
from tests import factories_disclosure as outputs
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
LONG_AFTER = START + dt.timedelta(days=60)


@pytest.fixture
def later(monkeypatch):
    """It is long after the review began."""
    monkeypatch.setattr(clock, "now", lambda: LONG_AFTER)


@pytest.fixture
def not_required(monkeypatch):
    """Return a function that asks an agency for no word on its own account."""
    asked = projects.suppliers

    def without(agency):
        def suppliers(project):
            return asked(project).exclude(pk=agency.pk)

        monkeypatch.setattr("disclosure.standing.projects.suppliers", suppliers)

    return without


def steward_of(agency):
    person = factories.steward(agency)
    agreements.acknowledged(person)
    return person


def wish(project, agency, *, by=None, material=Material.PRESS, reason="Our name is in the headlines."):
    by = by or steward_of(agency)
    return review_services.ask_prior_review(
        project, agency=agency, material=material, reason=reason, by=by, at=START
    )


def events(row):
    return [event.event for event in events_of(row)]


class TestAsking:
    def test_is_written_down_with_its_reason(self):
        project = outputs.project()
        agency = projects.suppliers(project)[0]
        row = wish(project, agency)
        assert list(standing.wishes(project)) == [row]
        assert events(row) == ["prior_review.asked"]
        assert str(row) == f"{agency}: Press release or social media"

    def test_is_for_those_who_speak_for_a_participating_agency(self):
        project = outputs.project()
        first, second = projects.suppliers(project)
        for person in (factories.operating_group_member(), outputs.author(project)):
            with pytest.raises(Blocked, match="Only a data steward"):
                wish(project, first, by=person)
        with pytest.raises(Blocked, match="You do not speak for"):
            wish(project, first, by=steward_of(second))
        stranger = factories.organisation()
        with pytest.raises(Blocked, match="Only a data steward"):
            wish(project, stranger)
        assert not PriorReview.objects.exists()

    def test_takes_a_reason_a_kind_and_is_made_once(self):
        project = outputs.project()
        agency = projects.suppliers(project)[0]
        with pytest.raises(Blocked, match="Say why"):
            wish(project, agency, reason=" ")
        with pytest.raises(Blocked, match="Choose a kind"):
            wish(project, agency, material="song")
        row = wish(project, agency)
        with pytest.raises(Blocked, match="has asked for this already"):
            wish(project, agency)
        with pytest.raises(IntegrityError), transaction.atomic():
            PriorReview.objects.create(
                project=project,
                agency=agency,
                material=Material.PRESS,
                reason="Twice.",
                asked_by=row.asked_by,
                asked_at=START,
            )

    def test_is_ended_by_the_same_agency(self):
        project = outputs.project()
        first, second = projects.suppliers(project)
        row = wish(project, first)
        with pytest.raises(Blocked, match="Only a data steward or board member of"):
            review_services.end_prior_review(row, by=steward_of(second), at=START)
        row = review_services.end_prior_review(row, by=steward_of(first), at=START)
        assert events(row) == ["prior_review.asked", "prior_review.ended"]
        with pytest.raises(Blocked, match="ended already"):
            review_services.end_prior_review(row, by=steward_of(first), at=START)
        assert wish(project, first).pk != row.pk


class TestReleasing:
    @pytest.mark.obligation("O-82")
    def test_waits_for_the_agency_even_if_it_were_not_asked_otherwise(self, later, not_required):
        project = outputs.project()
        first, second = projects.suppliers(project)
        wish(project, first)
        not_required(first)
        output = outputs.sent(project, material=Material.PRESS)
        assert first in standing.expected_parties(output)
        assert first in {row.organisation for row in standing.clearances(output)}
        everybody_else = [steward_of(second), outputs.reviewers(output)[-1]]
        for person in everybody_else:
            services.clear(output, points=outputs.CONFIRMED, by=person, at=START)
        group = factories.operating_group_member()
        with pytest.raises(Blocked, match=rf"{first} asked to read this kind|Waiting for"):
            services.release(output, by=group, at=LONG_AFTER)
        services.clear(output, points=outputs.CONFIRMED, by=steward_of(first), at=START)
        assert services.release(output, by=group, at=LONG_AFTER).status == OutputStatus.RELEASED

    @pytest.mark.obligation("O-82")
    def test_a_wish_alone_holds_it_back(self, later, monkeypatch):
        project = outputs.project()
        first, second = projects.suppliers(project)
        output = outputs.sent(project, material=Material.PRESS)
        for person in (steward_of(second), outputs.reviewers(output)[-1]):
            services.clear(output, points=outputs.CONFIRMED, by=person, at=START)
        parties = [second, operating_group()]
        monkeypatch.setattr(standing, "expected_parties", lambda output: parties)
        wish(project, first)
        with pytest.raises(Blocked, match=r"Waiting for the parties|asked to read this kind"):
            services.release(output, by=factories.operating_group_member(), at=LONG_AFTER)

    def test_one_that_is_asked_for_meanwhile_asks_the_agency(self, not_required):
        project = outputs.project()
        first = projects.suppliers(project)[0]
        by = steward_of(first)
        not_required(first)
        output = outputs.sent(project, material=Material.PRESS)
        assert first not in {row.organisation for row in standing.clearances(output)}
        services.ask_party(output, first, by=by, at=START)
        services.ask_party(output, first, by=by, at=START)
        assert [row.organisation for row in standing.clearances(output)].count(first) == 1
        assert len(deadlines.alive("output-clearance", output, organisation=first)) == 1

    def test_other_kinds_and_ended_wishes_ask_nothing(self, not_required):
        project = outputs.project()
        first = projects.suppliers(project)[0]
        by = steward_of(first)
        ended = review_services.end_prior_review(wish(project, first, by=by), by=by, at=START)
        wish(project, first, by=by, material=Material.WEB)
        not_required(first)
        output = outputs.sent(project, material=Material.PRESS)
        assert ended.ended_at == START
        assert list(standing.wishes_about(output)) == []
        assert first not in standing.expected_parties(output)
