"""The table of a request's steps."""

from typing import Final

from p20win.accounts.public import is_operating_group, is_system
from p20win.workflow import Step
from requests_app import checks
from requests_app.vocabulary import Status

SUBMIT: Final = Step(
    event="request.submitted",
    sources=frozenset({Status.DRAFT}),
    target=Status.SUBMITTED,
    checks=(checks.is_own, checks.is_complete),
    label="Sign and submit",
)
RESUBMIT: Final = Step(
    event="request.resubmitted",
    sources=frozenset({Status.RETURNED, Status.CONDITIONAL}),
    target=Status.SUBMITTED,
    checks=(checks.is_own, checks.is_complete, checks.drops_what_was_refused),
    label="Sign and submit again",
)
RETURN: Final = Step(
    event="request.returned",
    sources=frozenset({Status.SUBMITTED}),
    target=Status.RETURNED,
    checks=(is_operating_group, checks.is_not_own, checks.is_commented),
    label="Send back to the requestor",
)
SEND: Final = Step(
    event="request.sent_to_agencies",
    sources=frozenset({Status.SUBMITTED}),
    target=Status.WITH_AGENCIES,
    checks=(is_operating_group, checks.is_not_own, checks.is_complete),
    label="Complete: send to the agencies",
)
APPROVE: Final = Step(
    event="request.approved",
    sources=frozenset({Status.WITH_AGENCIES}),
    target=Status.APPROVED,
    checks=(is_system, checks.every_agency_approved),
    label="Approved when the last agency approves",
)
CONDITION: Final = Step(
    event="request.conditional",
    sources=frozenset({Status.WITH_AGENCIES}),
    target=Status.CONDITIONAL,
    checks=(is_system, checks.every_agency_decided),
    label="More is needed",
)
DISAPPROVE: Final = Step(
    event="request.disapproved",
    sources=frozenset({Status.WITH_AGENCIES}),
    target=Status.DISAPPROVED,
    checks=(is_system, checks.every_agency_decided),
    label="Disapproved",
)
WITHDRAW: Final = Step(
    event="request.withdrawn",
    sources=frozenset(
        {Status.DRAFT, Status.SUBMITTED, Status.RETURNED, Status.WITH_AGENCIES, Status.CONDITIONAL}
    ),
    target=Status.WITHDRAWN,
    checks=(checks.is_own,),
    label="Withdraw the request",
)
STEPS: Final = (SUBMIT, RESUBMIT, RETURN, SEND, APPROVE, CONDITION, DISAPPROVE, WITHDRAW)

# An agency's decision moves no status by itself; it is asked "why not" like a step.
DECIDE: Final = Step(
    event="decision.made",
    sources=frozenset({Status.WITH_AGENCIES}),
    target=Status.WITH_AGENCIES,
    checks=(checks.decides_for_an_agency, checks.is_not_own, checks.has_not_decided),
    label="Sign the decision",
)


def submission(status: str) -> Step:
    """Return the step that submits a request of this status."""
    return RESUBMIT if status in RESUBMIT.sources else SUBMIT
