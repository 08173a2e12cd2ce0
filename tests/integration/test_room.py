"""C21, T25: what an organisation may keep here at a time: exactly that, by every way in, by one check."""

import base64
import threading
import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from p20win import clock
from p20win.accounts.public import system_user
from p20win.audit.public import Event
from p20win.custody import places, room, upload_tickets, uploads, vault_keys
from p20win.custody.engine import pieces
from p20win.custody.models import Allowance, Upload
from p20win.custody.public import FileStatus, SealedFile, receive, seal_bytes, shred
from p20win.refusal import Blocked
from tests import factories
from tests import factories_custody as custody
from tests import factories_suppliers as suppliers
from tests.factories import START

pytestmark = pytest.mark.django_db
TUS = {"HTTP_TUS_RESUMABLE": "1.0.0"}
ALL = len(custody.GOOD)


@pytest.fixture
def own_vault(settings, tmp_path):
    factories.hub()
    with custody.own_vault(settings, tmp_path) as folder:
        yield folder


@pytest.fixture
def slot(own_vault):
    return custody.a_slot()


def given(organisation, size):
    """Let an organisation keep so many bytes here."""
    said = {"reason": "Minutes", "changed_by": factories.operating_group_member(), "changed_at": START}
    row, _ = Allowance.objects.update_or_create(
        organisation=organisation, defaults={"most_bytes": size, **said}
    )
    return row


def custody_pieces():
    """Return what lies sealed and waits for the vault."""
    return places.incoming("x").parent.glob("*")


def asked(client, address, name, length, **more):
    told = base64.b64encode(name.encode()).decode()
    headers = {**TUS, "HTTP_UPLOAD_LENGTH": str(length), "HTTP_UPLOAD_METADATA": f"filename {told}", **more}
    return client.post(address, **headers)


def by_browser(client, slot, steward):
    answer = asked(client, reverse("custody:tus", args=[slot.pk]), custody.name_for(slot), ALL)
    return answer.status_code, answer.text


def by_ticket(client, slot, steward):
    now = clock.real_now()
    token = upload_tickets.issue(slot, hours=1, by=steward, at=START, now=now)[1]
    shown = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    answer = asked(client, reverse("custody:ticket-uploads"), custody.name_for(slot), ALL, **shown)
    return answer.status_code, answer.text


def by_form(client, slot, steward):
    file = SimpleUploadedFile(custody.name_for(slot), custody.GOOD)
    answer = client.post(reverse("custody:upload", args=[slot.pk]), {"file": file}, follow=True)
    return (201 if SealedFile.objects.filter(slot=slot).exists() else 507), answer.text


@pytest.mark.obligation("O-59", "O-62")
@pytest.mark.parametrize("way", [by_browser, by_ticket, by_form])
def test_c21_what_fits_exactly_is_taken_and_one_byte_more_is_refused(signed_in, slot, way, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: START)
    steward = factories.steward(slot.supplier)
    client = signed_in(steward)
    given(slot.supplier, ALL - 1)

    status, said = way(client, slot, steward)

    assert status == 507
    name = slot.supplier.short_name
    assert f"at most {ALL - 1} bytes of what {name} sends" in said
    assert "0 bytes are taken" in said
    assert f"this takes {ALL} bytes: 1 byte too much" in said
    assert f"ask the operating group for more room for {name}" in said
    assert not Upload.objects.exists()
    assert not SealedFile.objects.exists()
    assert not list(custody_pieces())

    given(slot.supplier, ALL)
    assert way(client, slot, steward)[0] == 201
    assert room.of(slot.supplier).left == 0


@pytest.mark.usefixtures("vault")
@pytest.mark.obligation("O-124")
def test_c21_a_supplier_who_is_no_party_has_room_of_its_own(signed_in, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: START)
    match, contact = suppliers.collecting()
    suppliers.affirmed(match)
    slot = suppliers.listed(match).slot
    for size, status in ((ALL - 1, 507), (ALL, 201)):
        given(slot.supplier, size)
        assert by_browser(signed_in(contact), slot, contact)[0] == status


