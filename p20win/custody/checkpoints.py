"""Signed checkpoints of the ledger, every hour, and proofs against them.

The vault signs, and only what goes on from what it signed before: it keeps its last checkpoint outside the
database, so that a database put back to yesterday is noticed. Hashes of lines lie in tiles that nobody may
change; for a new checkpoint only the lines since the last full tile are read.
"""

import datetime as dt
import logging
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction

from p20win import clock, policy
from p20win.accounts.public import hub, system_user
from p20win.audit.public import Event, record
from p20win.custody import vault_keys
from p20win.custody.engine import ledger_proof
from p20win.custody.engine.errors import CustodyError
from p20win.custody.engine.merkle import leaf_hash
from p20win.custody.engine.notes import read_checkpoint, sign_checkpoint
from p20win.custody.engine.proofs import TILE, HashTree, tile_root
from p20win.custody.models import Checkpoint, LedgerTile
from p20win.jobs import public as jobs
from p20win.refusal import Blocked

logger = logging.getLogger(__name__)

LATEST: Final = "checkpoint.txt"  # the vault's own memory of what it signed last, outside the database
ALARM: Final = "ledger-alarm.txt"
WORK: Final = "custody.publish_checkpoint"
EVERY: Final = dt.timedelta(hours=policy.CHECKPOINT_HOURS)
PATIENCE: Final = dt.timedelta(minutes=10)  # until it is asked for again
WHOLE_EVERY: Final = 24  # checkpoints; then every line is held against its tile once more
_LOCK: Final = 7021
_HASH: Final = 32

_LINES = """
    SELECT seq, audit_canonical(audit_event) FROM audit_event WHERE seq > %s AND seq <= %s ORDER BY seq
"""
# The first line whose hash is not the one in its tile, or that is not there any more.
_FIRST_CHANGED = """
    SELECT min(wanted.seq)
    FROM custody_ledgertile tile
    CROSS JOIN LATERAL generate_series(tile.number * 256 + 1, tile.number * 256 + 256) AS wanted(seq)
    LEFT JOIN audit_event line ON line.seq = wanted.seq
    WHERE line.seq IS NULL OR substring(tile.leaves FROM mod(wanted.seq - 1, 256)::int * 32 + 1 FOR 32)
          <> sha256('\\x00'::bytea || convert_to(audit_canonical(line), 'UTF8'))
"""


class LedgerDiffers(RuntimeError):
    """The ledger is not what the hub signed before: nothing is signed, and the message says from where on."""


def ask_if_due(*, now: dt.datetime) -> bool:
    """Have the vault sign a checkpoint if the last is an hour old; say whether it was asked."""
    last, job = Checkpoint.objects.first(), jobs.latest(WORK)
    if last is not None and now - last.signed_at < EVERY:
        return False
    if job is not None and (
        job.state in (jobs.State.QUEUED, jobs.State.RUNNING) or now - job.created_at < PATIENCE
    ):
        return False
    ask_checkpoint()
    return True


@transaction.atomic
def ask_checkpoint() -> None:
    """Have the vault sign a checkpoint now, for a line that needs its proof."""
    jobs.after_commit(WORK)


def publish(*, now: dt.datetime, after_loss: bool = False) -> Checkpoint | None:
    """Sign where the ledger stands; nothing if it never held a line. In the vault alone; `now` is real.

    :raises LedgerDiffers: if it does not go on from the last checkpoint
    """
    key, *former = vault_keys.private_keys().hubs
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        size = _count()
        try:
            if not size:
                _expect_none_signed()
                return None
            _fill_tiles(size)
            tree = tree_of(size)
            if not after_loss:
                _expect_growth(tree)
            if Checkpoint.objects.count() % WHOLE_EVERY == WHOLE_EVERY - 1:
                expect_tiles()
        except LedgerDiffers as problem:
            vault_keys.publish(ALARM, str(problem).encode())
            logger.error("vault: no checkpoint is signed: %s", problem)
            raise
        root = tree.root()
        note = sign_checkpoint(
            origin=settings.P20WIN_LEDGER_NAME,
            size=size,
            root=root,
            key=key,
            at=int(now.timestamp()),
            former=former,
        )
        row = Checkpoint.objects.create(size=size, root=root, note=note, signed_at=now)
    vault_keys.publish(LATEST, note.encode())
    (Path(settings.P20WIN_VAULT_PUBLIC) / ALARM).unlink(missing_ok=True)
    return row


def go_on_after_loss(reason: str, *, now: dt.datetime, at: dt.datetime) -> Checkpoint | None:
    """Sign again after lines were lost for good, as by a restored backup. What was lost stays visible.

    Whoever keeps a checkpoint of the lost lines is told of them by `p20 verify-ledger`, as it should be.
    """
    last = _last_signed()
    with transaction.atomic():
        details = {
            "reason": reason,
            "signed_before": last.size if last else 0,
            "root": last.root.hex() if last else "",
        }
        record("ledger.lines_lost", hub(), by=system_user(), at=at, details=details)
    return publish(now=now, after_loss=True)


def alarm() -> str:
    """Return why the vault signs no checkpoint; nothing if it does."""
    try:
        return (Path(settings.P20WIN_VAULT_PUBLIC) / ALARM).read_text("utf-8")
    except FileNotFoundError:
        return ""


