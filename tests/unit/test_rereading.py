"""Damage is found before somebody needs the file: what lies sealed is read again in turn (F12)."""

import datetime as dt

import pytest
from django.db import ProgrammingError, connection, transaction

from p20win import clock, health, policy
from p20win.audit.public import Event, events_of
from p20win.custody import places, rereading, sealing, vault_keys
from p20win.custody import public as custody
from p20win.custody.models import Damage, FileStatus, Reread
from p20win.jobs.public import Job
from p20win.notifications.public import Message, tell
from tests import factories
from tests import factories_custody as files
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def met():
    """No condition of any desk stands against sending."""
    with files.conditions_met():
        yield


@pytest.fixture
def now():
    return clock.real_now()


def accepted(count=1):
    return [files.checked(files.arrived(files.a_slot())) for _ in range(count)]


def harmed(file, place=-1):
    path = places.blob(file.blob)
    raw = bytearray(path.read_bytes())
    raw[place] ^= 1
    path.write_bytes(raw)
    return file


@pytest.mark.obligation("O-63", "O-62")
class TestFound:
    def test_one_flipped_byte_is_found_told_and_the_file_closed_with_no_key(self, now, monkeypatch):
        sound, file = accepted(2)
        hub, steward = factories.hub_member(), factories.steward(file.owner)
        factories.operating_group_member()
        harmed(file)

        def no_key(*_args, **_more):
            raise AssertionError("a key was asked for")

        monkeypatch.setattr(vault_keys.KeyStore, "key", no_key)
        assert rereading.ask_if_due(now=now)
        files.run_job(rereading.WORK)
        monkeypatch.undo()

        assert [row.file for row in Damage.objects.all()] == [file]
        assert "altered" in Damage.objects.get().what
        assert [line.event for line in events_of(Damage.objects.get())] == ["file.damaged"]
        with pytest.raises(custody.Damaged):
            custody.open_bytes(file)
        assert b"".join(custody.open_bytes(sound)) == files.GOOD
        tell(Event.objects.get(event="file.damaged"))
        assert {letter.person for letter in Message.objects.all()} >= {hub, steward}
        with pytest.raises(RuntimeError, match="Found damaged"):
            health._sealed_files()

    @pytest.mark.parametrize(
        ("harm", "what"),
        [
            (lambda path: path.unlink(), "not where it lay"),
            (lambda path: path.write_bytes(path.read_bytes()[:-1]), "cut"),
            (lambda path: path.write_bytes(path.read_bytes() + b"x"), "extended"),
        ],
    )
    def test_so_is_what_was_cut_extended_or_is_gone(self, now, harm, what):
        (file,) = accepted()
        harm(places.blob(file.blob))
        assert rereading.read_some(now=now).damaged == 1
        assert what in Damage.objects.get().what

    def test_a_manifest_of_another_file_is_damage_too(self, now):
        one, other = accepted(2)
        type(one).objects.filter(pk=one.pk).update(manifest=other.manifest)
        rereading.read_some(now=now)
        assert "another file id" in Damage.objects.get().what

    def test_it_is_written_down_once_and_what_stands_damaged_is_left_to_its_own_watch(self, now):
        (file,) = accepted()
        harmed(file)
        assert rereading.read_some(now=now).damaged == 1
        assert rereading.read_some(now=now + DAY) == rereading.Seen()
        assert Damage.objects.count() == 1

    def test_what_is_just_being_destroyed_is_no_damage(self, now, monkeypatch):
        """Its container goes before its row says so."""
        (file,) = accepted()
        found = {}
        original = sealing.remove_blob

        def removed(name):
            original(name)
            found["seen"] = rereading.read_some(now=now)

        monkeypatch.setattr(sealing, "remove_blob", removed)
        custody.shred(file.project, file.owner, by=factories.hub_member(), at=START)

        assert found["seen"].damaged == 0
        assert not Damage.objects.exists()
        assert rereading.read_some(now=now + DAY) == rereading.Seen()


class TestInTurn:
    def test_the_one_that_was_not_read_for_longest_comes_first_within_its_bytes(self, now):
        first, second, third = accepted(3)
        size = places.blob(first.blob).stat().st_size
        for at, file in enumerate((second, third, first)):
            Reread.objects.create(file=file, ended_at=now - (9 - at) * DAY)

        seen = rereading.read_some(now=now, most=size + 1)

        assert (seen.files, seen.damaged) == (2, 0)
        read = set(Reread.objects.filter(ended_at=now).values_list("file", flat=True))
        assert read == {second.pk, third.pk}
        rereading.read_some(now=now + HOUR, most=1)
        assert Reread.objects.get(file=first).ended_at == now + HOUR

    def test_a_large_file_is_read_over_several_hours_and_goes_on_where_it_ended(self, now, monkeypatch):
        other, file = accepted(2)
        blob = sealing.seal_chunks(
            [bytes(3 << 20)],
            project=file.project,
            owner=file.owner,
            destination=file.destination,
            data_class=file.data_class,
            at=START,
        )
        file_id, sealed = blob
        large = custody.SealedFile(
            pk=file_id, project=file.project, owner=file.owner, destination=file.destination,
            data_class=file.data_class, name="large", status=FileStatus.ACCEPTED, status_since=START,
            sent_by=file.sent_by, scan="own", **sealed.fields(),
        )  # fmt: skip
        large.save()
        for small in (other, file):
            Reread.objects.create(file=small, ended_at=now)
        for hour in range(3):
            seen = rereading.read_some(now=now + hour * HOUR, most=1 << 20)
            assert (seen.files, Reread.objects.get(file=large).segments) == (0, hour + 1)
        assert rereading.read_some(now=now + 3 * HOUR, most=1 << 20).files >= 1
        assert Reread.objects.get(file=large).ended_at == now + 3 * HOUR

    def test_beat_asks_every_hour_and_not_while_one_waits(self, now):
        assert rereading.ask_if_due(now=now)
        assert not rereading.ask_if_due(now=now + 3 * HOUR)
        files.run_job(rereading.WORK)
        made = Job.objects.get(name=rereading.WORK).created_at
        assert not rereading.ask_if_due(now=made + HOUR / 2)
        assert rereading.ask_if_due(now=made + HOUR)

    def test_health_says_when_files_were_not_read_for_too_long(self, now):
        (file,) = accepted()
        assert health._sealed_files() == "none was found damaged"
        long_ago = now - (policy.REREAD_DAYS + 1) * DAY
        type(file).objects.filter(pk=file.pk).update(status_since=long_ago)
        with pytest.raises(RuntimeError, match="1 were not read again for 30 days"):
            health._sealed_files()
        rereading.read_some(now=now)
        assert health._sealed_files() == "none was found damaged"

    def test_the_vault_alone_reads_and_says_that_it_did(self, now, settings):
        accepted()
        rereading.read_some(now=now)
        for statement in (
            "UPDATE custody_reread SET ended_at = now()",
            "DELETE FROM custody_reread",
            "INSERT INTO custody_reread (file_id, segments) SELECT id, 0 FROM custody_sealedfile",
        ):
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL ROLE p20_web")
                    cursor.execute(statement)
        settings.P20WIN_IS_VAULT = False
        with pytest.raises(custody.NotTheVault):
            rereading.read_some(now=now)
