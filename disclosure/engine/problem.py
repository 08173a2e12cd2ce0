"""Everything known and everything to protect, gathered from new tables and earlier releases."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from disclosure.engine.codes import TOTAL, Hierarchy
from disclosure.engine.errors import BadTable
from disclosure.engine.longform import Row, Table
from disclosure.engine.policy import CellPolicy, Pattern
from disclosure.engine.space import Incidence, Key, Space

Sum = tuple[Mapping[str, str], ...]  # cells by their codes, added up
Share = tuple[str, Row, Key, Key, bool]  # an earlier percentage: place, row, cell, base, ours
_CLOSEST = 0.5e-9  # half a unit of the ninth decimal: finer percentages are lost in sums of fractions


@dataclass(frozen=True)
class Wanted:
    """Something an audit found to be known too well, to be guarded from now on."""

    kind: str  # cell, residual, difference, base
    plus: Sum
    minus: Sum = ()


@dataclass
class Knowledge:
    """What the tables say about one cell."""

    place: str
    count: int | None = None  # true count, from a table to be released
    low: float = 0.0  # what earlier releases say, exact when low == high
    high: float = np.inf
    others_low: float = 0.0  # what everybody knows without us
    others_high: float = np.inf
    shown_before: str = ""  # where, with a number or a range
    withheld_before: bool = False
    base_before: bool = False
    truth: int | None = None  # true count of a cell withheld earlier, where the caller lends it


@dataclass
class Problem:
    """Cells as numbered arrays, for the solver."""

    space: Space
    incidence: Incidence
    keys: list[Key]
    places: list[str]
    released: list[str]  # where an earlier release says something of the cell
    count: np.ndarray  # NaN where only an earlier release has the cell, or nobody
    low: np.ndarray
    high: np.ndarray
    low_before: np.ndarray
    others_low: np.ndarray
    others_high: np.ndarray
    new: np.ndarray
    fixed: np.ndarray  # known exactly already: cannot be withheld
    unlisted: np.ndarray  # in no table, but can be added up
    withheld_before: np.ndarray
    base_before: np.ndarray
    truth: np.ndarray
    facts: sparse.csr_matrix  # earlier percentages, as rows over the unknowns
    fact_low: np.ndarray
    fact_high: np.ndarray
    fact_names: list[str]
    fact_ours: np.ndarray
    number: dict[Key, int] = field(default_factory=dict)

    def label(self, cell: int) -> str:
        """Say which people a cell counts."""
        return self.space.label(self.keys[cell])


@dataclass
class Gathered:
    """All that the tables say, before it is decided which unlisted cells matter."""

    space: Space
    known: dict[Key, Knowledge]
    shares: list[Share]
    impossible: list[Key]
    wanted: list[tuple[str, tuple[Key, ...], tuple[Key, ...]]]
    earlier: bool
    others: bool

    def problem(self, unlisted: Sequence[Key] = ()) -> Problem:
        """Number the cells, those that no table lists last.

        :raises BadTable: if people are counted where there can be none
        :raises Stopped: if the crossing of all dimensions is too large
        """
        keys = [*self.known, *unlisted]
        entries = [*self.known.values(), *(Knowledge("in no table") for _ in unlisted)]
        incidence = Incidence(self.space, keys, self.impossible)
        number = {key: i for i, key in enumerate(keys)}
        facts, fact_low, fact_high, names, ours = _percentage_facts(
            self.shares, incidence, number, self.space
        )
        count = np.array([np.nan if k.count is None else float(k.count) for k in entries])
        truth = np.array([np.nan if k.truth is None else float(k.truth) for k in entries])
        low = np.array([k.low for k in entries], dtype=float)
        high = np.array([k.high for k in entries], dtype=float)
        problem = Problem(
            space=self.space,
            incidence=incidence,
            keys=keys,
            places=[k.place for k in entries],
            released=[k.shown_before or k.place for k in entries],
            count=count,
            low=low,
            high=high,
            low_before=low.copy(),
            others_low=np.array([k.others_low for k in entries], dtype=float),
            others_high=np.array([k.others_high for k in entries], dtype=float),
            new=~np.isnan(count),
            fixed=low == high,
            unlisted=np.arange(len(keys)) >= len(self.known),
            withheld_before=np.array([k.withheld_before and k.low < k.high for k in entries], dtype=bool),
            base_before=np.array([k.base_before for k in entries], dtype=bool),
            truth=np.where(np.isnan(count), truth, count),
            facts=facts,
            fact_low=fact_low,
            fact_high=fact_high,
            fact_names=names,
            fact_ours=ours,
            number=number,
        )
        _refuse_impossible_people(problem)
        return problem


def gather(
    tables: Sequence[Table],
    earlier: Sequence[Table],
    *,
    hierarchies: Mapping[str, Hierarchy],
    policy: CellPolicy,
    wanted: Sequence[Wanted] = (),
) -> Gathered:
    """Put all tables into one set of cells.

    :raises BadTable: if tables lack counts, contradict each other, or use unknown codes
    """
    used = _used([*tables, *earlier])
    impossible = _known(policy.structural_zeros, used, hierarchies)
    space = _space(used, hierarchies, impossible, wanted)
    known: dict[Key, Knowledge] = {}
    for table in tables:
        _take_new(table, space, known)
    shares: list[Share] = []
    for table in earlier:
        shares += _take_earlier(table, space, known, policy)
    return Gathered(
        space=space,
        known={key: known[key] for key in sorted(known, key=_by_codes)},
        shares=shares,
        impossible=[space.key(dict(pattern)) for pattern in impossible],
        wanted=[
            (w.kind, tuple(space.key(c) for c in w.plus), tuple(space.key(c) for c in w.minus))
            for w in wanted
        ],
        earlier=bool(earlier),
        others=any(not table.ours for table in earlier),
    )


def _by_codes(key: Key) -> tuple[float, ...]:
    """Order cells by their codes, Total last: the order of rows and of tables decides nothing."""
    return tuple(number or np.inf for number in key)


def _used(tables: Sequence[Table]) -> dict[str, set[str]]:
    used: dict[str, set[str]] = {}
    for table in tables:
        for dim in table.dimensions:
            used.setdefault(dim, set()).update(row.codes[dim] for row in table.rows)
    return used


def _known(
    patterns: Sequence[Pattern], used: Mapping[str, set[str]], hierarchies: Mapping[str, Hierarchy]
) -> list[Pattern]:
    """Leave out patterns about people whom these tables do not know: they say nothing about the others."""
    known = {
        dim: hierarchies[dim].codes() if dim in hierarchies else set[str]().union(*map(_parts, codes))
        for dim, codes in used.items()
    }
    return [p for p in patterns if all(dim in known and _parts(code) <= known[dim] for dim, code in p)]


def _parts(code: str) -> set[str]:
    return {part.strip() for part in code.split("|")}


def _space(
    used: dict[str, set[str]],
    hierarchies: Mapping[str, Hierarchy],
    impossible: Sequence[Pattern],
    wanted: Sequence[Wanted],
) -> Space:
    for dim, code in (pair for pattern in impossible for pair in pattern):
        used[dim].add(code)
    for codes in (c for w in wanted for c in (*w.plus, *w.minus)):
        for dim, code in codes.items():
            if dim in used:
                used[dim].add(code)
    return Space(used, {name: known for name, known in hierarchies.items() if name in used})


def _take_new(table: Table, space: Space, known: dict[Key, Knowledge]) -> None:
    seen: dict[tuple[str, ...], list[Row]] = {}
    bases: list[tuple[str, Key, int]] = []
    for row in table.rows:
        place = f"{table.name}, line {row.line}"
        if row.count is None:
            raise BadTable(f"{place}: no count. A table to protect needs the true count in every row.")
        key = space.key(row.codes)
        named = tuple(row.codes[dim] for dim in table.dimensions)
        for other in seen.setdefault(named, []):
            _refuse_again(place, row, other)
        seen[named].append(row)
        _count(known, key, row.count, place)
        if row.percentage:
            base = base_key(space, row)
            known.setdefault(base, Knowledge(place))  # listed or not, it is spoken of
            if row.base is not None:
                bases.append((f"{place}, pct_n", base, row.base))
    for place, key, number in bases:
        _count(known, key, number, place)


def _refuse_again(place: str, row: Row, other: Row) -> None:
    """Refuse a second line about the same cell, unless it gives the percentage of another base.

    :raises BadTable: naming the first line
    """
    if row.count != other.count:
        raise BadTable(
            f"{place}: the same cell as line {other.line}, but the count differs. Correct one of them."
        )
    if not row.base_of or not other.base_of or set(row.base_of) == set(other.base_of):
        raise BadTable(
            f"{place}: the same cell as line {other.line}. Each cell may stand once, or once for each base "
            "(pct_of) of its percentages."
        )


def _count(known: dict[Key, Knowledge], key: Key, count: int, place: str) -> None:
    entry = known.setdefault(key, Knowledge(place))
    if entry.count is not None and entry.count != count:
        raise BadTable(
            f"{place}: the count differs from {entry.place}, though it is the same cell. "
            "List every category (or give a hierarchy that does), and check the totals."
        )
    entry.count = count


def base_key(space: Space, row: Row) -> Key:
    """Return the cell that a row's percentage is a share of, and that its pct_n counts."""
    return space.key({dim: TOTAL if dim in row.base_of else code for dim, code in row.codes.items()})


