"""`p20 verify-ledger` names the lines that were changed, whatever was written anew with them."""

import datetime as dt
import hashlib
import json
import random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from p20win.custody.engine import ledger, signing
from p20win.custody.engine.errors import Unreadable
from p20win.custody.engine.ledger_check import check_ledger
from p20win.custody.engine.merkle import leaf_hash
from p20win.custody.engine.notes import sign_checkpoint, verify_checkpoint
from p20win.custody.engine.proofs import HashTree

HUB = Ed25519PrivateKey.generate()
KEYS = frozenset([signing.public_text(HUB.public_key())])
BEGUN = dt.datetime(2026, 3, 2, 15, 0, tzinfo=dt.UTC)
ZERO = "00" * 32


def event(number, *, note="", minute=None):
    """What a line says after its number."""
    at = (BEGUN + dt.timedelta(minutes=number if minute is None else minute)).isoformat()
    return ["thing.happened", "x", f"subject {number}", None, None, None, at, at, note, {}]


def text(seq, said):
    return json.dumps([seq, *said])


def chained(events):
    """Return the rows of a ledger of these events, as the database writes them."""
    rows, before = [], bytes(32)
    for seq, said in enumerate(events, 1):
        hash_ = hashlib.sha256(before + text(seq, said).encode()).digest()
        rows.append({"canonical": text(seq, said), "hash": hash_.hex(), "prev": before.hex()})
        before = hash_
    return rows


def export(rows):
    lines = [{"format": ledger.LEDGER_FORMAT, "before": ZERO}, *rows]
    return [json.dumps(line).encode() for line in lines]


def hashes(rows):
    return b"".join(leaf_hash(row["canonical"].encode()) for row in rows)


def pin(rows, size, *, origin="x/ledger"):
    tree = HashTree.of([leaf_hash(row["canonical"].encode()) for row in rows])
    at = int((BEGUN + dt.timedelta(minutes=size, seconds=30)).timestamp())
    return verify_checkpoint(
        sign_checkpoint(origin=origin, size=size, root=tree.root(size), key=HUB, at=at), KEYS
    )


EVENTS = [event(number) for number in range(1, 41)]
ROWS = chained(EVENTS)
PINS = [pin(ROWS, size) for size in (10, 20, 30)]


def found(rows, *, pins=PINS, kept=b"", **more):
    checked = check_ledger(lambda: export(rows), pins, hashes=kept, **more)
    return [(each.kind, each.first, each.last) for each in checked.findings]


def edited(rows, seq, **more):
    """The row as a superuser changed it, its hash left as it was."""
    return [
        row | {"canonical": text(seq, event(seq, note="never"))} | more if place == seq else row
        for place, row in enumerate(rows, 1)
    ]


def test_an_untouched_ledger_is_valid():
    checked = check_ledger(lambda: export(ROWS), PINS, hashes=hashes(ROWS[:30]), keys=KEYS)
    assert (checked.findings, checked.lines, checked.intact_until) == ([], 40, 40)
    assert [fits for _, fits in checked.held] == [True] * 3


