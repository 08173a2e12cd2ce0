"""What goes into a delivery: its files by the form that was agreed, and the papers about them (O-76)."""

import csv
import datetime as dt
import io
import json
from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from matching import layouts, reviewed, standing, unwanted
from matching.engine import extract, idmap, leak, page
from matching.engine import io as io_of
from matching.engine import spec as specs
from matching.engine.rules import LABEL
from matching.models import Delivery, Form, MatchRun
from p20win.custody import public as custody
from p20win.refusal import Blocked
from requests_app import public as requests

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation
    from p20win.custody.models import SealedFile

DICTIONARY: Final = "dictionary.csv"
REPORT: Final = "match-report.html"
LIMITATIONS: Final = "limitations.txt"
EARLIER: Final = "earlier-link-ids.csv"
MANIFEST: Final = "manifest.json"
MANIFEST_FORMAT: Final = "p20win/delivery/1"
GRAIN: Final = {
    Form.PACKAGE: "One row for each row that the agency sent; a person may have several.",
    Form.KEY: "One row for each synthetic id that the agency sent.",
}
_WATCHED: Final = frozenset({"ssn", "sasid", "first_name", "middle_name", "last_name", "birth_date", None})


def parts(delivery: Delivery, run: MatchRun) -> list[extract.Part]:
    """Return the files of a delivery: keys, or analytical files. In the vault alone.

    What the request does not want for a population is left out of both (O-125).

    :raises Blocked: if a column is called as a matching identifier is
    """
    made = _keys(delivery, run) if delivery.form == Form.KEY else _analytical(delivery, run)
    identifiers = [e.name for e in requests.elements(delivery.project) if e.is_matching_identifier]
    for part in made:
        if found := leak.named_like(part.columns, identifiers):
            raise Blocked(f"{part.name}: {', '.join(found)} is called as a matching identifier is.")
    return made


def _analytical(delivery: Delivery, run: MatchRun) -> list[extract.Part]:
    return [
        extract.Part(
            file=layouts.file_name(row.agency),
            name=f"{row.agency.slug}.csv",
            id_column=layouts.ID_COLUMN,
            columns=tuple(
                layouts.delivered_columns(requests.approved_elements(delivery.project, row.agency))
            ),
            pieces=lambda file=file: custody.open_bytes(file),  # type: ignore[misc]
            watch=_watch(delivery, row.agency),
            **unwanted.of_part(run, row.agency),
        )
        for row, file in standing.accepted(delivery.match, custody.DataClass.ANALYTICAL)
    ]


def _keys(delivery: Delivery, run: MatchRun) -> list[extract.Part]:
    return [
        extract.Part(
            file=layouts.file_name(agency),
            name=f"{agency.slug}-key.csv",
            columns=(extract.SYNTHETIC_ID,),
            watch=_watch(delivery, agency, is_key=True),
            **unwanted.of_part(run, agency, is_key=True),
        )
        for agency in standing.agencies(delivery.project)
    ]


def _watch(delivery: Delivery, agency: "Organisation", *, is_key: bool = False) -> leak.Watch:
    """Return who looks at an agency's rows before they leave: it knows what the agency sent to match by."""
    expected, file = next(
        (row, file)
        for row, file in standing.accepted(delivery.match, custody.DataClass.MATCHING)
        if row.agency == agency
    )
    names = layouts.encoded_columns(expected.slot.spec) or [
        column["name"]
        for column in expected.slot.spec["columns"]
        if column.get("identifier") and specs.field_of(column["name"]) in _WATCHED
    ]
    sent = extract.Part(
        file=layouts.file_name(agency),
        name=f"matching file of {agency.short_name}",
        id_column=layouts.ID_COLUMN,
        columns=tuple(names),
        pieces=lambda: custody.open_bytes(file),
    )
    return extract.watch_over(sent, is_key=is_key)


