"""Which outputs are held against each other: those that can tell something about each other's people."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Q

from disclosure.engine.kin import (
    APART,
    SAME,
    TOO_MANY,
    UNKNOWN,
    Circle,
    Group,
    Held,
    Kin,
    Said,
    hold_together,
    read_said,
)
from disclosure.models import Known, KnownKind, Output, OutputCheck, OutputStatus, SafeTable
from p20win.once import once

if TYPE_CHECKING:
    from p20win.projects.models import Project

GOING_OUT: Final = (OutputStatus.IN_REVIEW, OutputStatus.RELEASED)
POPULATION, PERIOD = "population", "period"
KINDS: Final = {POPULATION: KnownKind.PEOPLE, PERIOD: KnownKind.PERIODS}
_OTHER_DATA, _PAY = "other data", "pay"


def key(name: str) -> str:
    """Return what two names have in common that mean the same whatever their letters."""
    return " ".join(name.split()).casefold()


@once
def said(project: "Project", what: str) -> list[Said]:
    """Return what was said last of how the populations, or the periods, of a project stand to each other."""
    rows = Known.objects.filter(project=project, kind=KINDS[what], removed_at__isnull=True)
    row = rows.order_by("-version").first()
    return read_said(bytes(row.content).decode()) if row else []


@once
def names(project: "Project", what: str) -> list[str]:
    """Return the populations, or the periods, that are named in a project: each once, as it was named first.

    Self-checks and what was withdrawn name nothing, unless it was said how it stands to others.
    """
    named = Output.objects.filter(project=project, is_trial=False).exclude(status=OutputStatus.WITHDRAWN)
    public = Known.objects.filter(project=project, kind=KnownKind.PUBLIC, removed_at__isnull=True)
    found: dict[str, str] = {}
    for name in (
        *named.order_by("pk").values_list(what, flat=True),
        *(name for one, _, other in said(project, what) for name in (other, one)),
        *public.order_by("pk").values_list(what, flat=True),
    ):
        found.setdefault(key(name), name)
    return list(found.values())


class Ledger:
    """What is known in a project of who is counted, when, and from which data."""

    def __init__(self, project: "Project") -> None:
        """Read it."""
        self.project = project
        self._spelled = {what: {key(name): name for name in names(project, what)} for what in KINDS}
        kin = {what: Kin(self.said(what)) for what in KINDS}
        self.circle = Circle(kin[POPULATION], kin[PERIOD])
        self._days: dict[dt.date, dt.date] = {}
        linked = Output.objects.filter(project=project, frozen_as__isnull=False).select_related("frozen_as")
        for row in linked:
            if row.frozen_as is not None:
                self._days[self._root(row.extracted_on)] = self._root(row.frozen_as.extracted_on)

    def said(self, what: str) -> list[Said]:
        """Return what was said, each name spelled in one way."""
        return [
            (self.spelled(what, one), how, self.spelled(what, other))
            for one, how, other in said(self.project, what)
        ]

    def spelled(self, what: str, name: str) -> str:
        """Return a name as it was named first."""
        return self._spelled[what].get(key(name), name)

    def group(self, row: Output | Known) -> Group:
        """Return whom an output, or a public table, counts."""
        return self.spelled(POPULATION, row.population), self.spelled(PERIOD, row.period)

    def are_same_data(self, one: Output, other: Output) -> bool:
        """Say whether two outputs are made from the same data: of one day, or said to be frozen."""
        return self._root(one.extracted_on) == self._root(other.extracted_on)

    def _root(self, day: dt.date) -> dt.date:
        while (wider := self._days.get(day, day)) != day:
            day = wider
        return day


@once
def _ledger_of(project: "Project") -> Ledger:
    return Ledger(project)


@dataclass(frozen=True)
class Apart:
    """Another output that is going out, and why it is not held against this one."""

    output: Output
    why: str
    matters: bool  # people should look: something could follow from both


@dataclass(frozen=True)
class Together:
    """What an output is held against."""

    ledger: Ledger
    held: Held
    beside: tuple[Output, ...]  # in the order in which they went ahead
    apart: tuple[Apart, ...]

    def code(self, row: Output | Known) -> str:
        """Return the code of those whom an output or table counts that is held together with this one."""
        return self.held.codes[self.ledger.group(row)]

    def holds(self, row: Known) -> bool:
        """Say whether a public table is held together with it."""
        return self.ledger.group(row) in self.held.codes


@once
def of(output: Output) -> Together:
    """Return what an output is held against, and what else is going out."""
    ledger = _ledger_of(output.project)
    rows = Output.objects.filter(_is_ahead_of(output), project=output.project).exclude(pk=output.pk)
    going_out = list(rows.order_by("sent_at", "pk"))
    own = ledger.group(output)
    others = [row for row in going_out if ledger.are_same_data(output, row)]
    groups = [ledger.group(row) for row in others] + [ledger.group(row) for row in _public(output.project)]
    if tells_pay := _tells_pay(output):
        groups = [group for group in groups if ledger.circle.stands(own, group) == SAME]
    held = hold_together(own, groups, ledger.circle)
    beside = tuple(row for row in others if ledger.group(row) in held.codes)
    apart = tuple(
        _apart(ledger, held, output, row, tells_pay=tells_pay) for row in going_out if row not in beside
    )
    return Together(ledger, held, beside, apart)


def _is_ahead_of(output: Output) -> Q:
    """Tell what is going out, and what its own package holds before it, which goes out with it."""
    going_out = Q(status__in=GOING_OUT)
    if output.submission_id is None:
        return going_out
    before = Q(submission=output.submission_id, status=OutputStatus.CHECKED, pk__lt=output.pk)
    return going_out | before


def _public(project: "Project") -> list[Known]:
    rows = Known.objects.filter(project=project, kind=KnownKind.PUBLIC, removed_at__isnull=True)
    return list(rows.defer("content"))


def _tells_pay(output: Output) -> bool:
    return any(row.pay for row in SafeTable.objects.filter(output=output))


def _apart(ledger: Ledger, held: Held, output: Output, other: Output, *, tells_pay: bool) -> Apart:
    own, group = ledger.group(output), ledger.group(other)
    stands = ledger.circle.stands(own, group)
    if stands == APART:
        return Apart(other, "nobody is counted in both", matters=False)
    if not ledger.are_same_data(output, other):
        day = f"{other.extracted_on:%B} {other.extracted_on.day}, {other.extracted_on.year}"
        return Apart(
            other, f"its data are of {day}, and nobody said that they are the same, frozen", matters=True
        )
    if tells_pay and stands != UNKNOWN:
        return Apart(other, "a table of pay is held against others of the same people alone", matters=True)
    if held.left_out.get(group) == TOO_MANY:
        return Apart(other, "too many groups of people overlap to be held together", matters=True)
    return Apart(other, f"nobody could say how {_unknown(ledger, own, group)}", matters=True)


def _unknown(ledger: Ledger, own: Group, group: Group) -> str:
    """Name what stands between two groups."""
    told = [
        f"“{a}” and “{b}” stand to each other"
        for kin, a, b in zip((ledger.circle.populations, ledger.circle.periods), own, group, strict=True)
        if kin.stands(a, b) == UNKNOWN
    ]
    return " and how ".join(told) or f"“{', '.join(own)}” and “{', '.join(group)}” stand to each other"


def noted(held: Held) -> dict[str, Any]:
    """Return what a check keeps of how it held groups together; nothing where all are the same people."""
    if held.is_of_one:
        return {}
    return {
        "groups": sorted([*group, code] for group, code in held.codes.items()),
        "cells": {code: list(cells) for code, cells in held.cells.items()},
    }


def is_as_in(found: OutputCheck) -> bool:
    """Say whether what a check held together would be held so today."""
    ledger = _ledger_of(found.output.project)
    rows: Iterable[Output | Known] = (
        *Output.objects.filter(pk__in=found.compared_with),
        *Known.objects.filter(pk__in=found.known, kind=KnownKind.PUBLIC).defer("content"),
    )
    now = hold_together(ledger.group(found.output), [ledger.group(row) for row in rows], ledger.circle)
    return _plain(noted(now)) == _plain(found.held)


def _plain(held: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return it so that the same diagram is the same, whatever its order and the letters of its names."""
    return {
        "groups": sorted(tuple(map(key, group)) for group in held.get("groups", [])),
        "cells": {key(code): sorted(map(key, cells)) for code, cells in held.get("cells", {}).items()},
    }
