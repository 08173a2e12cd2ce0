"""What happens when the clock reaches a planned moment."""

import datetime as dt
import threading

import pytest
from django.db import connection, connections, transaction

from p20win import clock
from p20win.accounts.public import system_user
from p20win.audit.public import Event, events_of
from p20win.calendar import MOMENT, BusinessDays, Hours
from p20win.deadlines import actions
from p20win.deadlines import public as deadlines
from p20win.deadlines.models import Mark, Status
from p20win.deadlines.tasks import tick as tick_task
from p20win.jobs import lines
from p20win.jobs.public import Job
from p20win.workflow import amend
from tests.conftest import MONDAY
from tests.factories_deadlines import deadline


def told(row):
    return [event.event for event in events_of(row)]


@pytest.fixture
def on_due(monkeypatch):
    """Register what is done at due for this test alone."""
    monkeypatch.setattr(actions, "_actions", {})
    return deadlines.register_due_action


@pytest.mark.django_db
class TestReminders:
    def test_each_comes_once(self):
        row = deadline("agency-decision")
        first = row.marks.first().planned_at

        assert deadlines.tick(at=first - MOMENT).marks == 0
        assert deadlines.tick(at=first).marks == 1
        assert deadlines.tick(at=first).marks == 0
        assert told(row) == ["deadline.started", "deadline.reminder"]

    def test_after_a_jump_only_the_newest_is_told(self):
        row = deadline("confidentiality-lapse")

        deadlines.tick(at=row.due_at - dt.timedelta(days=4))

        assert told(row) == ["deadline.started", "deadline.reminder"]
        assert events_of(row).last().details["when"] == "14 calendar days before"
        assert row.marks.filter(reached_at__isnull=False).count() == 3

    def test_none_after_it_was_met(self):
        row = deadline("agency-decision")
        deadlines.meet(row.slug, row.project, at=MONDAY, by=system_user())

        assert deadlines.tick(at=row.due_at + dt.timedelta(days=90)).marks == 0


@pytest.mark.django_db
class TestDue:
    def test_is_in_time_at_its_last_moment_and_missed_after_it(self):
        row = deadline("breach-report")

        deadlines.tick(at=row.due_at)
        row.refresh_from_db()
        assert row.status == Status.RUNNING

        deadlines.tick(at=row.due_at + MOMENT)
        row.refresh_from_db()
        assert (row.status, row.is_late) == (Status.MISSED, True)

    @pytest.mark.obligation("O-77")
    def test_a_waiting_time_is_over_at_its_first_possible_moment(self):
        row = deadline("prepublication-review")

        deadlines.tick(at=row.due_at - MOMENT)
        row.refresh_from_db()
        assert row.status == Status.RUNNING

        deadlines.tick(at=row.due_at)
        row.refresh_from_db()
        assert (row.status, row.is_late) == (Status.PASSED, False)

    @pytest.mark.obligation("O-150", "O-91")
    def test_what_is_overdue_is_escalated_again(self):
        row = deadline("output-clearance")

        deadlines.tick(at=row.due_at + dt.timedelta(hours=1))
        deadlines.tick(at=row.due_at + dt.timedelta(days=8))
        deadlines.tick(at=row.due_at + dt.timedelta(days=15))

        assert told(row)[-3:] == ["deadline.missed", "deadline.escalated", "deadline.escalated"]

    def test_the_demo_clock_moves_it(self, demo_clock):
        row = deadline("breach-report", at=clock.now())
        tick_task()
        row.refresh_from_db()
        assert row.status == Status.RUNNING

        demo_clock(dt.timedelta(hours=25))
        tick_task()

        row.refresh_from_db()
        assert row.status == Status.MISSED
        # The ledger keeps both clocks.
        line = Event.objects.get(event="deadline.missed")
        assert line.at - line.recorded_at > dt.timedelta(hours=24)


