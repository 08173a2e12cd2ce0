"""What the pages of this desk show, gathered for one person."""

import datetime as dt
from typing import TYPE_CHECKING, Any

from disclosure import (
    by_hand,
    checks,
    documents,
    lifecycle,
    naming,
    offering,
    people,
    review_checks,
    safe_checks,
    safe_choices,
    safe_pay,
    selectors,
    standing,
    submissions,
    workbooks,
)
from disclosure.models import Output, OutputCheck, OutputStatus, Verdict
from disclosure.package import ACKNOWLEDGEMENT
from p20win import access, clock
from p20win.accounts.public import is_operating_group
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.workflow import blockers

if TYPE_CHECKING:
    from disclosure.models import SafeTable
    from p20win.accounts.models import User


def detail(output: Output, person: "User", at: dt.datetime) -> dict[str, Any]:
    """Return what the page of an output shows."""
    found = standing.latest_check(output)
    if found is not None:
        found.output = output
    file = output.slot.files.order_by("-status_since").first()
    is_author = checks.is_author(output, person) is None
    is_og = is_operating_group(output, person) is None
    is_reviewer = checks.is_reviewer(output, person) is None
    table = standing.safe_table_of(output)
    is_hidden = safe_checks.is_hidden_from(table, person)
    tables = [] if is_hidden else _tables(output, found)
    return {
        "output": output,
        "safe": safe_choices.shown(table) | {"pay": safe_pay.in_words(table)} if table else None,
        "is_hidden": is_hidden,
        "lead": lead(output, found, person, table),
        "found": found,
        "gap": round(100 * found.gap, 1) if found else 0,
        "verdict": verdict(output, found, is_hidden=is_hidden),
        "document_note": documents.note_on(file),
        "job": standing.latest_job(output) if output.status == OutputStatus.UPLOADED else None,
        "file": file if file and file.status == custody.FileStatus.REFUSED else None,
        "parties": _parties(output, person),
        "tables": tables,
        "workbook": standing.workbook_of(found) if found and tables else None,
        "may_name": found is not None and not naming.why_not_name(output, person, at),
        "may_say_how": found is not None and not by_hand.why_not_say(output, person, at),
        "may_fetch_workbook": output.is_trial and not workbooks.why_not_fetch(output, person, at),
        "not_comparable": standing.not_comparable(output),
        "may_part_data": is_og and not people.why_not_part_data(output, person),
        "compared_with": Output.objects.filter(pk__in=found.compared_with) if found else [],
        "goes_with": submissions.others(output).filter(pk__in=selectors.visible_to(person)),
        "may_add": is_author and not submissions.why_not_join(output, person),
        "is_author": is_author,
        "is_reviewer": is_reviewer and output.status == OutputStatus.IN_REVIEW,
        "is_operating_group": is_og,
        "may_look": found is not None and not why_not_look(found, person, at),
        "why_not_clear": checks.why_not_clear(output, person, at),
        "why_not_return": checks.why_not_return(output, person, at),
        "why_not_send": blockers(lifecycle.SEND, output, person) if is_author else [],
        "why_not_release": blockers(lifecycle.RELEASE, output, person) if is_og else [],
        "why_not_new_file": blockers(lifecycle.SEND_NEW_FILE, output, person) if is_author else [],
        "why_not_withdraw": blockers(lifecycle.WITHDRAW, output, person) if is_author or is_og else [],
        "check_again": is_author
        and not blockers(lifecycle.CHECK_AGAIN, output, person)
        and bool(
            checks.stands_beside_others(output, person)
            or checks.rules_are_those_of_its_check(output, person)
            or checks.knows_what_is_known_now(output, person)
            or checks.people_stand_as_in_its_check(output, person)
        ),
        "clocks": _clocks(output, person),
        "offers": offering.shown(found, person, at),
        "known": standing.known_of(found) if found else [],
        "adds": {} if is_hidden else _adds(found),
        "wishes": standing.wishes_about(output),
        "ruling": standing.ruling_on(found) if found else None,
        "declined": found.rulings.filter(declined_at__isnull=False) if found else [],
        "why_not_ask_ruling": review_checks.why_not_ask_ruling(output, person, at),
        "why_not_answer": _why_not_answer(found, person, at),
        "may_have_package": output.status == OutputStatus.RELEASED
        and not access.why_not(person, "see_counts", output.project, "output", at),
        "copies": output.copies.all(),
        "acknowledgement": ACKNOWLEDGEMENT,
    }


def why_not_look(found: OutputCheck, person: "User", at: dt.datetime) -> list[str]:
    """Say why this person may not look at the counts."""
    return [
        *checks.why_not_look(found, person, at),
        *access.why_not(person, "see_counts", found.output.project, "output", at),
    ]


def _tables(output: Output, found: OutputCheck | None) -> Any:
    """Return what may be handed on; nothing while the check's open points have no ruling."""
    if found is None or checks.doubts_are_ruled_on(output, output.author):
        return []
    return standing.clean_tables(output)


