"""Protection beside earlier numbers that were rounded, printed as ranges, or as percentages alone."""

from dataclasses import replace

import numpy as np
import pytest

from disclosure.engine.errors import BadTable, NoSafePattern
from disclosure.engine.longform import read_long
from disclosure.engine.protect import Protection
from tests.engines.disclosure.oracle import Oracle
from tests.engines.disclosure.samples import Case, cross, judge, random_counts, run

_STEPS = {"to five": 5, "to three": 3, "to ten": 10}


def _table(*lines: str) -> str:
    return "\n".join(("school,sex,count", *lines)) + "\n"


@pytest.mark.obligation("O-81")
def test_a_small_count_that_rounded_numbers_bound_already_is_refused_with_the_numbers_in_the_way():
    table = _table(
        "A,f,2", "A,m,61", "A,Total,63", "B,f,34", "B,m,28", "B,Total,62",
        "Total,f,36", "Total,m,89", "Total,Total,125",
    )  # fmt: skip
    before = "school,sex,released\nA,m,~60\nA,Total,~65\nTotal,Total,~125\n"

    with pytest.raises(NoSafePattern) as refused:
        run(Case([table], earlier=[before]))

    assert "school A, sex f" in str(refused.value)
    assert any("school A: 63 to 67" in fact for fact in refused.value.facts)


@pytest.mark.obligation("O-78", "O-81")
def test_percentages_that_move_large_counts_together_leave_a_safe_pattern(tmp_path):
    table = _table(
        "A,f,62", "A,m,61", "A,x,1", "A,Total,124", "B,f,71", "B,m,85", "B,x,8", "B,Total,164",
        "Total,f,133", "Total,m,146", "Total,x,9", "Total,Total,288",
    )  # fmt: skip
    case = Case([table], earlier=["school,sex,pct,pct_of\nA,f,50,sex\nA,m,49,sex\n"])

    assert judge(case, run(case), tmp_path).passed


@pytest.mark.obligation("O-81")
@pytest.mark.parametrize("reach", [2, 4, 5])
def test_the_step_of_rounded_numbers_is_one_for_a_table_and_no_finer_than_the_counts_allow(reach, tmp_path):
    total = 120 if reach < 4 else 130
    table = f"school,count\nA,{40 + reach}\nB,81\nTotal,{121 + reach}\n"
    case = Case([table], earlier=[f"school,released\nA,~40\nB,~80\nTotal,~{total}\n"])

    assert judge(case, run(case), tmp_path).passed


def test_a_number_that_no_step_explains_is_another_count():
    with pytest.raises(BadTable, match="not the one released before"):
        run(Case(["school,count\nA,57\nB,81\nTotal,138\n"], earlier=["school,released\nA,~40\nB,~80\n"]))


def test_numbers_rounded_to_three_are_so_where_one_is_a_multiple_of_five_too():
    table = read_long("old.csv", "school,released\nA,~15\nB,~33\n")

    assert [row.shown for row in table.rows] == [(14, 16), (32, 34)]
    assert table.reaches == (1, 2)


@pytest.mark.obligation("O-78", "O-81")
@pytest.mark.parametrize("seed", range(24))
def test_what_comes_out_beside_rounded_numbers_is_safe_and_what_does_not_could_not(seed, tmp_path):
    """Never an answer that nothing was settled; refused is only what leaks when every cell is withheld."""
    rng = np.random.default_rng(seed)
    table = cross(random_counts(rng, (int(rng.integers(2, 4)), int(rng.integers(2, 5)))))
    case = Case(
        [table], earlier=[_earlier(rng, table, tuple(_STEPS.values())[seed % 3], ranges=seed % 4 == 3)]
    )
    found, facts = _tried(case)

    assert (found is None) == bool(facts)
    if found is None:
        assert not judge(case, _dark(run(Case([table]))), tmp_path).passed
    else:
        assert judge(case, found, tmp_path).passed


def _earlier(rng: np.random.Generator, table: str, step: int, *, ranges: bool) -> str:
    """Print some of the larger counts of a table, rounded or as ranges."""
    lines = [line.split(",") for line in table.splitlines()]
    told = [",".join([*lines[0][:-1], "released"])]
    for *codes, count in lines[1:]:
        if int(count) < 2 * step or rng.random() < 0.4:
            continue
        rounded = step * round(int(count) / step)
        first = int(count) // 10 * 10
        told.append(",".join([*codes, f"{first}-{first + 9}" if ranges else f"~{rounded}"]))
    return "\n".join(told) + "\n"


def _tried(case: Case) -> tuple[Protection | None, tuple[str, ...]]:
    """Protect; where nothing is safe, say what is in the way."""
    try:
        return run(case), ()
    except NoSafePattern as refused:
        return None, refused.facts


def _dark(found: Protection) -> Protection:
    """The same with every count withheld."""
    tables = tuple(replace(table, shown=(False,) * len(table.shown)) for table in found.tables)
    return replace(found, tables=tables)


def test_a_total_that_is_out_as_fewer_than_six_may_have_its_parts_withheld():
    """Its parts may be nobody at all: that they are known to be six or more is not asked of them then."""
    table = "a,b,count\nx,f,5\nx,m,0\nx,Total,5\ny,f,70\ny,m,82\ny,Total,152\n"
    table += "z,f,33\nz,m,44\nz,Total,77\nTotal,f,108\nTotal,m,126\nTotal,Total,234\n"
    case = Case([table], ["a,released\nx,<6\ny,\nz,\nTotal,234\n"])
    result = run(case)
    assert judge(case, result).passed
    shown = dict(zip(table.splitlines()[1:], result.tables[0].shown, strict=True))
    assert not shown["x,f,5"]
    assert not shown["x,m,0"]
    assert not shown["x,Total,5"]
    assert shown["Total,Total,234"]
    assert Oracle([result.tables[0].public_bytes().decode(), *case.earlier], [table]).leaks() == []
