"""Files as numbers: the same normal forms as row by row, the same candidates and levels as by hand."""

from __future__ import annotations

import itertools
from dataclasses import replace

import jellyfish
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.linkage import files, models
from matching.engine import adapter, coded, prepare
from matching.engine import spec as specs
from matching.engine.engines import digits, levels, meetings
from matching.engine.engines.comparing import Comparing, Rows

ROWS = 700


@pytest.fixture(scope="module", params=[models.HASTY, models.REPEATED], ids=lambda model: model.name)
def sides(request):
    made = files.make(ROWS, seed=9, model=request.param)
    odd = {"first_name": "O’Brien-Núñez", "last_name": " van  Dyk Jr.", "ssn": "123-45-6780", "zip": "6103"}
    left = made.left.to_pylist()
    left[0] |= odd
    left[1] |= {
        "first_name": "",
        "last_name": "UNKNOWN",
        "birth_date": "1999-02-30",
        "address": "1 Elm Street",
    }
    for row in left[2:9]:
        row["ssn"] = "900121234"  # in more rows than one person has
    tables = [pa.Table.from_pylist(left, made.left.schema), made.right]
    one = request.param.one_row_each
    return tables, [replace(specs.recognise(t.column_names, "x"), unique=one) for t in tables]


def test_every_column_reads_as_if_it_were_made_row_by_row(sides):
    tables, described = sides

    records = coded.Coding(tables, described).records(threads=2)

    for table, file, side in zip(tables, described, records, strict=True):
        wanted = prepare.prepare(table, file)
        assert side.table.column_names == wanted.column_names
        for name in wanted.column_names:
            assert side.table[name].to_pylist() == wanted[name].to_pylist(), name


def test_two_files_agree_by_number_where_they_agree_by_text(sides):
    left, right = coded.Coding(*sides).records()
    ours, theirs = (part.ravel() for part in np.meshgrid(np.arange(60), np.arange(60)))

    for name in ("ssn", "first_canonical", "last_sound", "names", "birth_month_day"):
        one, other = (side.table[name].to_pylist() for side in (left, right))
        wanted = [one[a] is not None and one[a] == other[b] for a, b in zip(ours, theirs, strict=True)]
        assert left.agree(right, name, ours, theirs).tolist() == wanted, name


def test_tables_in_their_normal_form_are_coded_too(sides):
    left, right = (prepare.prepare(table, file) for table, file in zip(*sides, strict=True))

    ours, theirs = coded.together(left, right)

    assert ours.table["last_sound"].to_pylist() == left["last_sound"].to_pylist()
    assert theirs.table["names"].to_pylist() == right["names"].to_pylist()


KINDS = [
    ("first_name", "nickname", None), ("first_name", "initial", None), ("middle_name", "initial", None),
    ("first_name", "other_given_name", None), ("first_name", "swapped_names", None),
    ("last_name", "shared_part", None), ("birth_date", "swapped_day", None),
    ("birth_date", "first_of_january", None), ("birth_date", "two_of_three", None),
    ("birth_date", "edits", 1), ("ssn", "edits", 1), ("ssn", "edits", 2), ("address", "edits", 3),
]  # fmt: skip


@pytest.mark.parametrize(("field", "kind", "at"), KINDS)
def test_a_level_by_numbers_is_the_level_of_its_sql(sides, field, kind, at):
    left, right = coded.Coding(*sides).records()
    level = specs.Level(kind, 0.5, at)
    chance = np.random.default_rng(4)
    rows = Rows(chance.integers(0, ROWS, 4_000), chance.integers(0, ROWS, 4_000))
    one, other = left.codes(field)[rows.left], right.codes(field)[rows.right]
    rows = rows.some((one >= 0) & (other >= 0) & (one != other))
    columns = dict.fromkeys([field, *levels.MADE_FROM.get(kind, ())])
    text = {f"l_{c}": left.table[c].take(pa.array(rows.left)) for c in columns}
    text |= {f"r_{c}": right.table[c].take(pa.array(rows.right)) for c in columns}
    told = levels.condition(field, level, "l_{}".format, "r_{}".format)

    with adapter.database(memory=2**28, threads=1) as connection:
        wanted = adapter.over(connection, pa.table(text), f"coalesce({told}, false) AS shows")["shows"]
        shown = Comparing(connection, left, right)._shows(field, level, rows)

    assert shown.tolist() == wanted.to_pylist()


@given(st.data())
def test_a_slip_is_told_by_bits_as_by_letters(data):
    one = data.draw(st.text("0129", min_size=9, max_size=9))
    change = list(one)
    for _ in range(data.draw(st.integers(0, 2))):
        at = data.draw(st.integers(0, 7))
        if data.draw(st.booleans()):
            change[at], change[at + 1] = change[at + 1], change[at]
        else:
            change[at] = data.draw(st.sampled_from("0129"))
    other = "".join(change)

    first, second = (digits.packed(pa.array([text]), 9) for text in (one, other))

    wanted = one != other and jellyfish.damerau_levenshtein_distance(one, other) <= 1
    assert digits.slipped(first, second).tolist() == [wanted]


@given(
    st.lists(st.integers(0, 9), max_size=30), st.lists(st.integers(0, 9), max_size=30), st.integers(0, 2**60)
)
def test_who_shares_a_key_meets_and_nobody_else(left, right, far):
    keys = [np.array(side, np.uint64) * np.uint64(far) for side in (left, right)]
    one, other = (meetings.Keyed(np.arange(len(own)) + 100, own) for own in keys)

    met = meetings.met(one, other).pairs()
    once = meetings.once(one, other)

    every = itertools.product(enumerate(keys[0].tolist(), 100), enumerate(keys[1].tolist(), 100))
    wanted = [(a, b, key) for (a, key), (b, same) in every if key == same]
    assert sorted(zip(*(side.tolist() for side in met), strict=True)) == [(a, b) for a, b, _ in wanted]
    times = [[own.tolist().count(key) for own in keys] for _, _, key in wanted]
    single = [(a, b) for (a, b, _), count in zip(wanted, times, strict=True) if count == [1, 1]]
    assert sorted(zip(*(side.tolist() for side in once), strict=True)) == single


def test_a_number_of_another_form_is_not_packed():
    assert digits.packed(pa.array(["12345678", "1234567"]), 8) is None
    assert digits.packed(pa.array(["1234567a"]), 8) is None
    assert digits.packed(pa.array(["12345678", "87654321"]).slice(1), 8).tolist() == [0x87654321]