class TestChainNotWrittenAnew:
    """Here the export alone tells, without any checkpoint."""

    def test_an_edit(self):
        assert found(edited(ROWS, 7), pins=[]) == [("edited", 7, 7)]

    def test_an_edit_of_the_last_line(self):
        assert found(edited(ROWS, 40), pins=[]) == [("edited", 40, 40)]

    def test_an_edit_with_its_own_hash(self):
        said = text(7, event(7, note="never"))
        own = hashlib.sha256(bytes.fromhex(ROWS[6]["prev"]) + said.encode()).hexdigest()
        assert found(edited(ROWS, 7, hash=own), pins=[]) == [("edited", 7, 7)]

    def test_an_export_without_the_hash_ahead_of_each_line(self):
        bare = [{"canonical": row["canonical"], "hash": row["hash"]} for row in ROWS]
        assert found(bare) == []
        assert found(edited(bare, 7), pins=[]) == [("edited", 7, 7)]

    def test_a_deletion(self):
        assert found(ROWS[:6] + ROWS[7:], pins=[]) == [("deleted", 7, 7)]
        assert found(ROWS[3:], pins=[]) == [("deleted", 1, 3)]

    def test_a_deletion_with_later_lines_renumbered(self):
        rows = ROWS[:6] + [row | {"canonical": text(seq, EVENTS[seq])} for seq, row in enumerate(ROWS[7:], 7)]
        assert found(rows, pins=[]) == [("deleted", 7, 7)]

    def test_an_exchange_of_what_two_lines_say(self):
        rows = list(ROWS)
        rows[6] = ROWS[6] | {"canonical": text(7, EVENTS[8])}
        rows[8] = ROWS[8] | {"canonical": text(9, EVENTS[6])}
        assert {kind for kind, *_ in found(rows, pins=[])} == {"reordered"}
        assert {first for _, first, _ in found(rows, pins=[])} <= {7, 8, 9}

    def test_an_exchange_of_two_numbers(self):
        rows = list(ROWS)
        rows[6] = ROWS[7] | {"canonical": text(7, EVENTS[7])}
        rows[7] = ROWS[6] | {"canonical": text(8, EVENTS[6])}
        assert found(rows, pins=[]) in ([("reordered", 7, 7)], [("reordered", 8, 8)])


class TestChainWrittenAnew:
    """The superuser computes every hash again: only what others keep can tell."""

    @pytest.mark.parametrize(
        ("events", "expected"),
        [
            ([*EVENTS[:14], event(15, note="never"), *EVENTS[15:]], [("edited", 15, 15)]),
            ([*EVENTS[:14], *EVENTS[15:]], [("deleted", 15, 15)]),
            ([*EVENTS[:14], *EVENTS[17:]], [("deleted", 15, 17)]),
            ([*EVENTS[:14], event(15, note="new"), *EVENTS[14:]], [("added", 15, 15)]),
            ([*EVENTS[:14], EVENTS[15], EVENTS[14], *EVENTS[16:]], [("reordered", 16, 16)]),
            ([*EVENTS[:4], *EVENTS[5:25], EVENTS[4], *EVENTS[25:]], [("reordered", 5, 5)]),
            (
                [*EVENTS[:4], *EVENTS[5:19], event(20, note="never"), *EVENTS[20:]],
                [("deleted", 5, 5), ("edited", 20, 20)],
            ),
            (EVENTS[:25], [("rolled back", 26, 30)]),
            ([], [("rolled back", 1, 30)]),
            (
                [*EVENTS[:25], *(event(n, note="new", minute=n + 60) for n in range(26, 50))],
                [("rewritten", 26, 30)],
            ),
        ],
    )
    def test_kept_hashes_name_the_very_lines(self, events, expected):
        assert found(chained(events), kept=hashes(ROWS[:30])) == expected

    def test_checkpoints_alone_say_between_which_two(self):
        assert found(chained([*EVENTS[:14], event(15, note="x"), *EVENTS[15:]])) == [("altered", 11, 20)]
        assert found(chained([*EVENTS[:14], *EVENTS[15:]])) == [("altered", 11, 20)]

    def test_a_rollback_is_located_by_its_times(self):
        grown = [*EVENTS[:25], *(event(n, note="new", minute=n + 60) for n in range(26, 50))]
        assert found(chained(EVENTS[:25])) == [("rolled back", 26, 30)]
        assert found(chained(grown)) == [("altered", 21, 26)]

    def test_all_lines_that_were_signed_are_named_and_not_those_of_the_first_checkpoint_alone(self):
        assert found(chained(EVENTS[:15])) == [("rolled back", 16, 30)]

    @pytest.mark.parametrize("kept", [b"", hashes(ROWS[:30])])
    def test_an_emptied_ledger(self, kept):
        end = ledger.checkpoint(seq=0, head=ZERO, at=BEGUN.isoformat())
        signed = signing.sign(end, key=HUB, role=signing.HUB, at=BEGUN.isoformat())
        lines = [*export([]), json.dumps({"checkpoint": signed}).encode()]

        checked = check_ledger(lambda: lines, PINS, hashes=kept, keys=KEYS)

        (finding,) = checked.findings
        assert (finding.kind, finding.first, finding.last) == ("rolled back", 1, 30)
        assert finding.says.startswith("The ledger was emptied")
        assert (checked.lines, checked.intact_until) == (0, 0)

    def test_an_export_without_a_line_and_without_a_checkpoint_is_none(self):
        with pytest.raises(Unreadable, match="holds no line"):
            found([], pins=[])

    def test_without_a_checkpoint_it_cannot_be_seen(self):
        assert found(chained([*EVENTS[:14], *EVENTS[15:]]), pins=[]) == []

    def test_the_last_intact_line_is_named(self):
        rows = chained([*EVENTS[:14], event(15, note="x"), *EVENTS[15:]])
        assert check_ledger(lambda: export(rows), PINS, hashes=hashes(ROWS[:30])).intact_until == 14


