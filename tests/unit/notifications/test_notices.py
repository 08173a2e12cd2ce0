"""Who is told what, once, in inbox and mail."""

import pytest

from p20win.accounts.models import Standing
from p20win.accounts.public import system_user
from p20win.audit.public import Event
from p20win.deadlines import public as deadlines
from p20win.jobs.public import Job, perform
from p20win.notifications import registry, services
from p20win.notifications.models import Mail, MailChoice, Message
from p20win.notifications.public import Notice, register, registered, unread_count
from p20win.refusal import Blocked
from p20win.workflow import amend
from tests import factories
from tests.conftest import MONDAY
from tests.factories_deadlines import deadline, steward_who_sees

pytestmark = pytest.mark.django_db


@pytest.fixture
def notices(monkeypatch):
    """Let a test have notices of its own."""
    monkeypatch.setattr(registry, "_notices", {})
    return register


@pytest.fixture
def event():
    """Something that happened in a project."""
    row = factories.project(title="Course taking")
    return amend("test.happened", row, by=system_user(), at=MONDAY) and Event.objects.latest("seq")


def notice(*people, **options):
    options = {"subject": "{number}: {title}"} | options
    return Notice("emails/generic.txt", lambda event: people, **options)


class TestTell:
    def test_puts_a_message_in_the_inbox_and_a_mail_in_the_outbox(self, notices, event):
        person = factories.person()
        notices({"test.happened": notice(person, where=lambda event: "/somewhere/")})

        assert services.tell(event) == 1

        message = Message.objects.get()
        assert (message.person, message.at, message.where) == (person, MONDAY, "/somewhere/")
        assert message.subject == "A request without a number yet: Course taking"
        assert "Mar 2, 2026, 10:00 a.m. ET" in message.text
        mail = Mail.objects.get()
        assert (mail.address, mail.state) == (person.email, "queued")
        assert services.link_to(message) in mail.body
        assert "somewhere" not in mail.body
        assert unread_count(person) == 1

    @pytest.mark.obligation("O-142")
    def test_tells_each_person_once_however_often_it_runs(self, notices, event):
        person = factories.person()
        notices({"test.happened": notice(person, person)})
        notices({"test.happened": Notice("emails/deadline_moved.txt", lambda event: [person], "Again")})

        assert [services.tell(event), services.tell(event)] == [1, 0]
        assert (Message.objects.count(), Mail.objects.count()) == (1, 1)

    def test_leaves_out_those_who_take_no_part_and_the_portal_itself(self, notices, event):
        gone = amend("x.y", factories.person(), by=system_user(), at=MONDAY, standing=Standing.LEFT)
        notices({"test.happened": notice(gone, system_user())})

        assert services.tell(event) == 0

    def test_without_a_notice_nobody_is_told(self, notices, event):
        assert services.tell(event) == 0

    def test_an_event_without_project_has_a_subject_too(self, notices):
        person = factories.person()
        notices({"role.given": notice(person)})
        factories.operating_group_member()

        services.tell(Event.objects.filter(event="role.given").latest("seq"))

        assert Message.objects.get().subject == "P20 WIN:"

    def test_a_notice_may_not_lead_out_of_the_portal(self, notices, event):
        notices({"test.happened": notice(factories.person(), where=lambda event: "https://example.org/")})

        with pytest.raises(Exception, match="message_leads_into_the_portal"):
            services.tell(event)


class TestRegistry:
    def test_the_same_template_twice_is_refused(self, notices):
        notices({"a.b": notice()})

        with pytest.raises(ValueError, match="registered twice"):
            notices({"a.b": notice()})

    def test_the_same_notice_again_changes_nothing(self, notices):
        one = notice()
        notices({"a.b": one})
        notices({"a.b": one})

        assert registered() == {"a.b": (one,)}


class TestPreference:
    def test_optional_mail_can_be_turned_off_and_on(self, notices, event):
        person = factories.person()
        notices({"test.happened": notice(person, optional=True)})
        services.choose_mail(person, MailChoice.EACH, at=MONDAY)
        services.choose_mail(person, MailChoice.NECESSARY, at=MONDAY)

        services.tell(event)

        assert (Message.objects.count(), Mail.objects.count()) == (1, 0)

    def test_necessary_mail_cannot(self, notices, event):
        person = factories.person()
        notices({"test.happened": notice(person)})
        services.choose_mail(person, MailChoice.NECESSARY, at=MONDAY)

        services.tell(event)

        assert Mail.objects.count() == 1


class TestReading:
    def test_the_first_time_counts(self, notices, event):
        person = factories.person()
        notices({"test.happened": notice(person)})
        services.tell(event)

        message = services.mark_read(Message.objects.get(), by=person, at=MONDAY)
        services.mark_read(message, by=person, at=MONDAY.replace(day=3))

        assert message.read_at == MONDAY
        assert services.mark_all_read(person, at=MONDAY) == 0

    def test_by_others_is_refused(self, notices, event):
        notices({"test.happened": notice(factories.person())})
        services.tell(event)

        with pytest.raises(Blocked, match="somebody else"):
            services.mark_read(Message.objects.get(), by=factories.person(), at=MONDAY)


class TestDeadlines:
    @pytest.mark.obligation("O-91")
    def test_reminder_missed_and_escalation_reach_the_right_people(self):
        watcher = factories.operating_group_member()
        row = deadline("match-agreement")
        steward = steward_who_sees(row)

        for at in (row.marks.first().planned_at, row.due_at.replace(day=row.due_at.day + 1)):
            deadlines.tick(at=at)
        for job in Job.objects.filter(name="notifications.announce"):
            perform(str(job.pk))

        told = set(Message.objects.values_list("person__name", "event"))
        assert told == {
            (steward.name, "deadline.reminder"),
            (steward.name, "deadline.missed"),
            (watcher.name, "deadline.missed"),
        }
        missed = Message.objects.get(person=steward, event="deadline.missed")
        assert missed.where == row.get_absolute_url()
        assert "was due" in missed.text

    def test_a_moved_date_is_told_with_the_old_one(self):
        row = deadline("signature")
        steward_who_sees(row)
        deadlines.extend(
            row.slug,
            row.project,
            until=row.due_at.replace(month=6),
            basis="operating_group",
            reference="n-1",
            at=MONDAY,
            by=system_user(),
        )

        services.tell(Event.objects.get(event="deadline.extended"))

        assert "from Mar 16, 2026, 11:59 p.m. ET to Jun" in Message.objects.get().text
