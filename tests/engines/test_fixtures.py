"""The invented project: formats, error model, truth, and the measure of quality."""

import datetime as dt
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from fixtures import errors, held, lives, outputs, population, quality, schools
from fixtures.generate import generate, main

PEOPLE = 5_000


@pytest.fixture(scope="module")
def project():
    return generate(PEOPLE, seed=34)


def column(project, agency, name):
    return project.agencies[agency].matching.table[name]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(project):
    again = generate(PEOPLE, seed=34)
    other = generate(PEOPLE, seed=35)

    for mine, same, different in zip(project.files(), again.files(), other.files(), strict=True):
        assert mine.tsv() == same.tsv()
        assert mine.tsv() != different.tsv()


def test_the_school_file_has_one_row_a_person(project):
    assert project.agencies["SDE"].matching.table.num_rows == PEOPLE
    assert pc.count_distinct(column(project, "SDE", "SASID")).as_py() == PEOPLE


@pytest.mark.obligation("O-104")
def test_matching_files_keep_the_published_format(project):
    patterns = {
        "SSN": r"^$|^(666|9\d\d)\d{6}$",
        "SASID": r"^$|^[1-9]\d{9}$",
        "DOB": r"^$|^(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$",
        "Gender": r"^[MFU]$",
        "HighSchoolCode": r"^$|^\d{6}$",
    }
    for agency in project.agencies.values():
        lines = agency.matching.tsv().decode().splitlines()
        header = lines[0].split("\t")
        assert '"' not in lines[0] + lines[1]
        for line in lines[1:]:
            cells = dict(zip(header, line.split("\t"), strict=True))
            for name, pattern in patterns.items():
                assert name not in cells or re.match(pattern, cells[name]), name


@pytest.mark.obligation("O-105")
def test_only_files_that_meet_wages_hold_a_social_security_number(project):
    assert "SSN" not in project.agencies["SDE"].matching.table.column_names
    assert "DOB" not in project.agencies["DOL"].matching.table.column_names
    assert {"SSN", "SASID"} <= set(project.agencies["CSCU"].matching.table.column_names)


