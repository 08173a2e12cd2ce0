"""Files that are not what they say: each is refused within seconds, with its place, a remedy and no value."""

from __future__ import annotations

import gzip
import io as memory_io
import time
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from matching.engine import __main__ as command
from matching.engine import io
from matching.engine.errors import BadInput

SECRET = "Zyxwvut"
GOOD = f"id,first,last,dob\n1,{SECRET},Lee,2000-01-02\n2,Bob,Ray,2001-02-03\n"


def parquet(**columns):
    sink = memory_io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def zipped():
    sink = memory_io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("a.csv", GOOD)
    return sink.getvalue()


GOOD_PARQUET = parquet(id=["1", "2"], first=[SECRET, "Bob"])
MANY = [f"c{n}" for n in range(5_000)]
HOSTILE = {
    "a short row": (GOOD + f"3,{SECRET}\n", "line 4 has another number of fields than the header (4): 2"),
    "a long row": (GOOD + f"3,{SECRET},a,b,c,d\n", "line 4 has another number of fields"),
    "a ragged row after blank lines": (GOOD + f"\n\n3,{SECRET}\n", "line 6 has another number of fields"),
    "a ragged row among quotes": (GOOD + f'3,"{SECRET}\nx",a\n', "row 3 has another number of fields"),
    "a NUL byte": (GOOD + f"3,{SECRET}\0,a,b\n", "line 4 holds a NUL byte"),
    "Latin-1": (GOOD.encode() + f"3,{SECRET},Núñez,\n".encode("latin-1"), "line 4 is not UTF-8"),
    "UTF-8 cut short": (GOOD.encode() + f"3,{SECRET}ú".encode()[:-1], "line 4 is not UTF-8"),
    "UTF-16": (GOOD.encode("utf-16"), "UTF-16"),
    "UTF-16 without a mark": (GOOD.encode("utf-16-le"), "line 1 holds a NUL byte"),
    "gzip": (gzip.compress(GOOD.encode()), "compressed with gzip; unpack it"),
    "a zip archive": (zipped(), "spreadsheet or another zip archive"),
    "nothing": ("", "the file is empty"),
    "an empty first line": ("\n" + GOOD, "line 1 is empty"),
    "headers only": ("id,first,last\n", "no row below it"),
    "headers without a line end": ("id,first,last", "no row below it"),
    "no headers": (f"{SECRET},Lee,1999\n{SECRET}x,Ray,1998\n", "no id column"),
    "no headers, values repeated": (f"{SECRET},{SECRET},1999\n", "columns 1 and 2 have the same header"),
    "one column": (f"id\n{SECRET}\n", "no tab, comma, semicolon or bar"),
    "headers twice": (f"id,last,first,last\n1,{SECRET},a,b\n", "columns 2 and 4 have the same header"),
    "a column without a header": (f"id,last,\n1,{SECRET},\n", "column 3 has no header"),
    "no field": (f"id,colour,size\n1,{SECRET},2\n", "no column to match on"),
    "two birth dates": (f"id,DOB,BirthDate\n1,{SECRET},2\n", "both look like birth_date"),
    "a quote never closed": (
        GOOD + f'3,"{SECRET},Lee,\n' + "4,a,b,c\n" * 50_000,
        "quote opened in line 4 is never",
    ),
    "a quote in the headers never closed": (f'id,"first,last\n1,{SECRET},x\n', "line 1 has no end"),
    "text after a quote": (GOOD + f'3,"{SECRET}" x,Lee,\n', "in line 4 text follows a closing quote"),
    "a quote that closes far below": (GOOD + f'3,"{SECRET},Lee,\n4,a,"b,c\n', "in line 4 text follows"),
    "one giant line": ("id,first," + SECRET * 1_500_000, "line 1 has no end within 4 MB"),
    "a giant row": (GOOD + "3," + SECRET * 5_000_000 + ",a,b\n", "line 4 is longer than 16 MB"),
    "ids of a megabyte": (
        "id,first\n" + f"{'x' * 2**20},{SECRET}\n" * 3,
        "longer than 1,000 characters in row 1",
    ),
    "a name of a megabyte": (
        GOOD + f"3,{SECRET * 200_000},a,b\n",
        "“first” is longer than 1,000 characters in row 3",
    ),
    "5,000 columns, none known": (",".join(MANY) + "\n" + ",".join(MANY) + "\n", "no id column"),
    "5,000 columns, ragged": (
        ",".join(["id", "last", *MANY]) + f"\n1,{SECRET}\n",
        "line 2 has another number",
    ),
    "Parquet cut short": (GOOD_PARQUET[:-20], "not a Parquet file that can be read"),
    "Parquet without an end": (b"PAR1" + SECRET.encode() * 50, "not a Parquet file that can be read"),
    "Parquet overwritten": (
        GOOD_PARQUET[:8] + b"\xff" * 60 + GOOD_PARQUET[68:],
        "not a Parquet file that can be read",
    ),
    "Parquet of lists": (parquet(id=["1"], last=[[SECRET]]), "column 2 holds neither text"),
    "Parquet without rows": (
        parquet(id=pa.array([], pa.string()), last=pa.array([], pa.string())),
        "no row below",
    ),
    "Parquet with bytes that are no text": (parquet(id=["1"], last=[b"\xff\xfe"]), "not a Parquet file"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_it_is_refused_in_seconds_by_place_and_without_a_value(tmp_path, capsys, case):
    content, told = HOSTILE[case]
    (tmp_path / "a.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    started = time.process_time()

    code = command.main(["link", "--out", str(tmp_path / "out"), f"a={tmp_path}/a.csv"])

    said = capsys.readouterr().err
    assert code == 2, said
    assert told in said
    assert said.startswith("a: ")
    assert SECRET not in said
    assert len(said) < 400
    assert time.process_time() - started < 10
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.symlink_to("/nowhere"), "there is no file"),
        (lambda path: None, "there is no file"),
    ],
)
def test_what_is_no_file_is_named(tmp_path, make, told):
    make(tmp_path / "a")

    with pytest.raises(BadInput, match=told):
        io.Source(tmp_path / "a", "a")


