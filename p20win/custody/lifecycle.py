"""The tables of steps: slots, files, destructions."""

from typing import Final

from p20win.accounts.public import any_of, is_operating_group, is_system
from p20win.custody import checks
from p20win.custody.models import DestructionStatus, FileStatus, SlotStatus
from p20win.workflow import Step

FILL: Final = Step(
    event="slot.filled",
    sources=frozenset({SlotStatus.OPEN}),
    target=SlotStatus.FILLED,
    checks=(is_system,),
)
CLOSE: Final = Step(
    event="slot.closed",
    sources=frozenset({SlotStatus.OPEN}),
    target=SlotStatus.CLOSED,
    checks=(any_of(is_system, is_operating_group, checks.is_of_the_hub),),
    label="Close the upload",
)
SLOT_STEPS: Final = (FILL, CLOSE)

ARRIVE: Final = Step(
    event="file.arrived",
    sources=frozenset({FileStatus.ANNOUNCED}),
    target=FileStatus.ARRIVED,
    checks=(checks.is_of_the_sender,),
)
ACCEPT: Final = Step(
    event="file.accepted",
    sources=frozenset({FileStatus.ARRIVED}),
    target=FileStatus.ACCEPTED,
    checks=(is_system,),
)
REFUSE: Final = Step(
    event="file.refused",
    sources=frozenset({FileStatus.ANNOUNCED, FileStatus.ARRIVED}),
    target=FileStatus.REFUSED,
    checks=(is_system,),
)
DESTROY: Final = Step(
    event="file.destroyed",
    sources=frozenset({FileStatus.ANNOUNCED, FileStatus.ARRIVED, FileStatus.ACCEPTED}),
    target=FileStatus.DESTROYED,
    checks=(),  # the act was decided on when the destruction was asked for
)
FILE_STEPS: Final = (ARRIVE, ACCEPT, REFUSE, DESTROY)

FINISH: Final = Step(
    event="data.destroyed",
    sources=frozenset({DestructionStatus.ASKED}),
    target=DestructionStatus.DONE,
    checks=(is_system,),
)
STEPS: Final = (*SLOT_STEPS, *FILE_STEPS, FINISH)
