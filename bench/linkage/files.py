"""Two files of invented people with the truth about them, from a seed and an error model.

Given names are those of `fixtures.names` with a tail of invented ones; family names are made from parts. SSNs
have areas that were never issued. The same arguments give the same files.
"""

from __future__ import annotations

import dataclasses as dc
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from bench.linkage.models import Errors, Model
from fixtures import names
from fixtures.errors import chosen, typo
from fixtures.population import social_security_numbers

_ZIPS: Final = 280
_STREETS: Final = 900
_JUNK: Final = np.array(["999999999", "900010001", "123456789", "666010101", "900121234"], dtype=object)
_TAIL: Final = ("Al An Be Bri Ca Da De El Fa Ge Ha In Ja Ka La Ma Na Or Pa Re Sa Ta Va We Yo Ze".split(),
                "da dre la lia lin lo mar mi na nel ni ra ri sha son ta ter vi von zi".split(),
                "ah an el en ia ie is o us y".split())  # fmt: skip


@dc.dataclass(frozen=True)
class Made:
    """Two files, and for each of their rows which person it is, and what befell them."""

    model: Model
    seed: int
    left: pa.Table
    right: pa.Table
    left_person: np.ndarray
    right_person: np.ndarray
    people: pd.DataFrame
    """By person: female, twin, and for the pair of files: changed (surname), missing (an SSN)."""


@dc.dataclass
class _People:
    first: np.ndarray
    middle: np.ndarray
    last: np.ndarray
    second: np.ndarray
    female: np.ndarray
    born: np.ndarray
    ssn: np.ndarray
    street: np.ndarray
    zip: np.ndarray
    twin: np.ndarray
    bare: np.ndarray
    """Who has no number at all."""


def make(rows: int, *, seed: int, model: Model) -> Made:
    """Invent the people, and write each of them down as each file has them."""
    rngs = [np.random.default_rng(s) for s in np.random.SeedSequence([seed, len(model.name)]).spawn(3)]
    shared = int(rows * model.overlap)
    people = _people(rngs[0], rows * 2 - shared, model)
    order = rngs[0].permutation(len(people.first))
    sides = (order[:rows], order[rows - shared :])
    words = _given()
    written = [
        _file(rng, people, who, errors, model, words)
        for rng, who, errors in zip(rngs[1:], sides, (model.left, model.right), strict=True)
    ]
    about = pd.DataFrame({"female": people.female, "twin": people.twin})
    about["changed"], about["missing"] = False, False
    for frame, who in written:
        about.loc[who[frame.pop("changed").to_numpy()], "changed"] = True
        if "ssn" in frame:
            about.loc[who[frame["ssn"].isna().to_numpy()], "missing"] = True
    tables = [_table(frame, prefix, model) for prefix, (frame, _) in zip(("a", "b"), written, strict=True)]
    return Made(model, seed, *tables, written[0][1], written[1][1], about)


def make_three(rows: int, *, seed: int, model: Model) -> list[tuple[pa.Table, np.ndarray]]:
    """Invent three files of the same people, each with the person of its rows; any two share as many."""
    rngs = [np.random.default_rng(s) for s in np.random.SeedSequence([seed, len(model.name), 3]).spawn(5)]
    people = _people(rngs[0], round(rows / model.overlap), model)
    made = []
    errors = (model.left, model.right, model.right)
    for prefix, rng, own in zip("abc", rngs[1:4], errors, strict=True):
        frame, who = _file(rng, people, rngs[4].permutation(len(people.first))[:rows], own, model, _given())
        made.append((_table(frame.drop(columns="changed"), prefix, model), who))
    return made


def _table(frame: pd.DataFrame, prefix: str, model: Model) -> pa.Table:
    ids = pa.array([f"{prefix}{number:08d}" for number in range(len(frame))])
    columns = {name: pa.array(frame[name], pa.string(), from_pandas=True) for name in model.columns}
    return pa.table({"unique_id": ids, **columns})


def _given() -> tuple[np.ndarray, int]:
    tail = [a + b + c for a in _TAIL[0] for b in _TAIL[1] for c in _TAIL[2]]
    tail = [tail[i] for i in np.random.default_rng(1957).permutation(len(tail))[:1600]]
    girls, boys = [*names.GIRLS, *tail[:800]], [*names.BOYS, *tail[800:]]
    return np.array([*girls, *boys], dtype=object), len(girls)