def _take_earlier(table: Table, space: Space, known: dict[Key, Knowledge], policy: CellPolicy) -> list[Share]:
    shares: list[Share] = []
    only_counts = not table.has("released")  # a public table: what it counts is shown
    zeros_shown = not policy.hide_zeros or _prints_zeros(table, policy)
    reach = _reach(table, space, known)
    for row in table.rows:
        place = f"{table.name}, line {row.line}" + (f", release {row.release}" if row.release else "")
        key = space.key(row.codes)
        entry = known.setdefault(key, Knowledge(place))
        shown = row.shown
        if only_counts and row.count is not None:
            shown = (row.count, row.count)
        elif row.count is not None:
            entry.truth = row.count
        if row.rounded is not None:
            shown = max(0, row.rounded - reach), row.rounded + reach
        if shown is not None:
            _narrow(entry, shown[0], shown[1], place, ours=table.ours)
            entry.withheld_before |= table.ours and shown[0] != shown[1]
        else:
            entry.withheld_before |= table.ours
            counted = entry.count is None or entry.count > 0
            if zeros_shown and counted and (not only_counts or row.percentage is None):
                entry.low = max(entry.low, 1.0)
                if not table.ours:
                    entry.others_low = max(entry.others_low, 1.0)
        if (row.percentage is not None or row.base is not None) and not row.pct_withheld:
            shares += _take_share(table, row, place, space, known)
    return shares