@pytest.mark.django_db
class TestActions:
    def test_work_is_asked_for_once_when_it_falls_due(self, on_due):
        on_due("prepublication-review", "notifications.announce")
        row = deadline("prepublication-review")
        Job.objects.all().delete()

        for _ in range(3):
            deadlines.tick(at=row.due_at)

        asked = Job.objects.filter(arguments__deadline_id=str(row.pk))
        assert [job.arguments["subject_id"] for job in asked] == [str(row.project.pk)]
        assert asked.get().project_id == row.project_id

    def test_work_can_be_asked_for_ahead_so_that_it_is_done_in_time(self, on_due):
        on_due("input-destruction", "notifications.announce", ahead=BusinessDays(1))
        row = deadline("input-destruction")
        [act] = row.marks.filter(kind="act")

        deadlines.tick(at=act.planned_at)

        assert act.planned_at < row.due_at - dt.timedelta(hours=24)
        assert Job.objects.filter(arguments__deadline_id=str(row.pk)).count() == 1
        row.refresh_from_db()
        assert row.status == Status.RUNNING

    def test_not_if_it_was_met_before(self, on_due):
        on_due("input-destruction", "notifications.announce", ahead=Hours(12))
        row = deadline("input-destruction")
        deadlines.meet(row.slug, row.project, at=MONDAY, by=system_user())

        deadlines.tick(at=row.due_at + dt.timedelta(days=3))

        assert not Job.objects.filter(arguments__deadline_id=str(row.pk)).exists()

    def test_a_worker_whose_clock_lags_takes_the_moment_that_was_due_to_who_asked(self, on_due, monkeypatch):
        done = []
        monkeypatch.setattr(lines, "_lines", dict(lines._lines))
        deadlines.due_work("tests.due")(lambda subject_id, *, at: done.append((subject_id, at)))
        on_due("breach-report", "tests.due")
        row = deadline("breach-report", at=clock.now())
        over = row.due_at + MOMENT  # the process that ticks is ahead of the one that works

        deadlines.tick(at=over)
        job = Job.objects.get(arguments__deadline_id=str(row.pk))
        lines.perform(str(job.pk))
        deadlines.due_work("tests.at_once")(lambda subject_id, *, at: done.append((subject_id, at)))
        lines.line("tests.at_once").work(None, subject_id="7")

        assert done[0] == (str(row.project.pk), over)
        assert done[1][0] == "7"
        assert done[1][1] < over

    def test_an_unknown_clock_is_refused_and_unknown_work_found_at_start(self, on_due):
        with pytest.raises(LookupError):
            on_due("no-such-clock", "notifications.announce")
        on_due("input-destruction", "no.such_work")
        on_due("input-destruction", "no.such_work")

        [error] = actions.unknown_work()

        assert "no.such_work" in error.msg


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    def test_two_ticks_at_once_remind_once(self):
        row = deadline("agency-decision")
        first = row.marks.first().planned_at
        start = threading.Barrier(2)

        def tick():
            start.wait()
            try:
                deadlines.tick(at=first)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=tick) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert told(row).count("deadline.reminder") == 1
        assert Mark.objects.filter(reached_at__isnull=False).count() == 1

    def test_a_deadline_that_somebody_holds_is_left_for_the_next_tick(self):
        row = deadline("agency-decision")
        first = row.marks.first().planned_at
        held, done = threading.Event(), threading.Event()

        def hold():
            from p20win.deadlines.models import Deadline

            with transaction.atomic():
                Deadline.objects.select_for_update().get(pk=row.pk)
                held.set()
                done.wait(10)
            connection.close()

        holder = threading.Thread(target=hold)
        holder.start()
        held.wait(10)
        assert deadlines.tick(at=first).marks == 0
        done.set()
        holder.join()

        assert deadlines.tick(at=first).marks == 1

    def test_a_tick_gives_way_to_an_act_that_has_the_ledger_and_wants_the_deadline(self):
        row = deadline("agency-decision")
        first = row.marks.first().planned_at
        written, done = threading.Event(), threading.Event()

        def act():
            with transaction.atomic():
                amend("project.noted", row.project, by=system_user(), at=MONDAY)
                written.set()
                done.wait(0.1)  # the tick has the deadline by now, and waits for the ledger
                amend("deadline.noted", row, by=system_user(), at=MONDAY)
            connection.close()

        person = threading.Thread(target=act)
        person.start()
        written.wait(10)
        assert deadlines.tick(at=first).marks == 0
        person.join()

        assert told(row).count("deadline.noted") == 1
        assert deadlines.tick(at=first).marks == 1
