"""Two people, or two clicks, at once: one act, one event."""

import threading

import pytest
from django.db import connection

from p20win.audit.public import Event
from p20win.refusal import Blocked
from requests_app.services import people
from requests_app.vocabulary import Outcome
from tests import factories
from tests import factories_requests as made
from tests.factories import START

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
class TestTwoClicks:
    def race(self, *acts):
        """Run acts at once, each on a connection of its own, and return what each was refused for."""
        ready, results = threading.Barrier(len(acts)), []

        def run(act):
            try:
                ready.wait()
                act()
                results.append("")
            except Blocked as refusal:
                results.append(str(refusal))
            finally:
                connection.close()

        threads = [threading.Thread(target=run, args=(act,)) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(results)

    def test_one_submission(self):
        row = made.complete()

        results = self.race(*[lambda: made.sign_and_submit(row)] * 2)

        assert results[0] == ""
        assert "Not possible while the status is" in results[1]
        assert Event.objects.filter(event="request.submitted", project_id=row.project_id).count() == 1
        assert Event.objects.filter(event="document.signed", project_id=row.project_id).count() == 2

    @pytest.mark.obligation("O-32")
    def test_one_decision_and_one_approval(self):
        row = made.with_agencies()
        first, second = made.agencies_of(row)
        members = [made.board_member(second), made.board_member(second)]
        made.decide(row, first)

        results = self.race(*[lambda who=who: made.decide(row, second, by=who) for who in members])

        assert results[0] == ""
        assert "Not possible while the status is “Approved”" in results[1]
        assert Event.objects.filter(event="decision.made", project_id=row.project_id).count() == 2
        assert Event.objects.filter(event="request.approved", project_id=row.project_id).count() == 1

    @pytest.mark.obligation("O-32")
    def test_f10_fifty_clicks_are_one_decision(self):
        row = made.with_agencies()
        agency = made.agencies_of(row)[0]
        member = made.board_member(agency)

        results = self.race(*[lambda: made.decide(row, agency, by=member)] * 50)

        assert results[0] == ""
        assert len(results) == 50
        assert len(set(results[1:])) == 1
        assert "has decided already" in results[1]
        assert row.decisions.count() == 1
        assert Event.objects.filter(event="decision.made", project_id=row.project_id).count() == 1

    def test_f11_of_yes_and_no_at_once_one_counts(self):
        row = made.with_agencies()
        agency = made.agencies_of(row)[0]
        one, other = made.board_member(agency), made.board_member(agency)

        results = self.race(
            lambda: made.decide(row, agency, Outcome.APPROVAL, by=one),
            lambda: made.decide(row, agency, Outcome.DISAPPROVAL, by=other),
        )

        assert results[0] == ""
        assert "has decided already" in results[1]
        assert row.decisions.count() == 1

    def test_one_approval_of_a_person(self):
        row = made.approved()
        person, agency = made.named(row), made.agencies_of(row)[0]
        stewards = [factories.steward(agency), factories.steward(agency)]

        results = self.race(
            *[lambda who=who: people.approve([person], agency=agency, by=who, at=START) for who in stewards]
        )

        assert results[0] == ""
        assert "has decided on" in results[1]
        assert Event.objects.filter(event="person.approved", project_id=row.project_id).count() == 1
