"""What the logs show of matches and downloads, compared with what the ledger tells of them (O-64)."""

from collections.abc import Iterator
from typing import Any

from matching.models import Delivery, Download, Match, MatchRun
from p20win.custody import public as custody

_RUN = ("run.started", "run.finished", "run.failed")
_STATUS = dict(zip(_RUN, ("running", "done", "failed"), strict=True))


def described(run: MatchRun) -> dict[str, Any]:
    """Return what the log of matches must say of a run: whose files it joins, by which elements, and how."""
    files = list(run.match.expected_files.select_related("agency", "slot"))
    return {
        "agencies": sorted({file.agency.slug for file in files}),
        "elements": sorted(
            {
                str(column["name"])
                for file in files
                for column in file.slot.spec.get("columns", [])
                if column.get("identifier")
            }
        ),
        "method": run.method.slug,
        "method_version": run.method.version,
        "number": run.number,
    }


def elements(delivery: Delivery) -> list[str]:
    """Return the elements that a version of the extract holds."""
    return sorted({str(name) for part in delivery.contents for name in part["columns"]})


def differences() -> Iterator[str]:
    """Compare runs, matches, versions and downloads with their lines."""
    yield from _runs()
    yield from _matches()
    yield from _deliveries()
    yield from _downloads()


def _runs() -> Iterator[str]:
    known = custody.lines_about(MatchRun, *_RUN)
    for run in MatchRun.objects.select_related("match", "method").order_by("id").iterator():
        lines = known.get(str(run.pk), custody.Lines())
        began, last = lines.one("run.started"), lines.all[-1] if lines.all else None
        if began is None or last is None:
            yield from custody.told_difference("Run", run, lines, ["it came from nowhere"])
            continue
        pairs = {
            "started": (run.started_at, began.at),
            "started by": (run.started_by_id, began.actor_id),
            "state": (run.status, _STATUS[last.event]),
            "finished": (run.status_since, last.at),
            "report": (run.report_digest, last.details.get("report", "")),
        }
        wrong = [name for name, (row, line) in pairs.items() if row != line]
        wrong += [f"{event} told twice" for event in lines.twice()]
        said = described(run)
        wrong += [name for name in said if name in began.details and began.details[name] != said[name]]
        yield from custody.told_difference("Run", run, lines, wrong)


def _matches() -> Iterator[str]:
    known = custody.lines_about(Match, "match.inputs_destroyed")
    for match in Match.objects.order_by("id").iterator():
        lines = known.get(str(match.pk), custody.Lines())
        gone = lines.one("match.inputs_destroyed")
        wrong = ["inputs destroyed"] if match.inputs_destroyed_at != (gone.at if gone else None) else []
        yield from custody.told_difference("Match", match, lines, wrong)


def _deliveries() -> Iterator[str]:
    known = custody.lines_about(Delivery, "extract.available")
    for delivery in Delivery.objects.order_by("id").iterator():
        lines = known.get(str(delivery.pk), custody.Lines())
        offered = lines.one("extract.available")
        wrong = ["offered"] if delivery.available_at != (offered.at if offered else None) else []
        if offered and offered.details.get("elements", elements(delivery)) != elements(delivery):
            wrong.append("elements")
        yield from custody.told_difference("Delivery", delivery, lines, wrong)


def _downloads() -> Iterator[str]:
    known = custody.lines_about(Download, "extract.downloaded")
    for download in Download.objects.order_by("id").iterator():
        lines = known.get(str(download.pk), custody.Lines())
        begun = lines.one("extract.downloaded")
        said = (begun.at, begun.actor_id) if begun else None
        wrong = [] if said == (download.at, download.person_id) else ["when, or by whom"]
        yield from custody.told_difference("Download", download, lines, wrong)
