"""Why not: rules about outputs, their review and their release."""

import datetime as dt
from typing import TYPE_CHECKING, Final

from disclosure import rules, standing, together
from disclosure.models import Clearance, Output, OutputCheck, OutputStatus, Verdict
from p20win import access, clock
from p20win.accounts.public import Role, is_operating_group
from p20win.custody import public as custody
from p20win.once import once
from p20win.projects import public as projects

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.projects.models import Project

_STRICTER = "The rules of this project have grown stricter since the check."
_KNOWN = "A hierarchy, public table or name of this project has changed since the check."
_KIN = "What was said of who is counted, when or from which data has changed since the check."
SEALED: Final = "The vault counted this table: its true counts are shown to its reviewers alone."
REVIEWERS = (Role.DATA_STEWARD, Role.BOARD_MEMBER)


def why_not_submit(project: "Project", actor: "User", at: dt.datetime) -> list[str]:
    """Say why this person may not submit an output of this project now."""
    return access.why_not(actor, "submit_output", project, "output", at)


def is_author(output: Output, actor: "User") -> str | None:
    """Only its author moves an output before and after the review."""
    return None if output.author_id == actor.pk else "Only the author can do this."


def may_still_submit(output: Output, actor: "User") -> str | None:
    """The author must still be allowed to submit in this project."""
    return " ".join(why_not_submit(output.project, actor, clock.now())) or None


def is_author_or_operating_group(output: Output, actor: "User") -> str | None:
    """The author withdraws, or the operating group for them."""
    if is_author(output, actor) is None or is_operating_group(output, actor) is None:
        return None
    return "Only the author or the operating group can do this."


def is_protected(output: Output, actor: "User") -> str | None:
    """Its latest check must have ended with a clean audit."""
    found = standing.latest_check(output)
    if found is not None and found.verdict == Verdict.SAFE:
        return None
    return "The tables are not protected. Read what the check found and send a corrected file."


def is_in_doubt(output: Output, actor: "User") -> str | None:
    """A pattern was found and no count leaks, but the audit could not settle every question."""
    found = standing.latest_check(output)
    if found is not None and found.verdict == Verdict.NOT_SETTLED and is_open_to_ruling(found):
        return None
    return "The tables are not protected. Read what the check found and send a corrected file."


def is_protected_or_in_doubt(output: Output, actor: "User") -> str | None:
    """It may be read by the agencies; what is in doubt goes no further without a ruling of two people."""
    return None if is_in_doubt(output, actor) is None else is_protected(output, actor)


def is_open_to_ruling(found: OutputCheck) -> bool:
    """Say whether people may rule on what a check left open: never where a count leaks."""
    return found.leaks == 0 and found.doubts > 0 and found.tables.exists()


def doubts_are_ruled_on(output: Output, actor: "User") -> str | None:
    """Whatever the check left open, two people have ruled on it, with a reason."""
    found = standing.latest_check(output)
    if found is None or found.doubts == 0:
        return None
    ruling = standing.ruling_on(found)
    if ruling is not None and ruling.confirmed_at is not None and is_open_to_ruling(found):
        return None
    many = f"{found.doubts} point{'' if found.doubts == 1 else 's'}"
    return f"The check left {many} open: two people must rule on that, or the author sends another table."


def knows_what_is_known_now(output: Output, actor: "User") -> str | None:
    """No hierarchy, public table or names for its headings were loaded or removed since its check."""
    found = standing.latest_check(output)
    if found is None or set(found.known) == {
        str(row.pk) for row in standing.known_for(output, found.headings)
    }:
        return None
    if output.status == OutputStatus.CHECKED:
        return f"{_KNOWN} Check it again."
    return f"{_KNOWN} Return it, so that it is checked anew."


def wishes_are_met(output: Output, actor: "User") -> str | None:
    """Every agency that wants to read this kind of material before has cleared it (O-82)."""
    rows = standing.clearances(output).filter(cleared_at__isnull=False)
    cleared = set(rows.values_list("organisation_id", flat=True))
    waiting = [
        wish.agency.short_name for wish in standing.wishes_about(output) if wish.agency_id not in cleared
    ]
    if not waiting:
        return None
    if not has_said(output, actor):
        return "Waiting for the parties."
    return f"{', '.join(waiting)} asked to read this kind of material before it is released."


