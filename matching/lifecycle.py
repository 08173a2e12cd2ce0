"""The tables of steps: matches, runs, deliveries, questions."""

from typing import Final

from matching import abandonment_checks, checks, keeping_checks, reopening_checks
from matching.models import (
    AbandonmentStatus,
    DeliveryStatus,
    IssueStatus,
    KeepingStatus,
    MatchStatus,
    OrderStatus,
    QuestionStatus,
    RepeatStatus,
    RunStatus,
    TryOutStatus,
)
from p20win.accounts.public import is_operating_group, is_system
from p20win.workflow import Step

COMPLETE_FILES: Final = Step(
    event="match.files_complete",
    sources=frozenset({MatchStatus.COLLECTING}),
    target=MatchStatus.READY,
    checks=(is_system, checks.files_are_there),
)
COLLECT_AGAIN: Final = Step(
    event="match.collecting_again",
    sources=frozenset({MatchStatus.READY, MatchStatus.LINKED}),
    target=MatchStatus.COLLECTING,
    checks=(checks.runs_matches, reopening_checks.a_file_is_missing),
    label="Have a file sent again",
)
WITHDRAW_RESULT: Final = Step(
    event="match.result_withdrawn",
    sources=frozenset({MatchStatus.LINKED}),
    target=MatchStatus.READY,
    checks=(checks.runs_matches,),
    label="Have a list sent again",
)
END_REPEAT: Final = Step(
    event="repeat.ended",
    sources=frozenset({RepeatStatus.RUNNING}),
    target=RepeatStatus.ENDED,
    checks=(checks.may_arrange,),
    label="End the schedule",
)
START: Final = Step(
    event="match.started",
    sources=frozenset({MatchStatus.READY, MatchStatus.LINKED}),
    target=MatchStatus.LINKING,
    checks=(checks.may_match, checks.files_are_there, checks.has_approved_method),
    label="Start the match",
)
LINK: Final = Step(
    event="match.linked",
    sources=frozenset({MatchStatus.LINKING}),
    target=MatchStatus.LINKED,
    checks=(is_system,),
)
FAIL: Final = Step(
    event="match.failed",
    sources=frozenset({MatchStatus.LINKING}),
    target=MatchStatus.READY,
    checks=(is_system,),
)
REJECT: Final = Step(
    event="match.rejected",
    sources=frozenset({MatchStatus.LINKED}),
    target=MatchStatus.READY,
    label="Not optimal: link again",
)
CHOOSE: Final = Step(
    event="match.run_chosen",
    sources=frozenset({MatchStatus.READY, MatchStatus.LINKED}),
    target=MatchStatus.LINKED,
    checks=(checks.may_match,),
    label="Put this run before the parties",
)
SIGN_OFF: Final = Step(
    event="match.signed_off",
    sources=frozenset({MatchStatus.LINKED}),
    target=MatchStatus.SIGNED_OFF,
    checks=(checks.every_party_agrees,),
    label="Sign off",
)
DELIVER: Final = Step(
    event="match.delivered",
    sources=frozenset({MatchStatus.SIGNED_OFF}),
    target=MatchStatus.DELIVERED,
    checks=(is_system,),
)
DESTROY_INPUTS: Final = Step(
    event="match.inputs_destroyed",
    sources=frozenset({MatchStatus.SIGNED_OFF, MatchStatus.DELIVERED, MatchStatus.ABANDONED}),
    target=MatchStatus.INPUTS_DESTROYED,
    checks=(is_system, checks.inputs_are_gone),
)
ABANDON: Final = Step(
    event="match.abandoned",
    sources=frozenset(
        {MatchStatus.COLLECTING, MatchStatus.READY, MatchStatus.LINKED, MatchStatus.SIGNED_OFF}
    ),
    target=MatchStatus.ABANDONED,
    checks=(
        abandonment_checks.no_extract_comes,
        abandonment_checks.sees_to_ends,
        abandonment_checks.two_abandon_it,
    ),
    label="Abandon the match",
)
MATCH_STEPS: Final = (
    COMPLETE_FILES,
    COLLECT_AGAIN,
    WITHDRAW_RESULT,
    START,
    LINK,
    FAIL,
    REJECT,
    CHOOSE,
    SIGN_OFF,
    DELIVER,
    ABANDON,
    DESTROY_INPUTS,
)

