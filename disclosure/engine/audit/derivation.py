"""Write out, in plain words, how a number is worked out from what was released."""

from collections.abc import Iterable

import numpy as np
from scipy import sparse

from disclosure.engine.audit.linear import solved
from disclosure.engine.audit.system import EPS, SAME, System
from disclosure.engine.errors import SolverFailed

_MOST = 12  # facts named one by one
_ROUNDS = 4
_NOTHING = 1e-7  # of a weight


def derive(system: System, vector: sparse.csr_matrix, low: float, high: float) -> str:
    """Return the sum that gives a value, or the two bounds that enclose it."""
    try:
        return _derive(system, vector, low, high)
    except SolverFailed:
        return f"only {low:.0f} to {high:.0f} fits all released numbers"


def _derive(system: System, vector: sparse.csr_matrix, low: float, high: float) -> str:
    goal = vector.toarray().ravel()
    if low == high and (plain := _equation(system, goal)) is not None:
        return f"{plain} = {low:.0f}"
    said = []
    if np.isfinite(high):
        upper = _bound(system, goal, 1, high)
        said.append(upper and f"at most {high:.0f}: {upper}, as no count is below 0 or broken")
    if low > 0:
        lower = _bound(system, goal, -1, low)
        said.append(lower and f"at least {low:.0f}: {lower}")
    if said and all(said):
        return "; ".join(part for part in said if part)
    return f"only {low:.0f} to {high:.0f} fits all released numbers in whole people"


def _usable(system: System, goal: np.ndarray, *, exact: bool) -> np.ndarray:
    same = system.low == system.high
    finite = np.isfinite(system.low) | np.isfinite(system.high)
    return np.flatnonzero((same if exact else finite) & system.near(goal))


def _there(system: System, facts: sparse.csr_matrix, goal: np.ndarray) -> np.ndarray:
    """Return the unknowns that a sum of these facts has to match."""
    said = np.zeros(facts.shape[1], dtype=bool)
    said[facts.indices] = True
    return np.flatnonzero((goal != 0) | (said & (np.isnan(system.known) | (system.known != 0))))


def _equation(system: System, goal: np.ndarray) -> str | None:
    """Find the lightest combination of exact facts that is the wanted sum."""
    rows = _usable(system, goal, exact=True)
    facts = system.facts[rows]
    there = _there(system, facts, goal)
    columns = facts[:, there].T.tocsc()
    size = len(rows)
    if not size or size > 60_000:
        return None
    both = sparse.hstack([columns, -columns]).tocsr()
    weight, best = np.ones(2 * size), None
    for _ in range(_ROUNDS):  # facts that were little used become dearer: fewer carry the sum
        system.work.ask()
        answer = solved(weight, system.work, A_eq=both, b_eq=goal[there], bounds=(0, None))
        if answer.status != 0:
            break
        system.work.spend(int(answer.nit))
        used = answer.x[:size] - answer.x[size:]
        count = int((np.abs(used) > 1e-7).sum())
        if best is not None and count >= best[0]:
            break
        best = count, used
        weight = 1 / (np.concatenate((np.abs(used), np.abs(used))) + 0.1)
    return None if best is None else _sum(system, rows, best[1])


def _bound(system: System, goal: np.ndarray, sign: int, end: float) -> str | None:
    """Read the facts behind a bound from the dual: few, and each with its weight.

    None where they add up to less, because counts in between are whole as well.
    """
    rows = _usable(system, goal, exact=False)
    facts = system.facts[rows]
    low, high = system.low[rows], system.high[rows]
    upper = np.where(np.isfinite(high), high, 0.0)
    lower = np.where(np.isfinite(low), low, 0.0)
    # Weights u (on upper ends) and v (on lower ends): facts' (u - v) >= sign * goal.
    bounds = [(0, None if np.isfinite(h) else 0) for h in high] + [
        (0, None if np.isfinite(b) else 0) for b in low
    ]
    columns = facts.T.tocsc()
    open_columns = _there(system, facts, goal)
    matrix = sparse.hstack([columns, -columns]).tocsr()[open_columns]
    system.work.ask()
    answer = solved(
        np.concatenate((upper, -lower)) + 1e-6,
        system.work,
        A_ub=-matrix,
        b_ub=-(sign * goal[open_columns]),
        bounds=bounds,
    )
    if answer.status != 0:
        return None
    up, down = answer.x[: len(rows)], answer.x[len(rows) :]
    total = float(sign * (upper @ up - lower @ down))
    if (np.floor(total + EPS) if sign > 0 else np.ceil(total - EPS)) != end:
        return None
    return _sum(system, rows, sign * (up - down))


def _sum(system: System, rows: np.ndarray, weights: np.ndarray) -> str:
    names = system.names
    return written([(float(w), names[r]) for w, r in zip(weights, rows, strict=True) if names[r] != SAME])


def written(facts: Iterable[tuple[float, str]]) -> str:
    """Write a sum of facts, each with its weight: the heaviest first, and not more than a dozen by name."""
    used = sorted(((w, name) for w, name in facts if abs(w) > _NOTHING), key=lambda pair: -pair[0])
    said = join(used[:_MOST])
    return said + (f" and {len(used) - _MOST} more facts" if len(used) > _MOST else "")


def join(facts: Iterable[tuple[float, str]]) -> str:
    """Write a sum of facts, each with its weight, in their order."""
    said = ""
    for weight, name in facts:
        sign = "−" if weight < 0 else "+"
        size = abs(weight)
        times = "" if abs(size - 1) < _NOTHING else f"{size:g} × "
        said += f" {sign} {times}{name}" if said else f"{'−' if weight < 0 else ''}{times}{name}"
    return said
