"""Uploads that can be resumed, by tus: nothing readable on the disk, nothing lost, nothing twice."""

import base64
import datetime as dt
import errno
import random
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from p20win import clock
from p20win.accounts.public import enrol_key
from p20win.audit.public import events_of
from p20win.custody import destruction, places, room, uploads
from p20win.custody.engine.files import EagerFile
from p20win.custody.models import Upload
from p20win.custody.public import FileStatus, SealedFile, close_slot, open_bytes, shred
from tests import factories
from tests import factories_custody as custody

pytestmark = pytest.mark.django_db
TUS = {"HTTP_TUS_RESUMABLE": "1.0.0"}
ALL = len(custody.GOOD)


@pytest.fixture
def vault(settings, tmp_path):
    with custody.own_vault(settings, tmp_path) as folder:
        yield folder


@pytest.fixture
def slot(vault):
    return custody.a_slot()


@pytest.fixture
def steward(slot):
    return factories.steward(slot.supplier)


@pytest.fixture
def sender(signed_in, steward):
    return signed_in(steward)


def file_name(slot):
    return f"P20_DR{int(slot.project.number[3:]):04d}_{slot.supplier.short_name}_match_v1.txt"


def begun(client, slot, length=ALL, name=None):
    told = base64.b64encode((name or file_name(slot)).encode()).decode()
    return client.post(
        reverse("custody:tus", args=[slot.pk]),
        **TUS, HTTP_UPLOAD_LENGTH=str(length), HTTP_UPLOAD_METADATA=f"filename {told},filetype dGV4dA==",
    )  # fmt: skip


def sent(client, address, content, offset):
    return client.patch(
        address, content, content_type="application/offset+octet-stream",
        **TUS, HTTP_UPLOAD_OFFSET=str(offset),
    )  # fmt: skip


def standing(client, address):
    return int(client.head(address, **TUS).headers["Upload-Offset"])


def on_disk(vault):
    return [path for path in (vault / "media").rglob("*") if path.is_file()]


@pytest.mark.obligation("O-58", "O-62")
def test_sent_in_pieces_it_is_one_file_and_no_byte_of_it_is_readable_on_the_way(vault, slot, sender):
    address = begun(sender, slot)["Location"]
    for start in range(0, len(custody.GOOD), 40):
        assert standing(sender, address) == start
        piece = custody.GOOD[start : start + 40]
        answer = sent(sender, address, piece, start)
        assert answer.status_code == 204
        assert answer["Upload-Offset"] == str(start + len(piece))
        assert all(b"Okonkwo" not in path.read_bytes() for path in on_disk(vault))

    file = custody.checked(SealedFile.objects.get())
    assert file.status == FileStatus.ACCEPTED
    assert b"".join(open_bytes(file)) == custody.GOOD
    assert [event.event for event in events_of(file)] == ["file.arrived", "file.accepted"]
    assert not Upload.objects.exists()
    assert list((vault / "media" / "incoming").iterdir()) == []


class Cut(BytesIO):
    """A connection that is lost after so many bytes."""

    def __init__(self, content, after):
        super().__init__(content)
        self._left = after

    def read(self, size=-1):
        if not self._left:
            raise ConnectionResetError
        taken = super().read(min(size if size >= 0 else self._left, self._left))
        self._left -= len(taken)
        return taken


def blocks(stream, size=100):
    while block := stream.read(size):
        yield block


@pytest.mark.parametrize("seed", range(8))
def test_f02_cut_at_any_point_it_goes_on_from_there(slot, steward, seed, monkeypatch):
    monkeypatch.setattr(uploads, "PIECE", 500)
    chance = random.Random(seed)
    row = "".join(f"a{n * 7919 % 400:07d}b\t\tLindqvist{n}\t\n" for n in range(400))  # ids in no order
    content = ("ID\tSSN\tLAST\tDOB\n" + row).encode()
    now, at = clock.real_now(), clock.now()
    upload = uploads.begin(slot, name=file_name(slot), length=len(content), by=steward, at=at, now=now)
    resent = 0
    while upload.offset < len(content):
        after = chance.randrange(0, 4000)
        cut = Cut(content[upload.offset :], after)
        before = upload.offset
        uploads.append(upload, blocks(cut), offset=before, at=at, now=now)
        upload.refresh_from_db()
        resent += max(0, min(after, len(content) - before) - (upload.offset - before))
        upload = uploads.unfinished(slot, steward)
    assert resent == 0  # what a cut connection delivered is kept

    file = custody.checked(uploads.complete(upload, at=at))
    assert file.status == FileStatus.ACCEPTED, file.report
    assert b"".join(open_bytes(file)) == content


