"""Everything known and everything to protect, gathered from new tables and earlier releases."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from disclosure.engine.codes import TOTAL, Hierarchy
from disclosure.engine.errors import BadTable
from disclosure.engine.longform import Row, Table
from disclosure.engine.policy import CellPolicy
from disclosure.engine.space import Incidence, Key, Space


@dataclass
class Knowledge:
    """What the tables say about one cell."""

    place: str
    count: int | None = None  # true count, from a table to be released
    low: float = 0.0  # what earlier releases say, exact when low == high
    high: float = np.inf
    shown_before: str = ""  # where, with a number or a range
    withheld_before: bool = False


@dataclass
class Problem:
    """Cells as numbered arrays, for the solver."""

    space: Space
    incidence: Incidence
    keys: list[Key]
    places: list[str]
    released: list[str]  # where an earlier release says something of the cell
    count: np.ndarray  # NaN where only an earlier release has the cell
    low: np.ndarray
    high: np.ndarray
    new: np.ndarray
    fixed: np.ndarray  # known exactly already: cannot be withheld
    withheld_before: np.ndarray
    facts: sparse.csr_matrix  # earlier percentages, as rows over the unknowns
    fact_low: np.ndarray
    fact_high: np.ndarray
    fact_names: list[str]
    number: dict[Key, int] = field(default_factory=dict)

    def label(self, cell: int) -> str:
        """Say which people a cell counts."""
        return self.space.label(self.keys[cell])


def gather(
    tables: Sequence[Table],
    earlier: Sequence[Table],
    *,
    hierarchies: Mapping[str, Hierarchy],
    policy: CellPolicy,
) -> Problem:
    """Put all tables into one set of cells.

    :raises BadTable: if tables lack counts, contradict each other, or use unknown codes
    :raises Stopped: if the crossing of all dimensions is too large
    """
    space = _space([*tables, *earlier], hierarchies, policy)
    known: dict[Key, Knowledge] = {}
    for table in tables:
        _take_new(table, space, known)
    percentages: list[tuple[str, Row, Key, Key]] = []
    for table in earlier:
        percentages += _take_earlier(table, space, known, policy)
    keys = list(known)
    impossible = [space.key(dict(pattern)) for pattern in policy.structural_zeros]
    incidence = Incidence(space, keys, impossible)
    number = {key: i for i, key in enumerate(keys)}
    facts, low, high, names = _percentage_facts(percentages, incidence, number, space)
    count = np.array([np.nan if k.count is None else float(k.count) for k in known.values()])
    lows = np.array([k.low for k in known.values()], dtype=float)
    highs = np.array([k.high for k in known.values()], dtype=float)
    problem = Problem(
        space=space,
        incidence=incidence,
        keys=keys,
        places=[k.place for k in known.values()],
        released=[k.shown_before or k.place for k in known.values()],
        count=count,
        low=lows,
        high=highs,
        new=~np.isnan(count),
        fixed=lows == highs,
        withheld_before=np.array(
            [k.withheld_before and not k.shown_before for k in known.values()], dtype=bool
        ),
        facts=facts,
        fact_low=low,
        fact_high=high,
        fact_names=names,
        number=number,
    )
    _refuse_impossible_people(problem)
    return problem


def _space(tables: Sequence[Table], hierarchies: Mapping[str, Hierarchy], policy: CellPolicy) -> Space:
    used: dict[str, set[str]] = {}
    for table in tables:
        for dim in table.dimensions:
            used.setdefault(dim, set()).update(row.codes[dim] for row in table.rows)
    for pattern in policy.structural_zeros:
        for dim, code in pattern:
            if dim not in used:
                raise BadTable(f"Policy: structural_zeros names {dim}, which is no dimension of the tables.")
            if code not in used[dim] and dim not in hierarchies:
                raise BadTable(f"Policy: structural_zeros names {dim} “{code}”, which no table has.")
            used[dim].add(code)
    if unknown := sorted(set(hierarchies) - set(used)):
        raise BadTable(f"A hierarchy is given for {unknown[0]}, which is no dimension of the tables.")
    return Space(used, hierarchies)


def _take_new(table: Table, space: Space, known: dict[Key, Knowledge]) -> None:
    seen: dict[Key, int] = {}
    bases: list[tuple[str, Key, int]] = []
    for row in table.rows:
        place = f"{table.name}, line {row.line}"
        if row.count is None:
            raise BadTable(f"{place}: no count. A table to protect needs the true count in every row.")
        key = space.key(row.codes)
        if key in seen:
            raise BadTable(f"{place}: the same cell as line {seen[key]}. Each cell may stand once.")
        seen[key] = row.line
        _count(known, key, row.count, place)
        if row.percentage:
            base = base_key(space, row)
            if row.base is not None:
                bases.append((f"{place}, pct_n", base, row.base))
    for place, key, number in bases:
        _count(known, key, number, place)


def _count(known: dict[Key, Knowledge], key: Key, count: int, place: str) -> None:
    entry = known.setdefault(key, Knowledge(place))
    if entry.count is not None and entry.count != count:
        raise BadTable(f"{place}: the count differs from {entry.place}, though it is the same cell.")
    entry.count = count


def base_key(space: Space, row: Row) -> Key:
    """Return the cell that a row's percentage is a share of."""
    of = row.share().of
    return space.key({dim: TOTAL if dim in of else code for dim, code in row.codes.items()})


