"""What released sums and means say about inner cells, read from their bytes by code of the audit's own."""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod

import numpy as np
from scipy import sparse

from disclosure.engine.audit.closure import packings
from disclosure.engine.audit.reading import EVERYBODY, read_groups, rows_of
from disclosure.engine.errors import BadTable, Stopped
from disclosure.engine.magnitude.contributions import Contributions
from disclosure.engine.magnitude.published import MEAN, ROUNDED_TO, Money

Who = tuple[frozenset[int], ...]  # for each dimension the leaves that are meant
_WHOLE = re.compile(r"[0-9]{1,15}")
_MOST_CELLS = 50_000  # inner cells of the attack
_MOST_ASKED = 50_000
_NAMED = 6  # leaves named one by one
_PACKINGS = 8  # ways to take groups that overlap out of a wider one


@dataclass(frozen=True)
class Fact:
    """One released number: the sum over some inner cells lies between low and high."""

    cells: np.ndarray
    low: float
    high: float
    words: str
    place: str


@dataclass
class World:
    """The inner cells of an attack, who truly paid what there, and what has been said.

    `paid` has shape (employers, inner cells); `truth` and `people`, shape (inner cells,), sum them up. The
    attacker does not know which cells are empty: they are there like the others, unless they are `gone`.
    """

    names: list[str]
    leaves: list[list[str]]
    sets: list[dict[frozenset[int], str]]
    paid: sparse.csc_matrix
    truth: np.ndarray
    people: np.ndarray
    gone: np.ndarray
    facts: list[Fact] = field(default_factory=list)
    listed: dict[Who, bool] = field(default_factory=dict)  # a row of some table; whether its money is printed

    def cells_of(self, who: Who) -> np.ndarray:
        """Return the numbers of the inner cells of a population."""
        flat = np.zeros(1, dtype=np.int64)
        for leaves, inside in zip(self.leaves, who, strict=True):
            flat = (flat[:, None] * len(leaves) + np.array(sorted(inside), dtype=np.int64)[None, :]).ravel()
        return flat[~self.gone[flat]]

    def words(self, who: Who) -> str:
        """Say which people are meant."""
        said = []
        for name, leaves, named, inside in zip(self.names, self.leaves, self.sets, who, strict=True):
            if len(inside) < len(leaves):
                some = [leaves[i] for i in sorted(inside)]
                more = [f"{len(some) - _NAMED} more"] if len(some) > _NAMED else []
                said.append(f"{name} {named.get(inside) or ' and '.join([*some[:_NAMED], *more])}")
        return ", ".join(said) or "everyone"

    def populations(self) -> list[Who]:
        """List whom the attack asks about: rows, crossings nobody listed, and what is left along a line.

        :raises Stopped: if there are too many
        """
        if prod(len(named) for named in self.sets) > _MOST_ASKED:
            raise Stopped(f"The codes cross into more than {_MOST_ASKED:,} populations. Use fewer.")
        asked = dict.fromkeys([*self.listed, *product(*self.sets)])
        known = {who for who, printed in self.listed.items() if printed}
        waiting = list(asked)
        while waiting:  # what is left along one dimension may be a part along another
            new: dict[Who, None] = {}
            for who in waiting:
                for d in range(len(self.names)):
                    left = self._left(who, d, known)
                    new |= dict.fromkeys(each for each in left if each not in asked)
                    if who in known:
                        known.update(left)
            asked |= new
            waiting = list(new)
            if len(asked) > _MOST_ASKED:
                raise Stopped(f"More than {_MOST_ASKED:,} populations are left over. Use fewer codes.")
        return list(asked)

    def _left(self, who: Who, d: int, known: Container[Who]) -> list[Who]:
        """Return whoever is left of a group when its known parts along one dimension are taken out."""
        inside = [s for s in self.sets[d] if s < who[d] and (*who[:d], s, *who[d + 1 :]) in known]
        broad = [s for s in inside if len(s) > 1]
        widest = [s for s in inside if not any(s < other for other in broad)]
        found = []
        for family in packings(widest, _PACKINGS) if widest else []:
            left = who[d] - frozenset().union(*family)
            if left:
                found.append((*who[:d], left, *who[d + 1 :]))
        return found


def hear(
    files: Sequence[Money],
    *,
    contributions: Contributions,
    groups: Mapping[str, bytes],
    impossible: Sequence[Mapping[str, str]] = (),
) -> World:
    """Read released tables of money and put them over the inner cells they speak of.

    `groups` are hierarchies as `parent,child` CSV. `impossible` are structural zeros, as codes.

    :raises BadTable: if a file cannot be read, names what the contributions lack, or says what is not so
    :raises Stopped: if there are too many inner cells
    """
    below = {name: read_groups(name, content) for name, content in groups.items()}
    tables = [(money, *_rows(money)) for money in files]
    world = _world([(dims, rows) for _, dims, rows in tables], contributions, below, impossible)
    for money, dims, rows in tables:
        for place, row in rows:
            who = _who(world, {dim: row[dim] for dim in dims}, below, place)
            fact = _fact(money, row, world, who, place)
            world.listed[who] = world.listed.get(who, False) or fact is not None
            if fact is not None:
                world.facts.append(fact)
    return world


