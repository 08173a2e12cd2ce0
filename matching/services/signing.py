"""What the parties say of a result: optimal, signed; or not, and why."""

import datetime as dt
from typing import TYPE_CHECKING, Final

from django.db import transaction

from agreements import public as agreements
from matching import checks, lifecycle, timing
from matching.models import Match, MatchStatus
from matching.services import choosing, delivering, hastening, opening
from matching.services.choosing import AGREEMENT
from p20win import access
from p20win.accounts.public import system_user
from p20win.audit.public import first_in_line
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.refusal import Blocked
from p20win.workflow import amend, take

if TYPE_CHECKING:
    from p20win.accounts.models import User

INTENT: Final = (
    "By typing my name I agree for {organisation} that the result of this match, as its report describes it,"
    " is optimal."
)
TEXT_VERSION: Final = "1"
DESTRUCTION: Final = timing.DESTRUCTION


@transaction.atomic
def agree(match: Match, *, by: "User", typed_name: str, password: str, at: dt.datetime) -> Match:
    """Agree for one's party that the match is optimal. The last word signs the match off (O-70).

    From then the clock of the inputs' destruction runs, and the extract is prepared.

    :raises Blocked: if there is no result, the person speaks for no party, or did not prove who they are
    """
    first_in_line()
    match = Match.objects.select_for_update().get(pk=match.pk)
    if reasons := checks.why_not_agree(match, by, at):
        raise Blocked(reasons)
    for row in checks.signoffs_of(match, by):
        if row.signature_id:
            continue
        signature = agreements.sign(
            signer=by,
            organisation=row.organisation,
            capacity="data recipient" if row.is_recipient else "participating agency",
            project=match.project,
            document_kind="match_report",
            document_id=row.pk,
            document_digest=row.run.report_digest,
            text_version=TEXT_VERSION,
            intent=INTENT.format(organisation=row.organisation.legal_name),
            typed_name=typed_name,
            password=password,
            at=at,
        )
        details = {"organisation": row.organisation.slug, "report": row.run.report_digest}
        amend("match.agreed", row, by=by, at=at, signature=signature, details=details)
        deadlines.meet(AGREEMENT, subject=row, at=at, by=by)
    if checks.every_party_agrees(match, by) is None:
        match = _sign_off(match, by=by, at=at)
    return match


def _sign_off(match: Match, *, by: "User", at: dt.datetime) -> Match:
    match = take(
        lifecycle.SIGN_OFF,
        match,
        by=by,
        at=at,
        signed_off_at=at,
        destruction_rules=hastening.derivation(match, start=at),
    )
    # Nothing is linked any more, so what came now could not be used.
    opening.close_uploads(match, at=at, note="Every party agreed to the result.")
    start_destruction(match, at=at)
    delivering.prepare(match, by=by, at=at)
    return match


def start_destruction(match: Match, *, at: dt.datetime) -> None:
    """Start the clock of the inputs of a match that came to its end, with a result or without."""
    _, rule = hastening.destruction_rule(match)
    deadlines.start(
        DESTRUCTION,
        subject=match,
        project=match.project,
        at=at,
        by=system_user(),
        rule=rule,
        where=match.get_absolute_url(),
    )
    custody.hold_clocks(match.project, by=system_user(), at=at)


@transaction.atomic
def reject(match: Match, *, reasons: str, by: "User", at: dt.datetime) -> Match:
    """Say for one's party that the match is not optimal; it is ready to be linked again (O-70).

    :raises Blocked: if there is no result, the person speaks for no party, or gives no reasons
    """
    first_in_line()
    match = Match.objects.select_for_update().get(pk=match.pk)
    refused = [] if match.status == MatchStatus.LINKED else [f"The match is “{match.get_status_display()}”."]
    mine = checks.signoffs_of(match, by)
    if not mine:
        refused.append("Only a representative of a party can say that a match is not optimal.")
    if not reasons.strip():
        refused.append("Say what should be better.")
    refused += access.why_not(by, "sign_off", match.project, "key", at)
    if refused:
        raise Blocked(refused)
    for row in mine:
        if row.signature_id is None:
            details = {"organisation": row.organisation.slug}
            amend(
                "match.word_refused",
                row,
                by=by,
                at=at,
                details=details,
                rejected_at=at,
                rejected_by=by,
                reasons=reasons.strip(),
            )
    choosing.ask_no_more(match, by=by, at=at, note="The match is linked again.")
    return take(lifecycle.REJECT, match, by=by, at=at, note=reasons.strip())
