"""Questions about completeness or accuracy: asked in time, forwarded, replied to, answered (O-75)."""

import datetime as dt
from typing import TYPE_CHECKING, Final

from django.db import transaction

from matching import checks, lifecycle, question_checks, standing
from matching.models import Delivery, Outcome, Question, Topic
from matching.services import promising
from p20win.accounts.public import Organisation, Role, hub, operating_group
from p20win.audit.public import first_in_line
from p20win.deadlines import public as deadlines
from p20win.refusal import Blocked
from p20win.workflow import create, take

if TYPE_CHECKING:
    from p20win.accounts.models import User

ANSWER: Final = "question-answer"


@transaction.atomic
def ask(delivery: Delivery, *, topic: str, text: str, by: "User", at: dt.datetime) -> Question:
    """Ask the operating group about a version, within the time the agreement gives.

    :raises Blocked: if the time is over, the person is not of the recipient, or asks nothing
    """
    first_in_line()
    if reasons := checks.why_not_ask(delivery, by, at):
        raise Blocked(reasons)
    if not text.strip():
        raise Blocked("Write what you saw and what you expected.")
    row = Question(
        delivery=delivery,
        number=delivery.questions.count() + 1,
        topic=Topic(topic),
        text=text.strip(),
        asked_by=by,
        asked_at=at,
        status_since=at,
    )
    create("question.asked", row, by=by, at=at, details={"number": row.number, "topic": str(row.topic)})
    deadlines.start(
        ANSWER,
        subject=row,
        project=delivery.project,
        at=at,
        by=by,
        waiting_on_role=Role.OPERATING_GROUP,
        waiting_on_organisation=operating_group(),
        where=delivery.get_absolute_url(),
    )
    return row


def may_be_asked(question: Question) -> list[Organisation]:
    """Return those to whom a question can be forwarded: the hub and the agencies of the match."""
    return list({each.pk: each for each in (hub(), *standing.agencies(question.delivery.project))}.values())


def forward(question: Question, *, to: Organisation, note: str = "", by: "User", at: dt.datetime) -> Question:
    """Forward a question to the agency or the hub that can tell.

    :raises Blocked: if it is answered, the person is not of the operating group, or the other has no part
    """
    if to not in may_be_asked(question):
        raise Blocked(f"{to.short_name} has no part in this match.")
    return take(
        lifecycle.FORWARD,
        question,
        by=by,
        at=at,
        details={"to": to.slug},
        with_organisation=to,
        forwarded_note=note.strip(),
    )


def reply(question: Question, *, text: str, by: "User", at: dt.datetime) -> Question:
    """Tell the operating group what one's organisation knows.

    :raises Blocked: if it was not forwarded to this person's organisation, or nothing is said
    """
    if not text.strip():
        raise Blocked("Write what your organisation knows about it.")
    return take(lifecycle.REPLY, question, by=by, at=at, reply=text.strip(), replied_by=by)


@transaction.atomic
def answer(question: Question, *, text: str, outcome: str, by: "User", at: dt.datetime) -> Question:
    """Answer the recipient, and say what follows: nothing more, a new version, or another match.

    A new version that is promised waits for the hub, with a clock of its own.

    :raises Blocked: if it is answered, the person is not of the operating group, nothing is said, or what
        shall follow is not possible any more
    """
    first_in_line()
    if not text.strip() or outcome not in Outcome.values:
        raise Blocked("Write the answer, and choose what follows from it.")
    if why := question_checks.why_not_lead_to(question, outcome, at):
        raise Blocked(why)
    row = take(
        lifecycle.ANSWER,
        question,
        by=by,
        at=at,
        details={"outcome": outcome},
        answer=text.strip(),
        answered_by=by,
        outcome=outcome,
    )
    deadlines.meet(ANSWER, subject=row, at=at, by=by)
    if row.outcome == Outcome.REPLACEMENT:
        promising.promise(row, by=by, at=at)
    return row
