"""Opening the upload of a project's files, and noticing when all are there."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db import transaction

from agreements import public as agreements
from matching import checks, layouts, lifecycle, selectors, ssn, standing
from matching.models import DeliveryTerms, ExpectedFile, Form, Match, MatchStatus
from matching.services import inviting
from p20win import policy
from p20win.accounts.public import Organisation, organisation_called, system_user
from p20win.audit.public import first_in_line
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.projects import public as projects
from p20win.refusal import Blocked
from p20win.workflow import create, take
from requests_app import public as requests

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.projects.models import Project
    from requests_app.models import IdentifierTable
    from requests_app.public import ApprovedElement

WINDOW: Final = "transmission-window"
SEPARATORS: Final = ("tab", "comma")


@transaction.atomic
def open_match(
    project: "Project",
    *,
    by: "User",
    at: dt.datetime,
    form: str = Form.PACKAGE,
    basis: str = "",
    map_basis: str = "",
    encoding: str = "",
    consents: Collection[Organisation] = (),
    commas: bool = False,
) -> Match:
    """Open a match: an upload slot for every file that the approved request makes necessary (O-59, O-61).

    In which form it is delivered is settled here; where only the key is, no analytical file is asked for.
    With an `encoding` (tokens, or clk) the agencies send that in place of identifiers (O-72). Who relies on
    individuals' consents sends a list of them, without which nothing is linked (O-51). With `commas` every
    file of the match may have them between its columns in place of tabs (O-104). The SSN is asked for only
    where a link to wage records needs it, though it is approved (O-105). With a `map_basis`, the agreement's
    words for it, the delivery tells which link id of the match before is which of this one (O-71).

    :raises Blocked: if no agreement is in force, a match is open, an agency's elements make no file, or the
        key alone is to be delivered and the agreement's words for it are not named
    """
    first_in_line()
    project = projects.Project.objects.select_for_update().get(pk=project.pk)
    reasons = checks.why_not_open(project, by, at)
    earlier = selectors.match_for(project)
    if earlier is not None and earlier.status != MatchStatus.INPUTS_DESTROYED:
        reasons.append("A match of this project is open already.")
    if form == Form.KEY and not basis.strip():
        reasons.append("Name where the agreement says that only the key is delivered.")
    reasons += checks.why_not_encoded(project, encoding, at) if encoding else []
    if reasons:
        raise Blocked(reasons)
    match = Match(project=project, number=(earlier.number if earlier else 0) + 1, status_since=at)
    spared = ssn.not_asked_of(project)
    details = {"number": match.number, "form": str(form)} | ({"encoding": encoding} if encoding else {})
    details |= {"separators": "tab or comma"} if commas else {}
    details |= {"ssn_not_asked_of": [agency.slug for agency in spared]} if spared else {}
    create("match.opened", match, by=by, at=at, details=details)
    terms = DeliveryTerms(match=match, form=Form(form), basis=basis.strip(), map_basis=map_basis.strip())
    said = {"form": terms.form} | ({"map_basis": terms.map_basis} if terms.map_basis else {})
    create("match.form_settled", terms, by=by, at=at, details=said)
    closes_at = deadlines.due(policy.TRANSMISSION_WINDOW, start=at).at
    opened = _Opened(match, closes_at, SEPARATORS if commas else SEPARATORS[:1], by, at)
    standing.keeper(project)
    wanted = {agency: requests.approved_elements(project, agency) for agency in standing.agencies(project)}
    for agency, elements in wanted.items():
        sent = layouts.without_ssn(elements) if agency in spared else elements
        title, spec = _matching_file(agency, sent, encoding)
        if left_out := [each.name for each in elements if each not in sent]:
            spec = layouts.spared(spec, left_out)
        _expect_agency(opened, agency, elements, (title, spec), form=terms.form)
        if agency in consents:
            _expect_consents(opened, agency)
    invited = inviting.Invited(project, by=by, at=at)
    for table in requests.identifier_tables(project):
        _expect_list(opened, table, _owner(table, wanted), invited.of(table.population))
    return match


@dataclass(frozen=True)
class _Opened:
    """What all slots of a match have in common."""

    match: Match
    closes_at: dt.datetime
    separators: tuple[str, ...]
    by: "User"
    at: dt.datetime


def _matching_file(
    agency: Organisation, elements: list["ApprovedElement"], encoding: str
) -> tuple[str, dict[str, object]]:
    if encoding:
        clk = encoding == standing.CLK
        return "Encoded matching file", layouts.encoded_file(agency, elements, clk=clk)
    return "Matching file", layouts.matching_file(agency, elements)


def _expect_agency(
    opened: _Opened,
    agency: Organisation,
    elements: list["ApprovedElement"],
    matching: tuple[str, dict[str, object]],
    *,
    form: str,
) -> None:
    files = {custody.DataClass.MATCHING: matching}
    if form == Form.PACKAGE and layouts.delivered_columns(elements):
        files[custody.DataClass.ANALYTICAL] = ("Analytical file", layouts.analytical_file(agency, elements))
    for kind, (title, spec) in files.items():
        slot = _open(opened, agency, str(kind), title, spec)
        _expect(opened, ExpectedFile(slot=slot, agency=agency, kind=str(kind)), str(kind))


def _expect_consents(opened: _Opened, agency: Organisation) -> None:
    kind = str(custody.DataClass.IDENTIFIER_LIST)
    slot = _open(opened, agency, kind, "Consents", layouts.consent_list(agency))
    _expect(opened, ExpectedFile(slot=slot, agency=agency, kind=kind, is_consent=True), "consents")


def _expect(opened: _Opened, row: ExpectedFile, called: str) -> None:
    row.match = opened.match
    details = {"agency": row.agency.slug, "class": called}
    create("match.file_expected", row, by=opened.by, at=opened.at, details=details)


def _expect_list(
    opened: _Opened, table: "IdentifierTable", owner: Organisation, invitation: custody.Invitation | None
) -> None:
    """Wait for a list: from its supplier if that was invited, else from the agency of its identifier."""
    supplier = organisation_called(table.population.supplier_name)
    senders = [owner.short_name, owner.slug, *([supplier.short_name, supplier.slug] if supplier else [])]
    spec = layouts.identifier_list(table, senders)
    kind = str(custody.DataClass.IDENTIFIER_LIST)
    sender = invitation.supplier if invitation else owner
    slot = _open(opened, sender, kind, f"List: {table.title}", spec, invitation=invitation)
    row = ExpectedFile(
        slot=slot,
        agency=owner,
        kind=kind,
        is_required=False,
        flag=table.flag_column,
        identifier=table.identifier_column,
        place=table.population.school_code,
        population=table.population.name,
    )
    _expect(opened, row, kind)


def _open(
    opened: _Opened,
    agency: Organisation,
    kind: str,
    title: str,
    spec: dict[str, object],
    *,
    invitation: custody.Invitation | None = None,
) -> custody.UploadSlot:
    match, by, at = opened.match, opened.by, opened.at
    agreement = agreements.in_force(match.project, at)
    agreed = {"separators": list(opened.separators), "min_cell_count": standing.min_cell_count(match.project)}
    slot = custody.open_slot(
        project=match.project,
        supplier=agency,
        kind=kind,
        title=f"{title}, {agency.short_name}"[:200],
        spec=spec | agreed,
        closes_at=opened.closes_at,
        by=by,
        at=at,
        invitation=invitation,
        destroy_by=agreement.destruction_date if agreement else None,
        on_accepted="matching.file_accepted",
    )
    custody.wait_for(slot, by=by, at=at)
    return slot


@transaction.atomic
def close_uploads(match: Match, *, at: dt.datetime, note: str) -> None:
    """Take nothing more for a match: what came now could not be used, nor would a clock destroy it (O-65)."""
    by = system_user()
    waiting = match.expected_files.filter(slot__status=custody.SlotStatus.OPEN)
    for row in waiting.select_related("slot").order_by("pk"):
        custody.close_slot(row.slot, by=by, at=at, note=note)


def _owner(table: "IdentifierTable", wanted: dict[Organisation, list["ApprovedElement"]]) -> Organisation:
    """Return the agency whose own identifier a list holds: it has it, and has no SSN to match by instead.

    :raises Blocked: if no agency has it
    """
    holding = []
    for agency, elements in wanted.items():
        columns = layouts.engine_file(agency, [e for e in elements if e.is_matching_identifier]).columns
        if layouts.field_of(table.identifier_column) in columns:
            holding.append(("ssn" in columns, agency.slug, agency))
    if not holding:
        raise Blocked(
            f"No agency's matching file holds {table.identifier_column}, which “{table.title}” names."
        )
    return min(holding, key=lambda entry: entry[:2])[2]


@transaction.atomic
def note_accepted(file_id: str, *, at: dt.datetime) -> Match | None:
    """Note that a file was accepted; with the last required one the match is ready. Safe to do twice."""
    file = custody.SealedFile.objects.select_related("slot").get(pk=file_id)
    row = ExpectedFile.objects.select_related("match", "match__project").filter(slot=file.slot_id).first()
    if row is None or file.slot is None:
        return None
    by = system_user()
    deadlines.meet(WINDOW, subject=file.slot, at=at, by=by)
    first_in_line()
    match = Match.objects.select_for_update().get(pk=row.match_id)
    if match.status == MatchStatus.COLLECTING and not standing.missing(match):
        return take(lifecycle.COMPLETE_FILES, match, by=by, at=at)
    return match
