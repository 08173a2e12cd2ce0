"""Matches that end without a result: two people, a ground, and then the inputs go as those of any other."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from agreements import public as agreements
from governance import checks as closing
from governance import selectors as whereabouts
from matching import selectors
from matching.models import AbandonmentStatus, Match, MatchStatus, OrderStatus
from matching.services import abandoning, opening, ordering, running, signing
from p20win.audit.public import events_of
from p20win.custody import places
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.jobs import public as jobs
from p20win.notifications.public import Message, tell
from p20win.refusal import Blocked
from p20win.workflow import create
from tests import factories
from tests import factories_custody as files
from tests import factories_governance as ends
from tests import factories_matching as matches
from tests.factories import START
from tests.unit.test_destruction_orders import held

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
HOUR = dt.timedelta(hours=1)
SAID = {"ground": "operating_group", "reason": "The study was given up."}


@pytest.fixture(autouse=True)
def snapshots(settings, tmp_path):
    settings.P20WIN_KEY_SNAPSHOTS = tmp_path / "snapshots"


def asked(match, *, by=None, at=START, **changes):
    factories.hub()
    by = by or factories.operating_group_member()
    return abandoning.ask(match, by=by, at=at, **(SAID | changes))


def abandoned(match=None, *, at=START, **changes):
    match = match or matches.collecting()
    return abandoning.confirm(asked(match, at=at, **changes), by=factories.hub_member(), at=at)


def ended(match):
    """End the agreement of a match's project."""
    agreement = agreements.agreement_for(match.project)
    agreements.end(agreement, by=factories.operating_group_member(), at=START)
    return match


def ordered(match):
    """Have two people of the hub order the destruction, wait the hour, and let the vault do it."""
    order = ordering.ask(match, reason="It has no result.", by=factories.hub_member(), at=START)
    order = ordering.confirm(order, by=factories.hub_member(), at=START)
    return carried_out(order)


def carried_out(order):
    order = ordering.carry_out(order, at=order.acts_at)
    for row in custody.destructions(order.match.project).order_by("asked_at"):
        files.run_job("custody.destroy", destruction_id=row.pk)
        files.run_job("matching.inputs_gone", destruction_id=row.pk)
    return Match.objects.get(pk=order.match_id)


@pytest.mark.obligation("O-65")
class TestTwoPeople:
    def test_one_asks_another_confirms_and_the_match_has_an_end(self):
        match = matches.collecting()
        by = factories.operating_group_member()
        row = asked(match, by=by)
        with pytest.raises(Blocked, match="another person must confirm"):
            abandoning.confirm(row, by=by, at=START)
        with pytest.raises(Blocked, match="asked for already"):
            asked(match)
        assert len(deadlines.alive(abandoning.SECOND, row)) == 2  # for the hub, and for the operating group
        assert Match.objects.get(pk=match.pk).status == MatchStatus.COLLECTING

        match = abandoning.confirm(row, by=factories.hub_member(), at=START)

        assert (match.status, match.abandoned_at) == (MatchStatus.ABANDONED, START)
        assert not deadlines.alive(abandoning.SECOND, row)
        line = events_of(match).get(event="match.abandoned")
        assert (line.note, line.details["ground"]) == (SAID["reason"], "operating_group")

    def test_every_party_hears_of_it(self):
        stewards = {matches.steward(name) for name in matches.AGENCIES}
        match = abandoned()
        tell(events_of(match).get(event="match.abandoned"))
        told = {letter.person for letter in Message.objects.all()}
        assert stewards <= told
        assert selectors.projects.recipient(match.project) in {person.organisation for person in told}

    def test_its_uploads_close_at_once(self):
        match = matches.collecting()
        sent, waits = matches.send(match, "SDE", "matching"), matches.slot(match, "DOL", "matching")
        assert sent.status == "accepted"
        by = matches.steward("DOL")

        abandoned(match)

        waits.refresh_from_db()
        assert waits.status == custody.SlotStatus.CLOSED
        assert not deadlines.alive(opening.WINDOW, waits)
        with pytest.raises(Blocked, match="The time to send this file is over"):
            files.arrived(waits, matches.contents("DOL", "matching"), by=by)

    def test_it_can_be_let_go_on_and_asked_for_again(self):
        match = matches.collecting()
        row = abandoning.withdraw(asked(match), by=factories.hub_member(), at=START)
        assert row.status == AbandonmentStatus.WITHDRAWN
        with pytest.raises(Blocked, match="Withdrawn"):
            abandoning.confirm(row, by=factories.hub_member(), at=START)
        assert abandoned(match).status == MatchStatus.ABANDONED

    def test_the_database_refuses_one_person_alone(self):
        row = asked(matches.collecting())
        with pytest.raises(IntegrityError), transaction.atomic():
            type(row).objects.filter(pk=row.pk).update(status="confirmed", confirmed_by=row.asked_by)
        with pytest.raises(IntegrityError), transaction.atomic():
            type(row).objects.filter(pk=row.pk).update(status="confirmed")


