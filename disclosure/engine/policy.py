"""The rules a table must keep, as one object that the caller fills in.

An engine has no opinion on promised numbers: the portal passes its own, the command line passes the
defaults of its contract.
"""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from disclosure.engine.errors import BadTable

Pattern = tuple[tuple[str, str], ...]  # (dimension, code) pairs; all must hold


@dataclass(frozen=True)
class Dominance:
    """When one or two contributors own too much of a sum."""

    p_percent: float  # a rival must not come closer than this to the largest contribution
    n: int  # the n largest contributors ...
    k_percent: float  # ... may not hold more than this share together
    min_contributors: int

    def __post_init__(self) -> None:
        """Refuse numbers that protect nobody, or let nothing through.

        :raises BadTable: if a percentage is not between 0 and 100, or a number of contributors below 1
        """
        if not (0 < self.p_percent <= 100 and 0 < self.k_percent < 100):
            raise BadTable("Policy: the percentages of dominance lie between 0 and 100.")
        if self.n < 1 or self.min_contributors < 1:
            raise BadTable("Policy: n and min_contributors of dominance are 1 or more.")


# Unemployment-insurance wages: p % of 15 and (2, 85 %) on employers' shares, at least 3 employers, as the
# design of disclosure control sets them (criterion, row "UI wages"). An agency may be stricter; `strictest`
# combines. For the kinds of rule: Handbook on Statistical Disclosure Control, "Sensitive cells in magnitude
# tables", which names 3 as the usual least number and advises to keep p and k to oneself.
UI_WAGES: Final = Dominance(p_percent=15, n=2, k_percent=85, min_contributors=3)


@dataclass(frozen=True)
class CellPolicy:
    """What counts as too small, and what may be shown."""

    min_count: int
    hide_zeros: bool
    min_pct_base: int
    structural_zeros: tuple[Pattern, ...] = ()
    dominance: Dominance | None = None
    min_pct_count: int = 0  # that a percentage must stand for itself; 0: its base alone counts

    def __post_init__(self) -> None:
        """Refuse numbers that protect nobody.

        :raises BadTable: if a threshold is not a positive whole number
        """
        for name in ("min_count", "min_pct_base"):
            number = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise BadTable(f"Policy: {name} must be a whole number of 1 or more.")
        number = self.min_pct_count
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise BadTable("Policy: min_pct_count must be a whole number of 0 or more.")
        if not isinstance(self.hide_zeros, bool):
            raise BadTable("Policy: hide_zeros must be true or false.")

    @property
    def smallest_hidden(self) -> int:
        """The smallest count a withheld cell may stand for."""
        return 0 if self.hide_zeros else 1

    def is_small(self, count: int) -> bool:
        """Say whether a count must not be shown."""
        return self.smallest_hidden <= count < self.min_count


def strictest(policies: Collection[CellPolicy]) -> CellPolicy:
    """Combine several policies: the highest thresholds, zeros hidden if anyone hides them.

    :raises BadTable: if there is no policy to combine
    """
    if not policies:
        raise BadTable("Policy: at least one policy is needed.")
    patterns = set.intersection(*(set(p.structural_zeros) for p in policies))
    rules = [p.dominance for p in policies if p.dominance]
    return CellPolicy(
        min_count=max(p.min_count for p in policies),
        hide_zeros=any(p.hide_zeros for p in policies),
        min_pct_base=max(p.min_pct_base for p in policies),
        structural_zeros=tuple(sorted(patterns)),
        dominance=_strictest_dominance(rules) if rules else None,
        min_pct_count=max(p.min_pct_count for p in policies),
    )


def _strictest_dominance(rules: Collection[Dominance]) -> Dominance:
    return Dominance(
        p_percent=max(r.p_percent for r in rules),
        n=max(r.n for r in rules),
        k_percent=min(r.k_percent for r in rules),
        min_contributors=max(r.min_contributors for r in rules),
    )


def from_toml(text: str, *, defaults: CellPolicy) -> CellPolicy:
    """Read a policy file; keys it does not name keep the defaults.

    :raises BadTable: if the file is not TOML, or has an unknown key or a wrong value
    """
    try:
        given: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadTable(f"Policy file: not valid TOML ({error}).") from None
    if set(given) == {"policy"} and isinstance(given["policy"], dict):
        given = given["policy"]
    known = {"min_count", "hide_zeros", "min_pct_base", "min_pct_count", "structural_zeros", "dominance"}
    if unknown := sorted(set(given) - known):
        raise BadTable(
            f"Policy file: unknown key {', '.join(unknown)}. Known are {', '.join(sorted(known))}."
        )
    return CellPolicy(
        min_count=given.get("min_count", defaults.min_count),
        hide_zeros=given.get("hide_zeros", defaults.hide_zeros),
        min_pct_base=given.get("min_pct_base", defaults.min_pct_base),
        structural_zeros=_patterns(given["structural_zeros"])
        if "structural_zeros" in given
        else defaults.structural_zeros,
        dominance=_dominance(given["dominance"]) if "dominance" in given else defaults.dominance,
        min_pct_count=given.get("min_pct_count", defaults.min_pct_count),
    )


def _patterns(value: object) -> tuple[Pattern, ...]:
    if not isinstance(value, list):
        raise BadTable(
            "Policy file: structural_zeros is a list of tables such as {school = 'A', grade = '12'}."
        )
    patterns = []
    for entry in value:
        if isinstance(entry, str):  # "school=A;grade=12"
            pairs = [part.partition("=") for part in entry.split(";")]
            entry = {left.strip(): right.strip() for left, _, right in pairs}
        if not isinstance(entry, Mapping) or not entry:
            raise BadTable("Policy file: each structural zero names at least one dimension and its code.")
        patterns.append(tuple(sorted((str(dim), _code(str(dim), code)) for dim, code in entry.items())))
    return tuple(sorted(set(patterns)))


def _code(dim: str, code: object) -> str:
    """Read a code of a structural zero: a number is the code written with its digits."""
    if isinstance(code, int) and not isinstance(code, bool):
        return str(code)
    if not isinstance(code, str) or not code.strip():
        raise BadTable(f"Policy file: the code of {dim} in structural_zeros is a text or a whole number.")
    return code.strip()


def _dominance(value: object) -> Dominance | None:
    if value is False:
        return None
    needed = {"p_percent", "n", "k_percent", "min_contributors"}
    if not isinstance(value, dict) or set(value) != needed:
        raise BadTable(f"Policy file: dominance needs exactly {', '.join(sorted(needed))}.")
    try:
        return Dominance(
            p_percent=float(value["p_percent"]),
            n=int(value["n"]),
            k_percent=float(value["k_percent"]),
            min_contributors=int(value["min_contributors"]),
        )
    except (TypeError, ValueError):
        raise BadTable("Policy file: the values of dominance are numbers.") from None
