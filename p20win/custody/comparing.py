"""Do the rows that the logs read still say what the ledger tells of them? (O-64)

The logs of files and matches show rows, which the web process and the database's administrators can change;
the ledger's lines nobody can. The vault compares them every hour, with every checkpoint. Each desk brings the
comparison of its own rows.
"""

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.conf import settings

from p20win.audit.public import Event
from p20win.custody import vault_keys
from p20win.custody.engine.encoding import canonical
from p20win.custody.models import FileStatus, SealedFile
from p20win.custody.registers import Register

if TYPE_CHECKING:
    import datetime as dt

ALARM: Final = "rows-alarm.txt"
NAMED: Final = 20  # differences; of more the number is told
_JUDGED: Final = ("file.sealed", "file.accepted", "file.refused")
_STATUS: Final = {
    "file.announced": FileStatus.ANNOUNCED,
    "file.given_up": FileStatus.GIVEN_UP,
    "file.arrived": FileStatus.ARRIVED,
    "file.accepted": FileStatus.ACCEPTED,
    "file.sealed": FileStatus.ACCEPTED,
    "file.refused": FileStatus.REFUSED,
    "file.set_aside": FileStatus.SET_ASIDE,
    "file.destroyed": FileStatus.DESTROYED,
}

Comparison = Callable[[], Iterator[str]]
_comparisons: Final = Register[Comparison]("comparisons")


class Line(NamedTuple):
    """What a comparison reads of a line of the ledger."""

    seq: int
    event: str
    subject_id: str
    actor_id: Any
    at: "dt.datetime"
    details: dict[str, Any]


class Lines:
    """The lines about one row, in order."""

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        """Keep them."""
        self.all = list(lines)

    def one(self, *events: str) -> Line | None:
        """Return the first line of one of these names."""
        return next((line for line in self.all if line.event in events), None)

    def twice(self) -> list[str]:
        """Return what is told more than once: an act that is done once was told again by somebody else."""
        names = [line.event for line in self.all]
        return sorted({name for name in names if names.count(name) > 1})


def register_comparison(name: str, comparison: Comparison) -> None:
    """Have the rows of a desk compared, too: each difference is a sentence that names the row, no value.

    :raises ValueError: if the name is taken
    """
    _comparisons.add(name, comparison)


def lines_about(model: Any, *events: str) -> dict[str, Lines]:
    """Return of every row of this kind the lines of these names."""
    rows = Event.objects.filter(subject_type=model._meta.label_lower, event__in=events).order_by("seq")
    found: dict[str, Lines] = {}
    for row in rows.values_list(*Line._fields).iterator():
        found.setdefault(row[2], Lines()).all.append(Line(*row))
    return found


def told(what: str, row: Any, lines: Lines, wrong: list[str]) -> Iterator[str]:
    """Say where a row differs from its lines, if it does."""
    if wrong:
        where = f"line {lines.all[0].seq}" if lines.all else "no line of the ledger tells of it"
        yield f"{what} {row.pk}: {', '.join(wrong)} ({where})."


def digest_of(columns: Iterable[str]) -> str:
    """Return a digest of columns: their names, in a file that was refused, could be values."""
    return sha256(canonical(list(columns))).hexdigest()


def differences() -> list[str]:
    """Return all differences. What is written meanwhile is no difference, so each is looked for twice."""
    first = list(_all())
    again = set(_all()) if first else set()
    return [sentence for sentence in first if sentence in again]


def _all() -> Iterator[str]:
    for comparison in _comparisons:
        yield from comparison()


def look() -> list[str]:
    """Compare, and publish what differs for the health page. In the vault alone."""
    found = differences()
    if not found:
        (Path(settings.P20WIN_VAULT_PUBLIC) / ALARM).unlink(missing_ok=True)
        return found
    more = f" And {len(found) - NAMED} more." if len(found) > NAMED else ""
    vault_keys.publish(ALARM, (" ".join(found[:NAMED]) + more).encode())
    return found


def alarm() -> str:
    """Return which rows are not as the ledger tells; nothing if all are."""
    try:
        return (Path(settings.P20WIN_VAULT_PUBLIC) / ALARM).read_text("utf-8")
    except FileNotFoundError:
        return ""


# --- files


def files() -> Iterator[str]:
    """Compare every file with what the ledger tells of its coming, its check and its end."""
    known, kept = lines_about(SealedFile, *_STATUS), _kept_since()
    rows = SealedFile.objects.select_related("project", "owner", "destination", "slot")
    for file in rows.order_by("id").iterator():
        lines = known.pop(str(file.pk), Lines())
        yield from told("File", file, lines, _differs(file, lines, kept.get(file.pk)))
    gone = (SealedFile(pk=pk) for pk in known)
    for file in gone:
        yield from told("File", file, known[str(file.pk)], ["its row is gone"])


def _kept_since() -> dict[Any, "dt.datetime"]:
    """Return since when each file is kept, as its history says: the logs read that there."""
    versions = SealedFile.history.model.objects.filter(status=FileStatus.ACCEPTED).order_by("-history_id")
    return dict(versions.values_list("id", "status_since"))


def _differs(file: SealedFile, lines: Lines, kept: "dt.datetime | None") -> list[str]:
    if not lines.all:
        return ["it came from nowhere"]
    last, came, judged = lines.all[-1], lines.one("file.arrived"), lines.one(*_JUDGED)
    accepted = lines.one("file.accepted", "file.sealed")
    pairs = {
        "state": (file.status, _STATUS[last.event]),
        "time of the state": (file.status_since, last.at),
        "time received": (file.received_at, came.at if came else None),
        "kept since": (kept, accepted.at if accepted else None),
    }
    wrong = [name for name, (row, line) in pairs.items() if row != line]
    wrong += [f"{event} told twice" for event in lines.twice()]
    said = (judged or came or last).details
    return wrong + [name for name, value in _shown(file).items() if name in said and said[name] != value]


def _shown(file: SealedFile) -> dict[str, Any]:
    """Return what the logs show of a file, as `reception.described` has it written down."""
    slot = file.slot
    return {
        "from": file.owner.slug,
        "to": file.destination.slug,
        "class": file.data_class,
        "request": file.project.number,
        "name": file.name,
        "sent_by": str(file.sent_by_id),
        "columns": digest_of(file.columns),
        "destroy_by": slot.destroy_by.isoformat() if slot and slot.destroy_by else None,
    }
