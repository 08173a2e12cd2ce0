"""The quality of a file, column by column: a page and a table to take along (O-97)."""

import csv
import uuid
from typing import Any, Final

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from p20win import policy
from p20win.access import SignedInRequest, members_only
from p20win.custody import selectors
from p20win.custody.engine.drift import drift
from p20win.custody.engine.formulas import harmless
from p20win.custody.models import SealedFile

HEADER: Final = (
    *("column", "identifier", "filled", "missing", "not_of_form", "different_values_about", "shortest"),
    *("longest", "lowest", "highest", "codes", "different_from_before"),
)
_HIDDEN: Final = "fewer than {}"


@members_only
@require_GET
@never_cache
def shown(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show a file's profile beside that of the file before it."""
    file, earlier, columns, whole = _compared(request, pk)
    shows = {  # a column of the table that nothing stands in is left out
        "range": any(column["low"] for column in columns),
        "codes": any(column["codes"] or column.get("unlisted") for column in columns),
    }
    context = {"file": file, "earlier": earlier, "columns": columns, "whole": whole, "shows": shows}
    return render(request, "custody/profile.html", context)


@members_only
@require_GET
@never_cache
def exported(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Give a file's profile as CSV."""
    file, _, columns, _ = _compared(request, pk)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="profile-{file.pk}.csv"'
    rows = csv.writer(response)
    rows.writerow(HEADER)
    for column in columns:
        rows.writerow(["" if cell is None else harmless(str(cell), numbers=True) for cell in _cells(column)])
    return response


def _compared(
    request: SignedInRequest, pk: uuid.UUID
) -> tuple[SealedFile, SealedFile | None, list[dict[str, Any]], list[str]]:
    file = get_object_or_404(selectors.files_with_profile(request.user), pk=pk)
    if not file.profile:
        raise Http404
    earlier = selectors.earlier_file(file, request.user)
    moved = _drift(file, earlier) if earlier else {}
    hidden = _HIDDEN.format(file.profile["smallest"])
    columns = [
        column | {"moved": moved.get(column["name"], []), "codes": _counted(column["codes"], hidden)}
        for column in file.profile["columns"]
    ]
    return file, earlier, columns, moved.get("", [])


def _drift(file: SealedFile, earlier: SealedFile) -> dict[str, list[str]]:
    points, rows = policy.PROFILE_DRIFT_POINTS, policy.PROFILE_DRIFT_ROWS
    return drift(file.profile, earlier.profile, points=points, rows_percent=rows)


def _counted(codes: list[dict[str, Any]], hidden: str) -> list[dict[str, str]]:
    return [
        {"code": entry["code"], "count": hidden if entry["count"] is None else f"{entry['count']:,}"}
        for entry in codes
    ]


def _cells(column: dict[str, Any]) -> list[Any]:
    codes = "; ".join(f"{entry['code']}: {entry['count']}" for entry in column["codes"])
    return [
        column["name"],
        "yes" if column["identifier"] else "no",
        *(column[key] for key in ("filled", "missing", "unfit", "distinct", "shortest", "longest")),
        *(column["low"], column["high"], codes, " ".join(column["moved"])),
    ]
