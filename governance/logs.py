"""The logs of O-64 and the Data Match Log of O-111, read from the rows that the acts themselves wrote."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from django.db.models import OuterRef, Q, QuerySet, Subquery

from governance.log_kinds import (
    Cell,
    Column,
    Log,
    agreed_destruction,
    inputs_due,
    kind_name,
    recipients,
    who,
)
from governance.log_sent import SENT
from matching.public import MatchRun
from p20win.custody.public import FileStatus, SealedFile

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation

_FILES: Final = ("project", "owner", "destination", "slot__expected_by", "sent_by", "sent_by__organisation")
_BY_FILE: Final = ("project__number", "project__title", "owner__short_name", "sent_by__name", "name")


def _kept_since() -> Subquery:
    """When a file was accepted, by the portal's clock: its row says it no more once it is destroyed."""
    versions = SealedFile.history.model.objects.filter(id=OuterRef("pk"), status=FileStatus.ACCEPTED)
    return Subquery(versions.order_by("history_id").values("status_since")[:1])


def _destroyed(file: SealedFile) -> dt.datetime | None:
    return file.status_since if file.status == FileStatus.DESTROYED else None


def _match_id(file: SealedFile) -> Any:
    """Return the match that a file is an input of."""
    expected = getattr(file.slot, "expected_by", None)
    return expected.match_id if expected else None


def _days(files: Sequence[SealedFile]) -> list[dt.date | None]:
    """Return of each file by when it is destroyed: an input by its match's clock once that has started."""
    agreed = agreed_destruction([file.project_id for file in files])
    inputs = inputs_due([match for file in files if (match := _match_id(file))])
    return [
        inputs.get(_match_id(file))
        or (file.slot.destroy_by if file.slot else None)
        or agreed.get(file.project_id)
        for file in files
    ]


# --- files received


def _received() -> QuerySet[Any]:
    rows = SealedFile.objects.filter(slot__isnull=False, received_at__isnull=False)
    return rows.select_related(*_FILES)


def _tell_received(files: Sequence[SealedFile]) -> list[list[Cell]]:
    return [
        [
            file.received_at,
            who(file.sent_by),
            file.owner.short_name,
            file.destination.short_name,
            file.name,
            kind_name(file.data_class),
            list(file.columns),
            file.project.number,
            file.get_status_display(),
            day,
            _destroyed(file),
        ]
        for file, day in zip(files, _days(files), strict=True)
    ]


RECEIVED: Final = Log(
    slug="received",
    title="Files received",
    lead="Every file that an agency, a supplier or a recipient sent, accepted or not.",
    empty="No file was received yet.",
    columns=(
        Column("Received", "received", "time"),
        Column("Sent by", "who"),
        Column("From", "from"),
        Column("To"),
        Column("File", "file", "name"),
        Column("Kind", "kind"),
        Column("Elements", kind="list"),
        Column("Request", "request"),
        Column("State", "state"),
        Column("To be destroyed by", kind="date"),
        Column("Destroyed", kind="time"),
    ),
    rows=_received,
    tell=_tell_received,
    of_agency=lambda agency: Q(owner=agency),
    moment="received_at",
    sorts={
        "received": "received_at",
        "who": "sent_by__name",
        "from": "owner__short_name",
        "file": "name",
        "kind": "data_class",
        "request": "project__number",
        "state": "status",
    },
    searched=_BY_FILE,
    first="-received",
)


# --- matches conducted


def _matches() -> QuerySet[Any]:
    rows = MatchRun.objects.select_related(
        "match", "match__project", "method", "started_by", "started_by__organisation"
    )
    return rows.prefetch_related("match__expected_files__slot", "match__expected_files__agency")


def _of_match(agency: Organisation) -> Q:
    runs = MatchRun.objects.filter(match__expected_files__slot__supplier=agency)
    return Q(pk__in=runs.values("pk"))


def _tell_matches(runs: Sequence[MatchRun]) -> list[list[Cell]]:
    receiving = recipients([run.match.project_id for run in runs])
    due = inputs_due([run.match_id for run in runs])
    return [_tell_run(run, receiving, due.get(run.match_id)) for run in runs]


def _tell_run(run: MatchRun, receiving: dict[Any, str], due: dt.date | None) -> list[Cell]:
    files = list(run.match.expected_files.all())
    used = {
        str(column["name"])
        for file in files
        for column in file.slot.spec.get("columns", [])
        if column.get("identifier")
    }
    return [
        run.started_at,
        run.status_since if run.status != "running" else None,
        who(run.started_by),
        sorted({file.agency.short_name for file in files}),
        receiving.get(run.match.project_id, ""),
        sorted(used),
        run.match.project.number,
        f"Match {run.match.number}, run {run.number}",
        f"{run.method.name}, version {run.method.version}",
        run.get_status_display(),
        due,
        run.match.inputs_destroyed_at,
    ]


MATCHES: Final = Log(
    slug="matches",
    title="Matches conducted",
    lead="Every run of every match: who started it, whose files it joined, by which method.",
    empty="No match was run yet.",
    columns=(
        Column("Started", "started", "time"),
        Column("Finished", "finished", "time"),
        Column("Started by", "who"),
        Column("From", kind="list"),
        Column("To"),
        Column("Elements matched by", kind="list"),
        Column("Request", "request"),
        Column("Match"),
        Column("Method", "method"),
        Column("Outcome", "state"),
        Column("Inputs to be destroyed by", kind="date"),
        Column("Inputs destroyed", kind="time"),
    ),
    rows=_matches,
    tell=_tell_matches,
    of_agency=_of_match,
    moment="started_at",
    sorts={
        "started": "started_at",
        "finished": "status_since",
        "who": "started_by__name",
        "request": "match__project__number",
        "method": "method__name",
        "state": "status",
    },
    searched=("match__project__number", "match__project__title", "started_by__name", "method__name"),
    first="-started",
)


