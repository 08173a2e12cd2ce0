"""Rules as text, so that a deadline keeps the very rule it was started under."""

from typing import Final

from p20win import policy
from p20win.calendar import (
    Before,
    BusinessDays,
    BusinessHours,
    CalendarDays,
    Counted,
    Hours,
    Lapse,
    Lead,
    Months,
    Rule,
    Unit,
    Until,
    Years,
)

UNITS: Final[dict[str, type[Counted]]] = {
    unit.word.replace(" ", "-"): unit
    for unit in (Hours, CalendarDays, Months, Years, BusinessDays, BusinessHours)
}
MODES: Final = {"lead": Lead, "before": Before, "until": Until, "lapse": Lapse}


def write(rule: Rule) -> str:
    """Return a rule as text, like "lead:business-day:10"."""
    if isinstance(rule, Unit):
        return f"within:{_unit(rule)}"
    mode = next(name for name, kind in MODES.items() if isinstance(rule, kind))
    return f"{mode}:{_unit(rule.unit)}"


def read(text: str) -> Rule:
    """Return the rule that this text stands for. :raises ValueError: if it stands for none"""
    try:
        mode, word, count = text.split(":")
        unit = UNITS[word]
        counted = (
            BusinessHours(int(count), policy.OFFICE_HOURS) if unit is BusinessHours else unit(int(count))
        )
        rule: Rule = counted if mode == "within" else MODES[mode](counted)  # type: ignore[assignment,arg-type]
    except (KeyError, ValueError):
        raise ValueError(f"No rule is written {text!r}.") from None
    return rule


def _unit(unit: Counted) -> str:
    return f"{unit.word.replace(' ', '-')}:{unit.count}"
