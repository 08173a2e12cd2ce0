"""A sealed file that is not as it was signed for: closed, told, named on Health, kept as evidence (F12)."""

import datetime as dt

import pytest

from matching.models import MatchStatus, RunStatus
from matching.services import running
from p20win import clock, health
from p20win.audit.public import Event, events_of
from p20win.custody import damage, damage_watch, places, services
from p20win.custody import public as custody
from p20win.custody.models import Damage, DamageStatus
from p20win.jobs.public import State, perform
from p20win.notifications.public import Message, tell
from p20win.refusal import Blocked
from tests import factories
from tests import factories_custody as files
from tests import factories_matching as matches
from tests.factories import START

pytestmark = [pytest.mark.django_db]
DAY = dt.timedelta(days=1)


@pytest.fixture
def met(vault):
    """No condition of any desk stands against sending."""
    with files.conditions_met():
        yield


@pytest.fixture
def file(met):
    return files.checked(files.arrived(files.a_slot()))


def path_of(file):
    return places.blob(file.blob)


def altered(path, place=-1):
    raw = bytearray(path.read_bytes())
    raw[place] ^= 1
    path.write_bytes(raw)
    return path


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def extended(path):
    path.write_bytes(path.read_bytes() + b"\0")


def gone(path):
    path.unlink()


def opened(file):
    """Open a file as work does; what is damaged is noted."""
    with custody.damage_noted():
        return b"".join(custody.open_bytes(file))


@pytest.mark.obligation("O-63")
class TestFound:
    @pytest.mark.parametrize(
        ("harm", "what"),
        [
            (altered, "altered"),
            (cut, "cut"),
            (extended, "extended"),
            (gone, "not where"),
        ],
    )
    def test_each_way_is_told_apart_and_nothing_is_given(self, file, harm, what):
        harm(path_of(file))
        with pytest.raises(Blocked, match=what):
            opened(file)
        row = Damage.objects.get()
        assert (row.file, row.status) == (file, DamageStatus.FOUND)
        assert what in row.what

    def test_a_row_that_does_not_fit_is_damage_too(self, file):
        file.wrapped_key = bytes(file.wrapped_key)[:-1] + bytes([bytes(file.wrapped_key)[-1] ^ 1])
        with pytest.raises(custody.Damaged):
            custody.open_bytes(file)

    def test_it_is_one_line_in_the_ledger_however_often_it_is_opened(self, file):
        altered(path_of(file))
        for _ in range(3):
            with pytest.raises(Blocked):
                opened(file)
        line = Event.objects.get(event="file.damaged")
        assert line.details["file"] == str(file.pk)
        assert line.project_id == file.project_id

    def test_also_its_sound_parts_stay_closed_from_then(self, file):
        raw = path_of(file).read_bytes()
        altered(path_of(file))
        with pytest.raises(Blocked):
            opened(file)
        path_of(file).write_bytes(raw)
        with pytest.raises(custody.Damaged):
            custody.open_range(file, 0, 5, within="a download")

    def test_hub_operating_group_and_the_agency_whose_it_is_are_told_and_no_other(self, file):
        hub, group = factories.hub_member(), factories.operating_group_member()
        steward, other = factories.steward(file.owner), factories.steward(factories.organisation())
        altered(path_of(file))
        with pytest.raises(Blocked):
            opened(file)
        tell(Event.objects.get(event="file.damaged"))
        told = {letter.person for letter in Message.objects.all()}
        assert told >= {hub, group, steward}
        assert other not in told
        own = Message.objects.filter(person=steward).get()
        assert "which your agency sent" in own.text
        assert str(file.slot_id) in own.where
        letter = Message.objects.filter(person=hub).get()
        assert str(file.pk) in letter.text
        assert "incident" in letter.text

    def test_health_names_it_and_says_what_to_do(self, file):
        assert health._sealed_files() == "none was found damaged"
        altered(path_of(file))
        with pytest.raises(Blocked):
            opened(file)
        with pytest.raises(RuntimeError, match="Found damaged") as told:
            health._sealed_files()
        assert file.project.number in str(told.value)
        assert "damaged-files.md" in str(told.value)

    def test_what_was_destroyed_or_removed_is_not_damaged(self, file):
        stale = type(file).objects.get(pk=file.pk)
        custody.shred(file.project, file.owner, by=factories.hub_member(), at=START)
        with pytest.raises(custody.KeyDestroyed):
            custody.open_bytes(stale)
        assert damage.note(custody.Damaged(stale, "It is not there."), at=START) is None
        assert not Damage.objects.exists()


