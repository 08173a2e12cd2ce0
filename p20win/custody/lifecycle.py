"""The tables of steps: slots, files, destructions."""

from typing import Final

from p20win.accounts.public import any_of, is_operating_group, is_system
from p20win.custody import checks
from p20win.custody.models import (
    INVITED,
    LIVING,
    DamageStatus,
    DestructionStatus,
    FileStatus,
    HoldStatus,
    InvitationStatus,
    SlotStatus,
)
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
REOPEN: Final = Step(
    event="slot.reopened",
    sources=frozenset({SlotStatus.FILLED}),
    target=SlotStatus.OPEN,
    checks=(any_of(is_operating_group, checks.is_of_the_hub), checks.holds_no_file),
    label="Have the file sent again",
)
SLOT_STEPS: Final = (FILL, CLOSE, REOPEN)

AFFIRM: Final = Step(
    event="invitation.affirmed",
    sources=frozenset({InvitationStatus.SENT}),
    target=InvitationStatus.AFFIRMED,
    checks=(checks.is_the_contact, checks.waits_for_a_list),
    label="Affirm that the lists may be shared",
)
WITHDRAW_INVITATION: Final = Step(
    event="invitation.withdrawn",
    sources=frozenset(INVITED),
    target=InvitationStatus.WITHDRAWN,
    checks=(any_of(is_operating_group, checks.is_of_the_hub), checks.has_accepted_nothing),
    label="Withdraw the invitation",
)
LAPSE_INVITATION: Final = Step(
    event="invitation.lapsed",
    sources=frozenset(INVITED),
    target=InvitationStatus.LAPSED,
    checks=(is_system,),
)
INVITATION_STEPS: Final = (AFFIRM, WITHDRAW_INVITATION, LAPSE_INVITATION)

ARRIVE: Final = Step(
    event="file.arrived",
    sources=frozenset({FileStatus.ANNOUNCED}),
    target=FileStatus.ARRIVED,
    checks=(checks.is_of_the_sender,),
)
GIVE_UP: Final = Step(
    event="file.given_up",
    sources=frozenset({FileStatus.ANNOUNCED}),
    target=FileStatus.GIVEN_UP,
    checks=(),  # who gives an upload up was found as its sender, or it lapsed
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
SET_ASIDE: Final = Step(
    event="file.set_aside",
    sources=frozenset({FileStatus.ACCEPTED}),
    target=FileStatus.SET_ASIDE,
    checks=(any_of(is_operating_group, checks.is_of_the_hub),),
)
DESTROY: Final = Step(
    event="file.destroyed",
    sources=frozenset(LIVING),
    target=FileStatus.DESTROYED,
    checks=(),  # the act was decided on when the destruction was asked for
)
FILE_STEPS: Final = (ARRIVE, GIVE_UP, ACCEPT, REFUSE, SET_ASIDE, DESTROY)

FINISH: Final = Step(
    event="data.destroyed",
    sources=frozenset({DestructionStatus.ASKED}),
    target=DestructionStatus.DONE,
    checks=(is_system,),
)

CONFIRM_HOLD: Final = Step(
    event="hold.in_force",
    sources=frozenset({HoldStatus.ASKED}),
    target=HoldStatus.ACTIVE,
    checks=(checks.looks_after_holds, checks.is_not_who_asked),
    label="Put it in force",
)
WITHDRAW_HOLD: Final = Step(
    event="hold.withdrawn",
    sources=frozenset({HoldStatus.ASKED}),
    target=HoldStatus.WITHDRAWN,
    checks=(checks.looks_after_holds,),
    label="Do not put it in force",
)
ASK_LIFT: Final = Step(
    event="hold.lift_asked",
    sources=frozenset({HoldStatus.ACTIVE}),
    target=HoldStatus.LIFT_ASKED,
    checks=(checks.looks_after_holds,),
    label="Ask to lift it",
)
KEEP_HOLD: Final = Step(
    event="hold.kept",
    sources=frozenset({HoldStatus.LIFT_ASKED}),
    target=HoldStatus.ACTIVE,
    checks=(checks.looks_after_holds,),
    label="Keep it",
)
LIFT: Final = Step(
    event="hold.lifted",
    sources=frozenset({HoldStatus.LIFT_ASKED}),
    target=HoldStatus.LIFTED,
    checks=(checks.looks_after_holds, checks.is_not_who_asked_to_lift),
    label="Lift it",
)
LAPSE: Final = Step(
    event="hold.lapsed",
    sources=frozenset({HoldStatus.ACTIVE, HoldStatus.LIFT_ASKED}),
    target=HoldStatus.LAPSED,
    checks=(is_system,),
)
HOLD_STEPS: Final = (CONFIRM_HOLD, WITHDRAW_HOLD, ASK_LIFT, KEEP_HOLD, LIFT, LAPSE)

FIND_SOUND: Final = Step(
    event="damage.gone",
    sources=frozenset({DamageStatus.FOUND}),
    target=DamageStatus.SOUND,
    checks=(is_system,),
)
ERASE_EVIDENCE: Final = Step(
    event="damage.evidence_erased",
    sources=frozenset({DamageStatus.FOUND}),
    target=DamageStatus.OVER,
    checks=(is_system,),
)
DAMAGE_STEPS: Final = (FIND_SOUND, ERASE_EVIDENCE)
STEPS: Final = (*SLOT_STEPS, *INVITATION_STEPS, *FILE_STEPS, FINISH, *HOLD_STEPS, *DAMAGE_STEPS)
