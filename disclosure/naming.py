"""What the headings and codes of a file mean: said by its author, remembered under its tables' headings."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from django.db import transaction

from disclosure import checks, known_checks, known_services, standing
from disclosure.engine.names import Names, read_names, written
from disclosure.models import Known, Output, OutputStatus
from p20win.refusal import Blocked

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.projects.models import Project

_ENOUGH: Final = 0.5  # of its codes are those of a dimension that is known: perhaps it is the same
Line = tuple[str, str, str]  # dimension, code or blank, what it means


def why_not_name(output: Output, actor: "User", at: dt.datetime) -> list[str]:
    """Say why this person cannot say what the names in a file mean; an empty list means they can."""
    for check in (checks.is_author, checks.is_no_safe_table):
        if why := check(output, actor):
            return [why]
    if output.status not in (OutputStatus.CHECKED, OutputStatus.RETURNED):
        return [f"Not possible while the status is “{output.get_status_display()}”."]
    return known_checks.why_not_load(output.project, actor, at)


def names_now(project: "Project") -> dict[str, Names]:
    """Return what was said of names in this project, by the headings of the tables it holds for."""
    rows = [row for row in standing.known_now(project) if row.is_names]
    return {row.name: read_names(row.name, bytes(row.content).decode()) for row in rows}


def proposed(
    dimension: str, codes: Sequence[str], known: Mapping[str, Sequence[str]], said: Mapping[str, Names]
) -> str:
    """Return which of the known dimensions this one may be; empty if it is known itself, or nothing fits."""
    if dimension in known:
        return ""
    before = [names.dimensions[dimension] for names in said.values() if dimension in names.dimensions]
    alike = [name for name in known if _plain(name) == _plain(dimension)]
    shared = {name: len(set(codes) & set(there)) for name, there in known.items()}
    most = [name for name, many in shared.items() if many == max(shared.values())]
    same = [name for name in most if shared[name] and shared[name] >= _ENOUGH * len(codes)]
    fits = [*(name for name in before if name in known), *alike, *(same if len(same) == 1 else [])]
    return fits[0] if fits else ""


def _plain(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum())


@transaction.atomic
def say(output: Output, meant: Mapping[str, Sequence[Line]], *, by: "User", at: dt.datetime) -> list[Known]:
    """Remember what the names in a file mean; what was said before and still holds is left as it is.

    :raises Blocked: if this person may not, nothing is new, or two names would become one
    """
    if reasons := why_not_name(output, by, at):
        raise Blocked(reasons)
    before = names_now(output.project)
    changed = {
        headings: lines
        for headings, lines in meant.items()
        if sorted(lines) != sorted(_lines(before.get(headings)))
    }
    if not changed:
        raise Blocked("Nothing was changed.")
    return [
        known_services.load_names(
            output.project, headings=headings, content=written(sorted(lines)), by=by, at=at
        )
        for headings, lines in changed.items()
    ]


def _lines(names: Names | None) -> list[Line]:
    if names is None:
        return []
    dims = [(dim, "", means) for dim, means in names.dimensions.items()]
    return dims + [(dim, code, means) for dim, codes in names.codes.items() for code, means in codes.items()]