def _surnames() -> np.ndarray:
    made = names.surnames()
    rng = np.random.default_rng(1958)
    more = {a[: max(3, len(a) // 2)] + b[len(b) // 2 :] for a, b in rng.choice(made, (16_000, 2))}
    return np.array([*made, *sorted(more - set(made))], dtype=object)


def _draw(rng: np.random.Generator, count: int, of: int, exponent: float) -> np.ndarray:
    weights = np.cumsum(names.zipf_weights(of, exponent))
    return np.searchsorted(weights, rng.random(count)).clip(0, of - 1)


def _people(rng: np.random.Generator, count: int, model: Model) -> _People:
    given, girls = _given()
    surnames = _surnames()
    female = rng.random(count) < 0.5

    def names_for() -> np.ndarray:
        of_girls = _draw(rng, count, girls, 0.8)
        of_boys = girls + _draw(rng, count, len(given) - girls, 0.8)
        return np.where(female, of_girls, of_boys)

    first, middle = names_for(), names_for()
    last = _draw(rng, count, len(surnames), 0.72)
    born = np.datetime64(f"{model.born[0]}-01-01") + rng.integers(
        0, (model.born[1] - model.born[0]) * 365, count
    )
    zips = _draw(rng, count, _ZIPS, 0.4)
    street = rng.integers(0, _STREETS, count) * 1000 + rng.integers(1, 400, count)
    ssn = social_security_numbers(rng, count)
    twin = np.zeros(count, dtype=bool)
    even = np.arange(0, count - 1, 2)
    draw = rng.random(len(even))
    elder_twin = even[draw < model.twins]
    sibling = even[(draw >= model.twins) & (draw < model.twins + model.siblings)]
    namesake = even[draw > 1 - model.namesakes]
    for one in (elder_twin, sibling, namesake):
        last[one + 1], zips[one + 1], street[one + 1] = last[one], zips[one], street[one]
    born[elder_twin + 1] = born[elder_twin]
    twin[elder_twin] = twin[elder_twin + 1] = True
    first[namesake + 1], female[namesake + 1] = first[namesake], female[namesake]
    bare = _twins_numbers(rng, ssn, elder_twin, model)
    second = np.where(rng.random(count) < model.double_surname, _draw(rng, count, len(surnames), 0.72), -1)
    family = np.where(second >= 0, second, 0)
    return _People(
        first=given[first], middle=given[middle], last=surnames[last],
        second=np.where(second >= 0, surnames[family], None), female=female, born=born,
        ssn=ssn, street=street, zip=zips, twin=twin, bare=bare,
    )  # fmt: skip


def _twins_numbers(rng: np.random.Generator, ssn: np.ndarray, elder: np.ndarray, model: Model) -> np.ndarray:
    """Give younger twins their numbers, by the elder's or unrelated to it; mark who has none."""
    draw = rng.random(len(elder))
    next_to = draw < model.twins_next
    alike = ~next_to & (draw < model.twins_next + model.twins_digit)
    wanted = ssn + 1
    tens = 10 ** rng.integers(1, 4, int(alike.sum()))  # one of the last four digits, but the very last
    held = ssn[elder[alike]] // tens % 10
    wanted[elder[alike]] = ssn[elder[alike]] + ((held + 1) % 10 - held) * tens
    by_elder = elder[next_to | alike]
    free = (wanted[by_elder] % 10_000 != 0) & ~np.isin(wanted[by_elder], ssn)
    ssn[by_elder[free] + 1] = wanted[by_elder[free]]
    bare = np.zeros(len(ssn), dtype=bool)
    bare[elder[draw > 1 - model.twins_bare] + 1] = True
    return bare


def _file(
    rng: np.random.Generator,
    people: _People,
    who: np.ndarray,
    errors: Errors,
    model: Model,
    words: tuple[np.ndarray, int],
) -> tuple[pd.DataFrame, np.ndarray]:
    again = who[chosen(rng, len(who), errors.repeated)]
    who = rng.permutation(np.concatenate([who, again]))
    count = len(who)

    def hit(rate: float) -> np.ndarray:
        return chosen(rng, count, rate)

    frame = pd.DataFrame(index=range(count))
    first, middle = people.first[who], people.middle[who]
    _nicknames(first, hit(errors.nickname))
    _slips(rng, first, hit(errors.first_typo))
    short = hit(errors.first_initial)
    first[short] = [name[0] for name in first[short]]
    swapped = hit(errors.first_middle_swapped)
    first[swapped], middle[swapped] = middle[swapped], first[swapped]
    last, changed = _family_names(rng, people, who, errors, hit)
    crossed = hit(errors.first_last_swapped)
    first[crossed], last[crossed] = last[crossed], first[crossed]
    initial = hit(errors.middle_initial)
    middle[initial] = [name[0] for name in middle[initial]]
    middle[hit(errors.middle_missing)] = None
    frame["first_name"], frame["middle_name"], frame["last_name"] = first, middle, last
    frame["changed"] = changed
    frame["ssn"] = _numbers(rng, people, who, errors, hit)
    frame["birth_date"] = _births(rng, people, who, errors, hit)
    sex = np.where(people.female[who], "F", "M").astype(object)
    wrong = hit(errors.sex_wrong)
    sex[wrong] = np.where(sex[wrong] == "F", "M", "F")
    sex[hit(errors.sex_missing)] = None
    frame["sex"] = sex
    frame["zip"], frame["address"] = _places(rng, people, who, errors, hit)
    return frame, who


def _nicknames(first: np.ndarray, at: np.ndarray) -> None:
    for row in at:
        first[row] = names.NICKNAMES.get(first[row], first[row])


def _slips(rng: np.random.Generator, column: np.ndarray, at: np.ndarray) -> None:
    for row in at:
        column[row] = typo(rng, column[row])


def _family_names(rng, people, who, errors, hit) -> tuple[np.ndarray, np.ndarray]:
    surnames = _surnames()
    last, second = people.last[who], people.second[who]
    two = np.flatnonzero(pd.notna(second))
    lost = np.isin(two, hit(errors.half_surname))
    keeps_first = rng.random(len(two)) < 0.6
    last[two] = [
        (a if k else b) if gone else f"{a}-{b}"
        for a, b, gone, k in zip(last[two], second[two], lost, keeps_first, strict=True)
    ]
    women = np.flatnonzero(people.female[who])
    changed = np.zeros(len(who), dtype=bool)
    changed[women[chosen(rng, len(women), errors.surname_changed)]] = True
    rows = np.flatnonzero(changed)
    new = surnames[_draw(rng, len(rows), len(surnames), 0.72)]
    both = rng.random(len(rows)) < 0.2
    last[rows] = np.where(both, last[rows] + "-" + new, new)
    _slips(rng, last, hit(errors.last_typo))
    return last, changed


def _numbers(rng, people, who, errors, hit) -> np.ndarray:
    ssn = np.array([f"{number:09d}" for number in people.ssn[who].tolist()], dtype=object)
    for row in hit(errors.ssn_wrong):
        digits = list(ssn[row])
        at = int(rng.integers(3, 9))
        if rng.random() < 0.4 and at < 8:
            digits[at], digits[at + 1] = digits[at + 1], digits[at]
        else:
            digits[at] = str(rng.integers(10))
        ssn[row] = "".join(digits)
    borrowed = hit(errors.ssn_borrowed)
    ssn[borrowed] = [f"{n:09d}" for n in people.ssn[rng.integers(0, len(people.ssn), len(borrowed))].tolist()]
    junk = hit(errors.ssn_junk)
    ssn[junk] = rng.choice(_JUNK, len(junk))
    ssn[hit(errors.ssn_missing)] = None
    ssn[people.bare[who]] = None
    return ssn


def _births(rng, people, who, errors, hit) -> np.ndarray:
    born = np.char.replace(people.born[who].astype(str), "-", "").astype(object)
    for row in hit(errors.birth_swapped):
        if born[row][6:] <= "12":
            born[row] = born[row][:4] + born[row][6:] + born[row][4:6]
    for row in hit(errors.birth_off):
        at = (3, 5, 7, 6)[int(rng.integers(4))]
        born[row] = born[row][:at] + str(rng.integers(10)) + born[row][at + 1 :]
    default = hit(errors.birth_default)
    born[default] = [date[:4] + "0101" for date in born[default]]
    born[hit(errors.birth_missing)] = None
    return born


def _places(rng, people, who, errors, hit) -> tuple[np.ndarray, np.ndarray]:
    zips, street = people.zip[who].copy(), people.street[who].copy()
    moved = hit(errors.moved)
    zips[moved] = _draw(rng, len(moved), _ZIPS, 0.4)
    street[moved] = rng.integers(0, _STREETS, len(moved)) * 1000 + rng.integers(1, 400, len(moved))
    kinds = ("St", "Ave", "Rd", "Lane", "Drive")
    surnames = _surnames()[:_STREETS]
    address = np.array(
        [f"{s % 1000} {surnames[s // 1000]} {kinds[s // 1000 % 5]}" for s in street.tolist()], dtype=object
    )
    _slips(rng, address, hit(errors.address_typo))
    codes = np.array([f"06{n:03d}" for n in zips.tolist()], dtype=object)
    gone = hit(errors.place_missing)
    codes[gone], address[gone] = None, None
    return codes, address