def test_counted_is_what_came_and_what_is_under_way_until_it_is_gone(own_vault):
    agency = factories.organisation()
    slots = [custody.a_slot(agency) for _ in range(4)]  # of four projects
    custody.checked(custody.arrived(slots[0]))
    others = custody.GOOD.replace(b"k3v9q2xw7z", b"k3v9q2xw8z").replace(b"p8m4t6yb1c", b"p8m4t6yb2c")
    custody.arrived(slots[1], others)  # no id is used twice
    custody.checked(custody.arrived(slots[2], custody.BAD))
    upload = uploads.begin(
        slots[3], name=custody.name_for(slots[3]), length=1000, by=factories.steward(agency),
        at=START, now=clock.real_now(),
    )  # fmt: skip
    seal_bytes(
        project=slots[0].project, organisation=agency, data_class="extract", name="x", chunks=[b"made here"],
        by=system_user(), at=START,
    )  # fmt: skip
    custody.checked(custody.arrived(custody.a_slot()))  # of another agency

    assert room.of(agency).taken == 2 * ALL + 1000

    uploads.give_up(upload, by=upload.sent_by, at=START)
    assert room.of(agency).taken == 2 * ALL
    shred(slots[0].project, agency, by=factories.hub_member(), at=START)
    assert room.of(agency).taken == ALL
    custody.checked(SealedFile.objects.get(slot=slots[1]))
    assert room.of(agency).taken == ALL


def test_begun_anew_the_upload_before_it_takes_no_room(signed_in, slot):
    steward = factories.steward(slot.supplier)
    given(slot.supplier, ALL)
    for _ in range(2):
        assert by_browser(signed_in(steward), slot, steward)[0] == 201
    kept = Upload.objects.get()

    given(slot.supplier, ALL - 1)
    assert by_browser(signed_in(steward), slot, steward)[0] == 507
    assert Upload.objects.get() == kept  # a refusal takes nothing away

    begun = {"at": START, "now": clock.real_now()}
    uploads.append(kept, [custody.GOOD], offset=0, **begun)  # what was begun may be ended
    assert uploads.complete(kept, at=START).status == FileStatus.ARRIVED


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ways", ["tus tus", "form form", "tus form"])
def test_of_two_at_once_that_fit_one_by_one_one_is_taken(own_vault, monkeypatch, ways):
    agency = factories.organisation()
    slots, sender = [custody.a_slot(agency), custody.a_slot(agency)], factories.steward(agency)
    given(agency, 2 * ALL - 1)
    ready, results, look = threading.Barrier(2), [], room.of_each

    def slowly(organisations):
        found = look(organisations)
        time.sleep(0.3)  # who does not wait for the other sees all of the room
        return found

    monkeypatch.setattr(room, "of_each", slowly)

    def send(slot, way):
        said = {"name": custody.name_for(slot), "by": sender, "at": START}
        try:
            ready.wait()
            if way == "form":
                receive([custody.GOOD], slot, **said)
            else:
                uploads.begin(slot, length=ALL, now=clock.real_now(), **said)
            results.append("taken")
        except Blocked as refusal:
            results.append(str(refusal))
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=each) for each in zip(slots, ways.split(), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results)[1] == "taken"
    assert "1 byte too much" in sorted(results)[0]
    assert look([agency])[0].taken == ALL
    assert len(list(custody_pieces())) == SealedFile.objects.count()


class TestTheLargestFile:
    """What was agreed for a slot, or else a tebibyte."""

    def begun(self, signed_in, slot, length):
        client = signed_in(factories.steward(slot.supplier))
        return asked(
            client, reverse("custody:tus", args=[slot.pk]), custody.name_for(slot), length
        ).status_code

    def test_c21_as_agreed_by_length(self, signed_in, own_vault):
        slot = custody.a_slot(spec=custody.SPEC | {"largest": 100})
        assert self.begun(signed_in, slot, 101) == 403
        assert self.begun(signed_in, slot, 100) == 201

    @pytest.mark.parametrize(("largest", "taken"), [(ALL, True), (ALL - 1, False)])
    def test_c21_as_agreed_by_what_comes(self, own_vault, largest, taken):
        slot = custody.a_slot(spec=custody.SPEC | {"largest": largest})
        if taken:
            assert custody.checked(custody.arrived(slot)).status == FileStatus.ACCEPTED
        else:
            with pytest.raises(Blocked, match="larger than agreed"):
                custody.arrived(slot)
            assert not list(custody_pieces())

    @pytest.mark.parametrize(("largest", "status"), [(ALL, "accepted"), (ALL - 1, "refused")])
    def test_c21_as_agreed_under_what_the_sender_wrapped_it_in(self, own_vault, largest, status):
        slot, now = custody.a_slot(spec=custody.SPEC | {"largest": largest}), clock.real_now()
        steward, length = factories.steward(slot.supplier), pieces.piece_size(ALL)
        row = uploads.begin(
            slot, name=custody.name_for(slot), length=length, is_sealed=True, by=steward, at=START, now=now
        )
        place = pieces.Place(str(slot.pk), str(row.pk), 0)
        sealed = b"".join(pieces.seal_piece([custody.GOOD], vault=vault_keys.vault_public(), place=place))
        uploads.append(row, [sealed], offset=0, at=START, now=now)

        file = custody.checked(uploads.complete(row, at=START))

        assert file.status == status
        assert [each["rule"] for each in file.report["findings"]] == ["size"] * (status == "refused")

    def test_c21_of_any_file(self, signed_in, slot, monkeypatch):
        monkeypatch.setattr(room, "free_on_disk", lambda: 1 << 60)
        assert self.begun(signed_in, slot, (1 << 40) + 1) == 403
        assert self.begun(signed_in, slot, 1 << 40) == 201


