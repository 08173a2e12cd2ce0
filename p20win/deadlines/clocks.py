"""The table of clocks: what each rule of policy.py is for, whom it reminds, and what may hold or extend it.

One row per rule. How long a clock runs stands in p20win/policy.py and nowhere else.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from p20win import policy
from p20win.calendar import BusinessDays, CalendarDays, Hours, Rule, Unit


class Basis(StrEnum):
    """What a deadline may be extended on. Its document is named by whoever extends."""

    ALL_PARTIES = "all_parties"  # every party agreed in writing
    CONTINUATION = "continuation"  # a continuation of the request, approved and signed
    PARTY_CONCERNED = "party_concerned"  # the agency it is about agreed in writing
    OWN_NOTICE = "own_notice"  # the agency that gave the notice extends it
    OPERATING_GROUP = "operating_group"  # a target of ours, moved by the operating group


@dataclass(frozen=True)
class Clock:
    """One clock: its title as a task or as a time, what starts it, and how it behaves."""

    slug: str
    title: str
    starts: str
    remind: tuple[Unit, ...] = ()  # so long before it falls due
    escalate: tuple[
        Unit, ...
    ] = ()  # so long after it was missed, to the operating group; at once in any case
    extended_on: Basis | None = None
    paused_while: str = ""  # what may hold it, in words; empty: nothing
    set_by_law: bool = False  # then nothing excuses missing it (O-157)
    missed_after: Rule | None = None  # due, escalated and only later missed (O-172)
    held_by_law: bool = False  # a legal hold stops it, and nothing else does

    @property
    def rule(self) -> Rule:
        """Return how long it runs."""
        return policy.RULES[self.slug]


WEEK: Final = (BusinessDays(5), BusinessDays(1))
LAST_DAYS: Final = (BusinessDays(2), BusinessDays(1))
LAST_DAY: Final = (BusinessDays(1),)
HOURS: Final = (Hours(12), Hours(3))
TERM: Final = (CalendarDays(180), CalendarDays(90), CalendarDays(30))
OURS: Final = Basis.OPERATING_GROUP
AGAIN: Final = (BusinessDays(5), BusinessDays(10))
BACK: Final = "the request is with the requestor"

_TABLE: Final = (
    # ---- requests
    Clock(
        "completeness-check",
        "Check that the request is complete",
        "it was submitted",
        LAST_DAY,
        AGAIN,
        OURS,
        BACK,
    ),
    Clock("agency-decision", "Decide on the request", "it was found complete", WEEK, AGAIN, OURS, BACK),
    Clock("resubmission", "Add what was asked for and submit again", "it was sent back", WEEK, (), OURS),
    Clock("person-decision", "Decide on a person’s access", "the person was named", WEEK, AGAIN, OURS),
    # ---- memorandum, boards, parties
    Clock("notice-contact-change", "Announce the change of notice contact", "the contact changed", WEEK),
    Clock("emou-term", "Term of the memorandum", "it took effect", TERM),
    Clock("emou-renewal", "Begin the signing round for the next term", "the end of the term", TERM),
    Clock("membership-review", "Review the application to join", "it was submitted", WEEK, AGAIN),
    Clock(
        "membership-concerns",
        "Decide on privacy concerns about an application",
        "they were received",
        WEEK,
        AGAIN,
    ),
    Clock(
        "voluntary-suspension-notice",
        "Notice of a voluntary suspension",
        "it was given",
        (),
        (),
        Basis.OWN_NOTICE,
    ),
    Clock("complaint-meeting", "Meet on the complaint", "the board received it", LAST_DAYS, LAST_DAY),
    Clock(
        "complaint-resolution",
        "Resolve the complaint",
        "it was first received",
        WEEK,
        (),
        Basis.PARTY_CONCERNED,
    ),
    Clock("suspension-summary", "Tell the reasons for the suspension", "the suspension", (Hours(3),)),
    Clock(
        "plan-of-correction", "Send a plan of correction or an objection", "the suspension was notified", WEEK
    ),
    Clock("plan-review", "Review the plan of correction", "it was received", WEEK, LAST_DAY),
    Clock("reinstatement-deficiencies", "Tell what still lacks for reinstatement", "the decision", LAST_DAYS),
    Clock("reinstatement", "Reinstate the agency", "the decision", LAST_DAY),
    Clock(
        "change-forwarded", "Forward the change request to the governing board", "it was received", LAST_DAYS
    ),
    Clock(
        "compliance-change-findings",
        "Present findings on the compliance change",
        "the board received it",
        WEEK,
    ),
    Clock("compliance-change-decision", "Decide on the compliance change", "the recommendation", WEEK),
    Clock("withdrawal-notice", "Notice of leaving the memorandum", "it was given in writing", WEEK),
    Clock(
        "chair-term",
        "Term of the executive board’s chair",
        "the election",
        (CalendarDays(90), CalendarDays(30)),
    ),
    Clock(
        "resident-member-term",
        "Term on the resident board",
        "the term began",
        (CalendarDays(90), CalendarDays(30)),
    ),
    Clock(
        "executive-board-meeting",
        "Hold the next executive board meeting",
        "the last one",
        (CalendarDays(21),),
    ),
    Clock(
        "governing-board-meeting",
        "Hold the next governing board meeting",
        "the last one",
        (CalendarDays(14),),
    ),
    Clock("board-notice", "Notice of the meeting", "it was published"),
    Clock(
        "foi-coordination",
        "Begin to coordinate the freedom-of-information request with the owner",
        "the request was received",
        HOURS,
        set_by_law=True,
        missed_after=policy.FOI_COORDINATION_LIMIT,
    ),
    Clock(
        "foi-coordination-limit",
        "Last moment for that coordination",
        "it was received",
        HOURS,
        set_by_law=True,
    ),
    Clock("access-review", "Review who at the hub still needs access", "the last review", WEEK, AGAIN),
    Clock("leaver-notice", "Tell the others that a person with access left", "the person left", HOURS),
    Clock(
        "dictionary-refresh", "Bring the agency’s data dictionary up to date", "the last refresh", WEEK, AGAIN
    ),
    Clock("learning-agenda-review", "Review the learning agenda", "the last review", WEEK),
    Clock(
        "equity-report",
        "Publish the equity report",
        "the last report",
        (CalendarDays(60), BusinessDays(5)),
        AGAIN,
    ),
    Clock("legal-obstacles-review", "Review legal obstacles", "the last review", WEEK),
    # ---- people
    Clock(
        "confidentiality-lapse",
        "Confidentiality statement",
        "its signature",
        (CalendarDays(60), CalendarDays(30), CalendarDays(14), CalendarDays(1)),
    ),
    # ---- agreement
    Clock("signature", "Sign the agreement", "it was sent for signature", WEEK, AGAIN, OURS),
    Clock("termination-notice", "Notice of termination", "it was given in writing", WEEK),
    Clock(
        "data-destruction",
        "Destroy the project’s data",
        "data and crosswalk were received",
        (CalendarDays(60), CalendarDays(37), BusinessDays(10), BusinessDays(3)),
        LAST_DAYS,
        Basis.CONTINUATION,
        held_by_law=True,
    ),
    Clock("extension-request", "Ask for an extension, if one is needed", "the end of the project", WEEK),
    # ---- files and match
    Clock("transmission-window", "Send the files", "the window opened", LAST_DAYS, (), OURS),
    Clock("match-agreement", "Say whether the match is optimal", "the match report", LAST_DAYS, AGAIN, OURS),
    Clock(
        "input-destruction",
        "Destroy the agencies’ input files",
        "the match was complete, or abandoned",
        LAST_DAYS,
        LAST_DAYS,
        Basis.ALL_PARTIES,
        held_by_law=True,
    ),
    Clock(
        "input-destruction-stewards",
        "Destroy the agency’s input files",
        "the stewards confirmed",
        LAST_DAYS,
        LAST_DAYS,
        Basis.ALL_PARTIES,
        held_by_law=True,
    ),
    Clock(
        "input-destruction-colleges",
        "Destroy the colleges’ input files",
        "the match was complete",
        HOURS,
        HOURS,
        Basis.ALL_PARTIES,
        held_by_law=True,
    ),
    Clock("limitations", "Describe the limits of the match result", "the match report", HOURS, AGAIN, OURS),
    Clock(
        "destruction-confirmation",
        "Confirm or withdraw the destruction of the input files",
        "a colleague asked for it",
        HOURS,
        AGAIN,
    ),
    Clock(
        "hold-confirmation",
        "Answer as the second person: a legal hold",
        "a colleague asked for it, or to lift it",
        HOURS,
        AGAIN,
    ),
    Clock(
        "abandonment-confirmation",
        "Answer as the second person: a match without a result",
        "a colleague asked to abandon it",
        HOURS,
        AGAIN,
    ),
    Clock(
        "destruction-waits",
        "Make the extract: the destruction of the input files waits for it",
        "the vault could not begin",
        (Hours(1),),
        (Hours(4), Hours(12)),
    ),
    Clock(
        "keeping-word",
        "Sign or refuse: keep the input files longer",
        "the moment at which the vault would begin to destroy them",
        (BusinessDays(1), Hours(3)),
    ),
    Clock("destruction-hour", "The hour before the input files are destroyed", "it was set"),
    Clock("legal-hold", "Legal hold", "it came into force", WEEK),
    # ---- delivery
    Clock("download", "Download of the delivered files", "the delivery", LAST_DAYS, (), OURS),
    Clock("receipt-confirmation", "Confirm what you downloaded", "the download", LAST_DAYS, AGAIN),
    Clock(
        "recall-deletion",
        "Delete the recalled copies and confirm it",
        "the recall",
        LAST_DAYS,
        LAST_DAYS,
    ),
    Clock(
        "completeness-questions",
        "Questions about completeness or matching accuracy",
        "all sets were received",
        LAST_DAYS,
    ),
    Clock("question-answer", "Answer the question about the data", "it was asked", WEEK, AGAIN, OURS),
    Clock(
        "corrected-version",
        "Deliver the corrected version that was promised",
        "a question was answered with it",
        LAST_DAYS,
        AGAIN,
    ),
    # ---- disclosure review
    Clock("prepublication-review", "Review before release", "the output was submitted", LAST_DAYS),
    Clock("output-clearance", "Confirm the output in writing", "it was submitted", LAST_DAYS, AGAIN),
    Clock("published-copy", "Send a copy of what was published", "the publication", WEEK, AGAIN),
    # ---- end of project
    Clock(
        "destruction-certificate",
        "File the certificate of destruction",
        "the destruction",
        LAST_DAY,
        LAST_DAYS,
    ),
    Clock(
        "closing-confirmation",
        "Answer as the second person: the closing of the project",
        "a colleague asked for it",
        HOURS,
        AGAIN,
    ),
    Clock("closing-hour", "The hour before the project is closed", "it was confirmed"),
    Clock("certificate-kept", "Keep the original certificate", "its submission"),
    # ---- incidents
    Clock(
        "breach-report",
        "Report the breach to the operating group",
        "discovery or reasonable belief",
        HOURS,
        HOURS,
    ),
)
CLOCKS: Final = {clock.slug: clock for clock in _TABLE}


def clock_of(slug: str) -> Clock:
    """Return the clock of this slug. :raises LookupError: if there is none"""
    try:
        return CLOCKS[slug]
    except KeyError:
        raise LookupError(f"No clock is called {slug!r}; see p20win/policy.py.") from None
