"""`p20 verify-ledger`: recomputes an exported ledger whole and holds it against checkpoints kept elsewhere.

Three things are looked at. Each line must hash to what it says and follow the one before it; this locates
what was changed by somebody who did not write the chain anew. The root over the first lines must be the one
that each checkpoint was signed for; this shows every change, and between which two checkpoints it lies. And
if the hashes of all lines were kept with a checkpoint, they name the very lines, whatever was written anew.
"""

import datetime as dt
import hashlib
import json
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from p20win.custody.engine import ledger, ledger_trace, signing
from p20win.custody.engine.encoding import parse
from p20win.custody.engine.errors import Broken, CustodyError, Unreadable
from p20win.custody.engine.ledger_trace import ALTERED, EDITED, END, FORKED, REWRITTEN, ROLLED_BACK, Finding
from p20win.custody.engine.merkle import MerkleTree, leaf_hash
from p20win.custody.engine.notes import Checkpoint
from p20win.custody.engine.proofs import tile_root

HASH = hashlib.sha256().digest_size
_RECORDED = 8  # where a line says when it was written, in real time

Lines = Callable[[], Iterable[bytes]]  # gives the export from its first line, as often as asked


@dataclass(frozen=True)
class Line:
    """One line of an export."""

    seq: int
    rest: str  # of its text, after the number
    canonical: str
    hash: bytes
    before: bytes  # the hash of the line before it, as this line says

    def as_number(self, seq: int) -> bytes:
        """This will give the line's text as it would be under another number."""
        return f"[{seq}{self.rest}".encode()

    def recorded(self) -> float | None:
        """This will say when the line says that it was written."""
        try:
            return dt.datetime.fromisoformat(json.loads(self.canonical)[_RECORDED]).timestamp()
        except (ValueError, LookupError, TypeError):
            return None


@dataclass
class Checked:
    """What was found."""

    lines: int = 0
    root: bytes = b""
    findings: list[Finding] = field(default_factory=list)
    held: list[tuple[Checkpoint, bool]] = field(default_factory=list)  # each checkpoint, and whether it fits
    signers: list[signing.Signer] = field(default_factory=list)  # of the export's own end

    @property
    def intact_until(self) -> int:
        """This will give the last line ahead of everything that was found wrong."""
        return min((each.first for each in self.findings if each.first), default=self.lines + 1) - 1


@dataclass
class _Read:
    """What one reading of the export gives: little for each line, so that a million fit into memory."""

    seqs: "array[int]" = field(default_factory=lambda: array("q"))
    leaves: bytearray = field(default_factory=bytearray)
    wrong: list[int] = field(default_factory=list)  # numbers of lines that do not hash to what they say
    rewritten: list[int] = field(default_factory=list)  # that the next line does not know with this hash
    late: int = 0  # the first line that says it was written after a checkpoint which holds its number
    roots: dict[int, bytes] = field(default_factory=dict)
    end: Any = None
    last_hash: bytes = ledger.START

    def leaf(self, place: int) -> bytes:
        """Return the hash of the line at this place, counted from 0."""
        return bytes(self.leaves[place * HASH : (place + 1) * HASH])


def check_ledger(
    lines: Lines,
    checkpoints: Sequence[Checkpoint],
    *,
    hashes: bytes = b"",
    keys: Collection[str] | None = None,
) -> Checked:
    """This will check an exported ledger and say which lines were changed.

    :raises Unreadable: if it is no whole export, or a checkpoint is of another ledger
    """
    pins = sorted(checkpoints, key=lambda each: (each.size, each.signed_at or 0))
    if len({pin.origin for pin in pins}) > 1:
        raise Unreadable("The checkpoints are of different ledgers.")
    read = _read(lines, pins)
    count = len(read.seqs)
    kept = _kept(hashes, pins)
    done = Checked(lines=count, root=read.roots[count], held=[(pin, _fits(pin, read)) for pin in pins])
    done.findings += _forks(pins)
    done.findings += _by_hashes(lines, read, kept) if kept else _by_chain(lines, read)
    _tell_of_rewriting(done, read, kept)
    _tell_of_pins(done, read)
    if hashes and not kept:
        done.findings.append(
            Finding(END, 0, 0, "The line hashes fit none of the checkpoints, so they were not used.")
        )
    _look_at_end(done, read, keys)
    return done