def test_continued_elsewhere_than_at_its_end_nothing_is_taken(slot, sender):
    address = begun(sender, slot)["Location"]
    assert sent(sender, address, custody.GOOD[:10], 0).status_code == 204
    for wrong in (0, 9, 11):
        answer = sent(sender, address, custody.GOOD[wrong:], wrong)
        assert answer.status_code == 409
        assert "offset" in answer.text
    assert standing(sender, address) == 10


def test_of_two_that_continue_at_once_one_is_believed(slot, steward, vault):
    now, at = clock.real_now(), clock.now()
    one = uploads.begin(slot, name=file_name(slot), length=20, by=steward, at=at, now=now)
    other = uploads.unfinished(slot, steward)
    uploads.append(one, [b"0123456789"], offset=0, at=at, now=now)

    with pytest.raises(uploads.Conflict):
        uploads.append(other, [b"abcdefghij"], offset=0, at=at, now=now)

    one.refresh_from_db()
    assert (one.offset, len(one.pieces)) == (10, 1)
    assert [path.name for path in (vault / "media" / "incoming").iterdir()] == one.pieces


def test_more_than_was_announced_is_refused_and_not_kept(slot, sender, vault):
    address = begun(sender, slot, length=20)["Location"]
    answer = sent(sender, address, custody.GOOD, 0)

    assert answer.status_code == 403
    assert "More arrived than was announced" in answer.text
    assert standing(sender, address) == 0
    assert on_disk(vault / "media" / "incoming") == [] == list((vault / "media" / "incoming").glob("*"))


@pytest.mark.obligation("O-124")
def test_to_others_it_does_not_exist(slot, sender, signed_in):
    address = begun(sender, slot)["Location"]
    collection = reverse("custody:tus", args=[slot.pk])
    stranger = signed_in(factories.steward(factories.organisation()))
    assert stranger.post(collection, **TUS, HTTP_UPLOAD_LENGTH="5").status_code == 404
    assert stranger.head(address, **TUS).status_code == 404
    assert sent(stranger, address, b"x", 0).status_code == 404
    assert stranger.delete(address, **TUS).status_code == 404
    colleague = signed_in(factories.steward(slot.supplier))
    assert colleague.head(address, **TUS).status_code == 404  # an upload is its sender's alone
    assert Client().head(address, **TUS).status_code in (302, 404)
    assert Upload.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"HTTP_UPLOAD_LENGTH": "many"}, "Upload-Length must be a number"),
        ({"HTTP_UPLOAD_LENGTH": "0"}, "empty"),
        ({"HTTP_UPLOAD_LENGTH": str(1 << 41)}, "larger than agreed"),
        ({"HTTP_UPLOAD_METADATA": ""}, "Upload-Metadata"),
        ({"HTTP_UPLOAD_METADATA": "filename %%%"}, "Upload-Metadata"),
        ({"HTTP_UPLOAD_METADATA": f"filename {base64.b64encode(b'wages.txt').decode()}"}, "neither scheme"),
    ],
)
def test_a_beginning_that_makes_no_sense_says_what_to_do(slot, sender, changes, says):
    told = base64.b64encode(file_name(slot).encode()).decode()
    given = TUS | {"HTTP_UPLOAD_LENGTH": "10", "HTTP_UPLOAD_METADATA": f"filename {told}"} | changes
    answer = sender.post(reverse("custody:tus", args=[slot.pk]), **given)

    assert answer.status_code == 403
    assert says in answer.text
    assert not Upload.objects.exists()