def test_social_security_numbers_are_of_groups_never_given_to_taxpayers_either():
    numbers = population.social_security_numbers(np.random.default_rng(1), 50_000)

    assert len(np.unique(numbers)) == 50_000
    assert set(np.unique(numbers // 1_000_000)) <= {666, *range(900, 1000)}
    assert set(np.unique(numbers // 10_000 % 100)) <= set(range(1, 50))
    assert (numbers % 10_000 > 0).all()


@pytest.mark.obligation("O-60", "O-106")
def test_synthetic_ids_are_unique_name_their_agency_and_can_hold_no_identifier(project):
    for name, agency in project.agencies.items():
        ids = agency.ids.to_pylist()
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch(rf"{name}-[BCDFGHJKLMNPQRSTVWXZ]{{14}}", one) for one in ids)


@pytest.mark.obligation("O-103")
def test_analytical_files_hold_the_same_ids_and_no_identifier(project):
    for agency in project.agencies.values():
        names = set(agency.analytical.table.column_names)
        assert not names & {"SSN", "SASID", "LastName", "FirstName", "MiddleName", "DOB"}
        assert set(agency.analytical.table["SyntheticID"].to_pylist()) == set(agency.ids.to_pylist())


def test_rows_of_the_two_files_are_in_different_orders(project):
    school = project.agencies["SDE"]

    assert (
        school.matching.table["SyntheticID"].to_pylist() != school.analytical.table["SyntheticID"].to_pylist()
    )


@pytest.mark.obligation("O-178")
def test_identifier_lists_have_one_flag_column_set_to_one_and_thirty_two_tables(project):
    assert len(project.identifier_lists) == 32 == len(lives.tables())
    assert len(schools.SCHOOLS) == 13
    for file in project.identifier_lists:
        sasid, flag = file.table.column_names
        assert sasid == "SASID"
        assert flag in schools.flags()
        assert set(file.table[flag].to_pylist()) <= {1}
        assert pc.count_distinct(file.table["SASID"]).as_py() == file.table.num_rows


def test_flags_are_empty_where_no_table_came_in(project):
    empty = project.flags["FLAG_COMP1516"].null_count
    there = int((np.asarray(project.flags["FLAG_COMP1516"].is_valid())).sum())

    assert there > 0
    assert empty == PEOPLE - there


def test_file_names_follow_both_published_schemes(project):
    file = project.agencies["CSCU"].matching
    lists = [f for f in project.identifier_lists if f.sender == "bellharbor-public-schools"]
    day = dt.date(2026, 1, 31)

    assert file.name("DR-0034", day) == "CSCU.0034.01_31_2026.matching"
    assert file.name("DR-0034", day, scheme="underscored") == "P20_DR0034_CSCU_match_v1"
    names = {one.name("DR-0034", day, scheme="underscored") for one in lists}
    assert "P20_DR0034_BELLHARBOR-PUBLIC-SCHOOLS_list_v6" in names
    assert len(names) == len(lists) == 6
    with pytest.raises(ValueError, match="no scheme"):
        file.name("DR-0034", day, scheme="spaced")
    with pytest.raises(ValueError, match="no request number"):
        file.name("34", day)


def test_rates_of_the_error_model_are_met():
    model = errors.USUAL
    big = generate(40_000, seed=7, model=model)
    college = big.agencies["CSCU"].matching.table
    rows = college.num_rows

    assert college["SSN"].null_count / rows == pytest.approx(model.college.ssn_missing, rel=0.15)
    unknown = pc.sum(pc.equal(college["Gender"], "U")).as_py() / rows
    assert unknown == pytest.approx(model.college.sex_unknown, rel=0.2)
    middle = college["MiddleName"].null_count / rows
    assert middle == pytest.approx(model.college.middle_missing, rel=0.1)
    wage = big.agencies["DOL"].matching.table
    assert all(name == name.upper() for name in wage["LastName"].to_pylist())


def test_the_clean_model_holds_the_truth_everywhere():
    clean = generate(500, seed=3, model=errors.MODELS["clean"])
    college, wage = clean.agencies["CSCU"].matching.table, clean.agencies["DOL"].matching.table

    assert college["SSN"].null_count == 0
    by_ssn = dict(zip(college["SSN"].to_pylist(), college["LastName"].to_pylist(), strict=True))
    for ssn, name in zip(wage["SSN"].to_pylist(), wage["LastName"].to_pylist(), strict=True):
        assert ssn not in by_ssn or by_ssn[ssn].upper() == name


def test_twins_share_all_but_first_name_and_number():
    people = population.make(np.random.default_rng(5), 20_000, errors=errors.USUAL)
    twins = np.flatnonzero(people.twin)
    one, other = twins[::2], twins[1::2]

    assert len(twins) == pytest.approx(20_000 * errors.USUAL.twins, rel=0.2)
    assert (people.surname[one] == people.surname[other]).all()
    assert (people.born[one] == people.born[other]).all()
    assert (people.first[one] != people.first[other]).all()
    assert (people.sasid[one] != people.sasid[other]).all()


def test_a_slip_changes_a_name_and_marks_can_be_dropped():
    rng = np.random.default_rng(2)

    assert sum(errors.typo(rng, "Montrose") != "Montrose" for _ in range(100)) > 90
    assert errors.typo(rng, "") == ""
    assert held.without_marks("O'Brannock") == "OBrannock"
    assert held.without_marks("Muñarez-de la Tarra") == "MunarezdelaTarra"
    with pytest.raises(ValueError, match="negative"):
        errors.USUAL.scaled(-1)


class TestQuality:
    def links(self, project, key):
        truth = project.truth
        return pa.table({"link_id": key, "id": truth["id"]})

    def test_the_truth_itself_is_perfect(self, project):
        person = pc.cast(project.truth["person"], pa.string())

        found = quality.measure(project.truth, self.links(project, person))

        assert (found.precision, found.recall, found.recall_of_all) == (1.0, 1.0, 1.0)

    def test_no_links_at_all_find_nothing(self, project):
        found = quality.measure(project.truth, self.links(project, project.truth["id"]))

        assert (found.linked_pairs, found.recall) == (0, 0.0)

    def test_one_person_cut_in_two_costs_recall_and_two_in_one_cost_precision(self):
        truth = pa.table({"person": [1, 1, 2, 2], "agency": ["SDE", "CSCU"] * 2, "id": list("abcd")})

        apart = quality.measure(truth, pa.table({"link_id": ["x", "y", "z", "z"], "id": list("abcd")}))
        mixed = quality.measure(truth, pa.table({"link_id": ["x", "x", "x", "y"], "id": list("abcd")}))

        assert (apart.precision, apart.recall) == (1.0, 0.5)
        assert (mixed.precision, mixed.recall) == (1 / 3, 0.5)

    def test_pairs_that_meet_in_no_field_are_counted_apart(self):
        truth = pa.table({"person": [1, 1], "agency": ["SDE", "DOL"], "id": ["a", "b"]})

        found = quality.measure(truth, pa.table({"link_id": ["x", "y"], "id": ["a", "b"]}))

        assert (found.true_pairs, found.possible_pairs, found.recall) == (1, 0, 1.0)

    def test_a_crosswalk_that_is_none_is_refused(self):
        truth = pa.table({"person": [1], "agency": ["SDE"], "id": ["a"]})

        with pytest.raises(ValueError, match="twice"):
            quality.measure(truth, pa.table({"link_id": ["x", "y"], "id": ["a", "a"]}))
        with pytest.raises(ValueError, match="no file has"):
            quality.measure(truth, pa.table({"link_id": ["x"], "id": ["q"]}))


class TestOutput:
    def test_the_true_table_adds_up_and_has_small_cells(self, project):
        lines = [line.split(",") for line in project.true_output().decode().splitlines()]
        header, rows = lines[0], lines[1:]
        inner = [int(r[3]) for r in rows if "Total" not in r[:3]]
        whole = [int(r[3]) for r in rows if r[:3] == ["Total"] * 3]

        assert header == list(outputs.COLUMNS)
        assert whole == [sum(inner)]
        assert any(0 < count < 6 for count in inner)
        assert len(inner) == 11 * 2 * 3

    def test_frames_without_the_id_or_a_flag_are_refused(self, project):
        school = project.agencies["SDE"].analytical.table.to_pandas()

        with pytest.raises(ValueError, match="no column"):
            outputs.cross_table(school, school, school, by="link_id")
        with pytest.raises(ValueError, match="no flag column"):
            outputs.cross_table(school, school, school, by="SyntheticID")


class TestCanaries:
    def test_each_file_holds_its_marks(self):
        marked = generate(1_000, seed=11, canaries=5)

        for file in marked.files():
            assert file.canaries
            content = file.tsv().decode()
            assert all(mark in content for mark in file.canaries)

    def test_marks_differ_from_file_to_file(self):
        marked = generate(1_000, seed=11, canaries=5)
        words = [c for file in marked.files() for c in file.canaries if c.startswith("Zq")]

        assert len(set(words)) == len(words) == 5


class TestCommandLine:
    def test_it_writes_files_and_keeps_the_truth_apart(self, tmp_path, capsys):
        assert main(["--people", "300", "--out", str(tmp_path / "made"), "--scheme", "underscored"]) == 0

        sent = {p.name for p in (tmp_path / "made" / "files").iterdir()}
        assert {"P20_DR0034_SDE_match_v1", "P20_DR0034_DOL_analysis_v1", "P20_DR0034_CTECS_list_v4"} <= sent
        assert {p.name for p in (tmp_path / "made" / "truth").iterdir()} == {
            "about.json", "flags.tsv", "output.csv", "people.tsv",
        }  # fmt: skip
        assert "38 files" in capsys.readouterr().out

    def test_lists_of_one_sender_keep_apart_where_the_scheme_has_no_version(self, tmp_path):
        assert main(["--people", "300", "--out", str(tmp_path)]) == 0

        folder = tmp_path / "files" / "070023-COMP1516"
        assert [p.name for p in folder.iterdir()] == ["OLD-ORCHARD-PUBLIC-SCHOOLS.0034.01_31_2026.list"]

    def test_a_folder_in_use_and_an_absurd_number_are_refused(self, tmp_path, capsys):
        (tmp_path / "note").write_text("x")

        assert main(["--people", "300", "--out", str(tmp_path)]) == 2
        assert "not empty" in capsys.readouterr().err
        assert main(["--people", "3", "--out", str(tmp_path / "new")]) == 2
        assert "100 to 5,000,000" in capsys.readouterr().err