def is_submitted(output: Output, actor: "User") -> str | None:
    """A self-check goes to nobody."""
    return "It is a self-check. Submit it first." if output.is_trial else None


def is_no_safe_table(output: Output, actor: "User") -> str | None:
    """What the vault counted is not replaced by a file that somebody sends."""
    if standing.safe_table_of(output) is None:
        return None
    return "The vault counted this table. Withdraw it and define another."


def nobody_is_at_work(output: Output, actor: "User") -> str | None:
    """While the vault checks a file no other takes its place; one it could not check may be replaced."""
    if output.status != OutputStatus.UPLOADED:
        return None
    job = standing.latest_job(output)
    return None if job is not None and job.is_over else "The vault is checking the file."


def nobody_returned_it(output: Output, actor: "User") -> str | None:
    """What people returned is changed and sent anew; what the check returned may be read anew as it is."""
    if output.status != OutputStatus.RETURNED:
        return None
    file = output.slot.files.order_by("-status_since").first()
    if file is None or file.status != custody.FileStatus.ACCEPTED:
        return "The file was not taken in. Send a corrected one."
    if standing.clearances(output).exists():
        return "It was returned by people. Send a corrected file."
    return None


def stands_beside_others(output: Output, actor: "User") -> str | None:
    """It was checked against all that the project is releasing now, as it is now."""
    found = standing.latest_check(output)
    seen = set(found.compared_checks) if found else set()
    theirs = (standing.latest_check(other) for other in standing.beside(output))
    if all(made is not None and str(made.pk) in seen for made in theirs):
        return None
    return "Another output of this project went ahead meanwhile. Check this one again beside it."


def people_stand_as_in_its_check(output: Output, actor: "User") -> str | None:
    """Nobody has said anew how those it counts stand to those whom what went ahead of it counts."""
    found = standing.latest_check(output)
    if found is None:
        return None
    ahead = standing.beside(output)
    if output.sent_at is not None:
        ahead = ahead.filter(sent_at__lt=output.sent_at)
    if together.is_as_in(found) and not ahead.exclude(pk__in=found.compared_with).exists():
        return None
    if output.status == OutputStatus.CHECKED:
        return f"{_KIN} Check it again."
    return f"{_KIN} Return it, so that it is checked anew."


def rules_are_those_of_its_check(output: Output, actor: "User") -> str | None:
    """No agency has asked for stricter rules since; what was checked by milder ones does not go out."""
    found = standing.latest_check(output)
    if found is None or not rules.have_grown_since(found):
        return None
    if output.status == OutputStatus.CHECKED:
        return f"{_STRICTER} Check it again."
    return f"{_STRICTER} Return it, so that it is checked anew."


def is_of_an_open_project(output: Output, actor: "User") -> str | None:
    """Nothing is released from a project that is closed, or about to be."""
    return projects.is_open(output.project)


def is_not_own(output: Output, actor: "User") -> str | None:
    """Nobody reviews or releases what they wrote."""
    return "You wrote this output: somebody else reviews it." if output.author_id == actor.pk else None


def is_of_another_organisation(output: Output, actor: "User") -> str | None:
    """Nobody reviews what their own organisation wrote."""
    if output.author.organisation_id is None or output.author.organisation_id != actor.organisation_id:
        return None
    return (
        f"It was written at {actor.organisation}, where you are too: somebody of another organisation, who"
        " holds the role for the party that is asked, reviews it."
    )


def every_party_clears(output: Output, actor: "User") -> str | None:
    """Every agency and the operating group cleared; no agency at all is not a clearance."""
    expected = {party.pk: party.short_name for party in standing.expected_parties(output)}
    rows = standing.clearances(output).filter(cleared_at__isnull=False)
    cleared = set(rows.values_list("organisation_id", flat=True))
    has_agency = projects.suppliers(output.project).exists()
    waiting = sorted(name for pk, name in expected.items() if pk not in cleared)
    if has_agency and not waiting:
        return None
    if waiting and not has_said(output, actor):  # who has not voted is not told who has
        return "Waiting for the parties."
    return f"Waiting for {', '.join(waiting) or 'the agencies to be named'}."


