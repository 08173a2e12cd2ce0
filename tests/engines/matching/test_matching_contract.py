"""The command line's contract, clause by clause: what is read, what is written, how it leaves."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
import re
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from matching.engine import __main__ as command
from matching.engine import defaults, io, run
from matching.engine import spec as specs
from matching.engine.errors import BadInput

PEOPLE = [
    ("007", "Ann", "Lee", "2000-01-02", "900121234"),
    ("008", "Bob", "Ray", "2001-02-03", "900121235"),
    ("009", "Cyd", "Moe", "2002-03-04", "900121236"),
]
HEADERS = ("id", "first", "last", "dob", "ssn")
RESULTS = {"crosswalk.csv", "edges.csv", "spec.json", "report.json", "report.html"}


def text(rows=PEOPLE, headers=HEADERS, mark=",", end="\n"):
    return "".join(mark.join(row) + end for row in [headers, *rows])


def linked(folder, *arguments, engine="toolkit"):
    chosen = ["--engine", engine] if engine else []
    return command.main(["link", "--out", str(folder / "out"), *chosen, *arguments])


def rows(path):
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def read(tmp_path, content, name="a.txt"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    source = io.Source(path, "a")
    return source.read(specs.recognise(source.headers, "a"))


@pytest.fixture
def pair(tmp_path):
    (tmp_path / "a.csv").write_text(text())
    (tmp_path / "b.csv").write_text(text(mark="\t"))
    return [f"a={tmp_path}/a.csv", f"b={tmp_path}/b.csv"]


class TestWhatIsRead:
    @pytest.mark.parametrize("mark", [",", ";", "|", "\t"])
    def test_the_delimiter_is_taken_from_the_header_whatever_the_file_is_called(self, tmp_path, mark):
        assert read(tmp_path, text(mark=mark), "a.parquet")["last"].to_pylist() == ["Lee", "Ray", "Moe"]

    def test_a_byte_order_mark_and_line_ends_of_windows_are_no_part_of_the_text(self, tmp_path):
        table = read(tmp_path, b"\xef\xbb\xbf" + text(end="\r\n").encode())

        assert table.column_names[0] == "id"
        assert table["ssn"].to_pylist()[-1] == "900121236"

    def test_quotes_hold_delimiters_quotes_and_line_ends(self, tmp_path):
        content = 'id,"first",last\n"1","Ann, or ""Nan""","L\nee"\n2,Robert "Bob",\n3,"","Moe"\n'

        table = read(tmp_path, content)

        assert table["first"].to_pylist() == ['Ann, or "Nan"', 'Robert "Bob"', None]
        assert table["last"].to_pylist() == ["L\nee", None, "Moe"]

    def test_ids_are_text_and_keep_their_zeros(self, tmp_path):
        assert read(tmp_path, text())["id"].to_pylist() == ["007", "008", "009"]

    def test_parquet_is_known_by_its_first_bytes_and_read_as_the_same_text(self, tmp_path):
        table = pa.table(
            {
                "unique_id": pa.array([7, 8, 9], pa.int64()),
                "first": pa.array(["Ann", "", "Cyd"]).dictionary_encode(),
                "dob": pa.array([dt.date(2000, 1, 2), None, dt.date(2002, 3, 4)]),
                "ssn": pa.array([12345678.0, None, 900121236.0]),
                "zip": pa.array([6106, 6107, None], pa.int32()),
                "sasid": pa.array([Decimal(7), None, Decimal(9)], pa.decimal128(10, 0)),
                "tags": pa.array([["x"], [], None]),
            }
        )
        path = tmp_path / "a.csv"
        pq.write_table(table, path)

        source = io.Source(path, "a")
        found = source.read(specs.recognise(source.headers, "a"))

        assert source.rows == 3
        assert found["unique_id"].to_pylist() == ["7", "8", "9"]
        assert found["first"].to_pylist() == ["Ann", None, "Cyd"]
        assert found["dob"].to_pylist() == ["2000-01-02", None, "2002-03-04"]
        assert found["ssn"].to_pylist() == ["012345678", None, "900121236"]
        assert found["zip"].to_pylist() == ["06106", "06107", None]
        assert found["sasid"].to_pylist() == ["7", None, "9"]
        assert "tags" not in found.column_names

    def test_text_ids_in_parquet_keep_their_zeros(self, tmp_path):
        pq.write_table(pa.table({"id": ["007", "7"], "first": ["Ann", "Bob"]}), tmp_path / "a")

        source = io.Source(tmp_path / "a", "a")

        assert source.read(specs.recognise(source.headers, "a"))["id"].to_pylist() == ["007", "7"]


