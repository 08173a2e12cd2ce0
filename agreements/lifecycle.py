"""The table of an agreement's steps."""

from typing import Final

from agreements import checks
from agreements.models import AgreementStatus
from p20win.accounts.public import any_of, is_operating_group, is_system
from p20win.workflow import Step

ISSUE: Final = Step(
    event="agreement.issued",
    sources=frozenset({AgreementStatus.DRAFT}),
    target=AgreementStatus.SIGNING,
    checks=(
        is_operating_group,
        checks.has_text,
        checks.has_two_agencies,
        checks.says_what_law_requires,
        checks.emou_of_all_in_force,
    ),
    label="Send out for signature",
)
ENTER_INTO_FORCE: Final = Step(
    event="agreement.in_force",
    sources=frozenset({AgreementStatus.SIGNING}),
    target=AgreementStatus.IN_FORCE,
    checks=(checks.every_party_has_signed,),
    label="Enter into force",
)
VOID: Final = Step(
    event="agreement.voided",
    sources=frozenset({AgreementStatus.DRAFT, AgreementStatus.SIGNING}),
    target=AgreementStatus.VOID,
    checks=(is_operating_group,),
    label="Void this version",
)
END: Final = Step(
    event="agreement.ended",
    sources=frozenset({AgreementStatus.IN_FORCE}),
    target=AgreementStatus.ENDED,
    checks=(any_of(is_operating_group, is_system),),
    label="End the agreement",
)
STEPS: Final = (ISSUE, ENTER_INTO_FORCE, VOID, END)
