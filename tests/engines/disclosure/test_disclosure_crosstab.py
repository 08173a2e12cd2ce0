"""Cross tables counted from a delivery, against pandas on invented people, and what is refused."""

import io

import numpy as np
import pandas as pd
import pytest

from disclosure.engine import crosstab
from disclosure.engine.codes import TOTAL
from disclosure.engine.crosstab import Axis, tabulate
from disclosure.engine.errors import BadTable

AWAY = "Not in the wage file"
GRADE = Axis("grade", "schools.csv", "grade")
SEX = Axis("sex", "schools.csv", "sex")
SECTOR = Axis("sector", "wages.csv", "sector", absent=AWAY)
WORKS = Axis("in the wage file", "wages.csv", absent=AWAY)


def people(seed=3, size=400):
    rng = np.random.default_rng(seed)
    schools = pd.DataFrame(
        {
            "link_id": [f"p{n}" for n in range(size)],
            "grade": rng.choice(["9", "10", "11", "12"], size),
            "sex": rng.choice(["F", "M", ""], size, p=[0.5, 0.4, 0.1]),
        }
    )
    wages = pd.DataFrame(
        {
            "link_id": [f"p{n}" for n in rng.choice(2 * size, 600)],
            "sector": rng.choice(["Trade", "Health", "Other, not named"], 600),
        }
    )
    return schools, wages


def files(**frames):
    def opened(frame):
        text = frame.to_csv(index=False).encode()
        return lambda: (text[at : at + 7] for at in range(0, len(text), 7))

    return {f"{name}.csv": opened(frame) for name, frame in frames.items()}


def counted(axes, schools, wages=None, **more):
    there = files(schools=schools) | ({} if wages is None else files(wages=wages))
    text = tabulate("schools.csv", axes, there, identifiers=more.pop("identifiers", ()), **more)
    return pd.read_csv(io.BytesIO(text), dtype=str, keep_default_na=False).astype({"count": int})


def asked(table, **codes):
    for dim, code in codes.items():
        table = table[table[dim] == code]
    return int(table["count"].sum())


def test_counts_and_margins_are_those_that_pandas_counts():
    schools, _ = people()

    table = counted([GRADE, SEX], schools)

    theirs = pd.crosstab(
        schools["grade"], schools["sex"].replace("", crosstab.EMPTY), margins=True, margins_name=TOTAL
    )
    assert len(table) == theirs.size
    for (grade, sex), count in theirs.stack().items():
        assert asked(table, grade=grade, sex=sex) == count


def test_a_person_counts_once_however_many_rows_and_a_blank_gives_way_to_a_value():
    schools, _ = people()
    again = schools.sample(200, random_state=1)
    blank = schools.sample(90, random_state=2).assign(sex="")
    shuffled = pd.concat([blank, schools, again]).sample(frac=1, random_state=3)

    assert counted([GRADE, SEX], shuffled).equals(counted([GRADE, SEX], schools))


@pytest.mark.parametrize("seed", [1, 2])
def test_who_has_several_values_is_a_category_of_its_own_in_whatever_order_rows_come(seed):
    schools, wages = people()
    wages = wages.sample(frac=1, random_state=seed)

    table = counted([SECTOR], schools, wages)

    mine = wages[wages["link_id"].isin(schools["link_id"])].groupby("link_id")["sector"].agg(set)
    assert asked(table, sector=crosstab.SEVERAL) == sum(len(each) > 1 for each in mine) > 20
    assert asked(table, sector="Health") == sum(each == {"Health"} for each in mine)
    assert asked(table, sector=AWAY) == len(schools) - len(mine)
    assert asked(table, sector=TOTAL) == len(schools)


def test_files_of_two_agencies_meet_on_the_link_id():
    schools, wages = people()

    table = counted([GRADE, WORKS], schools, wages)

    works = schools["link_id"].isin(wages["link_id"])
    for grade in ("9", "12"):
        mine = schools["grade"] == grade
        assert asked(table, grade=grade, **{"in the wage file": crosstab.PRESENT}) == (mine & works).sum()
        assert asked(table, grade=grade, **{"in the wage file": AWAY}) == (mine & ~works).sum()


def test_a_condition_is_a_dimension_of_two_unions_so_that_the_ledger_knows_its_people():
    schools, _ = people()
    condition = Axis("grade", "schools.csv", "grade", codes=("11", "12"))

    table = counted([condition, SEX], schools)

    assert set(table["grade"]) == {"11|12", "10|9", TOTAL}
    upper = schools["grade"].isin(["11", "12"])
    assert asked(table, grade="11|12", sex="F") == (upper & (schools["sex"] == "F")).sum()
    assert asked(table, grade="10|9", sex=TOTAL) == (~upper).sum()


def test_a_value_that_nobody_has_is_taken_like_one_that_somebody_has():
    schools, _ = people()

    table = counted([Axis("sex", "schools.csv", "sex", codes=("F", "X"))], schools)

    assert list(table["sex"]) == ["F|X", f"M|{crosstab.EMPTY}", TOTAL]


def many(size):
    schools, _ = people(size=size)
    return schools.assign(grade=[f"grade {n}" for n in range(size)])


