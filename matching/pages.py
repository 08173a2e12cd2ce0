"""What the pages of this desk show, gathered for one person."""

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from django.utils.safestring import SafeString

from agreements import public as agreements
from matching import (
    abandonment_shown,
    checks,
    destruction_shown,
    keeping_shown,
    lifecycle,
    reopening_checks,
    reviewed,
    selectors,
    standing,
    supplier_checks,
)
from matching.engine import page, page_words, questions
from matching.engine.encoded import NO_REVIEW
from matching.models import (
    Delivery,
    ExpectedFile,
    Match,
    MatchRun,
    MatchStatus,
    QualityQuestion,
    ReviewSample,
)
from p20win.accounts.public import Role
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.jobs import public as jobs
from p20win.workflow import blockers

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation, User

_GONE: Final = (
    custody.FileStatus.GIVEN_UP,
    custody.FileStatus.SET_ASIDE,
    custody.FileStatus.DESTROYED,
)
ENCODED: Final = f"The agencies send keyed encodings in place of identifiers. {NO_REVIEW}"


def detail(match: Match, person: "User", at: dt.datetime) -> dict[str, Any]:
    """Return what the page of a match shows."""
    run, result = standing.latest_run(match), standing.latest_result(match)
    delivery = match.deliveries.select_related("project", "extract").order_by("-version").first()
    terms = standing.terms(match)
    is_hub = person.has_role(Role.HUB_STAFF)
    expected = list(selectors.expected(match))
    return {
        "match": match,
        "lead": lead(match),
        "files": _files(match, expected, person),
        **suppliers(match, person),
        "not_asked": _not_asked(expected),
        "instructed": _instructed(expected, person, is_hub=is_hub),
        "runs": match.runs.select_related("method", "started_by", "link_spec", "outdated_by__expected__slot"),
        "rejections": standing.rejections(match),
        "reopenings": [r for r in standing.reopenings(match) if supplier_checks.knows_of(r.expected, person)],
        "job": _job(match, run, delivery),
        "result": result,
        "sample": _sample(result) if is_hub else None,
        "words": standing.signoffs(result) if result else [],
        "may_speak": bool(checks.signoffs_of(match, person)),
        "why_not_agree": checks.why_not_agree(match, person, at),
        "may_reject": any(row.signature_id is None for row in checks.signoffs_of(match, person)),
        "is_hub": is_hub,
        "why_not_start": blockers(lifecycle.START, match, person) if is_hub else [],
        "ending": abandonment_shown.ending(match, person, at),
        "destroying": destruction_shown.destruction(match, person, at),
        "keeping": keeping_shown.keeping_of(match, person, at),
        "repeat": selectors.repeat_of(match.project),
        "may_repeat": checks.arranges(person) and standing.recurs(match.project),
        "holds": custody.holds_in_force(match.project),
        "may_ask_hold": checks.looks_after_holds(person),
        "delivery": delivery,
        "terms": terms,
        "encoding": ENCODED if standing.encoding(match) else "",
        "may_describe": not checks.why_not_describe(match, person),
        "wants_rerun": selectors.wants_rerun(match.project) and not checks.runs_deliveries(match, person),
        "attestations": match.attestations.select_related("organisation", "signature"),
        "may_download": delivery is not None and person.has_perm("projects.download_extract", match.project),
        "clocks": deadlines.open_of_project(match.project).filter(
            slug__in=["destruction-hour", "input-destruction", "download", "data-destruction"]
        ),
        "destructions": custody.destructions(match.project),
    }


def _sample(result: MatchRun | None) -> dict[str, Any] | None:
    """Return how the review of a result stands, if pairs were drawn of it."""
    sample = ReviewSample.objects.filter(run=result).first()
    return {"row": sample, **reviewed.progress(reviewed.pairs(sample))} if sample else None


def _files(match: Match, expected: list[ExpectedFile], person: "User") -> list[dict[str, Any]]:
    """Return the expected files that a person is told of; only their own people and the hub look at one."""
    own = set(custody.visible_slots(person).filter(project=match.project).values_list("pk", flat=True))
    known = [row for row in expected if supplier_checks.knows_of(row, person)]
    rows = sorted(known, key=lambda row: (row.agency.short_name, not row.is_required))
    return [_file(row, person, may_look=row.slot_id in own) for row in rows]


def suppliers(match: Match, person: "User") -> dict[str, Any]:
    """Return whom the match invited, for those who run the process, and which lists an agency is to send."""
    if not checks.arranges(person):
        return {"invitations": [], "may_invite": False, "may_withdraw": False}
    may = not supplier_checks.why_not_invite(match, person)
    return {
        "invitations": [
            (row, "" if row.is_open else custody.why_over(row)) for row in standing.ever_invited(match)
        ],
        "may_withdraw": may,
        "may_invite": may and supplier_checks.lists_to_invite_for(match).exists(),
    }


def _instructed(expected: list[ExpectedFile], person: "User", *, is_hub: bool) -> "list[Organisation]":
    """Return the agencies whose extract instructions a person reads, of those that send files (O-125)."""
    everybody = [row.agency for row in expected if row.kind == custody.DataClass.MATCHING]
    everybody.sort(key=lambda agency: agency.short_name)
    if is_hub:
        return everybody
    own = [agency for agency in everybody if agency.pk == person.organisation_id]
    return own or (everybody if person.has_role(Role.OPERATING_GROUP) else [])


def _not_asked(expected: list[ExpectedFile]) -> list[str]:
    """Return the agencies whose approved SSN was not asked for, as nothing needs it (O-105)."""
    rows = [row for row in expected if row.kind == custody.DataClass.MATCHING]
    return sorted(row.agency.short_name for row in rows if row.slot.spec.get("not_asked"))