def _take_earlier(
    table: Table, space: Space, known: dict[Key, Knowledge], policy: CellPolicy
) -> list[tuple[str, Row, Key, Key]]:
    percentages = []
    only_counts = not table.has("released")  # a public table: what it counts is shown
    for row in table.rows:
        place = f"{table.name}, line {row.line}" + (f", release {row.release}" if row.release else "")
        key = space.key(row.codes)
        entry = known.setdefault(key, Knowledge(place))
        shown = row.shown
        if only_counts and row.count is not None:
            shown = (row.count, row.count)
        if shown is not None:
            _narrow(entry, shown[0], shown[1], place)
        elif not only_counts or row.percentage is None:
            entry.withheld_before = True
            if not policy.hide_zeros:
                entry.low = max(entry.low, 1.0)
        if row.percentage:
            base = base_key(space, row)
            base_entry = known.setdefault(base, Knowledge(place))
            if row.base is not None:
                _narrow(base_entry, row.base, row.base, f"{place}, pct_n")
            percentages.append((place, row, key, base))
    return percentages


def _narrow(entry: Knowledge, low: int, high: int | None, place: str) -> None:
    entry.low = max(entry.low, float(low))
    entry.high = min(entry.high, np.inf if high is None else float(high))
    entry.shown_before = entry.shown_before or place
    if entry.low > entry.high:
        raise BadTable(f"{place}: contradicts {entry.place}.")
    if entry.count is not None and not entry.low <= entry.count <= entry.high:
        raise BadTable(
            f"{entry.place}: the count is not the one released before ({place}). "
            "If the data were extracted anew, give the release a dimension for the extraction date."
        )


def _percentage_facts(
    percentages: Iterable[tuple[str, Row, Key, Key]],
    incidence: Incidence,
    number: Mapping[Key, int],
    space: Space,
) -> tuple[sparse.csr_matrix, np.ndarray, np.ndarray, list[str]]:
    rows, low, high, names = [], [], [], []
    for place, row, key, base in percentages:
        percentage = row.share()
        part, whole = incidence.cells[number[key]], incidence.cells[number[base]]
        share, half = float(percentage.value), float(percentage.half)
        name = f"{percentage.value} % ({space.label(key)} among {space.label(base)}; {place})"
        rows += [100 * part - (share - half) * whole, 100 * part - (share + half) * whole]
        low += [0.0, -np.inf]
        high += [np.inf, 0.0]
        names += [name, name]
    matrix = sparse.vstack(rows).tocsr() if rows else sparse.csr_matrix((0, incidence.size))
    return matrix, np.array(low), np.array(high), names


def _refuse_impossible_people(problem: Problem) -> None:
    empty = np.asarray(problem.incidence.cells.sum(axis=1)).ravel() == 0
    for cell in np.flatnonzero(empty):
        if problem.count[cell] > 0 or problem.low[cell] > 0:
            raise BadTable(f"{problem.places[cell]}: declared a structural zero, but it counts people.")
