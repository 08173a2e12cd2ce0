"""Encoded files on arrival: honest tokens pass, hashes without a key do not, in any column (O-72, O-60)."""

import base64
import hashlib
import random
import secrets

import pyarrow as pa
import pytest

from fixtures.generate import generate
from matching.engine import encode
from matching.engine import rules as token_rules
from matching.engine import spec as specs
from p20win.custody.engine.intake import check_stream
from p20win.custody.engine.rules import from_spec

KEY = encode.new_key("DR-0034")
FIELDS = ("ssn", "sasid", "first_name", "last_name", "birth_date", "sex", "high_school")
COLUMNS = token_rules.columns_for(FIELDS, clk=True)
CONSONANTS = "BCDFGHJKLMNPQRSTVWXZ"


def spec(columns=COLUMNS, **changes):
    def form(name):
        return {token_rules.MARK: "encoded_with", token_rules.CLK: "bloom"}.get(name, "token")

    tokens = [name for name in columns if name.startswith("T_")]
    return {
        "kind": "matching",
        "number": "DR-0034",
        "agencies": ["CSCU"],
        "id_column": "SyntheticID",
        "id_prefix": "CSCU-",
        "one_row_per": [["SyntheticID"]],
        "one_person_per": [tokens],
        "encoded": True,
        "columns": [
            {"name": "SyntheticID", "form": "synthetic_id", "required": True},
            *(
                {"name": name, "form": form(name), "identifier": name != token_rules.MARK}
                | ({"required": True} if name == token_rules.MARK else {})
                for name in columns
            ),
        ],
    } | changes


def a_table(people, *, key=KEY):
    table = generate(people, seed=3).agencies["CSCU"].matching.table
    file = specs.recognise(table.column_names, "CSCU")
    columns = {f: table[c] for f, c in file.columns.items() if f in FIELDS}
    return pa.table(
        {"SyntheticID": table["SyntheticID"], **encode.Encoder(key, columns, clk=True).encode(columns)}
    )


@pytest.fixture(scope="module")
def honest():
    return a_table(400)


def check(table, rule=None):
    rows = [table.column_names, *zip(*(c.to_pylist() for c in table.columns), strict=True)]
    content = "".join("\t".join(cell or "" for cell in row) + "\n" for row in rows)
    return check_stream([content.encode()], from_spec(rule or spec()))


def found(report):
    return {rule for rule, _ in report.counts}


def changed(table, column, values):
    return table.set_column(table.column_names.index(column), column, pa.array(values, pa.string()))


@pytest.mark.obligation("O-72", "O-60")
def test_honest_tokens_keep_all_rules(honest):
    report = check(honest)

    assert report.accepted, report.findings
    assert report.rows == honest.num_rows


@pytest.mark.long
@pytest.mark.obligation("O-60")
def test_no_chance_likeness_refuses_a_large_file():
    report = check(a_table(60_000))

    assert report.accepted, report.findings


def unkeyed_hex(text):
    return hashlib.sha256(text.encode()).hexdigest()


def unkeyed_cut(text):
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:18]).decode()


def unkeyed_md5(text):
    return base64.urlsafe_b64encode(hashlib.md5(text.encode()).digest() + b"\0\0").decode()


@pytest.mark.parametrize("column", ["T_SSN", "T_SSN_DOB", "T_NAMES_DOB", "B_DOB_SEX"])
@pytest.mark.parametrize("hashed", [unkeyed_hex, unkeyed_cut, unkeyed_md5])
@pytest.mark.obligation("O-72", "O-60")
def test_hashes_that_anybody_can_make_are_refused(hashed, column, honest):
    ssns = [f"{900000000 + n}" for n in range(honest.num_rows)]

    report = check(changed(honest, column, [hashed(ssn) for ssn in ssns]))

    assert found(report) <= {"form", "token_check"}
    assert report.total > honest.num_rows * 0.9
    assert not any(ssn in str(report.as_dict()) for ssn in ssns)


def test_tokens_in_the_wrong_column_are_refused(honest):
    report = check(changed(honest, "T_SSN_DOB", honest["T_SSN"].to_pylist()))

    assert found(report) == {"token_check"}


def test_rows_under_another_key_are_refused(honest):
    other = a_table(400, key=encode.new_key("DR-0034"))

    report = check(pa.concat_tables([honest.slice(0, 100), other.slice(100, 100)]))

    assert "encoded_with" in found(report)


@pytest.mark.parametrize(("number", "hint"), [("DR-0035", "another project than DR-0035"), ("DR-0034", None)])
def test_a_file_of_another_project_is_refused(number, hint, honest):
    report = check(honest, spec(number=number))

    hints = [each.hint for each in report.findings if each.rule == "encoded_with"]
    assert hints == ([f"Encoded for {hint}."] if hint else [])


@pytest.mark.parametrize(
    "secret",
    [
        b"",
        b"\0" * 32,
        b"a" * 32,
        b"DR-0034",
        b"CSCU",
        hashlib.sha256(b"secret").digest(),
        b"p20win".ljust(32, b"\0"),
    ],
)
@pytest.mark.obligation("O-72")
def test_a_key_that_anybody_would_try_is_refused(secret):
    report = check(a_table(150, key=encode.Key("DR-0034", secret)))

    assert [each.rule for each in report.findings] == ["encoded_with"]
    assert "anybody would try" in report.findings[0].hint


@pytest.mark.obligation("O-72")
def test_a_token_of_emptiness_is_refused(honest):
    token = honest["T_SASID"].drop_null()[0].as_py()
    filled = [cell or token for cell in honest["T_SASID"].to_pylist()]

    report = check(changed(honest, "T_SASID", filled))

    assert found(report) == {"token_repeated"}
    assert report.findings[0].column == "T_SASID"


def test_every_row_says_under_what_it_was_encoded(honest):
    marks = honest["EncodedWith"].to_pylist()

    report = check(changed(honest, "EncodedWith", [None, *marks[1:]]))

    assert "required" in found(report)


@pytest.mark.parametrize("cut", [slice(0, 24), slice(0, 12), slice(4, 20)])
@pytest.mark.obligation("O-60")
def test_an_id_may_not_be_a_token(cut, honest):
    ids = [f"CSCU-{(cell or secrets.token_hex(12))[cut]}" for cell in honest["T_NAMES_DOB"].to_pylist()]

    assert "id_contains" in found(check(changed(honest, "SyntheticID", ids)))


@pytest.mark.obligation("O-60", "O-106")
def test_nor_a_hash_of_one(honest):
    ids = [f"CSCU-{unkeyed_hex(cell or secrets.token_hex(9))[:20]}" for cell in honest["T_SSN"].to_pylist()]

    assert "id_derived" in found(check(changed(honest, "SyntheticID", ids)))


def test_a_person_twice_is_found_by_the_tokens(honest):
    twin = honest.slice(5, 1)
    ids = ["CSCU-" + "".join(random.Random(1).choices(CONSONANTS, k=14))]
    whole = [r for r in honest.to_pylist() if all(r[n] for n in COLUMNS if n.startswith("T_"))][:1]
    twin = pa.Table.from_pylist([whole[0] | {"SyntheticID": ids[0]}], schema=honest.schema)

    assert found(check(pa.concat_tables([honest, twin]))) == {"one_person"}


def test_the_description_needs_its_mark():
    with pytest.raises(ValueError, match="encoded_with"):
        from_spec(spec([name for name in COLUMNS if name != token_rules.MARK]))