def test_5000_columns_of_which_two_are_needed_are_read(tmp_path):
    with (tmp_path / "a.csv").open("w") as file:
        file.write(",".join(["id", "last", *MANY]) + "\n")
        file.writelines(",".join([str(n), "Lee", *MANY]) + "\n" for n in range(50))

    source = io.Source(tmp_path / "a.csv", "a")
    table = source.read(io.File(id_column="id", columns={"last_name": "last"}))

    assert table.shape == (50, 2)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"files": {"a": {"id_column": 1, "columns": {}}}}',
        '{"files": {"a": {"id_column": "id", "columns": ["last"]}}}',
        '{"files": {"a": {"id_column": "id", "columns": {}, "unique": "yes"}}}',
        '{"comparisons": [{"field": "ssn", "levels": [{"kind": "edits", "at": "1); DROP", "m": 0.5},'
        ' {"kind": "else", "m": 0.5}]}]}',
        '{"comparisons": [{"field": "ssn", "levels": [{"kind": "exact", "m": "x"},'
        ' {"kind": "else", "m": 0.5}]}]}',
        '{"comparisons": [{"field": "ssn", "levels": [{"kind": "exact", "m": 0.5, "u": 2},'
        ' {"kind": "else", "m": 0.5}]}]}',
        '{"blocks": [{"name": "x", "on": []}]}',
        '{"blocks": [{"name": "x", "on": ["ssn"]}, {"name": "x", "on": ["zip"]}]}',
        '{"seed": "one"}',
        '{"cluster_cap": 0}',
        '{"engine": 3}',
        '{"version": 1e999}',
    ],
)
def test_a_specification_that_is_none_is_refused(tmp_path, capsys, text):
    (tmp_path / "spec.json").write_text(text)
    (tmp_path / "a.csv").write_text(GOOD)

    code = command.main(
        ["link", "--out", str(tmp_path / "out"), "--spec", str(tmp_path / "spec.json"), f"a={tmp_path}/a.csv"]
    )

    assert code == 2
    assert "specification" in capsys.readouterr().err.lower()