def _read(lines: Lines, pins: Sequence[Checkpoint]) -> _Read:
    read, tree = _Read(), MerkleTree()
    wanted, bounds = {pin.size for pin in pins}, _Bounds(pins)
    for line in _parsed(lines, read):
        if line.before != read.last_hash and read.seqs and line.seq == read.seqs[-1] + 1:
            read.rewritten.append(read.seqs[-1])
        if hashlib.sha256(line.before + line.canonical.encode()).digest() != line.hash:
            read.wrong.append(line.seq)
        if not read.late and (bound := bounds.of(line.seq)) and (line.recorded() or 0) > bound:
            read.late = line.seq
        leaf = leaf_hash(line.canonical.encode())
        read.seqs.append(line.seq)
        read.leaves += leaf
        tree.add_leaf(leaf)
        if tree.leaves in wanted:
            read.roots[tree.leaves] = tree.root()
        read.last_hash = line.hash
    if not read.seqs and not any(wanted):
        raise Unreadable("The exported ledger holds no line.")
    read.roots[tree.leaves] = tree.root()
    return read


class _Bounds:
    """By when a line must have been written: when the first checkpoint that holds its number was signed."""

    def __init__(self, pins: Sequence[Checkpoint]) -> None:
        self._pins = [pin for pin in pins if pin.signed_at is not None]
        self._next = 0

    def of(self, seq: int) -> int:
        """Return the moment, or 0. Numbers are asked for in rising order."""
        while self._next < len(self._pins) and self._pins[self._next].size < seq:
            self._next += 1
        # The time in a note has whole seconds, cut off.
        return (self._pins[self._next].signed_at or 0) + 1 if self._next < len(self._pins) else 0


def _parsed(lines: Lines, read: _Read | None = None) -> Iterator[Line]:
    rest = iter(lines())
    head = parse(next(rest, b""))
    if head.get("format") != ledger.LEDGER_FORMAT:
        raise Unreadable("This is not an exported ledger.")
    previous = ledger.hash_of(head.get("before"), place="the first line")
    for raw in rest:
        entry = parse(raw)
        if "checkpoint" in entry:
            if read is not None:
                read.end = entry["checkpoint"]
            return
        line = _line(entry, previous)
        yield line
        previous = line.hash


def _line(entry: dict[str, Any], previous: bytes) -> Line:
    canonical = entry.get("canonical")
    if not isinstance(canonical, str):
        raise Unreadable("Something in the export is no line of a ledger.")
    number = canonical[1 : canonical.find(",")] if canonical.startswith("[") else ""
    if not number.isascii() or not number.isdigit() or len(number) > 18:
        raise Unreadable("A line of the export has no number.")
    place = f"line number {number}"
    stated = ledger.hash_of(entry.get("hash"), place=place)
    before = ledger.hash_of(entry["prev"], place=place) if "prev" in entry else previous
    return Line(int(number), canonical[1 + len(number) :], canonical, stated, before)


def _fits(pin: Checkpoint, read: _Read) -> bool:
    return pin.size == 0 or read.roots.get(pin.size) == pin.root


def _kept(hashes: bytes, pins: Sequence[Checkpoint]) -> list[bytes]:
    """Return the hashes of lines as far as a checkpoint vouches for them."""
    if len(hashes) % HASH:
        raise Unreadable("The file of line hashes was cut.")
    leaves = [hashes[at : at + HASH] for at in range(0, len(hashes), HASH)]
    for pin in reversed(pins):
        if 0 < pin.size <= len(leaves) and tile_root(leaves[: pin.size]) == pin.root:
            return leaves[: pin.size]
    return []


def _forks(pins: Sequence[Checkpoint]) -> Iterator[Finding]:
    for one, other in pairwise(pins):
        if one.size == other.size and one.root != other.root:
            says = f"The hub signed two different histories of its first {one.size} lines."
            yield Finding(FORKED, 1, one.size, says)


def _by_hashes(lines: Lines, read: _Read, kept: list[bytes]) -> list[Finding]:
    count = len(read.seqs)
    same = [read.leaf(place) == kept[place] for place in range(min(count, len(kept)))]
    wrong = [place for place, is_same in enumerate(same) if not is_same]
    wrong += range(len(same), count)  # lines after the last kept one may be moved ones, too
    free = [number for number in range(1, len(kept) + 1) if number > len(same) or not same[number - 1]]
    moved: dict[int, int] = {}
    if free:
        texts = dict(_at(lines, set(wrong)))
        moved = ledger_trace.origins(
            [place + 1 for place in wrong],
            free,
            lambda place, number: leaf_hash(texts[place - 1].as_number(number)) == kept[number - 1],
        )
    stood = [
        place + 1 if place < len(same) and same[place] else moved.get(place + 1) for place in range(count)
    ]
    known = [place for place in range(count) if place < len(kept) or stood[place] is not None]
    told = ledger_trace.explain([stood[at] for at in known], [read.seqs[at] for at in known], len(kept))
    later = [seq for seq in read.wrong if seq > len(kept)] if not told else []  # for these the chain vouches
    return told + [ledger_trace.changed(*run) for run in ledger_trace.runs(later)]