def expect_all_rows(delivery: Delivery, counts: extract.Counts) -> None:
    """Make sure that as many rows were read of each file as were counted when it was accepted.

    :raises Blocked: if one is another number
    """
    for row, file in standing.accepted(delivery.match, _source(delivery)):
        entry = counts.entries[layouts.file_name(row.agency)]
        if file.rows is not None and entry.rows_in != file.rows:
            raise Blocked(f"{entry.name}: {file.rows} rows were accepted and {entry.rows_in} were read.")


def _source(delivery: Delivery) -> str:
    return custody.DataClass.MATCHING if delivery.form == Form.KEY else custody.DataClass.ANALYTICAL


def papers(delivery: Delivery, run: MatchRun, counts: extract.Counts, *, at: dt.datetime) -> dict[str, bytes]:
    """Return the papers that go with the files: dictionary, report, limitations, and the signed manifest."""
    expect_all_rows(delivery, counts)
    written = earlier_ids(delivery, run, counts) | {
        DICTIONARY: _as_csv(dictionary(delivery)),
        REPORT: page.html(run.report or {}, reviewed.said(run)).encode(),
        LIMITATIONS: (standing.terms(delivery.match).limitations.strip() + "\n").encode(),
    }
    signed = custody.signed_by_the_hub(_manifest(delivery, run, counts, written, at=at), at=at)
    return written | {MANIFEST: json.dumps(signed, indent=2, ensure_ascii=False).encode()}


def earlier_ids(delivery: Delivery, run: MatchRun, counts: extract.Counts) -> dict[str, bytes]:
    """Return the list of the last match's link ids beside those of this one, where the agreement allows it.

    :raises Blocked: if the key of the last match is gone
    """
    if (before := standing.told_of_before(delivery.match)) is None:
        return {}
    keys = [each.crosswalk for each in (before, run)]
    if any(file is None or file.status != custody.FileStatus.ACCEPTED for file in keys):
        raise Blocked("The key of the last match is gone, so no list of its link ids can be made.")
    with custody.open_only(delivery.project_id, custody.DataClass.KEY):
        old, new = (extract.read_key(b"".join(custody.open_bytes(file))) for file in keys if file)
    return {EARLIER: io_of.as_csv(idmap.between(old, new, counts.delivered()))}


def _manifest(
    delivery: Delivery,
    run: MatchRun,
    counts: extract.Counts,
    written: dict[str, bytes],
    *,
    at: dt.datetime,
) -> dict[str, Any]:
    """Return what the hub signs for: every file with its hash, and its rows in and out with the reasons."""
    return {
        "format": MANIFEST_FORMAT,
        "project_number": delivery.project.number,
        "version": delivery.version,
        "form": delivery.form,
        "made": at.isoformat(),
        "run": run.number,
        "report": run.report_digest,
        "grain": GRAIN[Form(delivery.form)],
        "files": [entry.as_dict() for entry in counts.entries.values()],
        "papers": {name: sha256(content).hexdigest() for name, content in written.items()},
    } | ({"matched_by": f"keyed encodings: {LABEL}"} if standing.encoding(delivery.match) else {})


COLUMNS: Final = (
    *("file", "column", "source agency", "source element", "type", "format"),
    *("values", "qualifier", "kind"),
)


def dictionary(delivery: Delivery) -> list[dict[str, str]]:
    """Return what each column of the delivery is (O-76)."""
    rows = []
    for agency in standing.agencies(delivery.project):
        rows += _of_agency(delivery, agency)
    return rows + (_of_earlier_ids() if standing.told_of_before(delivery.match) else [])


def _of_earlier_ids() -> list[dict[str, str]]:
    hub = {"file": EARLIER, "type": "text", "kind": "link id"}
    source = "the last match of this project: the same person by an agency’s synthetic id"
    told = [
        {"column": idmap.OLD, "source element": source},
        {"column": idmap.NEW, "source element": "this match"},
    ]
    return [dict.fromkeys(COLUMNS, "") | hub | row for row in told]