def test_two_histories_signed_by_the_hub_are_seen():
    other = chained([*EVENTS[:4], event(5, note="other"), *EVENTS[5:]])
    assert ("forked", 1, 20) in found(ROWS, pins=[*PINS, pin(other, 20)])


def test_hashes_that_no_checkpoint_vouches_for_are_not_used():
    other = chained([*EVENTS[:4], event(5, note="other"), *EVENTS[5:]])
    assert found(ROWS, kept=hashes(other)) == [("end", 0, 0)]


def test_checkpoints_of_two_ledgers_are_not_mixed():
    with pytest.raises(Unreadable, match="different ledgers"):
        found(ROWS, pins=[PINS[0], pin(ROWS, 20, origin="y/ledger")])


@pytest.mark.parametrize(
    "lines",
    [
        [], [b"{}"], export([]), [*export([]), b"{}"], [*export([]), b'{"canonical": "x", "hash": ""}'],
        [*export([]), b'{"canonical": "[a,1]", "hash": ""}'], [*export(ROWS), b"x"],
    ],
)  # fmt: skip
def test_what_is_no_export_is_unreadable(lines):
    with pytest.raises(Unreadable):
        check_ledger(lambda: lines, [])
    with pytest.raises(Unreadable, match="cut"):
        found(ROWS, kept=b"x")


class TestSignedEnd:
    def end(self, rows, *, seq=40, key=HUB):
        document = ledger.checkpoint(seq=seq, head=rows[-1]["hash"], at="2026")
        return [*rows, {"checkpoint": signing.sign(document, key=key, role="hub", at="2026")}]

    def test_holds(self):
        assert found(self.end(ROWS), keys=KEYS) == []

    def test_does_not_hold(self):
        assert found(self.end(ROWS, seq=39)) == [("end", 0, 0)]
        assert found(self.end(ROWS, key=Ed25519PrivateKey.generate()), keys=KEYS) == [("end", 0, 0)]
        assert found([*ROWS, {"checkpoint": {}}]) == [("end", 0, 0)]
        assert found([*ROWS, {"checkpoint": 3}]) == [("end", 0, 0)]


def test_any_single_change_of_many_is_found_where_it_is():
    """Edits, deletions and moves at random places of a longer ledger, all hashes written anew."""
    random.seed(7)
    events = [event(number) for number in range(1, 401)]
    rows = chained(events)
    kept, pins = hashes(rows), [pin(rows, 400)]
    for _ in range(6):
        at, to = random.sample(range(400), 2)
        moved = [*events[:at], *events[at + 1 :]]
        moved.insert(to, events[at])
        assert found(chained(events[:at] + events[at + 1 :]), pins=pins, kept=kept)[0][1:] == (at + 1, at + 1)
        changed = [*events[:at], event(at + 1, note="x"), *events[at + 1 :]]
        assert found(chained(changed), pins=pins, kept=kept) == [("edited", at + 1, at + 1)]
        assert all(kind == "reordered" for kind, *_ in found(chained(moved), pins=pins, kept=kept))
        assert any(abs(first - at - 1) <= 1 for _, first, _ in found(chained(moved), pins=pins, kept=kept))
