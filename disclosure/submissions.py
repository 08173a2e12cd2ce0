"""A package of outputs: files that go with one another, checked beside those before, sent all at once."""

import datetime as dt
from typing import TYPE_CHECKING, Final

from django.db.models import QuerySet

from disclosure import checks
from disclosure.models import Output, OutputStatus, Submission
from p20win.refusal import Blocked
from p20win.workflow import amend, create

if TYPE_CHECKING:
    from p20win.accounts.models import User

_NOT_SENT: Final = (OutputStatus.UPLOADED, OutputStatus.CHECKED, OutputStatus.RETURNED)
_OF_EACH: Final = (
    checks.is_protected_or_in_doubt,
    checks.rules_are_those_of_its_check,
    checks.knows_what_is_known_now,
    checks.stands_beside_others,
    checks.people_stand_as_in_its_check,
)


def others(output: Output) -> QuerySet[Output]:
    """Return the other outputs of its package, in the order in which they were submitted."""
    if output.submission_id is None:
        return Output.objects.none()
    rows = Output.objects.filter(submission=output.submission_id).exclude(pk=output.pk)
    return rows.exclude(status=OutputStatus.WITHDRAWN).order_by("pk")


def not_sent(output: Output) -> list[Output]:
    """Return the outputs of its package that the agencies do not read yet, itself among them, in order."""
    rows = others(output).filter(status__in=_NOT_SENT).select_related("project", "author")
    return sorted([output, *rows], key=lambda each: each.pk)


def open_to(output: Output, actor: "User", at: dt.datetime) -> QuerySet[Output]:
    """Return the others of its package that this person may confirm now."""
    rows = [other.pk for other in others(output) if not checks.why_not_clear(other, actor, at)]
    return others(output).filter(pk__in=rows)


def why_not_join(output: Output, actor: "User") -> list[str]:
    """Say why this person may not submit another file that goes with an output."""
    if output.is_trial:
        return ["It is a self-check. Submit it first."]
    if output.status not in _NOT_SENT:
        return [
            f"“{output.title}” cannot be added to: its status is “{output.get_status_display()}”. Submit"
            " the file by itself."
        ]
    return [why for why in (checks.is_author(output, actor),) if why]


def joined(output: Output, *, by: "User", at: dt.datetime) -> Submission:
    """Return the package of an output, begun now if it had none. The caller holds a transaction.

    :raises Blocked: if this person may not add to it
    """
    output = Output.objects.select_for_update(no_key=True, of=("self",)).get(pk=output.pk)
    if reasons := why_not_join(output, by):
        raise Blocked(reasons)
    if output.submission is not None:
        return output.submission
    row = Submission(project=output.project, author=output.author, begun_at=at)
    submission = create("submission.begun", row, by=by, at=at, details={"output": str(output.pk)})
    amend("output.joined", output, by=by, at=at, submission=submission)
    return submission


def others_are_ready(output: Output, actor: "User") -> str | None:
    """All that goes with it can be sent, too: the agencies read a package as a whole."""
    told = [
        f"“{other.title}” goes with it. {why}"
        for other in not_sent(output)
        if other.pk != output.pk and (why := _why_not_sent(other, actor))
    ]
    return " ".join(told) or None


def _why_not_sent(other: Output, actor: "User") -> str | None:
    if other.status == OutputStatus.UPLOADED:
        return "The vault is still checking it."
    if other.status == OutputStatus.RETURNED:
        return "It came back: send a corrected file for it, or withdraw it."
    return next((why for check in _OF_EACH if (why := check(other, actor))), None)