def _adds(found: OutputCheck | None) -> dict[str, int]:
    """Return what the tables add to what is known; of a check that ended without a pattern, nothing."""
    return found.adds if found and found.cells and found.adds else {}


def _why_not_answer(found: OutputCheck | None, person: "User", at: dt.datetime) -> list[str]:
    ruling = standing.ruling_on(found) if found else None
    return review_checks.why_not_answer_ruling(ruling, person, at) if ruling else ["Nothing was asked."]


def _clocks(output: Output, person: "User") -> list[Any]:
    """Return the clocks; who has not decided is not told by them which other party has."""
    rows = list(deadlines.of_subject(output))
    if output.status != OutputStatus.IN_REVIEW or checks.has_said(output, person):
        return rows
    mine = {row.organisation_id for row in checks.clearances_of(output, person)}
    return [row for row in rows if row.waiting_on_organisation_id in (mine | {None})]


def lead(output: Output, found: OutputCheck | None, person: "User", table: "SafeTable | None") -> str:
    """Say in a sentence where an output stands, and who holds it."""
    match output.status:
        case OutputStatus.UPLOADED if table:
            return "The vault is counting the table, and then checks it."
        case OutputStatus.UPLOADED:
            return "The vault is checking the file."
        case OutputStatus.CHECKED if output.is_trial:
            return f"{verdict(output, found)} Nobody but you sees it; you can submit the same file."
        case OutputStatus.CHECKED:
            told = verdict(output, found, is_hidden=safe_checks.is_hidden_from(table, person))
            return f"{told} {output.author.name} now sends it to the agencies."
        case OutputStatus.IN_REVIEW:
            rows = list(standing.clearances(output))
            cleared = sum(row.cleared_at is not None for row in rows)
            told = f"{cleared} of {len(rows)} have cleared it." if checks.has_said(output, person) else ""
            day = clock.state_date(output.not_before) if output.not_before else None
            when = f"It can be released from {day:%b} {day.day}, {day.year}." if day else ""
            return f"The parties read it{'; ' + told if told else '.'} {when}"
        case OutputStatus.RELEASED:
            return "It is released. The package holds exactly the tables that were audited."
        case OutputStatus.RETURNED if table:
            return f"{output.author.name} has another table counted, or withdraws it."
        case OutputStatus.RETURNED:
            return f"{output.author.name} sends a corrected file, or withdraws it."
        case _:
            return "It was withdrawn."


def verdict(output: Output, found: OutputCheck | None, *, is_hidden: bool = False) -> str:
    """Say in a sentence what the check found."""
    if found is None:
        return "It is not checked yet."
    if found.verdict != Verdict.SAFE and safe_pay.told_in(output):
        return safe_pay.NOT_SAFE[found.verdict]
    if found.verdict == Verdict.SAFE:
        pay = safe_pay.shown(found)
        if not found.withheld:
            return f"Nothing has to be withheld: none of the {found.cells} cells is small.{pay}"
        if is_hidden:
            return (
                f"{found.withheld} of {found.cells} cells are withheld; no withheld cell can be worked out."
                f"{pay} You see the table once it is released."
            )
        return (
            f"{found.withheld} of {found.cells} cells are withheld, {found.small} because they are small and"
            f" {found.complementary} to protect {_whom(found)}; no withheld cell can be worked out.{pay}"
        )
    if found.verdict == Verdict.IN_TEXT:
        return documents.IN_TEXT
    if found.verdict == Verdict.UNREADABLE:
        return "The file cannot be read as tables of counts."
    if found.verdict == Verdict.NO_PATTERN:
        return "Whatever is withheld, a small count could be worked out from what is released already."
    if checks.is_open_to_ruling(found):
        many = f"{found.unsettled} question{'' if found.unsettled == 1 else 's'}"
        return (
            f"A pattern withholds {found.withheld} of {found.cells} cells and no count is known to leak, but"
            f" {many} could not be settled. It is not released unless two people rule on that."
        )
    return "The check could not settle whether the tables are safe, so they are not released."


def _whom(found: OutputCheck) -> str:
    """Say for whom cells are withheld that are not small."""
    return "them, or small groups that follow with outputs about others" if found.held else "them"


def _parties(output: Output, person: "User") -> list[dict[str, Any]]:
    """Return each party's word; the others' only when all are in, so that each judges alone.

    A return ends the round at once, so that somebody has decided would say how: who has not decided is not
    told that either.
    """
    rows = list(standing.clearances(output).select_related("organisation", "decided_by"))
    all_in = all(row.cleared_at or row.returned_at for row in rows)
    told = all_in or output.status != OutputStatus.IN_REVIEW
    mine = {row.pk for row in checks.clearances_of(output, person)}
    may_know = told or checks.has_said(output, person)
    return [
        {
            "row": row,
            "told": told or row.pk in mine,
            "is_open": may_know or row.pk in mine,
            "has_decided": bool(row.cleared_at or row.returned_at),
        }
        for row in rows
    ]
