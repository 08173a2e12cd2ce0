"""Twins and slips, both ways: one person in spite of a slip is joined, two people of one house never are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.linkage import accuracy, files, models
from matching.engine import spec as specs
from matching.engine.facts import Facts
from matching.engine.resolve import LINK, REFUSED, REVIEW, Scored, resolve
from matching.engine.stops import CONTRADICTION, TWINS

FIELDS = ("ssn", "sasid", "birth_date", "last_name", "first_name", "middle_name")
BORN = "20040101"
EMMA = {"first_name": "EMMA", "last_name": "LEE", "birth_date": BORN}
OLIVIA = EMMA | {"first_name": "OLIVIA"}
SSN, SASID = "900123456", "1234567890"


@pytest.fixture(scope="module")
def made():
    return files.make(4_000, seed=7, model=models.TWINS)


def joined(one, other):
    """Return what becomes of two records that an engine is nearly sure of, and why."""
    table = pa.table({field: pa.array([one.get(field), other.get(field)], pa.string()) for field in FIELDS})
    pair = Scored(*(np.array([value]) for value in (0, 1, 0.999, 20.0)))
    found = resolve(
        pair, file_of=np.array([0, 1]), unique=frozenset({0, 1}), facts=Facts([table]), accept=0.5, cap=10
    )
    return found.decision.tolist()[0], found.stopped.get(0)


class TestOnePerson:
    @pytest.mark.parametrize("number", ["900123457", "900123556", "900123465", "901123456"])
    @pytest.mark.parametrize(
        "change",
        [
            {},
            {"first_name": "EMMIE"},  # what she is called
            {"first_name": "E"},
            {"first_name": "EMAM"},
            {"first_name": "GRACE", "middle_name": "EMMA"},
            {"last_name": "MARSH"},  # her name by marriage
            {"first_name": "EMMIE", "last_name": "MARSH"},
            {"last_name": "LEE MARSH", "birth_date": "20040110"},
        ],
        ids=lambda change: " ".join(change.values()) or "the same",
    )
    def test_a_slip_in_the_number_beside_a_nickname_or_a_maiden_name_is_no_hindrance(self, change, number):
        assert joined(EMMA | {"ssn": SSN}, EMMA | change | {"ssn": number}) == (LINK, None)

    @pytest.mark.parametrize("number", ["1234567990", "1234657890", "9234567890"])
    def test_a_slip_in_the_sasid_outweighs_another_first_name(self, number):
        assert joined(EMMA | {"sasid": SASID}, OLIVIA | {"sasid": number}) == (LINK, None)

    def test_one_number_in_common_outweighs_a_slip_in_the_other(self):
        one = EMMA | {"ssn": SSN, "sasid": SASID}

        assert joined(one, OLIVIA | {"ssn": SSN, "sasid": "1234567891"}) == (LINK, None)
        assert joined(one, OLIVIA | {"ssn": "900123457", "sasid": SASID}) == (LINK, None)


class TestTwins:
    @pytest.mark.parametrize(
        "numbers",
        [
            (None, None),
            (SSN, None),  # one of them has none
            (SSN, "900123457"),  # one after the other
            ("900123450", "900123459"),
            (SSN, "900123466"),  # one digit, ten apart
            (SSN, "900123956"),
            (SSN, "900923456"),
            (SSN, "900123465"),  # two digits changed places
            (SSN, "900132456"),
        ],
    )
    def test_whose_ssns_are_near_each_other_or_missing_wait_for_a_person(self, numbers):
        one, other = numbers

        assert joined(EMMA | {"ssn": one}, OLIVIA | {"ssn": other}) == (REVIEW, TWINS)
        assert joined(OLIVIA | {"ssn": other}, EMMA | {"ssn": one}) == (REVIEW, TWINS)

    @pytest.mark.parametrize(
        "number", [None, "1234567891", "1234567899", "1234567881", "9876543210", "A234567890"]
    )
    def test_whose_sasids_are_in_sequence_unrelated_or_missing_wait_for_a_person(self, number):
        assert joined(EMMA | {"sasid": SASID}, OLIVIA | {"sasid": number}) == (REVIEW, TWINS)

    def test_two_ssns_are_not_made_one_by_a_slip_in_the_sasid(self):
        one, other = EMMA | {"ssn": SSN, "sasid": SASID}, OLIVIA | {"ssn": "900123556"}

        assert joined(one, other | {"sasid": "1234567990"}) == (REVIEW, TWINS)

    @pytest.mark.parametrize("number", ["900987654", "900123500"])
    def test_whose_ssns_differ_in_several_digits_are_two_people(self, number):
        assert joined(EMMA | {"ssn": "900123499"}, OLIVIA | {"ssn": number}) == (REFUSED, CONTRADICTION)

    @given(st.from_regex(r"9[0-9]{8}", fullmatch=True), st.from_regex(r"9[0-9]{8}", fullmatch=True))
    def test_two_first_names_of_one_house_are_one_person_by_one_ssn_alone(self, one, other):
        decision, _ = joined(EMMA | {"ssn": one}, OLIVIA | {"ssn": other})

        assert (decision == LINK) == (one == other)


class TestHeldOut:
    """Twins whose numbers come otherwise than whoever wrote the engine thought."""

    def test_of_those_with_two_numbers_half_differ_in_one_digit_alone(self, made):
        people = _people(made)
        elder = np.flatnonzero(made.people["twin"].to_numpy()).reshape(-1, 2)[:, 0]
        numbers = [(people[one], people[one + 1]) for one in elder.tolist()]
        both = [pair for pair in numbers if all(pair)]
        alike = [pair for pair in both if sum(a != b for a, b in zip(*pair, strict=True)) == 1]

        assert len(both) > 50
        assert 0.4 < len(alike) / len(both) < 0.6
        assert all(abs(int(one) - int(other)) > 9 for one, other in alike)

    @pytest.mark.obligation("O-113")
    def test_twins_with_nearly_one_number_are_not_joined_by_a_whole_run(self, made, link):
        tables = {"a": made.left, "b": made.right}
        described = {n: replace(specs.recognise(t.column_names, n), unique=True) for n, t in tables.items()}

        found = link(tables, specs.default(described))

        twin, people = made.people["twin"].to_numpy(), accuracy.persons(made)
        pairs = accuracy.pairs_of(found.crosswalk.to_pandas())
        one, other = (people.loc[pairs[side]].to_numpy() for side in ("left", "right"))
        wrong = pairs[(one ^ 1 == other) & twin[one]]
        held = [
            dict(zip(t["unique_id"].to_pylist(), t["ssn"].to_pylist(), strict=True)) for t in tables.values()
        ]
        numbers = [(held[0][left], held[1][right]) for left, right in wrong.itertuples(index=False)]
        assert not [pair for pair in numbers if all(pair)]
        judged = accuracy.judge(made, pairs)["groups"]["twins"]
        assert judged["true_pairs"] > 150
        assert judged["precision"] > 0.98
        assert judged["recall"] > 0.95


def _people(made):
    """Return the number of each person that most of their rows tell, or None."""
    told = {}
    for table, who in ((made.left, made.left_person), (made.right, made.right_person)):
        for person, number in zip(who.tolist(), table["ssn"].to_pylist(), strict=True):
            told.setdefault(person, []).append(number)
    known = {person: {number for number in numbers if number} for person, numbers in told.items()}
    sure = {person: numbers.pop() for person, numbers in known.items() if len(numbers) == 1}
    return [sure.get(person) for person in range(len(made.people))]