REFUSED = {
    "nothing asked": ([], {}, "one to 4 dimensions"),
    "five dimensions": ([GRADE, SEX, WORKS, SECTOR, Axis("x", "schools.csv", "x")], {}, "one to 4"),
    "two of another file": ([GRADE, SECTOR, WORKS], {}, "only one dimension"),
    "the same twice": ([GRADE, GRADE], {}, "chosen twice"),
    "the link id": ([Axis("Link", "schools.csv", "Link_ID")], {}, "tells people from each other"),
    "an identifier": ([Axis("No.", "schools.csv", "sasid")], {"identifiers": ["SASID"]}, "tells people"),
    "a column that is none": ([Axis("x", "schools.csv", "x")], {}, "no column “x”"),
    "a file that is none": ([Axis("x", "x.csv", "x")], {}, "no file of the delivery"),
    "all chosen": ([Axis("grade", "schools.csv", "grade", ("9", "10", "11", "12"))], {}, "every value"),
    "a union of unions": ([Axis("grade", "schools.csv", "grade", ("9|10",))], {}, "is no value"),
    "values of presence": ([Axis("there", "schools.csv", "", ("Yes",))], {}, "no values to choose"),
    "a reserved name": ([Axis("count", "schools.csv", "grade")], {}, "cannot be the name"),
}


@pytest.mark.obligation("O-80")
@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_cross_table_is_refused(case):
    axes, more, why = REFUSED[case]
    with pytest.raises(BadTable, match=why):
        counted(axes, *people(), **more)


@pytest.mark.obligation("O-80")
def test_an_element_with_a_value_for_nearly_everybody_is_refused_and_none_is_repeated():
    with pytest.raises(BadTable, match="close to a list of people") as refusal:
        counted([GRADE], many(61))
    assert "grade 6" not in str(refusal.value)
    assert len(counted([GRADE], many(60))) == 61


def test_a_table_of_too_many_cells_is_refused():
    schools = many(60).assign(sex=[f"s{n % 59}" for n in range(60)])
    with pytest.raises(BadTable, match="would have 3,660 cells"):
        counted([GRADE, SEX], schools)


@pytest.mark.parametrize("value", ["All", "sub-total", "A|B", crosstab.EMPTY, crosstab.SEVERAL])
def test_a_value_that_would_be_taken_for_something_else_is_refused_unrepeated(value):
    schools, _ = people()
    schools.loc[3, "grade"] = value
    with pytest.raises(BadTable, match="take another one") as refusal:
        counted([GRADE], schools)
    assert "sub-total" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"link_id,grade\np1,9,10\n", "another number of values"),
        (b"link_id,grade\n", "nobody"),
        (b"", "no column"),
    ],
)
def test_a_broken_file_is_not_counted(text, why):
    with pytest.raises(BadTable, match=why):
        tabulate("schools.csv", [GRADE], {"schools.csv": lambda: [text]}, identifiers=())


def test_more_people_than_fit_are_refused(monkeypatch):
    monkeypatch.setattr(crosstab, "MOST_PEOPLE", 399)
    with pytest.raises(BadTable, match="more than 399 people"):
        counted([GRADE], people()[0])


AGE = Axis("age", "schools.csv", "age", bands=(14, 16, 18))


def with_ages(*ages):
    return pd.DataFrame({"link_id": [f"p{n}" for n in range(len(ages))], "age": ages})


def test_numbers_are_told_in_bands_from_their_lower_bounds():
    table = counted([AGE], with_ages("13", "14", "15.5", "16", "17.999", "18", "40", "", " 15 "))
    told = dict(zip(table["age"], table["count"], strict=True))
    assert told == {
        "Below 14": 1,
        "14 to below 16": 3,
        "16 to below 18": 2,
        "18 and more": 2,
        crosstab.EMPTY: 1,
        TOTAL: 9,
    }


def test_a_band_that_nobody_has_is_told_like_the_others():
    assert list(counted([AGE], with_ages("15"))["age"])[:4] == crosstab.band_names(AGE.bands)


def test_a_person_with_rows_in_one_band_is_in_it_and_with_rows_in_two_has_several_values():
    rows = pd.DataFrame([("a", "14"), ("a", "15"), ("b", "14"), ("b", "16")], columns=["link_id", "age"])
    table = counted([AGE], rows)
    assert asked(table, age="14 to below 16") == asked(table, age=crosstab.SEVERAL) == 1


def test_what_is_no_number_has_no_band_and_is_not_repeated():
    with pytest.raises(BadTable, match="a value of it is no number") as refusal:
        counted([AGE], with_ages("14", "unknown47"))
    assert "unknown47" not in str(refusal.value)


@pytest.mark.parametrize(
    ("axis", "why"),
    [
        (Axis("age", "schools.csv", "age", codes=("14",), bands=(14,)), "values or bands, not both"),
        (Axis("works", "wages.csv", bands=(14,), absent=AWAY), "values or bands, not both"),
        (Axis("age", "schools.csv", "age", bands=(16, 14)), "lower bounds of bands rise"),
        (Axis("age", "schools.csv", "age", bands=tuple(range(60))), "fewer than 60"),
    ],
)
def test_bands_that_are_none_are_refused(axis, why):
    with pytest.raises(BadTable, match=why):
        crosstab.check([axis], counted="schools.csv", identifiers=())
