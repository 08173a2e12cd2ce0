"""The command line, as others run against it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from matching.engine import __main__ as command
from matching.engine import defaults
from matching.engine.errors import BadInput

HEADERS = "id,first,last,dob\n"
ROWS = "1,Ann,Lee,2000-01-02\n2,Bob,Ray,2001-02-03\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.txt").write_text(HEADERS + ROWS)
    (tmp_path / "b.csv").write_bytes(b"\xef\xbb\xbf" + (HEADERS + ROWS).replace(",", "\t").encode())
    return tmp_path


def run(folder, *arguments):
    return command.main(["link", "--out", str(folder / "out"), *arguments])


def test_it_writes_key_pairs_specification_and_reports(folder):
    assert run(folder, f"a={folder}/a.txt", f"b={folder}/b.csv", "--unique", "a", "--unique", "b") == 0

    assert {p.name for p in (folder / "out").iterdir()} == {
        "crosswalk.csv", "edges.csv", "spec.json", "report.json", "report.html",
    }  # fmt: skip
    rows = list(csv.DictReader((folder / "out/crosswalk.csv").read_text().splitlines()))
    assert list(rows[0]) == ["link_id", "file", "id"]
    assert sorted((row["file"], row["id"]) for row in rows) == [
        ("a", "1"),
        ("a", "2"),
        ("b", "1"),
        ("b", "2"),
    ]
    assert len({row["link_id"] for row in rows}) == 2
    edges = list(csv.reader((folder / "out/edges.csv").read_text().splitlines()))
    assert edges[0] == "file_l,id_l,file_r,id_r,weight,probability,rule,decision".split(",")
    said = json.loads((folder / "out/spec.json").read_text())
    assert said["files"]["a"]["unique"] is True
    assert json.loads((folder / "out/report.json").read_text())["engine"] == said["engine"] == "hybrid"


def test_the_specification_it_wrote_can_be_given_again_and_parquet_is_read(folder):
    assert run(folder, f"a={folder}/a.txt", f"b={folder}/b.csv") == 0
    kept = folder / "kept.json"
    kept.write_bytes((folder / "out/spec.json").read_bytes())
    table = pa.table(
        {"id": pa.array([1, 2]), "first": ["Ann", "Bob"], "last": ["Lee", "Ray"], "dob": ["20000102", None]}
    )
    pq.write_table(table, folder / "b.parquet")

    code = run(
        folder,
        "--overwrite",
        "--spec",
        str(kept),
        "--engine",
        "toolkit",
        f"a={folder}/a.txt",
        f"b={folder}/b.parquet",
    )

    assert code == 0
    assert json.loads((folder / "out/report.json").read_text())["engine"] == "toolkit"


@pytest.mark.parametrize(
    ("content", "arguments", "told"),
    [
        (HEADERS + "1,Ann\n", [], "line 2 has another number of fields"),
        (HEADERS + ROWS + "1,Zed,Zed,\n", [], "repeated in row 3"),
        ("", [], "the file is empty"),
        ("id\n1\n", [], "first line has no tab"),
        ("id,first,first\n1,a,b\n", [], "columns 2 and 3 have the same header"),
        (HEADERS + ROWS, ["--unique", "z"], "no file of that name"),
        (HEADERS + ROWS, ["--memory", "lots"], "no amount of memory"),
        (HEADERS + ROWS, ["--spec", "/nowhere.json"], "cannot be opened"),
        (HEADERS + ROWS, ["b=/nowhere.csv"], "there is no file"),
        (HEADERS + ROWS, ["b b=/nowhere.csv"], "cannot name a file"),
        (HEADERS + ROWS, ["nothing"], "should read NAME=FILE"),
    ],
)
def test_bad_input_leaves_with_2_says_why_and_leaves_nothing(folder, capsys, content, arguments, told):
    (folder / "a.txt").write_text(content)

    assert run(folder, f"a={folder}/a.txt", *arguments) == 2

    assert told in capsys.readouterr().err
    assert not (folder / "out").exists()


def test_a_folder_that_is_not_empty_is_left_alone(folder, capsys):
    (folder / "out").mkdir()
    (folder / "out/mine").write_text("x")

    assert run(folder, f"a={folder}/a.txt") == 2

    assert "not empty" in capsys.readouterr().err
    assert [p.name for p in (folder / "out").iterdir()] == ["mine"]


def test_a_need_beyond_the_limit_leaves_with_3_and_names_the_need(folder, capsys):
    assert run(folder, "--memory", "100MB", f"a={folder}/a.txt") == 3

    assert "needs about 300 MB of memory; the limit is 100 MB" in capsys.readouterr().err


def test_the_need_is_that_of_the_engine_that_links(folder, monkeypatch, capsys):
    """A million rows with a million: the hub's own engine links them in the default 2 GB."""
    many = pa.table({"id": pa.array(range(1_000_000), pa.int32()), "last": pa.nulls(1_000_000, pa.string())})
    pq.write_table(many, folder / "m.parquet")
    both = [f"{name}={folder}/m.parquet" for name in ("a", "b")]
    begun = []

    def stop(tables, spec, **options):
        begun.append(spec.engine)
        raise BadInput("enough")

    monkeypatch.setattr(command.run, "link", stop)

    assert run(folder, *both) == 2
    assert run(folder, "--engine", "splink", *both) == 3
    assert "of memory; the limit is 2.0 GB" in capsys.readouterr().err
    assert begun == [defaults.ENGINE]


def test_an_error_inside_leaves_with_4_and_tells_no_value(folder, capsys, monkeypatch):
    def broken(*_args, **_options):
        raise RuntimeError("Ann Lee")

    monkeypatch.setattr(command.run, "link", broken)

    assert run(folder, f"a={folder}/a.txt") == 4

    told = capsys.readouterr().err
    assert "RuntimeError" in told
    assert "Ann" not in told
    assert not (folder / "out").exists()


def test_it_runs_as_a_module(folder):
    done = subprocess.run(
        [sys.executable, "-m", "matching.engine", "link", "--help"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0
    assert "NAME=FILE" in done.stdout


def test_a_link_starts_no_library_that_it_does_not_use(folder):
    command = [
        sys.executable,
        "-X",
        "importtime",
        "-m",
        "matching.engine",
        "link",
        "--out",
        str(folder / "o"),
    ]

    ran = subprocess.run(
        [*command, f"a={folder}/a.txt", f"b={folder}/b.csv"], capture_output=True, text=True, check=True
    )

    started = {line.split("|")[-1].strip() for line in ran.stderr.splitlines() if line.startswith("import")}
    assert {"pyarrow", "duckdb"} <= started
    # A library that is asked for and kept away stands there too, what it would start does not.
    assert not {"pandas._libs", "scipy._lib", "splink", "recordlinkage"} & started