def _by_chain(lines: Lines, read: _Read) -> list[Finding]:
    wrong = set(read.wrong)
    findings: list[Finding] = []
    if wrong or any(seq != place for place, seq in enumerate(read.seqs, 1)):
        stood = _stood(lines, read, wrong)
        total = max(*read.seqs, *(each for each in stood if each is not None), 0)
        findings = ledger_trace.explain(stood, read.seqs, total)
    told = {each.first for each in findings}
    for seq in read.rewritten:  # its own hash was written anew, but the next line knows the old one
        if not {seq, seq + 1} & (wrong | told):
            findings.append(ledger_trace.changed(seq, seq))
    return findings


def _stood(lines: Lines, read: _Read, wrong: set[int]) -> list[int | None]:
    """Return the number that each line had at first, as its own hash, or that of another line, tells."""
    there = set(read.seqs)
    places = [place for place, seq in enumerate(read.seqs) if seq in wrong]
    texts = dict(_at(lines, set(places)))
    by_number = {line.seq: line for line in texts.values()}
    free = [number for number in range(1, max(there) + 2) if number in wrong or number not in there]

    def fits(place: int, number: int) -> bool:
        line = texts[place - 1]
        own = hashlib.sha256(line.before + line.as_number(number)).digest()
        if own == line.hash:
            return True  # the row was given another number
        other = by_number.get(number)  # or what it says was exchanged with that of another row
        return (
            other is not None and hashlib.sha256(other.before + line.as_number(number)).digest() == other.hash
        )

    moved = ledger_trace.origins([place + 1 for place in places], free, fits)
    return [moved.get(place + 1) if seq in wrong else seq for place, seq in enumerate(read.seqs)]


def _at(lines: Lines, places: set[int]) -> Iterator[tuple[int, Line]]:
    return ((place, line) for place, line in enumerate(_parsed(lines)) if place in places)


def _tell_of_rewriting(done: Checked, read: _Read, kept: list[bytes]) -> None:
    """Tell of a ledger that was cut off and went on: its last lines were written after a checkpoint."""
    for place, each in enumerate(done.findings):
        if each.kind == EDITED and (each.first, each.last) == (read.late, len(kept)):
            says = (
                f"The ledger was rolled back to line {each.first - 1} and went on from there:"
                f" {ledger_trace.named(each.first, each.last)} were written after the checkpoint that others"
                " in their place were signed with."
            )
            done.findings[place] = Finding(REWRITTEN, each.first, each.last, says)


def _tell_of_pins(done: Checked, read: _Read) -> None:
    """Tell of checkpoints that do not fit, as far as nothing that was found explains it."""
    beyond = [pin for pin, _ in done.held if pin.size > done.lines]
    for pin, fits in done.held:
        if pin in beyond[:-1]:  # the last one tells of all the lines that are gone
            continue
        if fits or any(each.first <= pin.size for each in done.findings if each.first):
            continue
        if pin.size > done.lines:
            says = (
                f"{ledger_trace.ended(done.lines)}, but the checkpoint{_when(pin)} was signed over"
                f" {pin.size} lines."
            )
            done.findings.append(Finding(ROLLED_BACK, done.lines + 1, pin.size, says))
        else:
            done.findings.append(_between(done, pin, read.late))
    done.findings.sort(key=lambda each: (each.first, each.last, each.kind))


def _between(done: Checked, pin: Checkpoint, late: int) -> Finding:
    first = max((good.size for good, fits in done.held if fits and good.size < pin.size), default=0) + 1
    last = min(pin.size, late) if late >= first else pin.size
    says = (
        f"Something in {ledger_trace.named(first, last).lower()} was changed after the checkpoint{_when(pin)}"
        " was signed, and the chain was written anew."
    )
    if last == late:
        says += f" Line {late} was written later: lines were deleted, or the ledger was rolled back."
    return Finding(ALTERED, first, last, f"{says} With the line hashes the very lines can be named.")


def _when(pin: Checkpoint) -> str:
    if pin.signed_at is None:
        return ""
    return f" of {dt.datetime.fromtimestamp(pin.signed_at, dt.UTC):%d %B %Y, %H:%M} UTC"


def _look_at_end(done: Checked, read: _Read, keys: Collection[str] | None) -> None:
    """Check the end that the hub signed in the export itself, if there is one."""
    if read.end is None:
        return
    try:
        done.signers = ledger.check_end(
            read.end, seq=read.seqs[-1] if read.seqs else 0, head=read.last_hash.hex()
        )
        if keys is not None:
            signing.expect(done.signers, role=signing.HUB, keys=keys)
    except Broken as problem:
        done.findings.append(Finding(END, 0, 0, str(problem)))
    except CustodyError:
        done.findings.append(Finding(END, 0, 0, "The signed end of the ledger is not readable."))