def _rows(money: Money) -> tuple[list[str], list[tuple[str, dict[str, str]]]]:
    table = rows_of(money.name, money.content)
    header = [h.strip() for h in table[0]] if table else []
    if len(set(header)) < len(header) or not {"released", money.measure} <= set(header):
        raise BadTable(f"{money.name}: needs the columns released and {money.measure}, each name once.")
    rows = []
    for number, cells in enumerate(table[1:], start=2):
        if len(cells) != len(header):
            raise BadTable(f"{money.name}, line {number}: expected {len(header)} values, found {len(cells)}.")
        rows.append((f"{money.name}, line {number}", dict(zip(header, map(str.strip, cells), strict=True))))
    if ROUNDED_TO in header and any(row[ROUNDED_TO] != str(money.unit // money.per) for _, row in rows):
        raise BadTable(f"{money.name}: {ROUNDED_TO} says another unit than the one it was rounded to.")
    return [h for h in header if h not in ("released", money.measure, ROUNDED_TO)], rows


def _world(
    tables: Sequence[tuple[list[str], list[tuple[str, dict[str, str]]]]],
    given: Contributions,
    below: Mapping[str, Mapping[str, set[str]]],
    impossible: Sequence[Mapping[str, str]],
) -> World:
    names = sorted({dim for dims, _ in tables for dim in dims})
    if strange := sorted(set(names) - set(given.names)):
        raise BadTable(f"The contributions have no dimension {strange[0]}.")
    leaves, sets = [], []
    for name in names:
        codes = {row[name] for dims, rows in tables if name in dims for _, row in rows} - {EVERYBODY}
        known = below.get(name, {})
        all_leaves = set(given.leaves[given.names.index(name)])
        all_leaves |= {leaf for code in codes for leaf in _parts(code, known)}
        all_leaves |= {leaf for inside in known.values() for leaf in inside}
        ordered = sorted(all_leaves)
        number = {leaf: i for i, leaf in enumerate(ordered)}
        named = {frozenset(range(len(ordered))): EVERYBODY}
        for code in sorted(codes | set(known)):
            named.setdefault(frozenset(number[leaf] for leaf in _parts(code, known)), code)
        leaves.append(ordered)
        sets.append(named)
    size = prod(len(each) for each in leaves)
    if size > _MOST_CELLS:
        raise Stopped(
            f"The tables cross into {size:,} inner cells; the attack takes {_MOST_CELLS:,} at most."
        )
    cell = _numbers(given, names, leaves)
    paid = sparse.coo_matrix(
        (given.amount.astype(float), (given.employer, cell)), shape=(given.employers, size)
    ).tocsc()
    paid.sum_duplicates()
    paid.eliminate_zeros()
    pairs = np.unique(cell * given.persons + given.person) // given.persons
    people = np.bincount(pairs, minlength=size)
    truth = np.asarray(paid.sum(axis=0)).ravel()
    world = World(names, leaves, sets, paid, truth, people, np.zeros(size, dtype=bool))
    for codes_of in impossible:
        if set(codes_of) <= set(names):  # else only some of a cell is impossible
            world.gone[world.cells_of(_who(world, codes_of, below, "Policy"))] = True
    if people[world.gone].any():
        raise BadTable("Policy: a structural zero counts people.")
    return world


def _numbers(given: Contributions, names: Sequence[str], leaves: Sequence[Sequence[str]]) -> np.ndarray:
    """Return the inner cell of each record among the dimensions that the tables have."""
    places = np.unravel_index(given.cell, given.shape) if given.names else ()
    cell = np.zeros(len(given.cell), dtype=np.int64)
    for name, ordered in zip(names, leaves, strict=True):
        d = given.names.index(name)
        number = {leaf: i for i, leaf in enumerate(ordered)}
        cell = cell * len(ordered) + np.array([number[leaf] for leaf in given.leaves[d]])[places[d]]
    return cell


def _parts(code: str, known: Mapping[str, set[str]]) -> set[str]:
    return set().union(*(known.get(part.strip(), {part.strip()}) for part in code.split("|")))


def _who(
    world: World, codes: Mapping[str, str], below: Mapping[str, Mapping[str, set[str]]], place: str
) -> Who:
    who = []
    for name, leaves in zip(world.names, world.leaves, strict=True):
        code = codes.get(name, EVERYBODY)
        if not code:
            raise BadTable(f"{place}: no code for {name}. Write {EVERYBODY} for all.")
        if code == EVERYBODY:
            who.append(frozenset(range(len(leaves))))
            continue
        inside = _parts(code, below.get(name, {}))
        if not inside <= set(leaves):
            raise BadTable(f"{place}: “{code}” is no code of {name}.")
        who.append(frozenset(leaves.index(leaf) for leaf in inside))
    return tuple(who)


def _fact(money: Money, row: Mapping[str, str], world: World, who: Who, place: str) -> Fact | None:
    """Return what a row says of its sum; None where it says nothing."""
    count, text = row["released"], row[money.measure]
    if any(value and not _WHOLE.fullmatch(value) for value in (count, text)):
        raise BadTable(f"{place}: released and {money.measure} are blank or whole numbers.")
    cells = world.cells_of(who)
    half = money.unit / 2 if money.unit > 1 or money.measure == MEAN else 0.0
    if text and money.measure == MEAN:
        if not count or int(count) == 0:
            raise BadTable(f"{place}: a mean without its count.")
        value = int(text) * money.per
        low, high = int(count) * (value - half), int(count) * (value + half)
        words = f"{int(count):,} × {int(text):,} ({world.words(who)})"
    elif text:
        value = int(text) * money.per
        low, high = value - half, value + half
        words = f"{int(text):,} ({world.words(who)})"
    elif count and int(count) == 0:
        low = high = 0.0
        words = f"nobody ({world.words(who)})"
    else:
        return None
    true = world.truth[cells].sum()
    if not low <= true <= high:
        raise BadTable(f"{place}: the released {money.measure} is not that of the contributions.")
    if count and int(count) != world.people[cells].sum():
        raise BadTable(f"{place}: the released count is not that of the contributions.")
    return Fact(cells, max(low, 0.0), high, words, place)