class TestHeaders:
    @pytest.mark.parametrize(
        ("header", "field"),
        [
            *(
                (h, "ssn")
                for h in ("SSN", "social security number", "Soc_Sec_ID", "SSN_NO", "SocialSecurityNum")
            ),
            *((h, "sasid") for h in ("SASID", "student id", "STUDENT_ID", "StateAssignedStudentID")),
            *((h, "first_name") for h in ("first", "First Name", "given_name", "FNAME", "FIRST_NM", "Given")),
            *((h, "middle_name") for h in ("middle", "MiddleName", "MI", "middle initial", "MNAME")),
            *((h, "last_name") for h in ("last", "surname", "LNAME", "FamilyName", "StudentLastName")),
            *((h, "birth_date") for h in ("dob", "birth date", "date_of_birth", "BIRTH_DT", "DateOfBirth")),
            *((h, "sex") for h in ("sex", "GENDER", "gender_cd")),
            *((h, "zip") for h in ("ZIP", "zip code", "postal_code", "PostCode")),
            *((h, "address") for h in ("address", "street", "ADDRESS_1", "Street Address", "Home Addr")),
        ],
    )
    def test_the_usual_spellings(self, header, field):
        assert specs.recognise(["id", header], "a").columns == {field: header}

    @pytest.mark.parametrize("header", ["unique_id", "id", "synthetic_id", "rid", "SyntheticID", "ID"])
    def test_the_id_column(self, header):
        assert specs.recognise(["last", header], "a").id_column == header

    def test_files_of_febrl_are_recognised_whole(self):
        said = "rec_id given_name surname address_1 address_2 suburb postcode state date_of_birth soc_sec_id"

        file = specs.recognise(said.split(), "a")

        assert file.id_column == "rec_id"
        assert file.columns == {
            "first_name": "given_name", "last_name": "surname", "address": "address_1", "zip": "postcode",
            "birth_date": "date_of_birth", "ssn": "soc_sec_id",
        }  # fmt: skip

    def test_a_student_id_beside_the_sasid_is_neither_the_sasid_nor_the_id(self):
        file = specs.recognise(["unique_id", "student_id", "SASID", "gender", "sex"], "a")

        assert file.columns == {"sasid": "SASID", "sex": "sex"}
        with pytest.raises(BadInput, match="no id column"):
            specs.recognise(["student_id", "last"], "a")

    def test_race_and_ethnicity_are_told_apart_and_never_matched_on(self):
        file = specs.recognise(["id", "last", "Race", "HispanicOrLatino", "BlackOrAfricanAmerican"], "a")

        assert file.groups == ("Race", "HispanicOrLatino", "BlackOrAfricanAmerican")
        assert file.columns == {"last_name": "last"}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """One run of two files, with everything it wrote."""
    folder = tmp_path_factory.mktemp("written")
    (folder / "a.csv").write_text(text())
    (folder / "b.csv").write_text(text([*PEOPLE[:2], ("0010", "Zoe", "Fox", "1990-09-09", "")], mark="\t"))
    call = ["--unique", "b", f"a={folder}/a.csv", f"b={folder}/b.csv"]
    assert linked(folder, "--seed", "7", "--accept", "auto", *call) == 0
    return folder, call


def people_of(key):
    groups = {}
    for row in key:
        groups.setdefault(row["link_id"], set()).add((row["file"], row["id"]))
    return sorted(map(sorted, groups.values()))


