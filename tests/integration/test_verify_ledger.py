"""`p20 verify-ledger` on exports of a real ledger that a superuser of the database changed (C17, T20)."""

import json

import pytest
from django.db import connection, transaction

from client.main import main
from p20win import clock
from p20win.audit.public import Event, events_of, verify_chain
from p20win.custody import checkpoints, ledger_export, vault_keys
from p20win.custody.models import LedgerTile
from tests import factories
from tests import factories_custody as custody
from tests import factories_ledger as ledger

pytestmark = pytest.mark.django_db
EMPTIED = ("DELETE FROM audit_event", "TRUNCATE audit_event")


class Kept:
    """What an agency keeps: checkpoints, the hashes of lines, and the hub's key."""

    def __init__(self, folder):
        self.folder, self.checkpoints = folder, []
        (folder / "hub.pem").write_bytes(vault_keys.hub_public_pem())

    def pin(self):
        row = checkpoints.publish(now=clock.real_now())
        path = self.folder / f"checkpoint-{row.size}.txt"
        path.write_text(row.note, "utf-8")
        self.checkpoints.append(path)
        tiles = (leaf for n in range(-(-row.size // 256)) for leaf in checkpoints.leaves_of(n, row.size))
        (self.folder / "hashes.bin").write_bytes(b"".join(tiles))
        return row.size

    def verify(self, capsys, *, hashes=True):
        """Export the ledger as it is now, and return exit code and findings."""
        export = self.folder / "export.jsonl"
        export.write_bytes(b"".join(ledger_export.export(at=clock.real_now())))
        arguments = [word for path in self.checkpoints for word in ("--checkpoint", str(path))]
        if hashes:
            arguments += ["--hashes", str(self.folder / "hashes.bin")]
        capsys.readouterr()
        code = main(
            ["verify-ledger", str(export), *arguments, "--trust", str(self.folder / "hub.pem"), "--json"]
        )
        told = json.loads(capsys.readouterr().out)
        return code, [(each["kind"], each["first"], each["last"]) for each in told["findings"]]


@pytest.fixture
def kept(settings, tmp_path):
    with custody.own_vault(settings, tmp_path / "vault"):
        (tmp_path / "agency").mkdir()
        kept = Kept(tmp_path / "agency")
        ledger.past_a_tile()
        kept.first = kept.pin()
        ledger.lines(20)
        kept.size = kept.pin()
        yield kept


def test_an_untouched_ledger_is_valid_also_when_it_grew(kept, capsys):
    ledger.lines(5)

    assert kept.verify(capsys) == (0, [])


@pytest.mark.obligation("O-64", "O-95")
class TestASuperuserWhoWritesTheChainAnew:
    """The database itself then finds nothing wrong; who kept a checkpoint does, and the very line."""

    def test_an_edit(self, kept, capsys):
        ledger.rewritten("UPDATE audit_event SET note = 'never happened' WHERE seq = 17")

        assert verify_chain().ok
        assert kept.verify(capsys) == (1, [("edited", 17, 17)])

    def test_a_deletion(self, kept, capsys):
        ledger.rewritten("DELETE FROM audit_event WHERE seq = 17", ledger.RENUMBER)

        assert verify_chain().ok
        assert kept.verify(capsys) == (1, [("deleted", 17, 17)])

    def test_a_reorder(self, kept, capsys):
        swapped = "seq = CASE seq WHEN -17 THEN 40 ELSE 17 END"
        ledger.rewritten(
            "UPDATE audit_event SET seq = -seq WHERE seq IN (17, 40)",
            f"UPDATE audit_event SET {swapped} WHERE seq IN (-17, -40)",
        )

        assert verify_chain().ok
        code, found = kept.verify(capsys)
        assert code == 1
        assert found == [("reordered", 17, 17), ("reordered", 40, 40)]

    def test_a_rollback_to_yesterday(self, kept, capsys):
        gone = kept.size - 8
        ledger.rewritten(f"DELETE FROM audit_event WHERE seq > {gone}")

        assert verify_chain().ok
        assert kept.verify(capsys) == (1, [("rolled back", gone + 1, kept.size)])
        assert kept.verify(capsys, hashes=False) == (1, [("rolled back", gone + 1, kept.size)])

    def test_a_rollback_after_which_it_went_on(self, kept, capsys):
        gone = kept.size - 8
        ledger.rewritten(f"DELETE FROM audit_event WHERE seq > {gone}")
        with connection.cursor() as cursor:  # the first new line comes a second after the checkpoint
            cursor.execute("SELECT pg_sleep(1.1)")
        ledger.lines(30)

        assert kept.verify(capsys) == (1, [("rewritten", gone + 1, kept.size)])

    @pytest.mark.parametrize("emptied", EMPTIED)
    def test_an_emptied_one(self, kept, capsys, emptied):
        ledger.rewritten(emptied)

        assert verify_chain().ok
        assert kept.verify(capsys) == (1, [("rolled back", 1, kept.size)])
        assert kept.verify(capsys, hashes=False) == (1, [("rolled back", 1, kept.size)])
        arguments = [str(kept.folder / "export.jsonl"), "--checkpoint", str(kept.checkpoints[-1])]
        assert main(["verify-ledger", *arguments]) == 1
        assert "The ledger was emptied" in capsys.readouterr().out
        with pytest.raises(checkpoints.LedgerDiffers, match=f"Lines 1 to {kept.size} are missing"):
            checkpoints.publish(now=clock.real_now())

    @pytest.mark.parametrize("emptied", EMPTIED)
    def test_an_emptied_one_that_went_on(self, kept, capsys, emptied):
        ledger.rewritten(emptied)
        last = ledger.lines(30)
        assert last < kept.size

        assert verify_chain().ok
        code, found = kept.verify(capsys)
        assert (code, found[0][1], found[-1][2]) == (1, 1, kept.size)
        assert found[-1] == ("rolled back", last + 1, kept.size)
        with pytest.raises(checkpoints.LedgerDiffers, match=f"ends after line {last}, but"):
            checkpoints.publish(now=clock.real_now())

    def test_with_checkpoints_alone_it_is_located_between_two(self, kept, capsys):
        ledger.rewritten(f"UPDATE audit_event SET note = 'x' WHERE seq = {kept.size - 3}")

        code, found = kept.verify(capsys, hashes=False)

        assert (code, found) == (1, [("altered", kept.first + 1, kept.size)])


class TestASuperuserWhoDoesNot:
    """Then the export tells by itself."""

    @pytest.mark.parametrize(
        ("statements", "expected"),
        [
            (["UPDATE audit_event SET note = 'x' WHERE seq = 17"], [("edited", 17, 17)]),
            (["DELETE FROM audit_event WHERE seq BETWEEN 17 AND 19"], [("deleted", 17, 19)]),
            (["DELETE FROM audit_event WHERE seq = 17", ledger.RENUMBER], [("deleted", 17, 17)]),
        ],
    )
    def test_is_located(self, kept, capsys, statements, expected):
        with ledger.superuser() as cursor:
            for statement in statements:
                cursor.execute(statement)
        kept.checkpoints = []

        assert kept.verify(capsys, hashes=False) == (1, expected)


def test_a_database_put_back_with_its_own_tiles_and_checkpoints_is_seen(kept, capsys):
    """As a restored dump does it: what the portal says about itself fits; what the agency kept does not."""
    with transaction.atomic():
        yesterday = transaction.savepoint()
        ledger.past_a_tile()
        size = kept.pin()
        tiles = LedgerTile.objects.count()
        transaction.savepoint_rollback(yesterday)
    assert LedgerTile.objects.count() < tiles

    assert kept.verify(capsys) == (1, [("rolled back", kept.size + 1, size)])


def test_what_it_says_to_people(kept, capsys):
    export = kept.folder / "export.jsonl"
    export.write_bytes(b"".join(ledger_export.export(at=clock.real_now())))
    first = str(kept.checkpoints[0])

    assert main(["verify-ledger", str(export), "--checkpoint", first]) == 0
    said = capsys.readouterr().out
    assert f"VALID: ledger of {kept.size} lines." in said
    assert "--trust" in said
    assert main(["verify-ledger", str(export)]) == 0
    assert "no checkpoint" in capsys.readouterr().out

    ledger.rewritten("UPDATE audit_event SET note = 'x' WHERE seq = 3")
    export.write_bytes(b"".join(ledger_export.export(at=clock.real_now())))
    assert main(["verify-ledger", str(export), "--checkpoint", first]) == 1
    assert "Something in lines 1 to" in capsys.readouterr().out


def test_what_cannot_be_read_gives_two(kept, capsys, tmp_path):
    export = kept.folder / "export.jsonl"
    export.write_bytes(b"".join(ledger_export.export(at=clock.real_now())))
    nonsense = tmp_path / "nonsense"
    nonsense.write_bytes(b"\xff\x00")

    assert main(["verify-ledger", str(nonsense)]) == 2
    assert main(["verify-ledger", str(export), "--checkpoint", str(nonsense)]) == 2
    assert main(["verify-ledger", str(tmp_path / "missing")]) == 2
    assert main(["verify-ledger", str(export), "--trust", str(nonsense)]) == 2
    assert "nonsense" in capsys.readouterr().err


class TestVerifyKnows:
    """`p20 verify` tells a proof and a checkpoint by themselves."""

    @pytest.mark.obligation("O-64")
    def test_the_proof_of_one_line(self, kept, capsys):
        event = Event.objects.get(pk=20)
        path = kept.folder / "proof.json"
        path.write_text(json.dumps(checkpoints.prove(event), indent=2))

        assert main(["verify", str(path), "--trust", str(kept.folder / "hub.pem"), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["kind"], told["line"], told["trusted"]) == ("proof from the ledger", 20, True)

        path.write_text(path.read_text().replace(event.event, "thing.else"))
        assert main(["verify", str(path)]) == 1

    def test_a_checkpoint(self, kept, capsys):
        path = kept.checkpoints[-1]
        assert main(["verify", str(path), "--trust", str(kept.folder / "hub.pem")]) == 0
        assert f"lines: {kept.size}" in capsys.readouterr().out
        path.write_text(path.read_text("utf-8").replace(str(kept.size), str(kept.size + 1)), "utf-8")
        assert main(["verify", str(path), "--trust", str(kept.folder / "hub.pem")]) == 1


def test_an_event_of_a_row_can_be_proven(kept):
    event = events_of(factories.project()).first()
    checkpoints.publish(now=clock.real_now())

    assert checkpoints.prove(event)["checkpoint"].startswith("p20win.example")