def _of_agency(delivery: Delivery, agency: "Organisation") -> list[dict[str, str]]:
    ending = "-key.csv" if delivery.form == Form.KEY else ".csv"
    start = {"file": f"{agency.slug}{ending}", "source agency": agency.short_name}
    hub = "made by the hub for this project"
    rows = [start | {"column": extract.LINK_ID, "source element": hub, "type": "text", "kind": "link id"}]
    if delivery.form == Form.KEY:
        named = {"column": extract.SYNTHETIC_ID, "source element": layouts.ID_COLUMN, "type": "text"}
        rows.append(start | named | {"kind": "synthetic id"})
    else:
        notes = unwanted.notes(delivery, agency)
        rows += [
            start | _described(each, notes.get(each.name, ""))
            for each in requests.approved_elements(delivery.project, agency)
            if not each.is_matching_identifier
        ]
    rows += [
        start
        | {"column": row.flag, "source element": row.slot.title, "type": "boolean", "kind": "flag"}
        | {"values": "1 = in the list; 0 = same population, not in it; empty = no list came in"}
        for row in delivery.match.expected_files.filter(
            kind=custody.DataClass.IDENTIFIER_LIST,
            is_consent=False,
            agency=agency,
            slot__status=custody.SlotStatus.FILLED,
        ).select_related("slot")
    ]
    return [dict.fromkeys(COLUMNS, "") | row for row in rows]


def _described(element: requests.ApprovedElement, note: str) -> dict[str, str]:
    return {
        "column": element.name,
        "source element": element.source_element,
        "type": element.data_type,
        "format": element.format,
        "values": element.codes,
        "qualifier": "; ".join(filter(None, (element.qualifier, note))),
        "kind": "element",
    }


def _as_csv(rows: Iterable[dict[str, str]]) -> bytes:
    text = io.StringIO()
    lines = csv.DictWriter(text, COLUMNS)
    lines.writeheader()
    lines.writerows({name: custody.harmless(cell) for name, cell in row.items()} for row in rows)
    return text.getvalue().encode()


def contents(delivery: Delivery, counts: extract.Counts) -> list[dict[str, Any]]:
    """Return what the pages show of each file."""
    return [
        {
            "file": entry.name,
            "columns": entry.columns,
            "rows_in": entry.rows_in,
            "rows_out": entry.rows_out,
            "without_link": entry.without_link,
            "sha256": entry.sha256,
        }
        for entry in counts.entries.values()
    ]


def differences(before: Delivery, after: list[dict[str, Any]], *, limitations: str) -> list[str]:
    """Return what differs between a version and the contents of the next, in sentences."""
    old, new = ({entry["file"]: entry for entry in rows} for rows in (before.contents, after))
    told = [f"{name} is no longer there." for name in sorted(old.keys() - new.keys())]
    told += [f"{name} is new." for name in sorted(new.keys() - old.keys())]
    for name in sorted(old.keys() & new.keys()):
        told += _changed(name, old[name], new[name])
    if limitations.strip() != before.limitations.strip():
        told.append("The statement of limitations was changed.")
    return told or ["The files are the same, byte for byte."]


def _changed(name: str, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    gone = [column for column in old["columns"] if column not in new["columns"]]
    come = [column for column in new["columns"] if column not in old["columns"]]
    told = [f"{name}: without {', '.join(gone)}."] if gone else []
    told += [f"{name}: with {', '.join(come)}."] if come else []
    if (old["rows_in"], old["rows_out"]) != (new["rows_in"], new["rows_out"]):
        told.append(
            f"{name}: {old['rows_out']} of {old['rows_in']} rows before,"
            f" {new['rows_out']} of {new['rows_in']} now."
        )
    elif not told and old.get("sha256") != new["sha256"]:
        told.append(f"{name}: the same rows and columns, with other values.")
    return told


def digest_of(sealed: "SealedFile") -> str:
    """Return the SHA-256 of what is fetched, as the hub signed for it."""
    return str((sealed.manifest or {})["document"]["plain_sha256"])