class TestGrounds:
    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"ground": "agreement_ended"}, "The agreement is in force"),
            ({"ground": "all_agencies"}, "writing is kept"),
            ({"reason": " "}, "Say why"),
        ],
    )
    def test_what_is_not_so_is_refused(self, changes, why):
        match = matches.collecting()
        with pytest.raises(Blocked, match=why):
            asked(match, **changes)
        assert not match.abandonments.exists()

    def test_the_hub_alone_does_not_decide_it_and_an_agency_does_not_ask(self):
        match = matches.collecting()
        with pytest.raises(Blocked, match="Only the operating group decides it by itself"):
            asked(match, by=factories.hub_member())
        with pytest.raises(Blocked, match="Only the hub's staff or the operating group"):
            asked(match, by=matches.steward("SDE"))

    def test_the_hub_asks_where_the_agencies_agreed_or_the_agreement_has_ended(self):
        match = matches.collecting()
        row = asked(match, by=factories.hub_member(), ground="all_agencies", agreed_in="Minutes of March 4")
        abandoning.withdraw(row, by=factories.hub_member(), at=START)
        ended(match)

        assert abandoned(match, by=factories.hub_member(), ground="agreement_ended").abandoned_at == START

    def test_a_match_that_every_party_agreed_to_has_an_end_of_its_own(self):
        with pytest.raises(Blocked, match="Every party agreed to the result"):
            asked(matches.before_destruction(MatchStatus.SIGNED_OFF))
        with pytest.raises(Blocked, match="The match was abandoned"):
            asked(abandoned())

    def test_while_the_vault_links_it_waits_until_the_run_has_ended(self):
        match = matches.collecting()
        run = a_running_run(match)
        row = asked(match)
        with pytest.raises(Blocked, match="The vault links the files now"):
            abandoning.confirm(row, by=factories.hub_member(), at=START)

        for _ in range(running.ATTEMPTS):  # nothing was sent: it cannot link
            job = files.attempted("matching.run_match", run_id=run.pk)

        assert job.is_over
        assert abandoning.confirm(row, by=factories.hub_member(), at=START).status == MatchStatus.ABANDONED
        run.refresh_from_db()
        assert run.status == "failed"


def a_running_run(match):
    """Return a run that the vault has begun; nothing was sent for it."""
    run = match.runs.model(
        match=match,
        number=1,
        method=agreements.approved_methods(START).first(),
        status_since=START,
        started_at=START,
        started_by=factories.hub_member(),
        spec={},
    )
    create("run.started", run, by=run.started_by, at=START)
    jobs.after_commit("matching.run_match", project_id=match.project_id, run_id=run.pk)
    type(match).objects.filter(pk=match.pk).update(status=MatchStatus.LINKING)
    match.refresh_from_db()
    return run


@pytest.mark.obligation("O-65", "O-73")
@pytest.mark.long
class TestNoExtractComes:
    """Every party agreed, and then the extract cannot be made, as of a file that is damaged for good."""

    def stuck(self):
        match = matches.signed_off()
        file = match.expected_files.get(agency=matches.agency("DOL"), kind="analytical").slot.files.get()
        places.blob(file.blob).write_bytes(b"not what it was")
        job = files.attempted("matching.build_extract", delivery_id=match.delivery.pk)
        assert job.state == jobs.State.REFUSED
        return match

    def test_while_it_is_being_made_the_match_has_an_end_of_its_own(self):
        match = matches.signed_off()
        with pytest.raises(Blocked, match="an end of its own"):
            asked(match)
        matches.delivered(match)
        with pytest.raises(Blocked, match="an end of its own"):
            asked(match)

    def test_given_up_it_is_abandoned_and_the_clock_runs_on_from_the_last_word(self):
        match = self.stuck()
        (before,) = deadlines.alive(signing.DESTRUCTION, match)

        match = abandoned(match, at=START + HOUR)

        assert match.status == MatchStatus.ABANDONED
        assert match.delivery.status == "given_up"
        (clock,) = deadlines.alive(signing.DESTRUCTION, match)
        assert (clock.pk, clock.started_at, clock.due_at) == (before.pk, START, before.due_at)
        assert selectors.extract_for(match.project) is None
        again = files.attempted("matching.build_extract", delivery_id=match.delivery.pk)
        assert again.state == jobs.State.REFUSED
        assert match.deliveries.get().extract is None

    def test_its_inputs_go_with_a_certificate_and_the_project_can_be_closed(self):
        match = ordered(abandoned(self.stuck()))
        assert match.status == MatchStatus.INPUTS_DESTROYED
        assert agreements.certificates(match.project).get().kind == "hub_destruction"
        by = factories.operating_group_member()
        assert not closing.why_not_close(match.project, by)
        assert ends.closed(match.project).closed_at == START

    def test_an_order_of_the_clock_that_waited_for_the_extract_goes_on(self):
        match = self.stuck()
        when = deadlines.alive(signing.DESTRUCTION, match)[0].due_at
        order = ordering.order_in_time(match, at=when)
        with pytest.raises(jobs.MustWait, match="extract is not ready"):
            ordering.carry_out(order, at=order.acts_at)
        with pytest.raises(Blocked, match="an end of its own"):  # it was asked for once more
            asked(match)
        assert files.attempted("matching.build_extract", delivery_id=match.delivery.pk).state == "refused"

        abandoned(match, at=order.acts_at)

        assert carried_out(order).status == MatchStatus.INPUTS_DESTROYED

    def test_asked_for_and_made_meanwhile_it_is_not_abandoned(self):
        match = matches.signed_off()
        job = jobs.Job.objects.filter(name="matching.build_extract")
        job.update(state=jobs.State.FAILED)
        row = asked(match)
        job.update(state=jobs.State.QUEUED)
        matches.delivered(match)
        with pytest.raises(Blocked, match="Delivered"):
            abandoning.confirm(row, by=factories.hub_member(), at=START)