class TestAfterwards:
    def test_put_back_from_a_backup_it_opens_again(self, file):
        raw = path_of(file).read_bytes()
        altered(path_of(file))
        with pytest.raises(Blocked):
            opened(file)
        damage_watch.look(now=clock.real_now(), at=START)
        assert Damage.objects.get().status == DamageStatus.FOUND

        path_of(file).write_bytes(raw)
        damage_watch.look(now=clock.real_now(), at=START)

        assert Damage.objects.get().status == DamageStatus.SOUND
        assert opened(file) == files.GOOD
        assert [line.event for line in events_of(Damage.objects.get())] == ["file.damaged", "damage.gone"]

    @pytest.mark.obligation("O-65")
    def test_a_damaged_file_is_destroyed_as_any_other(self, file):
        altered(path_of(file))
        with pytest.raises(Blocked):
            opened(file)
        done = custody.shred(file.project, file.owner, by=factories.hub_member(), at=START)
        assert done.status == "done"
        assert not path_of(file).exists()
        assert health._sealed_files() == "none was found damaged"


class TestWork:
    def test_a_match_whose_file_is_damaged_ends_as_failed_and_is_not_tried_again(self, vault):
        match = matches.collecting()
        sent = matches.send(match, "SDE", "matching")
        type(match).objects.filter(pk=match.pk).update(status=MatchStatus.LINKING)
        match.refresh_from_db()
        run = match.runs.model(
            match=match,
            number=1,
            method=matches.agreements.selectors.approved_methods(START).first(),
            status_since=START,
            started_at=START,
            started_by=factories.hub_member(),
            spec={"engine": "hybrid"},
        )
        running.create("run.started", run, by=run.started_by, at=START)
        job = running.jobs.after_commit("matching.run_match", project_id=match.project_id, run_id=run.pk)
        altered(path_of(sent))

        perform(str(job.pk))

        job.refresh_from_db()
        run.refresh_from_db()
        match.refresh_from_db()
        assert (job.state, run.status, match.status) == (State.REFUSED, RunStatus.FAILED, MatchStatus.READY)
        assert "found damaged" in job.message
        assert Damage.objects.get().file == sent


@pytest.mark.usefixtures("met")
class TestArrivals:
    def arrived_damaged(self):
        file = files.arrived(files.a_slot())
        altered(places.incoming(file.pieces[0]))
        return files.checked(file)

    @pytest.mark.obligation("O-63")
    def test_it_is_refused_and_kept_as_evidence_for_its_days(self):
        file = self.arrived_damaged()
        row = Damage.objects.get()
        assert (file.status, row.file) == (custody.FileStatus.REFUSED, file)
        left = row.kept_until - clock.real_now()
        assert damage_watch.EVIDENCE - dt.timedelta(minutes=1) < left <= damage_watch.EVIDENCE
        piece = places.incoming(file.pieces[0])
        services.tidy(now=clock.real_now() + DAY)
        damage_watch.look(now=clock.real_now() + DAY, at=START)
        assert piece.exists()

        damage_watch.look(now=row.kept_until, at=START)

        assert not piece.exists()
        row.refresh_from_db()
        assert row.status == DamageStatus.OVER
        assert events_of(row).last().event == "damage.evidence_erased"

    @pytest.mark.obligation("O-65")
    def test_a_destruction_takes_it_along(self):
        file = self.arrived_damaged()
        custody.shred(file.project, file.owner, by=factories.hub_member(), at=START)
        assert not places.incoming(file.pieces[0]).exists()

    def test_what_breaks_a_rule_is_no_evidence(self):
        file = files.checked(files.arrived(files.a_slot(), files.BAD))
        assert file.status == custody.FileStatus.REFUSED
        assert not Damage.objects.exists()
        assert not places.incoming(file.pieces[0]).exists()