class TestWhatIsWritten:
    def test_every_row_once_also_those_who_are_alone(self, written):
        folder, _ = written

        key = rows(folder / "out/crosswalk.csv")

        assert list(key[0]) == ["link_id", "file", "id"]
        assert sorted((r["file"], r["id"]) for r in key) == sorted(
            [("a", "007"), ("a", "008"), ("a", "009"), ("b", "007"), ("b", "008"), ("b", "0010")]
        )
        assert {p.name for p in (folder / "out").iterdir()} == RESULTS
        assert not [p for p in folder.iterdir() if p.name.startswith(".")]

    def test_edges_above_the_grey_floor_with_their_decision(self, written):
        folder, _ = written

        edges = rows(folder / "out/edges.csv")

        assert list(edges[0]) == "file_l,id_l,file_r,id_r,weight,probability,rule,decision".split(",")
        assert {edge["decision"] for edge in edges} <= {"link", "review", "refused"}
        floor = json.loads((folder / "out/report.json").read_text())["thresholds"]["grey"]
        assert all(float(edge["probability"]) >= floor - 1e-6 for edge in edges)

    def test_the_report_names_engine_versions_and_inputs_and_stands_alone(self, written):
        folder, _ = written

        told = json.loads((folder / "out/report.json").read_text())
        page = (folder / "out/report.html").read_text()

        assert (told["engine"], told["accept"], told["seed"]) == ("toolkit", "auto", 7)
        assert told["libraries"]["duckdb"]
        assert told["inputs"]["a"] == hashlib.sha256((folder / "a.csv").read_bytes()).hexdigest()
        assert told["inputs"]["a"] in page
        assert not re.search(r"<script|<link|src=|@import|url\(|https?://(?!www\.w3\.org/2000/svg)", page)

    def test_its_specification_gives_the_same_people_again_under_other_ids(self, written):
        folder, call = written
        first = rows(folder / "out/crosswalk.csv")
        kept = folder / "kept.json"
        kept.write_bytes((folder / "out/spec.json").read_bytes())

        code = command.main(["link", "--out", str(folder / "again"), "--spec", str(kept), *call[2:]])

        second = rows(folder / "again/crosswalk.csv")
        assert code == 0
        assert (folder / "again/spec.json").read_bytes() == kept.read_bytes()
        assert people_of(first) == people_of(second)
        ids, others = ({r["link_id"] for r in key} for key in (first, second))
        assert not ids & others
        assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids | others)

    def test_one_file_is_searched_for_repeated_people_and_odd_ids_get_quotes(self, tmp_path):
        twice = [*PEOPLE, ('"x, ""1"""', *PEOPLE[0][1:]), ('"two\nlines"', "Zoe", "Fox", "1990-09-09", "")]
        (tmp_path / "a.csv").write_text(text(twice))

        assert linked(tmp_path, f"a={tmp_path}/a.csv") == 0

        with (tmp_path / "out/crosswalk.csv").open(newline="") as file:
            people = {r["id"]: r["link_id"] for r in csv.DictReader(file)}
        assert set(people) == {"007", "008", "009", 'x, "1"', "two\nlines"}
        assert people["007"] == people['x, "1"']
        assert len(set(people.values())) == 4

    def test_the_engine_is_the_portals_unless_another_is_named(self, tmp_path, pair, monkeypatch):
        asked = []

        def stop(tables, spec, **options):
            asked.append((spec.engine, spec.files["a"].unique))
            raise BadInput("enough")

        monkeypatch.setattr(command.run, "link", stop)

        assert linked(tmp_path, *pair, engine=None) == 2
        assert linked(tmp_path, "--unique", "a", *pair, engine="toolkit") == 2
        assert asked == [(run.DEFAULT_ENGINE, False), ("toolkit", True)]
        assert run.DEFAULT_ENGINE == defaults.ENGINE


class TestHowItLeaves:
    @pytest.mark.parametrize(
        "arguments",
        [
            ["link"],
            ["link", "--out", "x"],
            ["link", "--out", "x", "--accept", "all", "a=b"],
            ["link", "--out", "x", "--engine", "magic", "a=b"],
            ["link", "--out", "x", "--seed", "one", "a=b"],
            ["unlink"],
        ],
    )
    def test_a_wrong_call_leaves_with_2(self, arguments):
        assert command.main(arguments) == 2

    @pytest.mark.parametrize(
        ("name", "good"), [("a_1", True), ("A", True), ("a-b", False), ("", False), ("ä", False)]
    )
    def test_names_of_files(self, name, good):
        if good:
            assert specs.check_name(name) == name
        else:
            with pytest.raises(BadInput, match="cannot name a file"):
                specs.check_name(name)

    def test_a_name_given_twice(self, tmp_path, pair, capsys):
        assert linked(tmp_path, pair[0], pair[0]) == 2
        assert "given twice" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("ids", "told"), [(("1", "", "3"), "empty in row 2"), (("1", "2", "1"), "repeated in row 3")]
    )
    def test_an_id_that_is_empty_or_repeated_names_file_and_row(self, tmp_path, capsys, ids, told):
        (tmp_path / "a.csv").write_text(text([(i, *p[1:]) for i, p in zip(ids, PEOPLE, strict=True)]))

        assert linked(tmp_path, f"a={tmp_path}/a.csv") == 2

        said = capsys.readouterr().err
        assert f"a: the id in column “id” is {told}" in said
        assert "Lee" not in said

    def test_parquet_of_too_many_rows_is_refused_before_it_is_read(self, tmp_path, capsys):
        many = pa.table(
            {"id": pa.array(range(1_000_000), pa.int32()), "last": pa.nulls(1_000_000, pa.string())}
        )
        pq.write_table(many, tmp_path / "a.parquet")

        assert linked(tmp_path, "--memory", "1GB", f"a={tmp_path}/a.parquet") == 3

        assert "needs about" in capsys.readouterr().err