class TestWhoGivesRoom:
    def test_the_operating_group_does_with_a_reason_and_it_stays_in_the_ledger(self, signed_in, slot):
        client = signed_in(factories.operating_group_member())
        listed = client.get(reverse("custody:rooms"))
        assert (
            f'Change<span class="usa-sr-only"> the room of {slot.supplier.short_name}</span>' in listed.text
        )
        address = reverse("custody:room", args=[slot.supplier_id])

        assert "This field is required" in client.post(address, {"gigabytes": 3}).text
        answer = client.post(address, {"gigabytes": 3, "reason": "Minutes of March 2"}, follow=True)

        assert "3.0\xa0GB" in answer.text
        assert room.of(slot.supplier).most == 3 << 30
        line = Event.objects.get(event="allowance.set")
        assert (line.note, line.details["most_bytes"]) == ("Minutes of March 2", 3 << 30)
        client.post(address, {"gigabytes": 2, "reason": "Less"})
        assert room.of(slot.supplier).most == 2 << 30
        assert Allowance.history.count() == 2

    def test_the_hub_sees_it_and_changes_nothing_and_others_see_nothing(self, signed_in, slot):
        address = reverse("custody:room", args=[slot.supplier_id])
        client = signed_in(factories.hub_member())
        assert slot.supplier.short_name in client.get(reverse("custody:rooms")).text
        assert "Change<" not in client.get(reverse("custody:rooms")).text
        assert client.post(address, {"gigabytes": 3, "reason": "More"}).status_code == 404
        client = signed_in(factories.steward(slot.supplier))
        assert client.get(reverse("custody:rooms")).status_code == 404
        assert client.post(address, {"gigabytes": 3, "reason": "More"}).status_code == 404
        with pytest.raises(Blocked, match="Only the operating group"):
            room.allow(slot.supplier, 3, reason="More", by=factories.hub_member(), at=START)
        assert not Allowance.objects.exists()

    def test_none_is_no_room_and_no_reason_is_none(self, slot):
        with pytest.raises(Blocked) as refusal:
            room.allow(slot.supplier, 0, reason=" ", by=factories.operating_group_member(), at=START)
        assert refusal.value.reasons == ["Give at least one gigabyte.", "Say why."]

    def test_the_usual_is_the_operators_setting(self, settings, slot):
        settings.P20WIN_ORGANISATION_ROOM_GB = 7
        assert room.of(slot.supplier).most == 7 << 30

    def test_the_sender_and_the_health_page_see_what_is_taken(self, signed_in, slot):
        custody.checked(custody.arrived(custody.a_slot(slot.supplier)))
        given(slot.supplier, ALL * 100 // 90 + 1)
        assert room.state()[0]
        page = signed_in(factories.steward(slot.supplier)).get(reverse("custody:slot", args=[slot.pk]))
        assert f"{ALL} bytes of the {ALL * 100 // 90 + 1} bytes" in page.text.replace("\xa0", " ")
        given(slot.supplier, ALL * 100 // 90)

        fine, said = room.state()

        assert not fine
        assert f"{slot.supplier.short_name} (90 %)" in said
        assert "Little left" in signed_in(factories.hub_member()).get(reverse("custody:rooms")).text

    def test_the_list_asks_as_often_however_many_send(self, signed_in, slot):
        client, asked_for = signed_in(factories.hub_member()), []
        for count in (1, 6):
            while room.senders().count() < count:
                custody.a_slot()
            with CaptureQueriesContext(connection) as asked_now:
                assert client.get(reverse("custody:rooms")).status_code == 200
            asked_for.append(len(asked_now))
        assert asked_for[0] == asked_for[1] < 20