CONFIRM_ABANDONMENT: Final = Step(
    event="abandonment.confirmed",
    sources=frozenset({AbandonmentStatus.ASKED}),
    target=AbandonmentStatus.CONFIRMED,
    checks=(
        abandonment_checks.sees_to_ends,
        abandonment_checks.is_not_who_asked,
        abandonment_checks.ground_holds,
        abandonment_checks.no_run_is_under_way,
    ),
    label="Confirm that it ends",
)
KEEP_MATCH: Final = Step(
    event="abandonment.withdrawn",
    sources=frozenset({AbandonmentStatus.ASKED}),
    target=AbandonmentStatus.WITHDRAWN,
    checks=(abandonment_checks.sees_to_ends,),
    label="Let the match go on",
)
ABANDONMENT_STEPS: Final = (CONFIRM_ABANDONMENT, KEEP_MATCH)

FINISH_RUN: Final = Step(
    event="run.finished",
    sources=frozenset({RunStatus.RUNNING}),
    target=RunStatus.DONE,
    checks=(is_system,),
)
FAIL_RUN: Final = Step(
    event="run.failed",
    sources=frozenset({RunStatus.RUNNING}),
    target=RunStatus.FAILED,
    checks=(is_system,),
)
RUN_STEPS: Final = (FINISH_RUN, FAIL_RUN)

FINISH_TRY_OUT: Final = Step(
    event="try_out.finished",
    sources=frozenset({TryOutStatus.RUNNING}),
    target=TryOutStatus.DONE,
    checks=(is_system,),
)
FAIL_TRY_OUT: Final = Step(
    event="try_out.failed",
    sources=frozenset({TryOutStatus.RUNNING}),
    target=TryOutStatus.FAILED,
    checks=(is_system,),
)
TRY_OUT_STEPS: Final = (FINISH_TRY_OUT, FAIL_TRY_OUT)

MAKE_AVAILABLE: Final = Step(
    event="extract.available",
    sources=frozenset({DeliveryStatus.PREPARING}),
    target=DeliveryStatus.AVAILABLE,
    checks=(is_system,),
)
CLOSE_DELIVERY: Final = Step(
    event="extract.closed",
    sources=frozenset({DeliveryStatus.AVAILABLE}),
    target=DeliveryStatus.CLOSED,
    checks=(is_system, checks.extract_is_there),
)
RECALL: Final = Step(
    event="extract.recalled",
    sources=frozenset({DeliveryStatus.AVAILABLE, DeliveryStatus.CLOSED, DeliveryStatus.REPLACED}),
    target=DeliveryStatus.RECALLED,
    checks=(checks.may_recall,),
    label="Recall this version",
)
GIVE_WAY: Final = Step(
    event="extract.replaced",
    sources=frozenset({DeliveryStatus.AVAILABLE, DeliveryStatus.CLOSED}),
    target=DeliveryStatus.REPLACED,
    checks=(is_system,),
)
GIVE_UP_EXTRACT: Final = Step(
    event="extract.given_up",
    sources=frozenset({DeliveryStatus.PREPARING}),
    target=DeliveryStatus.GIVEN_UP,
    checks=(is_system,),
)
DELIVERY_STEPS: Final = (MAKE_AVAILABLE, CLOSE_DELIVERY, RECALL, GIVE_WAY, GIVE_UP_EXTRACT)

