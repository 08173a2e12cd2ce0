"""One way a status changes: locked, checked again, written down, told."""

import threading
import time

import pytest
from django.db import OperationalError, connection, transaction

from p20win.accounts.public import system_user
from p20win.audit.public import Event, first_in_line, timeline
from p20win.jobs.public import Job
from p20win.projects.public import Project, close_project, stop_project
from p20win.refusal import Blocked
from p20win.workflow import amend
from tests import factories


@pytest.mark.django_db
class TestTake:
    @pytest.mark.obligation("O-95")
    def test_moves_the_status_and_writes_one_line_and_one_version(self):
        project, by = factories.project(), system_user()
        stop_project(project, by=factories.operating_group_member(), at=factories.START)
        versions = project.history.count()

        close_project(project, by=by, at=factories.START)

        project.refresh_from_db()
        assert project.status == "closed"
        line = timeline(project).last()
        assert (line.event, line.actor_id) == ("project.closed", by.pk)
        assert project.history.count() == versions + 1
        assert project.history.latest().history_user_id == by.pk
        assert (
            Job.objects.filter(name="notifications.announce", arguments__event_id=str(line.seq)).count() == 1
        )

    def test_no_work_is_asked_for_where_nobody_hears(self):
        before = Job.objects.filter(name="notifications.announce").count()

        factories.project()

        assert Event.objects.filter(event="project.opened").exists()
        assert Job.objects.filter(name="notifications.announce").count() == before

    def test_a_refusal_says_why_and_leaves_no_trace(self):
        project, by = factories.project(), factories.person()
        lines = Event.objects.count()

        with pytest.raises(Blocked, match="Only the operating group"):
            stop_project(project, by=by, at=factories.START)

        project.refresh_from_db()
        assert project.status == "open"
        assert Event.objects.count() == lines


@pytest.mark.django_db(transaction=True)
def test_two_people_press_at_once_one_act_one_event():
    project = factories.project()
    people = [factories.operating_group_member(), factories.operating_group_member()]
    barrier, outcomes = threading.Barrier(2), []

    def press(person):
        barrier.wait()
        try:
            stop_project(Project.objects.get(pk=project.pk), by=person, at=factories.START)
            outcomes.append("done")
        except Blocked:
            outcomes.append("blocked")
        finally:
            connection.close()

    threads = [threading.Thread(target=press, args=[person]) for person in people]
    [t.start() for t in threads]
    [t.join() for t in threads]

    assert sorted(outcomes) == ["blocked", "done"]
    assert Event.objects.filter(event="project.stopped", project_id=project.pk).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_acts_that_want_each_others_rows_wait_and_both_go_through():
    one, two = factories.project(), factories.project()
    by = factories.operating_group_member()
    barrier, outcomes = threading.Barrier(2), []

    def act(first, second):
        barrier.wait()
        try:
            with transaction.atomic():
                first_in_line()
                Project.objects.select_for_update().get(pk=first.pk)
                time.sleep(0.2)
                amend("project.renamed", second, by=by, at=factories.START, title="Another")
            outcomes.append("done")
        except OperationalError:
            outcomes.append("deadlock")
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=pair) for pair in ((one, two), (two, one))]
    [t.start() for t in threads]
    [t.join() for t in threads]

    assert outcomes == ["done", "done"]
