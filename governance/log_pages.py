"""Pages of the logs: searched, sorted, filtered by days and agency, and taken along as CSV or XLSX."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from governance import log_kinds, log_sheets
from governance.logs import LOGS
from p20win import clock
from p20win.access import SignedInRequest, roles_only
from p20win.accounts.public import Organisation, User
from p20win.audit.public import record

if TYPE_CHECKING:
    from governance.log_kinds import Cell, Log

AT_ONCE: Final = 200
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class LogFilter(forms.Form):
    """Search and filter of a log."""

    q = forms.CharField(required=False, label="Request, person or file")
    first = forms.DateField(
        required=False, label="From", widget=forms.DateInput(attrs={"type": "date"}), help_text="First day"
    )
    last = forms.DateField(
        required=False, label="Until", widget=forms.DateInput(attrs={"type": "date"}), help_text="Last day"
    )
    agency = forms.ModelChoiceField(
        Organisation.objects.none(), required=False, label="Agency", empty_label="All"
    )

    def __init__(self, person: User, *args: Any, **kwargs: Any) -> None:
        """Offer agencies to those who read all of them."""
        super().__init__(*args, **kwargs)
        if log_kinds.sees_all(person):
            choice: Any = self.fields["agency"]
            choice.queryset = Organisation.objects.order_by("short_name")
        else:
            del self.fields["agency"]


@roles_only(*log_kinds.READERS)
@require_GET
@never_cache
def index(request: SignedInRequest, slug: str = "received") -> HttpResponse:
    """Show one log."""
    log, form = _log(slug), LogFilter(request.user, request.GET or None)
    context = log.listing.shown(_rows(log, form, request), request)
    page = context["page"]
    told = log.tell(list(page.object_list))
    context |= {
        "log": log,
        "logs": LOGS.values(),
        "form": form,
        "lines": [list(zip(log.columns, cells, strict=True)) for cells in told],
        "filtered": any(request.GET.get(name) for name in ("q", "first", "last", "agency")),
        "all": log_kinds.sees_all(request.user),
    }
    return render(request, "governance/log.html", context)


@roles_only(*log_kinds.READERS)
@require_GET
@never_cache
def sheet(request: SignedInRequest, slug: str, form: str) -> HttpResponseBase:
    """Give a log as a file, as it was filtered; that is written in the ledger."""
    log = _log(slug)
    rows = log.listing.found(_rows(log, LogFilter(request.user, request.GET), request), request)
    with transaction.atomic():
        details = {"log": log.slug, "form": form, "rows": rows.count()}
        record("log.exported", request.user, by=request.user, at=clock.now(), details=details)
    response: HttpResponseBase
    if form == "csv":
        response = StreamingHttpResponse(
            log_sheets.as_csv(log, _told(log, rows)), content_type="text/csv; charset=utf-8"
        )
    else:
        response = HttpResponse(log_sheets.as_xlsx(log, _told(log, rows)), content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="{log.slug}.{form}"'
    return response


def _log(slug: str) -> Log:
    try:
        return LOGS[slug]
    except KeyError:
        raise Http404 from None


def _rows(log: Log, form: LogFilter, request: SignedInRequest) -> QuerySet[Any]:
    rows = log_kinds.visible(log, request.user)
    if not form.is_valid():  # a day that is none is told beside its field, and filters nothing
        return rows
    given = form.cleaned_data
    if given.get("agency"):
        rows = rows.filter(log.of_agency(given["agency"]))
    if log.finds and given["q"]:
        rows = rows.filter(log.finds(given["q"]))
    return log_kinds.between(log, rows, given["first"], given["last"])


def _told(log: Log, rows: QuerySet[Any]) -> Iterator[list[Cell]]:
    some: list[Any] = []
    for row in rows.iterator(chunk_size=AT_ONCE):
        some.append(row)
        if len(some) == AT_ONCE:
            yield from log.tell(some)
            some = []
    yield from log.tell(some)
