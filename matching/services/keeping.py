"""Keeping the inputs of a match longer: proposed by hub or operating group, signed by every party (O-65).

The clock runs on until the last party has signed. Then it moves to the agreed day for all inputs and copies.
"""

import datetime as dt
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.template.loader import render_to_string

from agreements import public as agreements
from matching import keeping_checks, lifecycle, timing
from matching.models import Keeping, KeepingWord, Match
from matching.services import keeping_ends, ordering
from matching.services.keeping_ends import WORD
from p20win.accounts.public import Role, people_with_role, system_user
from p20win.audit.public import first_in_line
from p20win.deadlines import public as deadlines
from p20win.projects import public as projects
from p20win.refusal import Blocked
from p20win.workflow import Step, amend, create, take

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation, User

INTENT: Final = (
    "By typing my name I agree for {organisation} that the input files of this match are kept as the text"
    " above says, and affirm that I have the authority to bind it."
)
TEXT_VERSION: Final = "1"
KIND: Final = "inputs_kept_longer"
ALL_SIGNED: Final = "Every party signed to keep the inputs longer."


def moments(match: Match, until: dt.date | None) -> dict[str, timing.Timing]:
    """Return the moments of the destruction as they are, and with a day as they would be.

    :raises Blocked: if no clock runs
    """
    clock = keeping_checks.clock_of(match)
    if clock is None:
        raise Blocked("No clock runs for these inputs.")
    closed = deadlines.calendar_of(clock)
    found = {"before": timing.timing(clock, closed)}
    return found | {"after": timing.as_agreed(clock, until, closed)} if until else found


def why_not(
    match: Match, *, until: dt.date, reason: str, allowed_in: str, by: "User", at: dt.datetime
) -> list[str]:
    """Say why exactly this cannot be proposed now; an empty list means it can."""
    reasons = keeping_checks.why_not_propose(match, by, at)
    reasons = reasons or keeping_checks.why_not_until(match, until, at)
    if not reason.strip():
        reasons.append("Say why. Every party reads it.")
    if not allowed_in.strip():
        reasons.append("Name the part of the agreement that allows it.")
    return reasons


@transaction.atomic
def propose(
    match: Match, *, until: dt.date, reason: str, allowed_in: str, by: "User", at: dt.datetime
) -> Keeping:
    """Propose to every party that the inputs be kept until the end of a day. No clock moves by that.

    :raises Blocked: if the person may not, the clock cannot be moved, the day is too early or too late, or
        something is not said
    """
    match = _locked(match)
    if reasons := why_not(match, until=until, reason=reason, allowed_in=allowed_in, by=by, at=at):
        raise Blocked(reasons)
    asked = keeping_checks.parties(match, at)
    said: dict[str, Any] = {"until": until, "reason": reason.strip(), "allowed_in": allowed_in.strip()}
    text = _text(match, asked, **said)
    row = Keeping(
        match=match,
        text=text,
        digest=sha256(text.encode()).hexdigest(),
        was_due_at=moments(match, until)["before"].due_at,
        proposed_by=by,
        proposed_at=at,
        status_since=at,
        **said,
    )
    details = {"until": until.isoformat(), "was_due": row.was_due_at.isoformat(), "text": row.digest}
    row = create("keeping.proposed", row, by=by, at=at, note=row.reason, details=details)
    for organisation, supplies in asked:
        word = KeepingWord(keeping=row, organisation=organisation, supplies=supplies)
        create("keeping.word_asked", word, by=by, at=at, details={"organisation": organisation.slug})
        # All signatories of a party must be able to see what they are asked to sign.
        for signatory in people_with_role(Role.SIGNATORY, organisation):
            projects.open_to_person(match.project, signatory, ["view_project"])
    keeping_ends.ask_for_words(row, by=by, at=at)
    return row


def _text(match: Match, asked: list[tuple["Organisation", bool]], *, until: dt.date, **said: str) -> str:
    """Return what the parties sign, as it is shown to them."""
    clock = keeping_checks.clock_of(match)
    context = {
        "match": match,
        "asked": asked,
        "until": until,
        "clock": clock,
        **said,
        **moments(match, until),
    }
    return render_to_string("matching/keeping_text.txt", context).strip() + "\n"


