"""Acts on what a project's checks know: load a hierarchy, a public table or names, and remove one."""

import csv
import datetime as dt
import hashlib
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from disclosure import known_checks
from disclosure.models import Known, KnownKind
from p20win.audit.public import first_in_line
from p20win.projects.public import Project
from p20win.refusal import Blocked
from p20win.workflow import amend, create

if TYPE_CHECKING:
    from p20win.accounts.models import User

LARGEST: Final = 1024 * 1024  # such a list is read by every check, and on a page
_LONGEST: Final = 200  # characters of a name
_SIGNS: Final = ("=", "+", "-", "@", "\t")


def load_hierarchy(
    project: "Project", *, dimension: str, content: bytes, by: "User", at: dt.datetime
) -> Known:
    """Load the hierarchy of a dimension, or a new version of it.

    :raises Blocked: if this person may not, or it cannot be read
    """
    return _load(project, KnownKind.HIERARCHY, dimension, content, by=by, at=at)


def load_public_table(
    project: "Project",
    *,
    name: str,
    population: str,
    period: str,
    source: str,
    as_of: dt.date,
    content: bytes,
    by: "User",
    at: dt.datetime,
) -> Known:
    """Load a table that others have published, or a new version of it.

    :raises Blocked: if this person may not, it cannot be read, or something is not said
    """
    said: dict[str, Any] = {
        "population": " ".join(population.split()),
        "period": " ".join(period.split()),
        "source": source.strip(),
    }
    if not all(said.values()):
        raise Blocked("Say who is counted, in which period, and where it was published.")
    if as_of > at.date():
        raise Blocked("The day as of which it holds lies ahead.")
    return _load(project, KnownKind.PUBLIC, name, content, by=by, at=at, as_of=as_of, **said)


def load_names(project: "Project", *, headings: str, content: bytes, by: "User", at: dt.datetime) -> Known:
    """Say what headings and codes mean in tables with certain headings, or say it anew.

    :raises Blocked: if this person may not, or two names would become one
    """
    if len(headings) > _LONGEST:
        raise Blocked(
            "The headings are too long to be remembered. Name each column of row labels in the file itself."
        )
    return _load(project, KnownKind.NAMES, headings, content, by=by, at=at)


def load_by_hand(
    project: "Project", *, signature: str, content: bytes, reasons: list[str], by: "User", at: dt.datetime
) -> Known:
    """Say how tables with certain headings are read, or say it anew; reviewers may, too.

    :raises Blocked: if one of these reasons stands against it, or what is said cannot be
    """
    return _load(project, KnownKind.BY_HAND, signature, content, reasons=reasons, by=by, at=at)


def load_said(
    project: "Project", *, text: str, content: bytes, reasons: list[str], by: "User", at: dt.datetime
) -> Known:
    """Say which cells the numbers in a text are about, or say it anew; reviewers may, too.

    :raises Blocked: if one of these reasons stands against it, or what is said cannot be
    """
    return _load(project, KnownKind.SAID, text, content, reasons=reasons, by=by, at=at)


def load_wishes(
    project: "Project", *, file: str, content: bytes, reasons: list[str], by: "User", at: dt.datetime
) -> Known:
    """Say which cells of a file are wished to be shown, or say it anew.

    :raises Blocked: if one of these reasons stands against it
    """
    return _load(project, KnownKind.WISHES, file, content, reasons=reasons, by=by, at=at)


def load_kin(
    project: "Project", *, kind: KnownKind, content: bytes, reasons: list[str], by: "User", at: dt.datetime
) -> Known:
    """Say how populations, or periods, stand to each other, or say it anew.

    :raises Blocked: if one of these reasons stands against it, or not all of it can be true
    """
    name = "Populations" if kind == KnownKind.PEOPLE else "Periods"
    return _load(project, kind, name, content, reasons=reasons, by=by, at=at, event="people.said")


