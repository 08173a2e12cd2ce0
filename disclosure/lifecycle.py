"""The table of an output's steps."""

from typing import Final

from disclosure import checks, submissions
from disclosure.models import OutputStatus
from p20win.accounts.public import is_operating_group, is_system
from p20win.workflow import Step

CHECK: Final = Step(
    event="output.checked",
    sources=frozenset({OutputStatus.UPLOADED}),
    target=OutputStatus.CHECKED,
    checks=(is_system, checks.is_protected),
)
CHECK_IN_DOUBT: Final = Step(
    event="output.in_doubt",
    sources=frozenset({OutputStatus.UPLOADED}),
    target=OutputStatus.CHECKED,
    checks=(is_system, checks.is_in_doubt),
)
REFUSE: Final = Step(
    event="output.refused",
    sources=frozenset({OutputStatus.UPLOADED}),
    target=OutputStatus.RETURNED,
    checks=(is_system,),
)
CHECK_AGAIN: Final = Step(
    event="output.check_asked",
    sources=frozenset({OutputStatus.CHECKED, OutputStatus.RETURNED}),
    target=OutputStatus.UPLOADED,
    checks=(checks.is_author, checks.may_still_submit, checks.nobody_returned_it),
    label="Check again",
)
SEND: Final = Step(
    event="output.sent",
    sources=frozenset({OutputStatus.CHECKED}),
    target=OutputStatus.IN_REVIEW,
    checks=(
        checks.is_author,
        checks.may_still_submit,
        checks.is_submitted,
        checks.is_protected_or_in_doubt,
        checks.rules_are_those_of_its_check,
        checks.knows_what_is_known_now,
        checks.stands_beside_others,
        checks.people_stand_as_in_its_check,
        submissions.others_are_ready,
    ),
    label="Send to the agencies",
)
RETURN: Final = Step(
    event="output.returned",
    sources=frozenset({OutputStatus.IN_REVIEW}),
    target=OutputStatus.RETURNED,
    checks=(checks.why_not_judge,),
    label="Return to the author",
)
SEND_NEW_FILE: Final = Step(
    event="output.resubmitted",
    sources=frozenset({OutputStatus.UPLOADED, OutputStatus.CHECKED, OutputStatus.RETURNED}),
    target=OutputStatus.UPLOADED,
    checks=(
        checks.is_author,
        checks.may_still_submit,
        checks.is_no_safe_table,
        checks.nobody_is_at_work,
    ),
    label="Send a corrected file",
)
WITHDRAW: Final = Step(
    event="output.withdrawn",
    sources=frozenset(
        {OutputStatus.UPLOADED, OutputStatus.CHECKED, OutputStatus.IN_REVIEW, OutputStatus.RETURNED}
    ),
    target=OutputStatus.WITHDRAWN,
    checks=(checks.is_author_or_operating_group,),
    label="Withdraw",
)
RELEASE: Final = Step(
    event="output.released",
    sources=frozenset({OutputStatus.IN_REVIEW}),
    target=OutputStatus.RELEASED,
    checks=(
        is_operating_group,
        checks.is_of_an_open_project,
        checks.is_not_own,
        checks.is_protected_or_in_doubt,
        checks.doubts_are_ruled_on,
        checks.rules_are_those_of_its_check,
        checks.knows_what_is_known_now,
        checks.people_stand_as_in_its_check,
        checks.every_party_clears,
        checks.wishes_are_met,
        checks.review_time_is_over,
    ),
    label="Release",
)
STEPS: Final = (CHECK, CHECK_IN_DOUBT, REFUSE, CHECK_AGAIN, SEND, RETURN, SEND_NEW_FILE, WITHDRAW, RELEASE)
