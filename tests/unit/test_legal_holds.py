"""Legal holds: two people each way, nothing destroyed meanwhile, told to everyone, ended on their day."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from p20win.accounts.public import Role, system_user
from p20win.audit.public import events_of
from p20win.custody import holds
from p20win.custody.models import HoldStatus, LegalHold
from p20win.custody.public import FileStatus, ask_destruction, shred, why_held
from p20win.deadlines import public as deadlines
from p20win.jobs import leases
from p20win.jobs.public import Job, MustWait, State, perform
from p20win.notifications.public import Message, tell
from p20win.projects.public import open_to_organisation
from p20win.refusal import Blocked
from tests import factories
from tests import factories_custody as custody
from tests import factories_governance as ends

pytestmark = pytest.mark.django_db
NOW = factories.START
LAST = NOW.date() + dt.timedelta(days=30)
AUTHORITY = "the Superior Court, case 1"


def asked(project=None, *, by=None, until=LAST):
    factories.hub(), factories.operating_group()  # who can be the second person
    return holds.ask_hold(
        project or factories.project(), authority=AUTHORITY, reason="Evidence in a case.", until=until,
        by=by or factories.hub_member(), at=NOW,
    )  # fmt: skip


def in_force(project=None, **options):
    return holds.confirm_hold(asked(project, **options), by=factories.operating_group_member(), at=NOW)


def waits_for_a_second(hold):
    """Say whether it stands on the home pages of both sides that can be the second person."""
    people = (factories.hub_member(), factories.operating_group_member())
    for person in people:
        open_to_organisation(hold.project, person.organisation, ["view_project"])
    tasks = [deadlines.waiting_for(person).filter(slug="hold-confirmation") for person in people]
    return [[row.where for row in rows] for rows in tasks] == [[hold.get_absolute_url()]] * 2


@pytest.fixture
def vault(settings, tmp_path):
    settings.P20WIN_KEY_SNAPSHOTS = tmp_path / "snapshots"
    with custody.own_vault(settings, tmp_path) as folder:
        yield folder


class TestTwoPeople:
    def test_it_holds_only_when_a_second_person_put_it_in_force(self):
        by = factories.hub_member()
        factories.operating_group()
        hold = asked(by=by)
        assert why_held(hold.project) is None
        with pytest.raises(Blocked, match="another person must put it in force"):
            holds.confirm_hold(hold, by=by, at=NOW)

        assert waits_for_a_second(hold)

        hold = holds.confirm_hold(hold, by=factories.hub_member(), at=NOW)

        assert hold.is_holding
        assert not waits_for_a_second(hold)
        assert "A legal hold of the Superior Court, case 1 is in force until February 4, 2026" in why_held(
            hold.project
        )

    def test_it_is_lifted_by_two_people_and_holds_until_then(self):
        hold = in_force()
        first = factories.operating_group_member()
        with pytest.raises(Blocked, match="Say why"):
            holds.ask_lift(hold, reason=" ", by=first, at=NOW)
        hold = holds.ask_lift(hold, reason="The case is over.", by=first, at=NOW)
        assert why_held(hold.project)
        assert waits_for_a_second(hold)
        with pytest.raises(Blocked, match="another person must do that"):
            holds.lift_hold(hold, by=first, at=NOW)

        hold = holds.lift_hold(hold, by=factories.hub_member(), at=NOW)

        assert hold.status == HoldStatus.LIFTED
        assert not waits_for_a_second(hold)
        assert why_held(hold.project) is None
        assert events_of(hold).last().note == "The case is over."

    def test_who_is_asked_to_lift_it_may_keep_it(self):
        hold = holds.ask_lift(in_force(), reason="Perhaps.", by=factories.hub_member(), at=NOW)

        hold = holds.keep_hold(hold, by=factories.hub_member(), at=NOW)

        assert (hold.status, hold.lift_asked_by) == (HoldStatus.ACTIVE, None)
        assert not waits_for_a_second(hold)

    def test_what_was_asked_for_can_be_dropped(self):
        hold = holds.withdraw_hold(asked(), by=factories.hub_member(), at=NOW)

        assert hold.status == HoldStatus.WITHDRAWN
        assert not waits_for_a_second(hold)
        assert asked(hold.project)

    @pytest.mark.parametrize("fields", [("asked_by", "confirmed_by"), ("lift_asked_by", "lifted_by")])
    def test_the_database_takes_no_one_twice(self, fields):
        hold, by = in_force(), factories.hub_member()
        for field in fields:
            setattr(hold, field, by)

        with pytest.raises(IntegrityError), transaction.atomic():
            hold.save()

    def test_the_database_takes_no_hold_in_force_or_lifted_without_its_second_person(self):
        for status in (HoldStatus.ACTIVE, HoldStatus.LIFTED):
            hold = asked()
            hold.status = status
            with pytest.raises(IntegrityError), transaction.atomic():
                hold.save()

    def test_a_person_with_two_roles_is_one_person(self):
        both = factories.person(Role.HUB_STAFF, at=factories.hub())
        from p20win.accounts.public import give_role

        give_role(
            both, Role.OPERATING_GROUP, organisation=factories.operating_group(), by=system_user(), at=NOW,
            since=NOW.date(),
        )  # fmt: skip
        with pytest.raises(Blocked, match="another person"):
            holds.confirm_hold(asked(by=both), by=both, at=NOW)


class TestAsking:
    def test_only_the_hub_and_the_operating_group(self):
        with pytest.raises(Blocked, match="look after legal holds"):
            asked(by=factories.person(Role.REQUESTOR))

    def test_who_why_and_a_day_within_a_year(self):
        project, by = factories.project(), factories.hub_member()
        for authority, reason, until in (
            ("", "x", LAST),
            ("x", " ", LAST),
            ("x", "x", NOW.date() - dt.timedelta(days=1)),
            ("x", "x", NOW.date() + dt.timedelta(days=400)),
        ):
            with pytest.raises(Blocked):
                holds.ask_hold(project, authority=authority, reason=reason, until=until, by=by, at=NOW)
        assert not LegalHold.objects.exists()

    def test_one_waits_at_a_time(self):
        hold = asked()
        with pytest.raises(Blocked, match="waits for a second person"):
            asked(hold.project)

    def test_a_day_that_has_passed_is_not_put_in_force(self):
        hold = asked(until=NOW.date())
        with pytest.raises(Blocked, match="last day has passed"):
            holds.confirm_hold(hold, by=factories.hub_member(), at=NOW + dt.timedelta(days=2))


@pytest.mark.obligation("O-65")
class TestClocks:
    def test_they_stand_still_and_run_on_when_the_last_hold_ends(self):
        project = factories.project()
        clock = deadlines.start("input-destruction", subject=project, project=project, at=NOW)
        one, two = in_force(project), in_force(project, until=LAST + dt.timedelta(days=9))
        assert list(deadlines.held(project)) == [clock]

        for hold in (one, two):
            assert deadlines.held(project).exists()
            hold = holds.ask_lift(hold, reason="Over.", by=factories.hub_member(), at=NOW)
            holds.lift_hold(hold, by=factories.hub_member(), at=NOW)

        assert not deadlines.held(project).exists()

    def test_a_clock_that_starts_meanwhile_stands_still_at_once(self):
        project = in_force().project
        deadlines.start("input-destruction", subject=project, project=project, at=NOW)

        holds.hold_clocks(project, by=system_user(), at=NOW)

        assert deadlines.held(project).count() == 1

    def test_it_ends_by_itself_on_its_day(self):
        project = factories.project()
        deadlines.start("input-destruction", subject=project, project=project, at=NOW)
        hold = in_force(project)
        after = NOW + dt.timedelta(days=31)
        assert holds.lapse(hold, at=NOW).status == HoldStatus.ACTIVE

        deadlines.tick(at=after)
        job = Job.objects.get(name="custody.lapse_hold")
        for _ in range(2):
            hold = holds.lapse(LegalHold.objects.get(pk=job.arguments["subject_id"]), at=after)

        assert hold.status == HoldStatus.LAPSED
        assert not deadlines.held(project).exists()
        assert events_of(hold).filter(event="hold.lapsed").count() == 1


@pytest.mark.obligation("O-65")
class TestDestruction:
    def test_nothing_is_asked_for(self, vault):
        file = custody.checked(custody.arrived(custody.a_slot()))
        in_force(file.project)

        with pytest.raises(Blocked, match="A legal hold of the Superior Court"):
            ask_destruction(file.project, file.owner, by=factories.hub_member(), at=NOW)

    def test_what_was_asked_for_before_waits_in_the_vault_and_is_done_afterwards(self, vault):
        file = custody.checked(custody.arrived(custody.a_slot()))
        row = ask_destruction(file.project, file.owner, by=factories.hub_member(), at=NOW)
        hold = in_force(file.project)
        job = Job.objects.get(name="custody.destroy")

        perform(str(job.pk))

        job.refresh_from_db()
        file.refresh_from_db()
        assert (job.state, job.message) == (State.QUEUED, why_held(file.project))
        assert file.status == FileStatus.ACCEPTED

        hold = holds.ask_lift(hold, reason="Over.", by=factories.hub_member(), at=NOW)
        holds.lift_hold(hold, by=factories.hub_member(), at=NOW)
        ends.on_record(file.project)
        leases.claim(str(job.pk))
        custody.line("custody.destroy").work(custody.RunningJob(Job.objects.get(pk=job.pk)), **job.arguments)
        row.refresh_from_db()
        assert row.status == "done"

    def test_what_the_vault_has_begun_is_finished(self, vault, monkeypatch):
        from p20win.custody import opening

        file = custody.checked(custody.arrived(custody.a_slot()))

        def crash(*_):
            raise KeyboardInterrupt

        with monkeypatch.context() as crashing, pytest.raises(KeyboardInterrupt):
            crashing.setattr(opening, "why_unreadable", crash)
            shred(file.project, file.owner, by=factories.hub_member(), at=NOW)
        in_force(file.project)

        done = shred(file.project, file.owner, by=factories.hub_member(), at=NOW)

        assert done.status == "done"
        assert [event.event for event in events_of(done)] == [
            "destruction.asked", "destruction.begun", "keys.destroyed", "data.destroyed",
        ]  # fmt: skip

    def test_a_hold_stops_what_was_asked_for_directly_in_the_vault(self, vault):
        file = custody.checked(custody.arrived(custody.a_slot()))
        in_force(file.project)
        with pytest.raises(MustWait, match="legal hold"):
            shred(file.project, file.owner, by=factories.hub_member(), at=NOW)

    def test_a_file_accepted_meanwhile_is_left_to_the_next_attempt(self, vault, monkeypatch):
        from p20win.custody import destruction, opening

        file = custody.checked(custody.arrived(custody.a_slot()))
        really = opening.why_unreadable

        def another_comes(shredded):
            custody.arrived(custody.a_slot(file.owner, project=file.project))
            return really(shredded)

        with monkeypatch.context() as meanwhile, pytest.raises(destruction.ChangedMeanwhile):
            meanwhile.setattr(opening, "why_unreadable", another_comes)
            shred(file.project, file.owner, by=factories.hub_member(), at=NOW)

        done = shred(file.project, file.owner, by=factories.hub_member(), at=NOW)
        assert len(done.files) == 2


def test_all_agencies_of_the_project_and_who_looks_after_holds_are_told():
    agencies = [factories.organisation() for _ in range(2)]
    stewards = [factories.steward(agency) for agency in agencies]
    stranger = factories.steward(factories.organisation())
    hold = in_force(factories.project(*agencies))
    lines = {event.event: event for event in events_of(hold)}

    tell(lines["hold.asked"])
    assert not Message.objects.filter(person__in=stewards).exists()
    assert Message.objects.filter(person=hold.confirmed_by).exists()
    tell(lines["hold.in_force"])

    told = set(Message.objects.filter(subject__contains="in force").values_list("person", flat=True))
    assert {person.pk for person in (*stewards, hold.asked_by, hold.confirmed_by)} <= told
    assert stranger.pk not in told
    for event in ("hold.lift_asked", "hold.lifted", "hold.lapsed"):
        from p20win.notifications.public import registered

        assert event in registered()
