"""C21, T25: exactly what an agency may keep here is taken of what its machine sends with p20."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from client import config, main, sending
from p20win.accounts.public import enrol_key
from p20win.custody import room
from p20win.custody.engine.pieces import piece_size
from p20win.custody.models import Allowance
from p20win.custody.public import FileStatus, SealedFile
from tests import factories
from tests import factories_custody as custody
from tests.senders import pinned

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("receiving")]
ALL = piece_size(len(custody.GOOD))  # as it comes: sealed


@pytest.fixture
def slot(settings, tmp_path):
    factories.hub()
    with custody.own_vault(settings, tmp_path / "vault"):
        yield custody.a_slot()


@pytest.fixture
def send(slot, live_server, tmp_path, monkeypatch):
    """Return what sends the good file from a machine with an enrolled key, and gives the exit code."""
    monkeypatch.setenv("P20_HOME", str(tmp_path / "machine"))
    monkeypatch.setattr(sending, "DELAYS", (0,) * 3)
    key = config.new_key()
    config.write_config(config.Config(portal=live_server.url))
    pinned()
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    steward = factories.steward(slot.supplier)
    enrol_key(slot.supplier, public_key=raw, label="Nightly job", by=steward, at=factories.START)
    file = tmp_path / custody.name_for(slot)
    file.write_bytes(custody.GOOD)
    return lambda: main.main(["send", str(file), "--slot", str(slot.pk)])


@pytest.mark.obligation("O-59", "O-62")
def test_c21_what_fits_exactly_is_taken_and_one_byte_more_is_refused_in_words(slot, send, capsys):
    row = Allowance.objects.create(
        organisation=slot.supplier, most_bytes=ALL - 1, reason="Minutes",
        changed_by=factories.operating_group_member(), changed_at=factories.START,
    )  # fmt: skip
    assert send() != 0
    said = capsys.readouterr().err
    assert "1 byte too much" in said
    assert f"ask the operating group for more room for {slot.supplier.short_name}" in said
    assert not SealedFile.objects.exists()

    row.most_bytes = ALL
    row.save()
    assert send() == 0
    assert room.of(slot.supplier).left == 0
    assert custody.checked(SealedFile.objects.get()).status == FileStatus.ACCEPTED
    assert room.of(slot.supplier).taken == len(custody.GOOD)
