"""The log of what was sent out: extracts offered and fetched, outputs to agencies, packages handed out.

Its rows are lines of the ledger; the rows they are about tell the rest.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Q, QuerySet

from disclosure.public import Output
from governance.log_kinds import Cell, Column, Log, agreed_destruction, recipients, who
from matching.public import Delivery, Download
from p20win.accounts.public import User, hub
from p20win.audit.public import Event
from p20win.projects.public import Part, Participation, Project

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation

WHAT: Final = {
    "extract.available": "Extract, ready for download",
    "extract.downloaded": "Extract, download begun",
    "extract.received": "Extract, handed out whole",
    "output.sent": "Output, to the agencies for review",
    "output.released": "Output, released to its author",
    "capability.served": "Package of an output, handed out",
}
_PACKAGE: Final = "disclosure.package"


def _sent() -> QuerySet[Any]:
    plain = [name for name in WHAT if name != "capability.served"]
    handed_out = Q(event="capability.served", details__act=_PACKAGE)
    return Event.objects.filter(Q(event__in=plain) | handed_out)


def _of_agency(agency: Organisation) -> Q:
    supplied = Participation.objects.filter(organisation=agency, part=Part.SUPPLIER)
    return Q(project_id__in=supplied.values("project_id"))


def search(words: str) -> Q:
    """Return which lines fit a search: the ledger knows projects and people by their ids alone."""
    projects = Project.objects.filter(Q(number__icontains=words) | Q(title__icontains=words))
    people = User.objects.filter(name__icontains=words)
    return Q(project_id__in=projects.values("pk")) | Q(actor_id__in=people.values("pk"))


@dataclass(frozen=True)
class _Known:
    """What a page of lines refers to, looked up at once."""

    projects: dict[Any, Project]
    people: dict[Any, User]
    recipients: dict[Any, str]
    agreed: dict[Any, dt.date]
    agencies: dict[Any, list[str]]
    deliveries: dict[str, Delivery]
    downloads: dict[str, Download]
    outputs: dict[str, Output]
    hub: str


def _known(events: Sequence[Event]) -> _Known:
    projects = [event.project_id for event in events if event.project_id]
    actors = {event.actor_id for event in events if event.actor_id}
    people = User.objects.filter(pk__in=actors).select_related("organisation")
    supplying = Participation.objects.filter(project__in=projects, part=Part.SUPPLIER)
    agencies: dict[Any, list[str]] = {}
    for row in supplying.select_related("organisation").order_by("organisation__short_name"):
        agencies.setdefault(row.project_id, []).append(row.organisation.short_name)
    return _Known(
        projects={row.pk: row for row in Project.objects.filter(pk__in=projects)},
        people={row.pk: row for row in people},
        recipients=recipients(projects),
        agreed=agreed_destruction(projects),
        agencies=agencies,
        deliveries=_by_id(Delivery.objects.all(), events, "extract.available"),
        downloads=_by_id(
            Download.objects.select_related("delivery"), events, "extract.downloaded", "extract.received"
        ),
        outputs=_by_id(Output.objects.select_related("author"), events, "output.sent", "output.released"),
        hub=hub().short_name,
    )


def _by_id(rows: QuerySet[Any], events: Iterable[Event], *names: str) -> dict[str, Any]:
    wanted = [event.subject_id for event in events if event.event in names]
    return {str(row.pk): row for row in rows.filter(pk__in=wanted)} if wanted else {}


def _tell_sent(events: Sequence[Event]) -> list[list[Cell]]:
    known = _known(events)
    return [_tell(event, known) for event in events]


def _tell(event: Event, known: _Known) -> list[Cell]:
    source, target, elements = _TOLD[event.event](event, known)
    project = known.projects.get(event.project_id)
    return [
        event.at,
        who(known.people.get(event.actor_id)),
        WHAT[event.event],
        source,
        target,
        elements,
        project.number if project else "",
        known.agreed.get(event.project_id),
        event.pk,
    ]


_Told = tuple[str, list[str], list[str]]  # from, to, elements


def _extract(event: Event, known: _Known) -> _Told:
    delivery = known.deliveries.get(event.subject_id)
    return known.hub, [known.recipients.get(event.project_id, "")], _columns(delivery)


def _download(event: Event, known: _Known) -> _Told:
    row, person = known.downloads.get(event.subject_id), known.people.get(event.actor_id)
    return known.hub, [who(person)], _columns(row.delivery if row else None)


def _columns(delivery: Delivery | None) -> list[str]:
    found = [str(name) for part in (delivery.contents if delivery else []) for name in part["columns"]]
    return [*dict.fromkeys(found)]


def _output(event: Event, known: _Known) -> _Told:
    row = known.outputs.get(event.subject_id)
    tables = [f"{row.title}: {row.population}, {row.period}"] if row else []
    if event.event == "output.released":
        return known.hub, [who(row.author) if row else ""], tables
    return known.recipients.get(event.project_id, ""), known.agencies.get(event.project_id, []), tables


def _package(event: Event, known: _Known) -> _Told:
    return known.hub, [who(known.people.get(event.actor_id))], ["The released tables"]


_TOLD: Final[dict[str, Callable[[Event, _Known], _Told]]] = {
    "extract.available": _extract,
    "extract.downloaded": _download,
    "extract.received": _download,
    "output.sent": _output,
    "output.released": _output,
    "capability.served": _package,
}

SENT: Final = Log(
    slug="sent",
    title="Outputs sent",
    lead="Every extract that was offered or fetched, and every output that went to agencies or was released.",
    empty="Nothing was sent out yet.",
    columns=(
        Column("Sent", "sent", "time"),
        Column("By", ""),
        Column("What", "what"),
        Column("From"),
        Column("To", kind="list"),
        Column("Elements", kind="list"),
        Column("Request"),
        Column("To be destroyed by", kind="date"),
        Column("Line of the ledger", "line"),
    ),
    rows=_sent,
    tell=_tell_sent,
    of_agency=_of_agency,
    moment="at",
    sorts={"sent": "at", "what": "event", "line": "seq"},
    first="-sent",
    finds=search,
)
