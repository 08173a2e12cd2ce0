"""The table of a closing's steps."""

from typing import Final

from governance import checks
from governance.models import WITHDRAWABLE, ClosingStatus
from p20win.accounts.public import is_system
from p20win.workflow import Step

CONFIRM: Final = Step(
    event="closing.set",
    sources=frozenset({ClosingStatus.ASKED}),
    target=ClosingStatus.SET,
    checks=(
        checks.sees_to_the_end,
        checks.is_not_who_asked,
        checks.one_is_of_the_operating_group,
        checks.nothing_prevents_it,
    ),
    label="Confirm the closing",
)
WITHDRAW: Final = Step(
    event="closing.withdrawn",
    sources=frozenset(WITHDRAWABLE),
    target=ClosingStatus.WITHDRAWN,
    checks=(checks.may_withdraw,),
    label="Withdraw the closing",
)
BEGIN: Final = Step(
    event="closing.begun",
    sources=frozenset({ClosingStatus.SET}),
    target=ClosingStatus.BEGUN,
    checks=(is_system, checks.nothing_prevents_it),
)
FINISH: Final = Step(
    event="closing.done",
    sources=frozenset({ClosingStatus.BEGUN}),
    target=ClosingStatus.DONE,
    checks=(is_system, checks.nothing_is_left),
)
STEPS: Final = (CONFIRM, WITHDRAW, BEGIN, FINISH)
