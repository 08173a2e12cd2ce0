"""Sums or means as they may be handed on: bytes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from disclosure.engine.errors import BadTable
from disclosure.engine.longform import Table, write
from disclosure.engine.magnitude.tally import Tally
from disclosure.engine.magnitude.verdict import rounded

SUM, MEAN = "sum", "mean"
RELEASED, ROUNDED_TO = "released", "rounded_to"


@dataclass(frozen=True)
class Money:
    """A long CSV of counts (`released`) and of one measure, and how that was rounded.

    `measure` is `sum` or `mean`, the name of its column. Values are multiples of `unit`, in the unit of the
    contributions; a sum with a unit of 1 is exact. Everybody knows the unit. A blank is a withheld value.
    Numbers are written in steps of `per`: 100 for contributions in cents that are told in dollars. A column
    `rounded_to`, if there is one, says the unit in each row.
    """

    name: str
    measure: str
    unit: int
    content: bytes
    per: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be read back.

        :raises BadTable: if the measure is neither sum nor mean, or the unit is below 1 or cannot be written
        """
        if self.measure not in (SUM, MEAN):
            raise BadTable("A table of money shows sums or means.")
        if self.unit < 1:
            raise BadTable("Money is rounded to a unit of 1 or more.")
        if self.per < 1 or self.unit % self.per:
            raise BadTable("Money is rounded to whole steps of what it is written in.")


def publish(
    table: Table,
    tallies: Sequence[Tally],
    *,
    counted: Sequence[bool],
    shown: Sequence[bool],
    mean_base: int,
    measure: str,
    unit: int,
    per: int = 1,
) -> Money:
    """Write what may be handed on: nothing but codes, shown counts and shown money.

    `tallies`, `counted` (the count is shown) and `shown` (the money is, too) have one entry for each row of
    the table. A mean also needs `mean_base` people.
    """
    lines = []
    for row, tally, known, visible in zip(table.rows, tallies, counted, shown, strict=True):
        value = ""
        if visible and measure == SUM:
            value = str(rounded(tally.total, unit) // per)
        elif visible and tally.persons >= mean_base:
            value = str(rounded(Fraction(tally.total, tally.persons), unit) // per)
        codes = [row.codes[dim] for dim in table.dimensions]
        lines.append([*codes, str(tally.persons) if known else "", value, str(unit // per)])
    content = write([*table.dimensions, RELEASED, measure, ROUNDED_TO], lines)
    return Money(table.name, measure, unit, content, per)
