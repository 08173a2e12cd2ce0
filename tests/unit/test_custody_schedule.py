"""When and how files are sent: windows that move, what is agreed on encryption, and who is told."""

import datetime as dt

import pytest
from django.urls import reverse

from p20win import clock, policy
from p20win.accounts.public import system_user
from p20win.audit.public import events_of
from p20win.custody import checks, schedule, uploads
from p20win.custody.models import Encryption
from p20win.custody.public import FileStatus, UploadSlot, close_slot
from p20win.deadlines import overrides
from p20win.deadlines import public as deadlines
from p20win.notifications.models import Message
from p20win.projects.public import open_to_organisation
from p20win.refusal import Blocked
from tests import factories
from tests import factories_custody as custody

pytestmark = pytest.mark.django_db
AT = factories.START
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def vault(settings, tmp_path):
    factories.hub()
    with custody.own_vault(settings, tmp_path) as folder:
        yield folder


@pytest.fixture
def slot():
    return custody.a_slot()


@pytest.fixture
def hub():
    return factories.hub_member()


def moved(slot, by, *, opens, closes, reason="The agency's system is renewed.", at=AT):
    return schedule.reschedule(slot, opens_at=opens, closes_at=closes, reason=reason, by=by, at=at)


def closed_day():
    overrides.override_day(
        (AT + DAY).date(),
        is_closed=True,
        name="Offices closed: snow",
        by=factories.operating_group_member(),
        at=AT,
    )


class TestWindow:
    @pytest.mark.obligation("O-59")
    def test_outside_it_sending_is_refused_with_when_it_opens_and_why_it_was_moved(self, slot, hub):
        sender = factories.steward(slot.supplier)
        slot = moved(slot, hub, opens=AT + DAY, closes=AT + 3 * DAY)

        assert not checks.why_not_send(slot, sender, AT + DAY)
        (early,) = checks.why_not_send(slot, sender, AT + DAY - HOUR)
        (late,) = checks.why_not_send(slot, sender, AT + 3 * DAY)
        opens = (AT + DAY).astimezone(clock.STATE_ZONE)
        assert f"It opens on {opens:%B} {opens.day}, {opens.year}" in early
        assert "renewed" in early
        assert "it ended on" in late
        with pytest.raises(Blocked, match="has not come"):
            uploads.begin(slot, name=custody.name_for(slot), length=9, by=sender, at=AT, now=AT)

    def test_closed_by_hand_it_says_when(self, slot, hub):
        closed = close_slot(slot, by=hub, at=AT + HOUR)
        (why,) = checks.why_not_send(closed, factories.steward(slot.supplier), AT + 5 * DAY)
        day = (AT + HOUR).astimezone(clock.STATE_ZONE)
        assert f"it ended on {day:%B} {day.day}" in why

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ({"closes": AT - HOUR}, "not in the past"),
            ({"opens": AT + 9 * DAY}, "end after it opens"),
            ({"reason": "  "}, "Say why"),
        ],
    )
    def test_a_window_that_makes_no_sense_is_refused(self, slot, hub, change, why):
        with pytest.raises(Blocked, match=why):
            moved(slot, hub, **({"opens": AT, "closes": AT + DAY} | change))
        assert not schedule.moves(slot)

    def test_neither_the_sender_nor_a_filled_slot_moves_it(self, slot, hub):
        with pytest.raises(Blocked, match="hub"):
            moved(slot, factories.steward(slot.supplier), opens=AT, closes=AT + DAY)
        custody.checked(custody.arrived(slot))
        slot.refresh_from_db()
        with pytest.raises(Blocked, match="Not possible"):
            moved(slot, hub, opens=AT, closes=AT + DAY)

    def test_its_clock_moves_along_both_ways_and_shows_how(self, slot, hub):
        deadlines.start(schedule.WINDOW, subject=slot, project=slot.project, at=AT)
        slot = moved(slot, hub, opens=AT, closes=AT + 60 * DAY)
        (running,) = deadlines.alive(schedule.WINDOW, slot)
        assert running.due_at == AT + 60 * DAY
        assert running.derivation["before"]

        slot = moved(slot, hub, opens=AT, closes=AT + 2 * DAY)
        (running,) = deadlines.alive(schedule.WINDOW, slot)
        assert AT + 2 * DAY <= running.due_at < AT + 3 * DAY
        assert [move.note for move in schedule.moves(slot)] == ["The agency's system is renewed."] * 2