def unsigned_for() -> str:
    """Say how old the last checkpoint is if it is too old; nothing if it is not, or there is none yet."""
    last = Checkpoint.objects.first()
    age = clock.real_now() - last.signed_at if last else dt.timedelta()
    return f"{age // dt.timedelta(hours=1)} hours" if age >= 2 * EVERY else ""


def expect_tiles() -> None:
    """Hold every line against the hash kept of it. :raises LedgerDiffers: naming the first that differs"""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_CHANGED)
        (first,) = cursor.fetchone()
    if first is not None:
        raise LedgerDiffers(f"Line {first} of the ledger was changed or deleted after it was written.")


def tree_of(size: int) -> HashTree:
    """Return the tree over the first lines; only the last ones, in no full tile, are read themselves."""
    full = size // TILE
    roots = LedgerTile.objects.filter(number__lt=full).order_by("number").values_list("root", flat=True)
    return HashTree(size, [bytes(root) for root in roots], lambda number: leaves_of(number, size))


def leaves_of(number: int, size: int) -> list[bytes]:
    """Return the hashes of one tile's lines, as far as they are among the first `size`."""
    start, end = number * TILE, min((number + 1) * TILE, size)
    tile = LedgerTile.objects.filter(pk=number).first()
    if tile is None:
        return _read_leaves(start, end)
    leaves = bytes(tile.leaves)
    return [leaves[at : at + _HASH] for at in range(0, (end - start) * _HASH, _HASH)]


def prove(event: Event) -> dict[str, Any]:
    """Return the proof that this line is in the ledger: its text, its way up, the first checkpoint over it.

    It is a document of its own that `p20 verify` knows.

    :raises Blocked: if no checkpoint holds the line yet
    """
    row = Checkpoint.objects.filter(size__gte=event.pk).order_by("id").first()
    if row is None:
        raise Blocked("No signed checkpoint holds this yet. One is made every hour; try again later.")
    with connection.cursor() as cursor:
        cursor.execute(_LINES, [event.pk - 1, event.pk])
        ((_, canonical),) = cursor.fetchall()
    path = tree_of(row.size).inclusion(event.pk - 1, row.size)
    return ledger_proof.make(canonical=canonical, index=event.pk - 1, path=path, note=row.note)


def leaf_of(event: Event) -> str:
    """Return the hash under which this line stands in the ledger's tree: what its proof is about."""
    return _read_leaves(event.pk - 1, event.pk)[0].hex()


def prove_line(seq: int) -> dict[str, Any]:
    """Return the proof of the line of this number. :raises Blocked: if no checkpoint holds it yet"""
    return prove(Event.objects.get(pk=seq))


def covers(seq: int) -> bool:
    """Say whether a signed checkpoint holds this line, so that its proof can be had."""
    return Checkpoint.objects.filter(size__gte=seq).exists()


def name() -> str:
    """Return by which name the ledger's checkpoints are known."""
    return str(settings.P20WIN_LEDGER_NAME)


def _count() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(seq), 0) FROM audit_event")
        (count,) = cursor.fetchone()
    return int(count)


def _fill_tiles(size: int) -> None:
    stored = LedgerTile.objects.count()
    for number in range(stored, size // TILE):
        leaves = _read_leaves(number * TILE, (number + 1) * TILE)
        LedgerTile.objects.create(number=number, leaves=b"".join(leaves), root=tile_root(leaves))


def _read_leaves(start: int, end: int) -> list[bytes]:
    with connection.cursor() as cursor:
        cursor.execute(_LINES, [start, end])
        rows = cursor.fetchall()
    for place, (seq, _) in enumerate(rows, start + 1):
        if seq != place:
            raise LedgerDiffers(f"Line {place} of the ledger is missing.")
    if len(rows) != end - start:
        raise LedgerDiffers(f"Line {start + len(rows) + 1} of the ledger is missing.")
    return [leaf_hash(canonical.encode()) for _, canonical in rows]


def _expect_none_signed() -> None:
    last = _last_signed()
    if last is not None and last.size:
        raise LedgerDiffers(
            f"The ledger holds no line, but a checkpoint over {last.size} lines was signed: it was emptied."
            f" Lines 1 to {last.size} are missing."
        )


def _expect_growth(tree: HashTree) -> None:
    last = _last_signed()
    if last is None:
        return
    if last.size > tree.size:
        raise LedgerDiffers(
            f"The ledger ends after line {tree.size}, but a checkpoint over {last.size} lines was signed: "
            "the database was put back to an earlier state."
        )
    if tree.root(last.size) != last.root:
        raise LedgerDiffers(f"The first {last.size} lines of the ledger are not those that were signed.")


def _last_signed() -> Any:
    try:
        note = (Path(settings.P20WIN_VAULT_PUBLIC) / LATEST).read_text("utf-8")
    except FileNotFoundError:
        return Checkpoint.objects.first()
    try:
        return read_checkpoint(note)
    except CustodyError as problem:
        raise LedgerDiffers(
            "The vault's last checkpoint is not readable. See docs/how-to/verify-the-ledger.md."
        ) from problem