def test_f08_a_full_disk_is_said_before_anything_is_sent(slot, sender, monkeypatch):
    monkeypatch.setattr(room, "free_on_disk", lambda: int(2.2 * ALL) - 1)
    answer = begun(sender, slot)

    assert answer.status_code == 507
    assert "no room" in answer.text
    whole = {"file": SimpleUploadedFile(file_name(slot), custody.GOOD)}
    shown = sender.post(reverse("custody:upload", args=[slot.pk]), whole, follow=True)
    assert "The portal has no room for this file now." in shown.text
    assert not Upload.objects.exists()
    assert not SealedFile.objects.exists()
    monkeypatch.setattr(room, "free_on_disk", lambda: int(2.2 * ALL))
    assert begun(sender, slot).status_code == 201


def test_another_version_or_kind_of_body_is_refused(slot, sender):
    address = begun(sender, slot)["Location"]
    assert sender.head(address).status_code == 412
    assert sender.head(address, HTTP_TUS_RESUMABLE="0.2.2")["Tus-Version"] == "1.0.0"
    wrong = sender.patch(address, b"x", content_type="text/plain", **TUS, HTTP_UPLOAD_OFFSET="0")
    assert wrong.status_code == 415
    assert "creation" in sender.options(address)["Tus-Extension"]


