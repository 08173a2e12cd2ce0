"""Acts on who is counted: say how populations, periods and extracts stand to each other, and correct it."""

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from django.db import transaction

from disclosure import known_checks, known_services, together
from disclosure.engine.kin import APART, PART, SAME, UNKNOWN, WHOLE, Said, written
from disclosure.models import Output
from p20win.accounts.public import is_operating_group
from p20win.audit.public import first_in_line
from p20win.projects.public import Project
from p20win.refusal import Blocked
from p20win.workflow import amend

if TYPE_CHECKING:
    from p20win.accounts.models import User

Answers = Mapping[str, Mapping[str, str]]  # of populations and of periods: the other name, and how it stands

HOW: Final = {
    together.POPULATION: {
        SAME: "The same people, in other words",
        PART: "Part of it: everybody here is in it",
        WHOLE: "It is part of this: everybody in it is here",
        APART: "Apart from it: nobody is in both, at any time",
        UNKNOWN: "Cannot say: they overlap in some way",
    },
    together.PERIOD: {
        SAME: "The same period, in other words",
        PART: "Part of it: who is counted here is counted there",
        WHOLE: "It is part of this: who is counted there is counted here",
        APART: "Apart from it: nobody is counted in both",
        UNKNOWN: "Cannot say: somebody may be counted in both",
    },
}
IN_WORDS: Final = {
    SAME: "is the same as",
    PART: "is part of",
    WHOLE: "holds all of",
    APART: "is apart from",
    UNKNOWN: "stands, nobody could say how, to",
}


@transaction.atomic
def say_of_new(
    project: Project, *, population: str, period: str, stands: Answers, by: "User", at: dt.datetime
) -> None:
    """Say how a name that is new in the project stands to those named before; of known ones nothing changes.

    :raises Blocked: if not all that was said can be true
    """
    if not any(stands.values()):
        return
    first_in_line()
    Project.objects.select_for_update().get(pk=project.pk)  # two answers at once: none is lost
    for what, name in ((together.POPULATION, population), (together.PERIOD, period)):
        name = " ".join(name.split())
        known = {together.key(each): each for each in together.names(project, what)}
        told = {together.key(other): how for other, how in stands.get(what, {}).items()}
        if together.key(name) in known or not told:
            continue
        if strange := [how for how in told.values() if how not in HOW[what]]:
            raise Blocked(f"“{strange[0]}” is no answer.")
        more = [(name, how, known[other]) for other, how in told.items() if other in known]
        _keep(project, what, [*together.said(project, what), *more], by=by, at=at)


def why_not_say(
    project: Project, what: str, one: str, other: str, actor: "User", at: dt.datetime
) -> list[str]:
    """Say why this person may not say how two names stand; what was answered the operating group corrects."""
    if reasons := known_checks.why_not_load(project, actor, at):
        return reasons
    pair = {together.key(one), together.key(other)}
    answered = any(
        {together.key(a), together.key(b)} == pair and how != UNKNOWN
        for a, how, b in together.said(project, what)
    )
    if answered and is_operating_group(project, actor):
        return ["That was answered already. Only the operating group corrects it."]
    return []


@transaction.atomic
def say(project: Project, what: str, one: str, how: str, other: str, *, by: "User", at: dt.datetime) -> None:
    """Say how two populations, or two periods, stand to each other; what was said of them before is over.

    :raises Blocked: if this person may not, or it cannot be true beside what else was said
    """
    first_in_line()
    Project.objects.select_for_update().get(pk=project.pk)
    known = {together.key(each): each for each in together.names(project, what)}
    pair = {together.key(one), together.key(other)}
    reasons = why_not_say(project, what, one, other, by, at)
    if len(pair) < 2 or not pair <= set(known) or how not in HOW[what]:
        reasons.append("Choose two names of this project, and how they stand.")
    if reasons:
        raise Blocked(reasons)
    rest = [
        (a, word, b)
        for a, word, b in together.said(project, what)
        if {together.key(a), together.key(b)} != pair
    ]
    line = known[together.key(one)], how, known[together.key(other)]
    _keep(project, what, [*rest, line], by=by, at=at)


def _keep(project: Project, what: str, said: list[Said], *, by: "User", at: dt.datetime) -> None:
    known_services.load_kin(
        project, kind=together.KINDS[what], content=written(said), reasons=[], by=by, at=at
    )


def why_not_part_data(output: Output, actor: "User") -> list[str]:
    """Say why this person may not say that an output's data are not those of another."""
    if why := is_operating_group(output, actor):
        return [why]
    return [] if output.frozen_as_id else ["Nobody said that its data are those of another output."]


@transaction.atomic
def part_data(output: Output, *, by: "User", at: dt.datetime) -> Output:
    """Say that an output's data are not those of another, though its author said so.

    :raises Blocked: if it is not the operating group, or nobody said so
    """
    first_in_line()
    output = Output.objects.select_for_update(no_key=True, of=("self",)).get(pk=output.pk)
    if reasons := why_not_part_data(output, by):
        raise Blocked(reasons)
    details = {"frozen_as": str(output.frozen_as_id)}
    return amend("output.data_parted", output, by=by, at=at, details=details, frozen_as=None)