def review_time_is_over(output: Output, actor: "User") -> str | None:
    """The agencies have had their business days (O-77)."""
    if output.not_before is not None and clock.now() >= output.not_before:
        return None
    if output.not_before is None:
        return "The agencies have not begun to read it."
    day = clock.state_date(output.not_before)
    return f"Not before {day:%b} {day.day}, {day.year}: the agencies have ten business days to read it."


def is_reviewer(output: Output, actor: "User") -> str | None:
    """Somebody who speaks for one of the parties asked."""
    if clearances_of(output, actor):
        return None
    return (
        "Only a data steward or board member of a participating agency, or the operating group, can do this."
    )


def has_said(output: Output, actor: "User") -> bool:
    """Say whether every party this person speaks for has decided: then they may know who else has."""
    return all(row.cleared_at or row.returned_at for row in clearances_of(output, actor))


def why_not_judge(output: Output, actor: "User") -> str | None:
    """Say why this person is not one who judges this output, whatever its state."""
    return (
        is_not_own(output, actor) or is_reviewer(output, actor) or is_of_another_organisation(output, actor)
    )


@once
def clearances_of(output: Output, actor: "User") -> list[Clearance]:
    """Return the clearances that this person may give or refuse."""
    rows = standing.clearances(output).select_related("organisation")
    return [row for row in rows if _speaks_for(actor, row)]


def _speaks_for(actor: "User", row: Clearance) -> bool:
    if row.organisation.is_operating_group:
        return actor.has_role(Role.OPERATING_GROUP, row.organisation)
    return any(actor.has_role(role, row.organisation) for role in REVIEWERS)


def why_not_clear(output: Output, actor: "User", at: dt.datetime) -> list[str]:
    """Say why this person cannot clear or return this output now; an empty list means they can."""
    if output.status != OutputStatus.IN_REVIEW:
        return [f"Not possible while the status is “{output.get_status_display()}”."]
    if why := why_not_judge(output, actor):
        return [why]
    if vote_of(output, actor).cleared_at:
        return ["Your organisation has cleared it."]
    return access.why_not(actor, "review_output", output.project, "output", at)


def why_not_return(output: Output, actor: "User", at: dt.datetime) -> list[str]:
    """Say why this person cannot return this output now; who has cleared it may still think better of it."""
    if output.status != OutputStatus.IN_REVIEW:
        return [f"Not possible while the status is “{output.get_status_display()}”."]
    if why := why_not_judge(output, actor):
        return [why]
    return access.why_not(actor, "review_output", output.project, "output", at)


def vote_of(output: Output, actor: "User") -> Clearance:
    """Return the clearance that this person gives: one each, for one party, also of who speaks for two."""
    rows = clearances_of(output, actor)
    given = [row for row in rows if row.decided_by_id == actor.pk]
    waiting = [row for row in rows if row.cleared_at is None]
    at_home = [row for row in waiting if row.organisation_id == actor.organisation_id]
    return (given or at_home or waiting or rows)[0]


def why_not_look(found: OutputCheck, actor: "User", at: dt.datetime) -> list[str]:
    """Say why this person may not see the true counts: the author may, and those who must judge it."""
    output = found.output
    if found.project_id != output.project_id:
        return ["This check and its output are of different projects."]
    if is_author(output, actor) is None:
        return [SEALED] if standing.safe_table_of(output) else []
    if output.status in (OutputStatus.UPLOADED, OutputStatus.CHECKED, OutputStatus.WITHDRAWN):
        return ["Only the author can look at it before it is sent to the agencies."]
    if is_reviewer(output, actor) is None:
        return []
    return ["Only the author and the reviewers can look at the counts."]


def why_no_package(output: Output, actor: "User", at: dt.datetime) -> list[str]:
    """Say why there is no package: only what is released is handed out."""
    return [] if output.status == OutputStatus.RELEASED else ["It is not released."]