# --- files maintained


def _maintained() -> QuerySet[Any]:
    kept = [FileStatus.ACCEPTED, FileStatus.SET_ASIDE, FileStatus.DESTROYED]
    rows = SealedFile.objects.filter(status__in=kept)
    rows = rows.exclude(manifest=None)  # one destroyed before it was accepted was never kept
    return rows.select_related(*_FILES).annotate(kept_since=_kept_since())


def _tell_maintained(files: Sequence[Any]) -> list[list[Cell]]:
    return [
        [
            file.kept_since,
            who(file.sent_by),
            file.owner.short_name,
            file.destination.short_name,
            file.name,
            kind_name(file.data_class),
            list(file.columns),
            file.project.number,
            file.get_status_display(),
            day,
            _destroyed(file),
        ]
        for file, day in zip(files, _days(files), strict=True)
    ]


MAINTAINED: Final = Log(
    slug="maintained",
    title="Files maintained",
    lead="Every file that lies sealed in the vault, or lay there: agencies’ files, keys, extracts, outputs.",
    empty="Nothing lies in the vault.",
    columns=(
        Column("Kept since", "since", "time"),
        Column("Sent or made by", "who"),
        Column("Owner", "from"),
        Column("For"),
        Column("File", "file", "name"),
        Column("Kind", "kind"),
        Column("Elements", kind="list"),
        Column("Request", "request"),
        Column("State", "state"),
        Column("To be destroyed by", kind="date"),
        Column("Destroyed", kind="time"),
    ),
    rows=_maintained,
    tell=_tell_maintained,
    of_agency=lambda agency: Q(owner=agency),
    moment="kept_since",
    sorts={
        "since": "kept_since",
        "who": "sent_by__name",
        "from": "owner__short_name",
        "file": "name",
        "kind": "data_class",
        "request": "project__number",
        "state": "status",
    },
    searched=_BY_FILE,
    first="-since",
)


# --- the Data Match Log


def _match_inputs() -> QuerySet[Any]:
    gone = (FileStatus.SET_ASIDE, FileStatus.DESTROYED)
    kept = Q(status=FileStatus.ACCEPTED) | Q(status__in=gone, manifest__isnull=False)
    rows = SealedFile.objects.filter(kept, slot__expected_by__isnull=False)
    return rows.select_related(*_FILES, "slot__expected_by__match").prefetch_related(
        "slot__expected_by__match__runs__started_by",
        "slot__expected_by__match__deliveries__downloads__person__organisation",
        "slot__expected_by__match__deliveries__downloads__fetches",
    )


def _tell_match_inputs(files: Sequence[SealedFile]) -> list[list[Cell]]:
    receiving = recipients([file.project_id for file in files])
    return [_tell_input(file, receiving.get(file.project_id, "")) for file in files]


def _tell_input(file: SealedFile, recipient: str) -> list[Cell]:
    match = file.slot.expected_by.match  # type: ignore[union-attr]
    done = [run for run in match.runs.all() if run.status == "done"]
    matched_at: dt.datetime | None = max((each.status_since for each in done), default=None)
    run = max(done or match.runs.all(), key=lambda each: each.number, default=None)
    versions = match.deliveries.all()
    downloads = [each for version in versions for each in version.downloads.all() if each.fetches.all()]
    downloads.sort(key=lambda each: each.at)
    people = [*dict.fromkeys(who(each.person) for each in downloads)]
    is_offered = any(version.available_at for version in versions)
    # Whoever matched the file received it at the hub; until then the vault holds it, and nobody has seen it.
    receiver = f"{file.destination.short_name}, {run.started_by.name if run else 'in the vault'}"
    return [
        file.received_at,
        who(file.sent_by),
        receiver,
        file.name,
        file.project.number,
        list(file.columns),
        matched_at,
        downloads[0].at if downloads else None,
        people or ([f"{recipient}, not fetched yet"] if is_offered else []),
        _destroyed(file) or match.inputs_destroyed_at,
    ]


MATCH_LOG: Final = Log(
    slug="data-match",
    title="Data Match Log",
    lead="Every file that went into a match, from the day it was received to the day it was destroyed.",
    empty="No file was received for a match yet.",
    columns=(
        Column("File received", "received", "time"),
        Column("Sender", "who"),
        Column("Receiver at the hub"),
        Column("File name", "file", "name"),
        Column("Request", "request"),
        Column("Fields in the file", kind="list"),
        Column("Matched", kind="time"),
        Column("Key passed on", kind="time"),
        Column("To whom", kind="list"),
        Column("Inputs destroyed", kind="time"),
    ),
    rows=_match_inputs,
    tell=_tell_match_inputs,
    of_agency=lambda agency: Q(owner=agency),
    moment="received_at",
    sorts={
        "received": "received_at",
        "who": "sent_by__name",
        "file": "name",
        "request": "project__number",
    },
    searched=_BY_FILE,
    first="-received",
)

LOGS: Final[dict[str, Log]] = {log.slug: log for log in (RECEIVED, MATCHES, MAINTAINED, SENT, MATCH_LOG)}
