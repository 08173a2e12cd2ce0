"""Which sums, means and quantiles of money may not be shown, and why.

Sources: A. Hundepool and others, Handbook on Statistical Disclosure Control, chapter on magnitude tables,
"Sensitive cells in magnitude tables" (minimum frequency, (n,k) and p% rules, whom they protect from whom,
negative contributions); Federal Committee on Statistical Methodology, Statistical Policy Working Paper 22
(the p% rule). The employer, not the record, is the respondent: all that it pays in a row is one
contribution ("holdings" in the Handbook).
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

import numpy as np

from disclosure.engine.errors import BadTable
from disclosure.engine.magnitude.tally import Tally
from disclosure.engine.policy import CellPolicy, Dominance

FEW_PEOPLE = "too few people"
FEW_EMPLOYERS = "too few employers"
CLOSE = "an employer could estimate another's pay"
DOMINATED = "a few employers pay nearly all"
BASE = "too few people for a mean or a quantile"
ONE_SIDE = "too few people on one side"


def rule_of(policy: CellPolicy) -> Dominance:
    """Return the rule for sums of money.

    :raises BadTable: if the policy has none: sums may not be judged without
    """
    if policy.dominance is None:
        raise BadTable("Policy: sums of money need a dominance rule.")
    return policy.dominance


def largest_needed(rule: Dominance) -> int:
    """How many of the largest contributions the rules look at."""
    return max(rule.n, 2)


def p_percent_unsafe(total: int, largest: tuple[int, ...], p: float) -> bool:
    """Say whether the second largest can estimate the largest within p %: X − x1 − x2 < p/100·x1."""
    first, second = (*largest, 0, 0)[:2]
    return first > 0 and 100 * (total - first - second) < Fraction(p) * first


def nk_unsafe(total: int, largest: tuple[int, ...], n: int, k: float) -> bool:
    """Say whether the n largest hold more than k % together: x1 + … + xn > k/100·X."""
    return 100 * sum(largest[:n]) > Fraction(k) * total


def why_withheld(tally: Tally, policy: CellPolicy, *, impossible: bool = False) -> tuple[str, ...]:
    """Return every rule by which a row's sum may not be shown; none means that it may.

    `impossible` marks a structural zero. Where nobody is counted and zeros are shown, a sum of 0 says no
    more than the count. A row of people who were all paid nothing has no contributors, and is withheld.

    :raises BadTable: if the policy has no dominance rule
    """
    rule = rule_of(policy)
    if tally.persons == 0 and (impossible or not policy.hide_zeros):
        return ()
    reasons = []
    if policy.is_small(tally.persons):
        reasons.append(FEW_PEOPLE)
    if tally.employers < rule.min_contributors:
        reasons.append(FEW_EMPLOYERS)
    if p_percent_unsafe(tally.total, tally.largest, rule.p_percent):
        reasons.append(CLOSE)
    if nk_unsafe(tally.total, tally.largest, rule.n, rule.k_percent):
        reasons.append(DOMINATED)
    return tuple(reasons)


def why_no_mean(tally: Tally, policy: CellPolicy) -> tuple[str, ...]:
    """Return every rule by which a row's mean may not be shown: those of its sum, and the base rule.

    :raises BadTable: if the policy has no dominance rule
    """
    reasons = why_withheld(tally, policy)
    return (*reasons, BASE) if tally.persons < policy.min_pct_base else reasons


@dataclass(frozen=True)
class Quantile:
    """A quantile as it may be shown: a multiple of the rounding unit, or None with the reasons."""

    share: Fraction
    value: int | None
    reasons: tuple[str, ...]


def quantile(pay: np.ndarray, tally: Tally, *, share: Fraction, policy: CellPolicy, unit: int) -> Quantile:
    """Return a median or quartile of what people were paid, if it may be shown.

    `pay` is what each person of the row was paid, rising, shape (persons,). The value is the average of the
    two people about the cut where it falls between two, else one person's (type 2 of Hyndman and Fan),
    rounded to `unit`. There must be `min_pct_base` people, and `min_count` of them must be paid less and
    `min_count` more than the unrounded value: nobody's own pay is shown as that of a group of equals.
    Minimum and maximum (a share of 0 or 1) are never shown.

    :raises BadTable: if the share is not between 0 and 1, `pay` is not the row's, or there is no rule
    """
    if not 0 < share < 1:
        raise BadTable("No minimum and no maximum: a quantile lies between them.")
    if unit < 1:
        raise BadTable("Quantiles are rounded to a unit of 1 or more.")
    if len(pay) != tally.persons:
        raise BadTable("The pay is not that of the people of this row.")
    reasons = list(why_no_mean(tally, policy))
    if len(pay) == 0:
        return Quantile(share, None, tuple(reasons))
    cut = share * len(pay)
    low, high = int(pay[ceil(cut) - 1]), int(pay[min(floor(cut), len(pay) - 1)])
    twice = low + high if cut.denominator == 1 else 2 * low
    below, above = int((2 * pay < twice).sum()), int((2 * pay > twice).sum())
    if min(below, above) < policy.min_count:
        reasons.append(ONE_SIDE)
    value = None if reasons else rounded(Fraction(twice, 2), unit)
    return Quantile(share, value, tuple(reasons))


def rounded(value: Fraction | int, unit: int) -> int:
    """Round to the nearest multiple of a unit, halves up."""
    return floor(Fraction(value) / unit + Fraction(1, 2)) * unit
