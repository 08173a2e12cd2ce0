"""The quality of data: answers to the questions about a run, and the log of issues (O-112)."""

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction

from matching import checks, lifecycle, standing
from matching.engine import questions
from matching.models import MatchRun, QualityAnswer, QualityIssue, QualityQuestion, RunStatus
from p20win.accounts.public import Organisation, is_operating_group
from p20win.audit.public import first_in_line
from p20win.refusal import Blocked
from p20win.workflow import amend, create, take

if TYPE_CHECKING:
    from p20win.accounts.models import User


@transaction.atomic
def answer(run: MatchRun, answers: Mapping[str, str], *, by: "User", at: dt.datetime) -> list[QualityAnswer]:
    """Write the hub's answers about a run; what did not change is left as it is, what is empty too.

    :raises Blocked: if the person may not, or every party has agreed to the match
    """
    first_in_line()
    if reasons := why_not_answer(run, by):
        raise Blocked(reasons)
    known = {row.question: row for row in run.answers.all()}
    done = []
    for question in QualityQuestion.values:
        text = answers.get(question, "").strip()
        row = known.get(question)
        if not text or (row is not None and row.text == text):
            continue
        details = {"question": question}
        if row is None:
            fresh = QualityAnswer(run=run, question=question, text=text, answered_by=by, answered_at=at)
            done.append(create("quality.answered", fresh, by=by, at=at, details=details))
        else:
            done.append(
                amend(
                    "quality.answer_changed",
                    row,
                    by=by,
                    at=at,
                    details=details,
                    text=text,
                    answered_by=by,
                    answered_at=at,
                )
            )
    return done


def why_not_answer(run: MatchRun, person: "User") -> list[str]:
    """Say why the questions about a run cannot be answered now; an empty list means they can."""
    reasons = [why] if (why := checks.runs_matches(run.match, person)) else []
    if run.status != RunStatus.DONE:
        reasons.append("This run has no result to judge.")
    if run.match.status in standing.AFTER_SIGN_OFF:
        reasons.append("Every party has agreed to the match; its answers do not change any more.")
    return reasons


def told_by_the_run(report: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Return what the run's own report says to each question: where numbers settle it, and where staff must.

    The first is there to begin from; the second stands beside the questions that are answered in words alone.
    """
    begin: dict[str, str] = {}
    beside: dict[str, str] = {}
    for each in questions.answers(report) if report else ():
        (beside if each.staff else begin)[each.slug] = "\n".join(each.says)
    return begin, beside


# --- the log of issues


def raise_issue(
    source: Organisation,
    *,
    element: str,
    years: str,
    title: str,
    description: str,
    advice: str,
    by: "User",
    at: dt.datetime,
) -> QualityIssue:
    """Write an issue into the log. Everybody who asks for data reads it.

    :raises Blocked: by anyone but the operating group
    """
    if why := is_operating_group(source, by):
        raise Blocked(why)
    row = QualityIssue(
        source=source,
        element=element.strip(),
        years=years.strip(),
        title=title.strip(),
        description=description.strip(),
        advice=advice.strip(),
        status_since=at,
        raised_by=by,
        raised_at=at,
    )
    return create("quality_issue.raised", row, by=by, at=at, details={"source": source.slug})


def resolve(row: QualityIssue, *, resolution: str, by: "User", at: dt.datetime) -> QualityIssue:
    """Note that an issue is resolved, and how; it stays in the log.

    :raises Blocked: by anyone but the operating group, or without a word how
    """
    if not resolution.strip():
        raise Blocked("Say how it was resolved, and since when.")
    return take(lifecycle.RESOLVE_ISSUE, row, by=by, at=at, resolution=resolution.strip())


def reopen(row: QualityIssue, *, by: "User", at: dt.datetime) -> QualityIssue:
    """Note that an issue is there again.

    :raises Blocked: by anyone but the operating group
    """
    return take(lifecycle.REOPEN_ISSUE, row, by=by, at=at)
