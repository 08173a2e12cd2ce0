"""A profile tells the quality of a file and nothing about one record (O-97)."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p20win.custody.engine.drift import drift
from p20win.custody.engine.intake import IntakeCheck
from p20win.custody.engine.profile import _shown_codes
from p20win.custody.engine.rules import from_spec

SPEC = {
    "kind": "analytical", "number": "DR-0034", "agencies": ["DOL"], "id_column": "ID",
    "columns": [
        {"name": "ID", "form": "synthetic_id", "required": True},
        {"name": "WAGES", "form": "decimal"},
        {"name": "HIRED", "form": "date"},
        {"name": "LUNCH", "codes": ["F", "R", "N"]},
        {"name": "FLAG", "form": "flag"},
        {"name": "NOTE", "form": "text"},
    ],
}  # fmt: skip
MATCHING = {
    "kind": "matching", "number": "DR-0034", "agencies": ["SDE"], "id_column": "ID",
    "columns": [
        {"name": "ID", "form": "synthetic_id", "required": True},
        {"name": "SSN", "form": "ssn", "identifier": True},
        {"name": "DOB", "form": "date", "identifier": True},
        {"name": "SEX", "form": "sex", "identifier": True, "codes": ["F", "M"]},
    ],
}  # fmt: skip


def profile_of(rows, spec=SPEC, *, smallest=6):
    header = [column["name"] for column in spec["columns"]]
    check = IntakeCheck(from_spec(spec), smallest=smallest)
    for row in (header, *rows):
        check.update(("\t".join(row) + "\n").encode())
    return check.finish().profile


def wages(count, *, seed=3, codes="FRN"):
    draw = random.Random(seed)
    return [
        [f"k{place:07d}q{draw.randrange(10**6)}", f"{draw.randint(100, 900)}.50",
         f"2019{1 + place % 12:02d}15", codes[place % len(codes)], "1" if place % 4 else "",
         "seen" if place % 5 else ""]
        for place in range(count)
    ]  # fmt: skip


def column(profile, name):
    return next(each for each in profile["columns"] if each["name"] == name)


@pytest.mark.obligation("O-97")
def test_every_column_is_counted():
    profile = profile_of([*wages(300), ["k999999q1", "1.00", "20200101", "Z", "0", "a longer remark"]])

    assert profile["rows"] == 301
    lunch, note = column(profile, "LUNCH"), column(profile, "NOTE")
    assert {entry["code"]: entry["count"] for entry in lunch["codes"]} == {"F": 100, "R": 100, "N": 100}
    assert lunch["unfit"] == 1
    assert (note["filled"], note["missing"], note["distinct"]) == (241, 60, 2)
    assert (note["shortest"], note["longest"]) == (4, 4)  # one long remark is one record
    assert column(profile, "ID")["distinct"] == 301
    assert column(profile, "HIRED")["distinct"] == 13


@pytest.mark.obligation("O-97")
def test_a_great_many_different_values_are_estimated():
    ids = column(profile_of(wages(6000)), "ID")
    assert ids["filled"] == 6000
    assert ids["distinct"] == pytest.approx(6000, rel=0.1)  # the registers' standard error is 1.6 %


@pytest.mark.obligation("O-97")
def test_the_ends_of_a_range_are_values_that_enough_records_reach():
    rows = [[f"k{n:07d}", str(n), "20190101", "F", "1", ""] for n in range(1, 101)]
    profile = profile_of([*rows, ["k0000999", "9999999", "19010101", "F", "1", ""]])

    assert (column(profile, "WAGES")["low"], column(profile, "WAGES")["high"]) == ("6", "96")
    assert column(profile, "HIRED")["low"] == "20190101"
    assert column(profile_of(rows[:11]), "WAGES")["low"] == ""


@pytest.mark.obligation("O-97")
def test_no_value_of_an_identifier_is_in_it():
    rows = [[f"k3v9q{n:04d}", f"3234{n:05d}", "20050317", "FM"[n % 2]] for n in range(1, 90)]
    profile = profile_of(rows, MATCHING)

    told = json.dumps(profile)
    assert "20050317" not in told
    assert "3234" not in told
    assert column(profile, "SEX")["codes"] == []
    assert column(profile, "SSN")["filled"] == 89
    assert column(profile, "SSN")["shortest"] == 9


@pytest.mark.obligation("O-97")
@given(
    st.dictionaries(st.text("ABCDEFGH", min_size=1, max_size=2), st.integers(0, 40), min_size=1, max_size=12)
)
def test_a_small_count_cannot_be_seen_or_reckoned(counts):
    listed, unlisted = _shown_codes(counts, 6)
    hidden = [counts[entry["code"]] for entry in listed if entry["count"] is None]

    assert unlisted == 0
    assert not any(0 < (entry["count"] or 0) < 6 for entry in listed)
    # The filled cells are told, so what is hidden together is known: enough of it, and of more than one code.
    there_are_more = sum(1 for count in counts.values() if count) > len(hidden)
    assert not hidden or not there_are_more or (len(hidden) > 1 and sum(hidden) >= 6)


def test_without_a_smallest_count_there_is_no_profile():
    check = IntakeCheck(from_spec(SPEC))
    check.update(b"ID\tNOTE\n")
    assert check.finish().profile == {}


def test_a_file_that_cannot_be_read_on_has_none():
    check = IntakeCheck(from_spec(SPEC), smallest=6)
    check.update("\n".join(["\t".join(c["name"] for c in SPEC["columns"]), "k0000001\t1\0"]).encode() + b"\n")
    assert check.finish().profile == {}


class TestDrift:
    def compared(self, now, before):
        return drift(profile_of(now), profile_of(before), points=10, rows_percent=25)

    def test_files_alike_show_none(self):
        assert self.compared(wages(310), wages(300, seed=4)) == {}

    @pytest.mark.obligation("O-97")
    def test_what_moved_is_said_column_by_column(self):
        changed = [
            [i, f"{float(w) + 5000:.2f}", h, c, f, ""] for i, w, h, c, f, _ in wages(600, codes="FFFN")
        ]
        found = self.compared(changed, wages(300))

        assert found[""] == ["300 rows before, 600 now."]
        assert found["NOTE"] == ["Missing: 20 % before, 100 % now."]
        assert "Code F: 33 % before, 75 % now." in found["LUNCH"]
        assert any("From 1" in why and "before" in why for why in found["WAGES"])
        assert "HIRED" not in found

    def test_columns_that_come_and_go(self):
        now = {"rows": 10, "columns": [column(profile_of(wages(20)), "NOTE")]}
        before = {"rows": 10, "columns": [column(profile_of(wages(20)), "FLAG")]}
        assert drift(now, before, points=10, rows_percent=25) == {
            "NOTE": ["Not there before."],
            "": ["No longer there: FLAG."],
        }

    def test_an_empty_file_before_is_no_trouble(self):
        before = profile_of([])
        assert "" not in drift(profile_of(wages(20)), before, points=10, rows_percent=25)
