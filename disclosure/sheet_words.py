"""The words of a check's sheet: what letters, layers, rules and widths are called, how numbers are told."""

from collections.abc import Mapping
from typing import Any, Final

STATES: Final = {  # letter: the name of its colour, its word, what it means
    "L": ("leak", "can be worked out", "Its count, or a narrow range of it, follows from what is released."),
    "U": ("remark", "not settled", "How far it can be worked out could not be settled in the limit."),
    "W": ("remark", "near a small count", "It is known to lie in a range that begins among small counts."),
    "S": ("small", "small", "Counts fewer people than may be shown."),
    "D": ("small", "dominated", "One or two contributors make up most of it."),
    "C": ("complementary", "complementary", "Withheld, as a small count could be worked out from it."),
    "R": ("residual", "residual", "Withheld, as several small counts would be known as one small sum."),
    "B": (
        "base",
        "base below {base}",
        "Its percentage is withheld: fewer than {base} people stand behind it.",
    ),
    "P": ("percentage", "percentage", "Its percentage is withheld with the count it would give away."),
    "M": ("base", "pay withheld", "Its count is shown; its sum or mean of pay is not."),
    "E": ("earlier", "released earlier", "The same count is public already; it cannot be taken back."),
}
LAYERS: Final = {
    "original": "As uploaded",
    "proposed": "What is withheld, and why",
    "released": "As it will be released",
    "open": "What an attacker still has to think possible",
}
PAY_RULES: Final = {  # as the engine calls them
    "too few people": "No sum of pay is shown of fewer people than a count is.",
    "too few employers": "No sum of pay is shown that fewer than three employers make up.",
    "an employer could estimate another's pay": "No sum is shown from which one employer could estimate"
    " another's pay too closely.",
    "a few employers pay nearly all": "No sum is shown of which one or two employers pay nearly all.",
    "too few people for a mean or a quantile": "No mean is shown on a base too small for percentages.",
    "withheld for another sum": "No withheld sum can be worked out from the others.",
}
WIDTHS: Final = (
    ("narrow", 5, "A range of 6 numbers or fewer: just as wide as the rule asks."),
    ("some", 20, "A range of up to 21 numbers."),
    ("wide", 100, "A range of up to 101 numbers."),
    ("any", None, "A wider range."),
)


def rules_behind(reason: str, policy: Mapping[str, Any]) -> list[str]:
    """Return the text of each rule that a cell falls under."""
    zeros = "zeros included" if policy["hide_zeros"] else "zeros excepted"
    said = []
    for each in filter(None, (part.strip() for part in reason.split(";"))):
        if each == "small":
            said.append(f"No count below {policy['min_count']} is shown, {zeros}.")
        elif each == "complementary":
            said.append("No withheld count can be worked out from rows, columns, totals or other tables.")
        elif each == "dominated":
            said.append("No sum is shown of which one or two contributors make up most.")
        elif each in PAY_RULES:
            said.append(PAY_RULES[each])
        elif "base too small" in each:
            said.append(f"No percentage is shown on a base below {policy['min_pct_base']}.")
        elif "no closer" in each:
            said.append("Where a count is told as a range, its percentage is told as one, too.")
        else:
            said.append(f"No {each} is shown.")
    return said


def money_told(row: Mapping[str, Any], layer: str) -> str:
    """Return a cell's sum or mean of pay as a layer tells it; nothing where there is none."""
    money = row.get("money")
    if not money or layer == "open":
        return ""
    told = money["shown"] if layer == "released" else money["true"]
    return f"${float(told):,.0f}" if told else ""


def range_of(interval: Mapping[str, Any]) -> str:
    """Return what an attacker has to think possible."""
    if interval["high"] is None:
        return f"{interval['low']} or more"
    if interval["high"] == interval["low"]:
        return f"{interval['low']}"
    return f"{interval['low']}–{interval['high']}"


def width_of(interval: Mapping[str, Any] | None) -> str:
    """Say how open a withheld cell is, in four steps."""
    if interval is None:
        return ""
    if interval["high"] is None:
        return "any"
    wide = interval["high"] - interval["low"]
    return next((name for name, most, _ in WIDTHS if most is not None and wide <= most), WIDTHS[-1][0])


def share_of(some: int, of: int) -> str:
    """Return how many of how many, and the share."""
    share = f" ({100 * some / of:.1f} %)" if of else ""
    return f"{some:,} of {of:,}{share}"


def count_told(row: Mapping[str, Any]) -> Any:
    """Return how a count is told that is shown: rounded or as a range, where that was asked for."""
    return row.get("told") or row["count"]
