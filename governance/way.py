"""The whole way of a request in ten stages, each read from the ledger: what ends it, what opens it again.

The names are those of events, so that this table needs to know no desk.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where one stage stands."""

    COMPLETE = "complete"
    CURRENT = "current"
    UPCOMING = "upcoming"


@dataclass(frozen=True)
class Stage:
    """One stretch of the way."""

    slug: str
    label: str
    what: str  # what happens in it
    held_by: str  # who has it, where no deadline names somebody
    done_by: frozenset[str]
    undone_by: frozenset[str] = frozenset()
    begun_by: frozenset[str] = frozenset()
    clocks: frozenset[str] = frozenset()  # whose deadlines say who has it


@dataclass(frozen=True)
class Place:
    """A stage of one project."""

    stage: Stage
    state: State
    since: dt.datetime | None
    done_at: dt.datetime | None

    @property
    def label(self) -> str:
        """Return the stage's name, for the row of steps."""
        return self.stage.label


STAGES: Final = (
    Stage(
        "request",
        "Request",
        "The requestor writes the request and signs it.",
        "the requestor",
        done_by=frozenset({"request.submitted", "request.resubmitted"}),
        undone_by=frozenset({"request.returned", "request.conditional"}),
        begun_by=frozenset({"project.opened"}),
        clocks=frozenset({"resubmission"}),
    ),
    Stage(
        "check",
        "Completeness",
        "The operating group checks that the request is complete.",
        "the operating group",
        done_by=frozenset({"request.sent_to_agencies"}),
        undone_by=frozenset({"request.resubmitted"}),
        clocks=frozenset({"completeness-check"}),
    ),
    Stage(
        "decision",
        "Decision",
        "Each agency whose data is asked for decides.",
        "the agencies",
        done_by=frozenset({"request.approved"}),
        undone_by=frozenset({"request.resubmitted"}),
        clocks=frozenset({"agency-decision"}),
    ),
    Stage(
        "agreement",
        "Agreement",
        "The agreement is drawn up and signed by every party.",
        "the operating group and the signatories",
        done_by=frozenset({"agreement.in_force"}),
        undone_by=frozenset({"agreement.voided"}),
        clocks=frozenset({"signature"}),
    ),
    Stage(
        "files",
        "Files",
        "The agencies send their files; each is checked and sealed on arrival.",
        "the agencies’ data stewards",
        done_by=frozenset({"match.files_complete"}),
        clocks=frozenset({"transmission-window"}),
    ),
    Stage(
        "match",
        "Match",
        "The hub links the files; every party agrees to the result.",
        "the hub",
        done_by=frozenset({"match.signed_off"}),
        undone_by=frozenset({"match.rejected"}),
        clocks=frozenset({"match-agreement", "limitations"}),
    ),
    Stage(
        "delivery",
        "Delivery",
        "The recipient downloads the linked data.",
        "the recipient",
        done_by=frozenset({"extract.downloaded"}),
        clocks=frozenset({"download"}),
    ),
    Stage(
        "outputs",
        "Output review",
        "Every table is protected, read by the agencies and released.",
        "the recipient and the agencies",
        done_by=frozenset({"output.released"}),
        clocks=frozenset({"output-clearance"}),
    ),
    Stage(
        "destruction",
        "Destruction",
        "Inputs at the hub and data at the recipient are destroyed, and it is certified.",
        "the recipient",
        done_by=frozenset({"certificate.filed"}),
        clocks=frozenset({"data-destruction", "input-destruction", "destruction-certificate"}),
    ),
    Stage(
        "closing",
        "Closing",
        "The project is closed; its ledger stays.",
        "the operating group",
        done_by=frozenset({"project.closed"}),
        clocks=frozenset({"closing-confirmation", "closing-hour"}),
    ),
)
ENDED: Final = {
    "request.disapproved": "The agencies disapproved the request.",
    "request.withdrawn": "The requestor withdrew the request.",
    "agreement.ended": "The agreement has ended; what is left is to destroy the data and certify it.",
    "match.abandoned": "The match has ended without a result; what was sent for it is destroyed in time.",
}
# How far the closing is; withdrawn, it is as if nobody had asked.
CLOSING: Final = {
    "closing.asked": "It was asked to close the project. It goes on until a second person confirms that.",
    "closing.set": "Two people are closing the project: nothing new starts, in an hour what is left goes.",
    "closing.withdrawn": "",
    "project.closed": "The project is closed; what was left of it is being destroyed.",
    "closing.done": "The whole way is done: the project is closed, and all that was left of it is destroyed.",
}
RESUMED: Final = frozenset({"request.submitted", "match.opened"})  # after one of these it went on


def whole_way(events: Iterable[tuple[str, dt.datetime]]) -> list[Place]:
    """Return where each stage stands after these events, given in order. At most one is the current one."""
    done: dict[str, dt.datetime | None] = dict.fromkeys(stage.slug for stage in STAGES)
    began: dt.datetime | None = None
    for name, at in events:
        began = began or at
        for stage in STAGES:
            if name in stage.undone_by:
                done[stage.slug] = None
            if name in stage.done_by:
                done[stage.slug] = at
    places = []
    here = False
    since = began
    for stage in STAGES:
        ended = done[stage.slug]
        if ended is not None:
            places.append(Place(stage, State.COMPLETE, since, ended))
            since = max(since or ended, ended)
        else:
            state = State.UPCOMING if here or began is None else State.CURRENT
            places.append(Place(stage, state, since if not here else None, None))
            here = True
    return places


def current(places: Iterable[Place]) -> Place | None:
    """Return the stage in which the project is now; nothing when the way is walked to its end."""
    return next((place for place in places if place.state is State.CURRENT), None)