def _reach(table: Table, space: Space, known: Mapping[Key, Knowledge]) -> int:
    """Return how far the truth may lie from the rounded numbers of a table: no further than they need it.

    The finest step that the numbers allow tells an attacker most; where a count that is known lies further
    away, they were rounded more coarsely.
    """
    apart = 0.0
    for row in table.rows:
        entry = known.get(space.key(row.codes))
        if row.rounded is None or entry is None:
            continue
        if entry.count is not None:
            apart = max(apart, abs(entry.count - row.rounded))
        apart = max(apart, entry.low - row.rounded, row.rounded - entry.high)
    fitting = [way for way in table.reaches if way >= apart]
    return fitting[0] if fitting else (table.reaches or (0,))[0]


def _take_share(table: Table, row: Row, place: str, space: Space, known: dict[Key, Knowledge]) -> list[Share]:
    """Take in the base of a percentage, printed with it or alone; return the percentage."""
    if row.base is not None and not row.base_of:
        raise BadTable(f"{place}: pct_n needs pct_of, the dimensions that are Total in what it counts.")
    base = base_key(space, row)
    entry = known.setdefault(base, Knowledge(place))
    if row.base is not None:
        _narrow(entry, row.base, row.base, f"{place}, pct_n", ours=table.ours)
    if row.percentage is None:
        return []
    entry.base_before |= table.ours
    return [(place, row, space.key(row.codes), base, table.ours)]