@transaction.atomic
def sign(keeping: Keeping, *, by: "User", typed_name: str, password: str, at: dt.datetime) -> Keeping:
    """Agree for one's party. With the last one the clock moves, and an order that has not begun is withdrawn.

    :raises Blocked: if it does not wait for this person's party, the clock cannot be moved any more, or the
        person did not prove who they are
    """
    match = _locked(keeping.match)
    keeping = _whole(keeping)
    if reasons := keeping_checks.why_not_sign(keeping, by, at):
        raise Blocked(reasons)
    for word in keeping_checks.words_of(keeping, by):
        if word.signature_id:
            continue
        signature = agreements.sign(
            signer=by,
            organisation=word.organisation,
            capacity="supplier of inputs" if word.supplies else "party of the agreement",
            project=match.project,
            document_kind=KIND,
            document_id=word.pk,
            document_digest=keeping.digest,
            text_version=TEXT_VERSION,
            intent=INTENT.format(organisation=word.organisation.legal_name),
            typed_name=typed_name,
            password=password,
            at=at,
        )
        details = {"organisation": word.organisation.slug, "text": keeping.digest}
        amend("keeping.signed", word, by=by, at=at, details=details, signature=signature)
        deadlines.meet(WORD, subject=word, at=at, by=by)
    if keeping_checks.every_party_signed(keeping, by) is None:
        keeping = _move(match, keeping, by=by, at=at)
    return keeping


def _move(match: Match, keeping: Keeping, *, by: "User", at: dt.datetime) -> Keeping:
    """Move the clock to the agreed day; what was ordered and has not begun is withdrawn."""
    details = {"until": keeping.until.isoformat(), "was_due": keeping.was_due_at.isoformat()}
    keeping = take(lifecycle.AGREE_KEEPING, keeping, by=by, at=at, details=details)
    order = ordering.order_of(match)
    if order is not None:
        ordering.withdraw(order, reason=ALL_SIGNED, by=system_user(), at=at)
    deadlines.extend(
        timing.DESTRUCTION,
        match,
        until=keeping.until,
        basis=deadlines.Basis.ALL_PARTIES,
        reference=str(keeping.pk),
        at=at,
        by=by,
    )
    return keeping


@transaction.atomic
def refuse(keeping: Keeping, *, reason: str, by: "User", at: dt.datetime) -> Keeping:
    """Refuse for one's party. That ends it for all; the clock runs on as before.

    :raises Blocked: if it does not wait for this person's party, or no reason is given
    """
    _locked(keeping.match)
    keeping = _whole(keeping)
    reasons = keeping_checks.why_not_answer(keeping, by)
    if not reason.strip():
        reasons.append("Say why. Every party reads it.")
    if reasons:
        raise Blocked(reasons)
    said = reason.strip()
    mine = [word for word in keeping_checks.words_of(keeping, by) if word.signature_id is None]
    for word in mine:
        deadlines.meet(WORD, subject=word, at=at, by=by)
    keeping = _end(lifecycle.REFUSE_KEEPING, keeping, why=said, by=by, at=at)
    for word in mine:
        details = {"organisation": word.organisation.slug}
        changes: dict[str, Any] = {"refused_at": at, "refused_by": by, "reason": said}
        amend("keeping.word_refused", word, by=by, at=at, note=said, details=details, **changes)
    return keeping


@transaction.atomic
def withdraw(keeping: Keeping, *, reason: str, by: "User", at: dt.datetime) -> Keeping:
    """Take one's own proposal back. The clock runs on as before.

    :raises Blocked: if it is another's, it does not wait for the parties any more, or no reason is given
    """
    _locked(keeping.match)
    if not reason.strip():
        raise Blocked("Say why it is withdrawn.")
    return _end(lifecycle.WITHDRAW_KEEPING, _whole(keeping), why=reason.strip(), by=by, at=at)


def _end(step: Step, keeping: Keeping, *, why: str, by: "User", at: dt.datetime) -> Keeping:
    keeping = take(step, keeping, by=by, at=at, note=why, why_ended=why)
    keeping_ends.ask_no_more(keeping, by=by, at=at, note=why)
    return keeping


def _whole(keeping: Keeping) -> Keeping:
    return Keeping.objects.select_related("match__project", "proposed_by").get(pk=keeping.pk)


def _locked(match: Match) -> Match:
    first_in_line()
    return Match.objects.select_for_update(of=("self",)).select_related("project").get(pk=match.pk)