class TestItsClockIsMoved:
    @pytest.mark.obligation("O-59")
    def test_a_new_closed_day_keeps_the_window_open_a_day_longer_and_is_told(self, hub):
        closes = deadlines.due(policy.TRANSMISSION_WINDOW, start=AT).at
        slot = custody.a_slot(closes_at=closes)
        deadlines.start(schedule.WINDOW, subject=slot, project=slot.project, at=AT)

        closed_day()

        slot.refresh_from_db()
        assert slot.closes_at == closes + DAY
        (move,) = schedule.moves(slot)
        assert (move.details["closes_at"], move.details["closed_at"]) == (
            (closes + DAY).isoformat(),
            closes.isoformat(),
        )
        assert not checks.why_not_send(slot, factories.steward(slot.supplier), closes + HOUR)

    def test_a_window_moved_by_hand_keeps_its_hour(self, slot, hub):
        deadlines.start(schedule.WINDOW, subject=slot, project=slot.project, at=AT)
        slot = moved(slot, hub, opens=AT, closes=AT + 2 * DAY)

        closed_day()

        slot.refresh_from_db()
        assert slot.closes_at == AT + 2 * DAY
        assert len(schedule.moves(slot)) == 1


class TestTelling:
    @pytest.mark.obligation("O-59")
    def test_opening_and_lateness_are_told_once_each(self, slot, hub):
        slot = moved(slot, hub, opens=AT + DAY, closes=AT + 3 * DAY)
        told = lambda: [event.event for event in events_of(slot)][2:]  # noqa: E731
        assert (schedule.tell(at=AT + HOUR), told()) == (0, [])
        assert (schedule.tell(at=AT + DAY), schedule.tell(at=AT + DAY + HOUR)) == (1, 0)
        assert schedule.tell(at=AT + 3 * DAY) == 1
        assert schedule.tell(at=AT + 4 * DAY) == 0
        assert told() == ["slot.window_opened", "slot.late"]

        moved(slot, hub, opens=AT + 5 * DAY, closes=AT + 6 * DAY, at=AT + 4 * DAY)
        assert schedule.tell(at=AT + 5 * DAY) == 1

    def test_no_lateness_where_a_file_came_or_none_was_asked_for(self, slot):
        custody.arrived(slot)
        output = custody.a_slot(kind="output", spec={}, closes_at=AT + DAY)
        UploadSlot._base_manager.filter(pk=slot.pk).update(closes_at=AT + DAY)
        assert schedule.tell(at=AT + 2 * DAY) == 0
        assert not output.lateness_told_at

    @pytest.mark.django_db(transaction=True)
    def test_the_agencys_stewards_read_it(self, slot, hub):
        steward = factories.steward(slot.supplier)
        moved(slot, hub, opens=AT + DAY, closes=AT + 3 * DAY)
        schedule.tell(at=AT + DAY)
        schedule.tell(at=AT + 3 * DAY)
        for job in custody.Job.objects.filter(name="notifications.announce").order_by("created_at"):
            custody.run_job(job.name, **job.arguments)
        texts = list(Message.objects.filter(person=steward).order_by("pk").values_list("text", flat=True))
        for text, words in zip(texts, ("was changed", "from now on", "no file was"), strict=True):
            assert words in text