@transaction.atomic
def _load(
    project: "Project",
    kind: KnownKind,
    name: str,
    content: bytes,
    *,
    reasons: list[str] | None = None,
    by: "User",
    at: dt.datetime,
    event: str = "known.loaded",
    **said: Any,
) -> Known:
    if why_not := known_checks.why_not_load(project, by, at) if reasons is None else reasons:
        raise Blocked(why_not)
    name = " ".join(name.split())
    content, rows = _read(kind, name, content)
    first_in_line()
    Project.objects.select_for_update().get(pk=project.pk)  # two versions at once would have one number
    last = Known.objects.filter(project=project, kind=kind, name=name).order_by("-version").first()
    row = Known(
        project=project,
        kind=kind,
        name=name,
        version=last.version + 1 if last else 1,
        content=content,
        digest=hashlib.sha256(content).hexdigest(),
        rows=rows,
        loaded_by=by,
        loaded_at=at,
        **said,
    )
    details = {"kind": str(kind), "version": row.version, "digest": row.digest, "rows": rows}
    return create(event, row, by=by, at=at, details=details)


def _read(kind: KnownKind, name: str, content: bytes) -> tuple[bytes, int]:
    """Return the list as it is kept, and how many lines it has; the engine reads it as a check will.

    :raises Blocked: if it cannot be read
    """
    from disclosure.engine.errors import BadTable

    if not name:
        raise Blocked("Give it a name.")
    if len(content) > LARGEST:
        raise Blocked("Send a list of at most 1 MB.")
    try:
        text = content.decode("utf-8-sig")
        rows = _lines_in(kind, name, text)
        cells = [cell.strip() for row in csv.reader(text.splitlines()) for cell in row]
    except UnicodeDecodeError:
        raise Blocked("It is not UTF-8 text. Save it as CSV UTF-8.") from None
    except BadTable as problem:
        raise Blocked(str(problem)) from None
    except (csv.Error, ValueError):
        raise Blocked("It is not a CSV. Check the quotation marks.") from None
    if not rows and kind not in (KnownKind.NAMES, KnownKind.SAID, KnownKind.WISHES):
        raise Blocked("There is no line below the header.")
    if any(cell.startswith(_SIGNS) for cell in cells):
        raise Blocked("A label begins like a formula of a spreadsheet. Write it without the sign.")
    return text.encode(), rows


def _lines_in(kind: KnownKind, name: str, text: str) -> int:
    from disclosure.engine.byhand import read_by_hand
    from disclosure.engine.codes import read_hierarchy
    from disclosure.engine.kin import Kin, read_said
    from disclosure.engine.longform import read_long
    from disclosure.engine.names import read_names
    from disclosure.engine.said import read_facts
    from disclosure.engine.wishes import read_wishes

    if kind == KnownKind.HIERARCHY:
        return sum(map(len, read_hierarchy(name, text).children.values()))
    if kind in (KnownKind.PEOPLE, KnownKind.PERIODS):
        lines = read_said(text)
        Kin(lines)  # all of it can be true
        return len(lines)
    if kind == KnownKind.WISHES:
        return len(read_wishes(text))
    if kind == KnownKind.SAID:
        return len(read_facts(text))
    if kind == KnownKind.BY_HAND:
        return len(read_by_hand(text).roles)
    if kind == KnownKind.NAMES:
        names = read_names(name, text)
        return len(names.dimensions) + sum(map(len, names.codes.values()))
    table = read_long(name, text)
    if not table.has("released") or table.has("count"):
        raise Blocked("Call the column of published numbers “released”, and leave “count” out.")
    return len(table.rows)


@transaction.atomic
def remove(known: Known, *, reason: str, by: "User", at: dt.datetime) -> Known:
    """Remove a record that nothing was released with; an earlier version, if there is one, holds again.

    :raises Blocked: if something was, this person may not, or no reason is given
    """
    first_in_line()
    Project.objects.select_for_update().get(pk=known.project_id)  # a release waits, or has gone before
    known = Known.objects.select_for_update(no_key=True).get(pk=known.pk)
    reasons = known_checks.why_not_remove(known, by, at)
    if not reason.strip():
        reasons.append("Say why it is removed.")
    if reasons:
        raise Blocked(reasons)
    return amend(
        "known.removed",
        known,
        by=by,
        at=at,
        note=reason.strip(),
        removed_at=at,
        removed_by=by,
        why_removed=reason.strip(),
    )