def _file(row: ExpectedFile, person: "User", *, may_look: bool) -> dict[str, Any]:
    files: list[custody.SealedFile] = row.slot.latest_files  # type: ignore[attr-defined]  # prefetched
    # One that was closed and is removed only now is no newer than the one that was sent in its place.
    latest = next((file for file in files if file.status not in _GONE), None)
    if latest is None and row.slot.status == custody.SlotStatus.FILLED:
        latest = files[0] if files else None
    return {
        "row": row,
        "kind": "List of consents" if row.is_consent else custody.DataClass(row.kind).label,
        "latest": latest,
        "may_look": may_look,
        "sender": _sender(row),
        "is_mine": person.organisation_id == row.slot.supplier_id,
        "may_reopen": row.slot.status == custody.SlotStatus.FILLED
        and person.has_role(Role.HUB_STAFF)
        and row.match.status in reopening_checks.WHILE,
    }


def _sender(row: ExpectedFile) -> str:
    """Say of a list of identifiers who sends it, if that is not plain."""
    if row.kind != custody.DataClass.IDENTIFIER_LIST or row.is_consent:
        return ""
    if row.slot.invitation_id is not None:
        return "Its supplier was invited and sends it."
    if row.slot.status != custody.SlotStatus.OPEN:
        return ""
    return f"The portal does not know whom to ask at its supplier: {row.agency.short_name} sends it."


def _job(match: Match, run: MatchRun | None, delivery: Delivery | None) -> Any:
    """Return the job that the page follows, if one is under way or has just failed."""
    if match.status == MatchStatus.LINKING and run is not None:
        return jobs.latest("matching.run_match", run_id=run.pk)
    if match.status == MatchStatus.SIGNED_OFF and delivery is not None:
        return jobs.latest("matching.build_extract", delivery_id=delivery.pk)
    return None


def lead(match: Match) -> str:
    """Say in one sentence where a match stands and who has it."""
    match match.status:
        case MatchStatus.COLLECTING:
            waiting = sorted({row.agency.short_name for row in standing.missing(match)})
            return f"Waiting for files of {page_words.listed(waiting)}."
        case MatchStatus.READY:
            return "All files are there. The hub starts the match."
        case MatchStatus.LINKING:
            return "The vault links the files."
        case MatchStatus.LINKED:
            run = standing.latest_result(match)
            rows = standing.signoffs(run) if run else []
            waiting = sorted({row.organisation.short_name for row in rows if row.signature_id is None})
            if not standing.terms(match).limitations:
                return (
                    "The report is ready. The hub describes the limits of the result next; then the parties"
                    " say whether it is optimal."
                )
            return (
                f"The report is ready. {page_words.listed(waiting)} have not said yet whether it is optimal."
            )
        case _:
            return _lead_at_the_end(match)


def _lead_at_the_end(match: Match) -> str:
    match match.status:
        case MatchStatus.SIGNED_OFF:
            if not standing.terms(match).limitations:
                return (
                    "Every party agreed. The extract waits for the hub to describe the limits of the result."
                )
            return "Every party agreed. The extract is being prepared."
        case MatchStatus.DELIVERED:
            return "The extract is with the recipient. The input files wait for their destruction."
        case MatchStatus.ABANDONED:
            return "The match has ended without a result. The input files wait for their destruction."
        case _:
            without = "The match has ended without a result. " if match.abandoned_at else ""
            return f"{without}The input files at the hub are destroyed."


def report_pdf(run: MatchRun) -> bytes:
    """Return the report of a run as a paper, with the parties' words and what people judged by now.

    :raises MustWait: if the system libraries for papers are missing
    """
    context = report(run) | {"words": standing.signoffs(run)}
    return agreements.make_paper("documents/match_report.html", context)


def _judged(run: MatchRun) -> dict[str, Any]:
    """Return what the review says of a run by now, and the answers about its quality."""
    sample = ReviewSample.objects.filter(run=run).first()
    answered = {row.question: row for row in run.answers.select_related("answered_by")}
    numbers = {each.slug: each.says for each in questions.answers(run.report or {})}
    answers = [(label, answered.get(value), numbers[value]) for value, label in QualityQuestion.choices]
    told: dict[str, Any] = {"answers": answers, "sample": sample}
    if sample is None:
        return told
    estimate, (kappa, both) = reviewed.estimate(sample), reviewed.agreement(run.match)
    return told | {
        "reviewed": estimate.reviewed,
        "reviewed_precision": reviewed.interval(estimate.precision),
        "reviewed_missed": reviewed.interval(
            estimate.missed, least=standing.min_cell_count(run.match.project)
        ),
        "kappa": kappa,
        "both": len(both),
    }


def report(run: MatchRun) -> dict[str, Any]:
    """Return what the page of a report shows: its parts as the engine tells them, and what people said."""
    told: dict[str, Any] = run.report or {}
    parts = [
        {"slug": part.slug, "title": part.title, "body": SafeString(part.body)}
        for part in page.sections(told)
        if part.slug != page.QUESTIONS  # answered by people here
    ]
    return {
        "run": run,
        "match": run.match,
        "encoded": told.get("encoded"),
        "ran": parts[0],
        "parts": parts[1:],
        **_judged(run),
    }


def rate(entry: dict[str, Any]) -> dict[str, Any]:
    """Return a match rate with its count and share as words."""
    return entry | {"shown": page_words.count(entry), "rate": page_words.percent(page_words.share(entry))}