def _prints_zeros(table: Table, policy: CellPolicy) -> bool:
    """Say whether a release shows a zero that is no structural one: then its blanks count somebody."""
    for row in table.rows:
        if row.shown == (0, 0) and not any(
            all(row.codes.get(dim) == code for dim, code in pattern) for pattern in policy.structural_zeros
        ):
            return True
    return False


def _narrow(entry: Knowledge, low: int, high: int | None, place: str, *, ours: bool) -> None:
    top = np.inf if high is None else float(high)
    entry.low, entry.high = max(entry.low, float(low)), min(entry.high, top)
    if not ours:
        entry.others_low = max(entry.others_low, float(low))
        entry.others_high = min(entry.others_high, top)
    entry.shown_before = entry.shown_before or place
    if entry.low > entry.high:
        raise BadTable(f"{place}: contradicts {entry.place}.")
    if entry.count is not None and not entry.low <= entry.count <= entry.high:
        raise BadTable(
            f"{entry.place}: the count is not the one released before ({place}). "
            "If the data were extracted anew, give the release a dimension for the extraction date."
        )


def _percentage_facts(
    shares: Iterable[Share],
    incidence: Incidence,
    number: Mapping[Key, int],
    space: Space,
) -> tuple[sparse.csr_matrix, np.ndarray, np.ndarray, list[str], np.ndarray]:
    rows, low, high, names, mine = [], [], [], [], []
    bases: set[tuple[Key, bool]] = set()
    for place, row, key, base, ours in shares:
        percentage = row.share()
        part, whole = incidence.cells[number[key]], incidence.cells[number[base]]
        share, half = float(percentage.value), max(float(percentage.half), _CLOSEST)
        name = f"{percentage.value} % ({space.label(key)} among {space.label(base)}; {place})"
        rows += [100 * part - (share - half) * whole, 100 * part - (share + half) * whole]
        low += [0.0, -np.inf]
        high += [np.inf, 0.0]
        somebody = [whole] if (base, ours) not in bases else []  # nobody can be a share of nobody
        bases.add((base, ours))
        if share - half > 0:
            somebody.append(part)
        if share + half < 100:
            somebody.append(whole - part)
        rows += somebody
        low += [1.0] * len(somebody)
        high += [np.inf] * len(somebody)
        names += [name] * (2 + len(somebody))
        mine += [ours] * (2 + len(somebody))
    matrix = sparse.vstack(rows).tocsr() if rows else sparse.csr_matrix((0, incidence.size))
    return matrix, np.array(low), np.array(high), names, np.array(mine, dtype=bool)


def _refuse_impossible_people(problem: Problem) -> None:
    empty = np.asarray(problem.incidence.cells.sum(axis=1)).ravel() == 0
    for cell in np.flatnonzero(empty):
        if problem.count[cell] > 0 or problem.low[cell] > 0:
            raise BadTable(f"{problem.places[cell]}: declared a structural zero, but it counts people.")
    nothing = (np.diff(problem.facts.indptr) == 0) & (problem.fact_low > 0)
    for fact in np.flatnonzero(nothing):
        raise BadTable(f"{problem.fact_names[fact]}: nobody can have this percentage. Check its base.")