class TestTerms:
    @pytest.mark.obligation("O-58")
    def test_what_was_agreed_decides_what_is_taken(self, slot, hub):
        sender, name = factories.steward(slot.supplier), custody.name_for(slot)

        def begun(name, **how):
            return uploads.begin(slot, name=name, length=9, by=sender, at=AT, now=AT, **how).wrapping

        assert begun(name) == "plain"
        assert begun(name, is_sealed=True) == "sealed"
        with pytest.raises(Blocked, match="not agreed"):
            begun(name + ".age")

        schedule.agree_encryption(slot.project, Encryption.AGE, reason="Minutes, March 2", by=hub, at=AT)
        assert begun(name + ".age") == "age"
        assert begun(name, is_sealed=True) == "sealed"
        with pytest.raises(Blocked, match="encrypted with age"):
            begun(name)
        with pytest.raises(Blocked, match="encrypted with age"):
            custody.arrived(slot)

        schedule.agree_encryption(slot.project, Encryption.BROWSER, reason="Letter", by=hub, at=AT)
        assert begun(name, is_sealed=True) == "sealed"
        with pytest.raises(Blocked, match="before they leave your machine"):
            begun(name)
        with pytest.raises(Blocked, match="not agreed"):
            begun(name + ".age")
        assert slot.project.sending_terms.history.count() == 2

    def test_an_upload_begun_before_the_terms_changed_does_not_go_on(self, slot, hub):
        sender = factories.steward(slot.supplier)
        row = uploads.begin(slot, name=custody.name_for(slot), length=9, by=sender, at=AT, now=AT)
        schedule.agree_encryption(slot.project, Encryption.BROWSER, reason="Letter", by=hub, at=AT)
        with pytest.raises(Blocked, match="before they leave"):
            uploads.append(row, [b"x"], offset=0, at=AT, now=AT)

    def test_only_the_hub_or_the_operating_group_writes_it_down_and_says_where(self, slot, hub):
        with pytest.raises(Blocked, match="hub"):
            schedule.agree_encryption(
                slot.project, "age", reason="x", by=factories.steward(slot.supplier), at=AT
            )
        with pytest.raises(Blocked, match="agreed on it"):
            schedule.agree_encryption(slot.project, "age", reason=" ", by=hub, at=AT)

    def test_a_file_for_another_recipient_or_no_age_file_is_refused_with_what_to_do(self, slot, hub):
        import pyrage

        schedule.agree_encryption(slot.project, Encryption.AGE, reason="Letter", by=hub, at=AT)
        other = pyrage.encrypt(custody.GOOD, [pyrage.x25519.Identity.generate().to_public()])
        armored = b"-----BEGIN AGE ENCRYPTED FILE-----"
        for content, hint in ((other, "another recipient"), (custody.GOOD, "age -r"), (armored, "armor")):
            file = custody.checked(custody.arrived(slot, content, name=custody.name_for(slot) + ".age"))
            assert file.status == FileStatus.REFUSED
            assert hint in file.report["findings"][0]["hint"]


class TestPages:
    def test_the_hub_moves_the_window_and_writes_down_the_terms(self, slot, hub, signed_in):
        page = reverse("custody:slot", args=[slot.pk])
        open_to_organisation(slot.project, hub.organisation, ["view_project"])
        client = signed_in(hub)
        assert "Change the time" in client.get(page).text
        answer = client.post(
            reverse("custody:slot-window", args=[slot.pk]),
            {"opens_at": "2030-03-04T09:00", "closes_at": "2030-03-08T17:00", "reason": "Later"},
            follow=True,
        )
        assert "Mar 4, 2030, 9:00 a.m. ET until Mar 8, 2030, 5:00 p.m. ET" in answer.text
        answer = client.post(
            reverse("custody:slot-terms", args=[slot.pk]),
            {"encryption": "age", "reason": "Minutes"},
            follow=True,
        )
        assert "By the sender, with the program age" in answer.text
        answer = client.post(
            reverse("custody:slot-window", args=[slot.pk]),
            {"opens_at": "2020-03-04T09:00", "closes_at": "2020-03-08T17:00", "reason": "Later"},
        )
        assert "not in the past" in answer.text
        assert client.get(reverse("custody:slot-terms", args=[slot.pk])).status_code == 200

    def test_senders_see_it_but_do_not_change_it(self, slot, hub, signed_in):
        moved(slot, hub, opens=AT, closes=AT + 9 * DAY)
        client = signed_in(factories.steward(slot.supplier))
        text = client.get(reverse("custody:slot", args=[slot.pk])).text
        assert "renewed" in text
        assert "Change the time" not in text
        assert client.get(reverse("custody:slot-window", args=[slot.pk])).status_code == 404

    def test_beats_task_tells(self, slot, monkeypatch):
        from p20win.custody import tasks

        monkeypatch.setattr(clock, "now", lambda: slot.closes_at)
        tasks.tell_of_windows()
        assert events_of(slot).last().event == "slot.late"
        assert events_of(slot).last().actor_id == system_user().pk
