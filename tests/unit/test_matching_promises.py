"""What an answer to the recipient's question offers, and the clock of a version that it promises (O-75)."""

import datetime as dt

import pytest
from django.urls import reverse

from agreements import public as agreements
from matching import question_checks
from matching.models import Match
from matching.services import asking, delivering, hastening, ordering, promising, signing
from p20win import clock
from p20win.calendar import BusinessDays
from p20win.deadlines import public as deadlines
from p20win.projects.public import open_to_organisation
from p20win.refusal import Blocked
from tests import factories
from tests import factories_custody as files
from tests import factories_matching as matches
from tests.factories import START

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("vault"),
    pytest.mark.obligation("O-75"),
]


@pytest.fixture(autouse=True)
def snapshots(settings, tmp_path):
    settings.P20WIN_KEY_SNAPSHOTS = tmp_path / "snapshots"


def asked(delivery):
    return asking.ask(
        delivery, topic="accuracy", text="Few wages.", by=matches.downloader(delivery), at=START
    )


def answered(question, outcome, *, at=START):
    by = factories.operating_group_member()
    return asking.answer(question, text="It comes.", outcome=outcome, by=by, at=at)


def offered(question, at=START):
    return dict(question_checks.outcomes(question, at))


def after_destruction():
    question = asked(matches.delivered())
    matches.inputs_destroyed(question.delivery.match)
    return type(question).objects.get(pk=question.pk)


class TestWhatIsOffered:
    def test_while_the_inputs_are_there_everything(self):
        assert set(offered(asked(matches.delivered()))) == {"answer", "replacement", "rerun"}

    def test_once_they_are_destroyed_no_new_version_and_files_come_anew(self):
        question = after_destruction()

        assert set(offered(question)) == {"answer", "rerun"}
        assert offered(question)["rerun"] == question_checks.SENT_ANEW
        with pytest.raises(Blocked, match="The input files are destroyed"):
            answered(question, "replacement")
        assert not deadlines.of_subject(question, promising.CLOCK).exists()

    def test_nor_from_when_the_vault_begins(self):
        question = asked(matches.delivered())
        order = ordering.ask(
            question.delivery.match, reason="Done.", by=factories.hub_member(), at=START - matches.a_day(1)
        )
        order = ordering.confirm(order, by=factories.hub_member(), at=START - matches.a_day(1))
        assert "replacement" in offered(question)

        ordering.carry_out(order, at=START)

        assert "replacement" not in offered(question)

    def test_without_an_agreement_nobody_sends_anything(self):
        question = after_destruction()
        project = question.delivery.project
        agreements.end(agreements.agreement_for(project), by=factories.operating_group_member(), at=START)

        assert set(offered(question)) == {"answer"}
        with pytest.raises(Blocked, match="No data sharing agreement is in force"):
            answered(question, "rerun")

    def test_nor_what_has_happened_since(self):
        question = after_destruction()
        before = question.delivery.match
        Match.objects.create(project=before.project, number=before.number + 1, status_since=START)

        assert "rerun" not in offered(question)

    def test_the_page_offers_it_and_says_why_not_more(self, signed_in, monkeypatch):
        monkeypatch.setattr(clock, "now", lambda: START)
        question = after_destruction()
        client = signed_in(factories.operating_group_member())
        address = reverse("matching:question-answer", args=[question.pk])

        page = client.get(address).text

        assert question_checks.SENT_ANEW in page
        assert "no new version can be made of them" in page
        assert "A new version of the extract replaces it" not in page
        sent = client.post(address, {"text": "A version comes.", "outcome": "replacement"}).text
        assert "Select a valid choice" in sent


class TestAPromise:
    def test_it_is_the_hubs_until_the_version_is_there(self):
        question = asked(matches.delivered())
        match = question.delivery.match

        question = answered(question, "replacement")

        [task] = deadlines.alive(promising.CLOCK, question)
        assert task.due_at == deadlines.due(BusinessDays(5), start=START).at
        assert task.where == reverse("matching:replace", args=[match.pk])
        hub = factories.hub_member()
        open_to_organisation(match.project, hub.organisation, ["view_project"])
        assert task in deadlines.waiting_for(hub)
        delivering.replace(match, reason="Late wages.", by=hub, at=START)
        assert deadlines.alive(promising.CLOCK, question)
        files.run_job("matching.build_extract", delivery_id=match.delivery.pk)
        assert deadlines.of_subject(question, promising.CLOCK).get().status == deadlines.Status.MET

    def test_it_ends_before_the_inputs_go(self):
        match = matches.linked()
        by = factories.hub_member()
        hastening.set_own(match, BusinessDays(2), reason="Asked for.", by=by, at=START)
        delivery = matches.delivered(matches.signed_off(match))
        sets_at = ordering.orders_itself_at(delivery.match)

        question = answered(asked(delivery), "replacement")

        [task] = deadlines.alive(promising.CLOCK, question)
        assert sets_at - dt.timedelta(hours=1) < task.due_at <= sets_at

    @pytest.mark.parametrize("outcome", ["answer", "rerun"])
    def test_other_answers_promise_none(self, outcome):
        question = answered(asked(matches.delivered()), outcome)

        assert question.outcome == outcome
        assert not deadlines.of_subject(question, promising.CLOCK).exists()

    def test_nobody_is_waited_for_once_the_inputs_are_destroyed(self):
        question = answered(asked(matches.delivered()), "replacement")

        matches.inputs_destroyed(question.delivery.match)

        gone = deadlines.of_subject(question, promising.CLOCK).get()
        assert gone.status == deadlines.Status.CANCELLED
        assert not deadlines.alive(signing.DESTRUCTION, question.delivery.match)