FORWARD: Final = Step(
    event="question.forwarded",
    sources=frozenset({QuestionStatus.ASKED, QuestionStatus.REPLIED}),
    target=QuestionStatus.FORWARDED,
    checks=(is_operating_group,),
    label="Forward it",
)
REPLY: Final = Step(
    event="question.replied",
    sources=frozenset({QuestionStatus.FORWARDED}),
    target=QuestionStatus.REPLIED,
    checks=(checks.is_asked,),
    label="Reply",
)
ANSWER: Final = Step(
    event="question.answered",
    sources=frozenset({QuestionStatus.ASKED, QuestionStatus.FORWARDED, QuestionStatus.REPLIED}),
    target=QuestionStatus.ANSWERED,
    checks=(is_operating_group,),
    label="Answer it",
)
QUESTION_STEPS: Final = (FORWARD, REPLY, ANSWER)


CONFIRM_ORDER: Final = Step(
    event="destruction_order.set",
    sources=frozenset({OrderStatus.ASKED}),
    target=OrderStatus.SET,
    checks=(checks.is_of_the_hub, checks.is_not_who_asked, checks.extract_is_made, checks.is_not_held),
    label="Confirm the destruction",
)
WITHDRAW_ORDER: Final = Step(
    event="destruction_order.withdrawn",
    sources=frozenset({OrderStatus.ASKED, OrderStatus.SET}),
    target=OrderStatus.WITHDRAWN,
    checks=(checks.may_withdraw,),
    label="Withdraw the order",
)
BEGIN_ORDER: Final = Step(
    event="destruction_order.begun",
    sources=frozenset({OrderStatus.SET}),
    target=OrderStatus.BEGUN,
    checks=(is_system, checks.extract_is_made, checks.is_not_held),
)
ORDER_STEPS: Final = (CONFIRM_ORDER, WITHDRAW_ORDER, BEGIN_ORDER)

AGREE_KEEPING: Final = Step(
    event="keeping.agreed",
    sources=frozenset({KeepingStatus.PROPOSED}),
    target=KeepingStatus.AGREED,
    checks=(keeping_checks.every_party_signed,),
    label="Keep the inputs longer",
)
REFUSE_KEEPING: Final = Step(
    event="keeping.refused",
    sources=frozenset({KeepingStatus.PROPOSED}),
    target=KeepingStatus.REFUSED,
    checks=(keeping_checks.speaks_for_a_party,),
    label="Refuse",
)
WITHDRAW_KEEPING: Final = Step(
    event="keeping.withdrawn",
    sources=frozenset({KeepingStatus.PROPOSED}),
    target=KeepingStatus.WITHDRAWN,
    checks=(keeping_checks.is_who_proposed,),
    label="Withdraw the proposal",
)
LAPSE_KEEPING: Final = Step(
    event="keeping.lapsed",
    sources=frozenset({KeepingStatus.PROPOSED}),
    target=KeepingStatus.LAPSED,
    checks=(is_system,),
)
KEEPING_STEPS: Final = (AGREE_KEEPING, REFUSE_KEEPING, WITHDRAW_KEEPING, LAPSE_KEEPING)

RESOLVE_ISSUE: Final = Step(
    event="quality_issue.resolved",
    sources=frozenset({IssueStatus.OPEN}),
    target=IssueStatus.RESOLVED,
    checks=(is_operating_group,),
    label="Note that it is resolved",
)
REOPEN_ISSUE: Final = Step(
    event="quality_issue.reopened",
    sources=frozenset({IssueStatus.RESOLVED}),
    target=IssueStatus.OPEN,
    checks=(is_operating_group,),
    label="It is there again",
)
ISSUE_STEPS: Final = (RESOLVE_ISSUE, REOPEN_ISSUE)
STEPS: Final = (
    *MATCH_STEPS,
    *ABANDONMENT_STEPS,
    *RUN_STEPS,
    *TRY_OUT_STEPS,
    *DELIVERY_STEPS,
    *QUESTION_STEPS,
    *ORDER_STEPS,
    *KEEPING_STEPS,
    *ISSUE_STEPS,
)
