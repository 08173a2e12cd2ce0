"""Made-up pay: records by hand and from a seed, and tables that count them."""

import csv
import io
import itertools

import numpy as np
from scipy.optimize import linprog

from disclosure.engine.longform import read_long
from disclosure.engine.magnitude.attack import attack
from disclosure.engine.magnitude.contributions import read_contributions
from disclosure.engine.magnitude.published import publish
from disclosure.engine.magnitude.tally import Ledger
from disclosure.engine.policy import UI_WAGES, CellPolicy
from tests.engines.disclosure.samples import cross

PAY_RULES = CellPolicy(min_count=6, hide_zeros=True, min_pct_base=20, dominance=UI_WAGES)
SAFE = (500, 450, 400, 350)
LARGE = (10_000, 9_000, 8_000, 7_000)


def paid(cells, dims=("town",)):
    """Make records from {codes: {employer: [pay of each person]}}; every person is a new one."""
    codes, employers, amounts = [[] for _ in dims], [], []
    for place, payers in cells.items():
        for employer, pay in payers.items():
            for amount in pay:
                for column, code in zip(codes, place if isinstance(place, tuple) else (place,), strict=True):
                    column.append(code)
                employers.append(employer)
                amounts.append(amount)
    return read_contributions(
        dict(zip(dims, codes, strict=True)), employer=employers, person=range(len(amounts)), amount=amounts
    )


def even(*totals, people=10):
    """Return employers e0, e1, ... that pay these totals, each in equal parts to some people."""
    return {f"e{i}": [total // people] * people for i, total in enumerate(totals)}


def long_table(contributions, *, name="pay.csv", groups=None, extra=()):
    """Count the people of each crossing of leaves, groups and Total."""
    names, leaves = contributions.names, [list(x) for x in contributions.leaves]
    counts = np.zeros(contributions.shape, dtype=int)
    np.add.at(counts, np.unravel_index(contributions.cell, contributions.shape), 1)
    text = cross(counts, names=list(names), codes=leaves, groups=groups)
    return read_long(name, text + "".join(extra))


def random_pay(seed, shape=(4, 4), people=600, giants=0.3):
    """Draw pay over two dimensions: uneven cells, some with an employer that pays nearly all."""
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.full(shape[0] * shape[1], 0.8))
    cell = rng.choice(len(weights), people, p=weights)
    employer = rng.integers(0, max(people // 15, 3), people)
    giant = rng.random(len(weights)) < giants
    employer = np.where(giant[cell] & (rng.random(people) < 0.9), cell % 5 + 10_000, employer)
    amount = (rng.lognormal(10, 1, people) * 100).astype(int)
    town, trade = np.divmod(cell, shape[1])
    codes = {"town": [f"t{i}" for i in town], "trade": [f"b{i}" for i in trade]}
    return read_contributions(codes, employer=employer, person=np.arange(people), amount=amount)


def records(contributions):
    """Return the records one by one: codes, employer, person, amount."""
    places = np.unravel_index(contributions.cell, contributions.shape)
    for i, amount in enumerate(contributions.amount):
        codes = [leaves[place[i]] for leaves, place in zip(contributions.leaves, places, strict=True)]
        yield (
            dict(zip(contributions.names, codes, strict=True)),
            int(contributions.employer[i]),
            int(contributions.person[i]),
            int(amount),
        )


def all_codes(contributions):
    """Return every crossing of leaves and Total, as codes."""
    choices = [[*leaves, "Total"] for leaves in contributions.leaves]
    return [dict(zip(contributions.names, row, strict=True)) for row in itertools.product(*choices)]


def oracle(made, texts, measure, unit, p=0.15):
    """Try every employer against every other in every crossing, one plain linear programme at a time."""
    leaves = made.leaves
    cells = {cell: i for i, cell in enumerate(itertools.product(*leaves))}
    pay = np.zeros((made.employers, len(cells)))
    for codes, employer, _, amount in records(made):
        pay[employer, cells[tuple(codes[n] for n in made.names)]] += amount

    def inside(codes):
        return np.array(
            [
                all(codes.get(n, "Total") in ("Total", c) for n, c in zip(made.names, cell, strict=True))
                for cell in cells
            ],
            dtype=float,
        )

    rows, low, high, printed = [], [], [], set()
    for text in texts:
        for row in csv.DictReader(io.StringIO(text)):
            codes = {n: row.get(n, "Total") for n in made.names}
            if not row[measure]:
                continue
            times = int(row["released"]) if measure == "mean" else 1
            half = unit / 2 if measure == "mean" or unit > 1 else 0
            rows.append(inside(codes))
            low.append(times * (int(row[measure]) - half))
            high.append(times * (int(row[measure]) + half))
            printed.add(tuple(codes.values()))
    facts = np.array(rows) / 1000
    total, alone, found = pay.sum(axis=0), (pay > 0).sum(axis=0) == 1, set()
    for codes in all_codes(made):
        if tuple(codes.values()) in printed:
            continue
        here = inside(codes)
        for knows in [None, *range(made.employers)]:
            own = np.zeros(len(cells)) if knows is None else pay[knows]
            others = [pay[b] @ here for b in range(made.employers) if b != knows]
            if not others or max(others) == 0:
                continue
            bounds = [
                (o / 1000, t / 1000 if a and o > 0 and knows is not None else None)
                for o, t, a in zip(own, total, alone, strict=True)
            ]
            best = linprog(
                -here, A_ub=np.vstack([facts, -facts]) * 1000, bounds=bounds, method="highs",
                b_ub=np.concatenate([np.array(high), -np.array(low)]) / 1000,
            )  # fmt: skip
            if best.status == 3:
                continue
            assert best.status == 0
            if -best.fun * 1000 - own @ here < (1 + p) * max(others) * (1 - 1e-6):
                found.add(tuple(codes.values()))
    return found


def released(made, hidden, *, measure="sum", unit=1, name="pay.csv", groups=None):
    """Publish all crossings but some; `hidden` names them by their codes."""
    table = long_table(made, name=name, groups=groups)
    ledger = Ledger(made, {})
    tallies = [
        ledger.tally(ledger.cells_of(codes_of(row, groups)), 2) if groups else t
        for row, t in zip(
            table.rows, ledger.tallies([codes_of(r, groups) for r in table.rows], 2), strict=True
        )
    ]
    shown = [tuple(row.codes[d] for d in table.dimensions) not in hidden for row in table.rows]
    return publish(table, tallies, counted=shown, shown=shown, mean_base=20, measure=measure, unit=unit)


def codes_of(row, groups):
    known = {group: "|".join(codes) for each in (groups or {}).values() for group, codes in each.items()}
    return {dim: known.get(code, code) for dim, code in row.codes.items()}


def look(*files, made, policy=PAY_RULES, groups=None, **more):
    return attack(files, contributions=made, groups=groups or {}, policy=policy, **more)


def kinds(report):
    return {(leak.finding.kind, leak.finding.people) for leak in report.leaks}