@pytest.mark.obligation("O-65", "O-107")
class TestTheInputsGo:
    def test_two_people_order_it_without_an_extract_and_the_hub_certifies_it(self):
        match = matches.collecting()
        sent = matches.send(match, "SDE", "matching")
        on_its_way = files.arrived(
            matches.slot(match, "DOL", "matching"), b"not looked at yet", by=matches.steward("DOL")
        )
        abandoned(match)

        match = ordered(match)

        assert (match.status, match.signed_off_at) == (MatchStatus.INPUTS_DESTROYED, None)
        assert custody.why_unreadable(sent)
        for file in (sent, on_its_way):
            file.refresh_from_db()
            assert file.status == custody.FileStatus.DESTROYED
        assert not custody.living_files(match.project).exists()
        [certificate] = agreements.certificates(match.project)
        assert certificate.kind == "hub_destruction"
        assert {entry["file"] for entry in certificate.facts["files"]} == {str(sent.pk), str(on_its_way.pk)}
        assert not deadlines.alive(signing.DESTRUCTION, match)

    def test_no_certificate_before_the_last_supplier_is_done(self):
        match = abandoned()
        order = ordering.order_in_time(match, at=START)
        ordering.carry_out(order, at=START + HOUR)
        first, *others = custody.destructions(match.project).order_by("pk")

        files.run_job("custody.destroy", destruction_id=first.pk)
        files.run_job("matching.inputs_gone", destruction_id=first.pk)
        assert not agreements.certificates(match.project).exists()

        for row in others:
            files.run_job("custody.destroy", destruction_id=row.pk)
            files.run_job("matching.inputs_gone", destruction_id=row.pk)
        assert agreements.certificates(match.project).count() == 1

    def test_if_nobody_orders_it_the_clock_does(self):
        match = abandoned()
        when = ordering.orders_itself_at(match)
        assert START < when < START + dt.timedelta(days=14)
        deadlines.tick(at=when)
        files.run_job("matching.destroy_inputs", subject_id=match.pk)
        order = ordering.order_of(match)
        assert (order.is_automatic, order.status) == (True, OrderStatus.SET)

    @pytest.mark.long
    def test_a_legal_hold_stops_it_as_ever(self):
        match = abandoned()
        held(match)
        assert ordering.orders_itself_at(match) is None
        with pytest.raises(Blocked, match="legal hold"):
            ordering.ask(match, reason="No result.", by=factories.hub_member(), at=START)

    def test_before_it_is_abandoned_nobody_orders_it(self):
        with pytest.raises(Blocked, match="not signed off, nor abandoned"):
            ordering.ask(matches.collecting(), reason="Now.", by=factories.hub_member(), at=START)


@pytest.mark.obligation("O-65")
class TestAfterwards:
    def test_the_project_can_be_closed_without_a_delivery(self):
        match, by = matches.collecting(), factories.operating_group_member()
        assert "Abandon it if it will have no result" in " ".join(closing.why_not_close(match.project, by))
        abandoned(match)
        where = whereabouts.whereabouts(match.project)
        assert where.sentence.startswith("The match has ended without a result")
        with pytest.raises(Blocked, match="The match has not come to its end"):
            ends.asked(match.project)

        ordered(match)

        assert ends.closed(match.project).closed_at == START

    @pytest.mark.long
    def test_another_match_can_be_opened_while_the_agreement_is_in_force(self):
        match = ordered(abandoned())
        assert selectors.wants_rerun(match.project)
        again = opening.open_match(match.project, by=factories.operating_group_member(), at=START)
        assert (again.number, again.status) == (2, MatchStatus.COLLECTING)