def test_a_request_forged_on_another_site_is_refused(slot, steward, signed_in):
    signed_in(steward)
    forger = Client(enforce_csrf_checks=True)
    forger.force_login(steward, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert begun(forger, slot).status_code == 403
    assert not Upload.objects.exists()


def test_who_may_no_longer_send_cannot_continue(slot, sender):
    address = begun(sender, slot)["Location"]
    sent(sender, address, custody.GOOD[:10], 0)
    custody.checked(custody.arrived(slot))  # another file was accepted meanwhile

    answer = sent(sender, address, custody.GOOD[10:], 10)

    assert answer.status_code == 403
    assert "accepted already" in answer.text


@pytest.mark.django_db(transaction=True)
def test_given_up_begun_anew_lapsed_or_shredded_nothing_is_left(slot, sender, steward, vault):
    def left():
        return list((vault / "media" / "incoming").glob("*.piece")), Upload.objects.count()

    first = begun(sender, slot)["Location"]
    sent(sender, first, custody.GOOD[:10], 0)
    second = begun(sender, slot)["Location"]
    assert left() == ([], 1)
    assert sender.head(first, **TUS).status_code == 404

    sent(sender, second, custody.GOOD[:10], 0)
    assert sender.delete(second, **TUS).status_code == 204
    assert left() == ([], 0)

    sent(sender, begun(sender, slot)["Location"], custody.GOOD[:10], 0)
    assert uploads.lapse(at=clock.now(), now=clock.real_now() + dt.timedelta(days=1)) == 0
    assert uploads.lapse(at=clock.now(), now=clock.real_now() + uploads.KEPT_FOR) == 1
    assert left() == ([], 0)

    sent(sender, begun(sender, slot)["Location"], custody.GOOD[:10], 0)
    shred(slot.project, slot.supplier, by=factories.hub_member(), at=clock.now())
    assert left() == ([], 0)


@pytest.mark.django_db(transaction=True)
def test_who_gives_up_an_upload_that_became_a_file_meanwhile_erases_nothing_of_the_file(slot, sender):
    sent(sender, begun(sender, slot)["Location"], custody.GOOD[:10], 0)
    seen_before = Upload.objects.get()
    sent(sender, reverse("custody:tus-upload", args=[slot.pk, seen_before.pk]), custody.GOOD[10:], 10)

    uploads.leave_nothing(seen_before)  # another tab, the clock of uploads, or a destruction that lists them

    file = SealedFile.objects.get()
    assert all(places.incoming(piece).exists() for piece in file.pieces)
    assert custody.checked(file).status == FileStatus.ACCEPTED


@pytest.mark.django_db(transaction=True)
def test_an_upload_that_was_given_up_or_went_on_meanwhile_becomes_no_file(slot, sender, vault):
    address = begun(sender, slot)["Location"]
    sent(sender, address, custody.GOOD[:10], 0)
    seen_before = Upload.objects.get()
    sent(sender, address, custody.GOOD[10:20], 10)
    with pytest.raises(uploads.Conflict):
        uploads.complete(seen_before, at=clock.now())
    seen_before.refresh_from_db()
    uploads.leave_nothing(Upload.objects.get())

    with pytest.raises(uploads.Conflict):
        uploads.complete(seen_before, at=clock.now())

    assert not SealedFile.objects.exists()
    assert not list((vault / "media" / "incoming").glob("*.piece"))


def test_a_piece_that_is_missing_is_noticed(slot, sender, vault):
    address = begun(sender, slot)["Location"]
    sent(sender, address, custody.GOOD[:50], 0)
    sent(sender, address, custody.GOOD[50:], 50)
    file = SealedFile.objects.get()
    SealedFile._base_manager.filter(pk=file.pk).update(pieces=file.pieces[:1])

    assert custody.checked(file).status == FileStatus.REFUSED
    assert "damaged" in {finding["rule"] for finding in file.report["findings"]}
    assert places.file_of(places.incoming(file.pieces[0])) == str(file.pk)


def test_f08_a_disk_that_fills_up_is_said_and_the_sender_goes_on_when_there_is_room(
    vault, slot, sender, monkeypatch
):
    address = begun(sender, slot)["Location"]
    sent(sender, address, custody.GOOD[:40], 0)
    before = on_disk(vault)

    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(EagerFile, "write", full)
        answer = sent(sender, address, custody.GOOD[40:], 40)
        assert answer.status_code == 507
        assert "Tell the hub; the slot stays open." in answer.text
        whole = {"file": SimpleUploadedFile(file_name(slot), custody.GOOD)}
        shown = sender.post(reverse("custody:upload", args=[slot.pk]), whole, follow=True)
        assert "The portal has no room for this file now." in shown.text
    assert on_disk(vault) == before

    assert sent(sender, address, custody.GOOD[40:], 40).status_code == 204
    assert custody.checked(SealedFile.objects.get()).status == FileStatus.ACCEPTED


@pytest.mark.django_db(transaction=True)
@pytest.mark.obligation("O-59", "O-65")
class TestTheSlotCloses:
    """What was on its way then can never become a file, so nothing of it waits for its days to pass."""

    def on_its_way(self, slot, sender, vault):
        sent(sender, begun(sender, slot)["Location"], custody.GOOD[:10], 0)
        assert self.left(vault) == (1, 1)

    def left(self, vault):
        return len(list((vault / "media" / "incoming").glob("*.piece"))), Upload.objects.count()

    def test_by_hand_or_for_the_match(self, slot, sender, vault):
        self.on_its_way(slot, sender, vault)
        close_slot(slot, by=factories.hub_member(), at=clock.now())
        assert self.left(vault) == (0, 0)

    def test_with_the_project(self, slot, sender, vault):
        self.on_its_way(slot, sender, vault)
        destruction.ask_destruction_of_all(
            slot.project, by=factories.operating_group_member(), at=clock.now()
        )
        assert self.left(vault) == (0, 0)

    def test_as_its_window_ends(self, slot, sender, vault):
        self.on_its_way(slot, sender, vault)
        now = clock.real_now()
        assert uploads.lapse(at=slot.closes_at - dt.timedelta(seconds=1), now=now) == 0
        assert uploads.lapse(at=slot.closes_at, now=now) == 1
        assert self.left(vault) == (0, 0)

    def test_as_another_file_fills_it(self, slot, sender, vault):
        self.on_its_way(slot, sender, vault)
        custody.checked(custody.arrived(slot))
        assert uploads.lapse(at=clock.now(), now=clock.real_now()) == 1
        assert self.left(vault) == (0, 0)

    def test_a_file_that_was_announced_for_it_says_that_it_never_came(self, slot, steward, vault):
        factories.hub()
        key = enrol_key(slot.supplier, public_key=bytes(32), label="Job", by=steward, at=factories.START)
        file = custody.announced(slot, key)
        uploads.begin_announced(file, slot, length=10, at=clock.now(), now=clock.real_now())
        close_slot(slot, by=factories.hub_member(), at=clock.now())
        file.refresh_from_db()
        assert (file.status, self.left(vault)) == ("given_up", (0, 0))
