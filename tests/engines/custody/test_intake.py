"""Intake: every rule of O-60, O-61, O-103 and O-104 has a file that breaks it; no report quotes a value."""

import hashlib
import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p20win.custody.engine.intake import LONGEST_CELL, LONGEST_LINE, IntakeCheck, check_stream
from p20win.custody.engine.names import name_blockers, read_name
from p20win.custody.engine.report import RULES, Report
from p20win.custody.engine.rules import from_spec

MATCHING = {
    "kind": "matching",
    "number": "DR-0034",
    "agencies": ["SDE"],
    "id_column": "ID",
    "id_prefix": "SDE-",
    "one_row_per": [["ID"]],
    "one_person_per": [["SSN", "DOB"], ["SASID"]],
    "columns": [
        {"name": "ID", "form": "synthetic_id", "required": True},
        {"name": "SSN", "form": "ssn", "identifier": True},
        {"name": "SASID", "form": "sasid", "identifier": True},
        {"name": "LAST", "form": "name", "identifier": True, "required": True},
        {"name": "DOB", "form": "date", "identifier": True},
        {"name": "SEX", "form": "sex", "identifier": True},
        {"name": "HS", "form": "hs_code"},
        {"name": "LUNCH", "codes": ["F", "R", "N"]},
    ],
}
ANALYTICAL = {
    "kind": "analytical",
    "number": "DR-0034",
    "agencies": ["DOL"],
    "id_column": "ID",
    "one_row_per": [["ID", "QUARTER"]],
    "columns": [
        {"name": "ID", "form": "synthetic_id", "required": True},
        {"name": "QUARTER", "form": "quarter"},
        {"name": "WAGES", "form": "decimal"},
        {"name": "NOTE", "form": "text"},
    ],
}
HEADER = "ID SSN SASID LAST DOB SEX HS LUNCH".split()
GOOD = "SDE-k3v9q2xw7z,123456780,1234567890,Okonkwo,20050317,F,012345,N".split(",")
ALSO = "SDE-p8m4t6yb1c,223456780,1234567891,Lindqvist,20051101,M,,R".split(",")


def text(*rows, header=HEADER, ending="\n", separator="\t"):
    return "".join(separator.join(row) + ending for row in (header, *rows)).encode()


def check(content, spec=MATCHING, **options):
    return check_stream([content], from_spec(spec, **options))


def changed(**cells):
    return [cells.get(name, value) for name, value in zip(HEADER, GOOD, strict=True)]


def rules_of(report):
    return {rule for rule, _ in report.counts}


def only(report, rule, *, row=None, column=None):
    assert rules_of(report) == {rule}
    assert any((f.row, f.column) == (row, column) for f in report.findings), report.findings
    return True


@pytest.mark.obligation("O-60", "O-104")
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_file_as_agreed_is_accepted(ending):
    report = check(text(GOOD, ALSO, ending=ending))

    assert report.accepted, report.findings
    assert (report.rows, report.columns) == (2, HEADER)
    assert report.filled["HS"] == 1


def test_the_last_line_may_lack_its_end_and_a_byte_order_mark_may_come_first():
    assert check(b"\xef\xbb\xbf" + text(GOOD).rstrip(b"\n")).accepted


@pytest.mark.obligation("O-104")
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("SSN", "12345678"),
        ("SSN", "123-45-678"),
        ("SSN", "900123456"),
        ("SSN", "666123456"),
        ("SSN", "000123456"),
        ("SSN", "123001234"),
        ("SSN", "123450000"),
        ("SASID", "0123456789"),
        ("SASID", "123456789"),
        ("DOB", "2005-03-17"),
        ("DOB", "20050230"),
        ("DOB", "03172005"),
        ("SEX", "female"),
        ("SEX", "f"),
        ("HS", "12345"),
        ("LUNCH", "X"),
        ("ID", "SDE-äöü123"),
        ("LAST", "=HYPERLINK(1)"),
        ("LAST", "+1"),
        ("LAST", "@x"),
    ],
)
def test_a_cell_of_the_wrong_form_is_named_by_row_and_column(column, value):
    cells = dict(zip(HEADER, ALSO, strict=True)) | {column: value}
    report = check(text(GOOD, cells.values()), MATCHING | {"id_prefix": ""})
    assert only(report, "form", row=3, column=column)


def test_numbers_never_issued_are_accepted_in_demo_mode_alone():
    rows = [changed(SSN="900123456"), [*ALSO[:1], "666123456", *ALSO[2:]]]
    assert check(text(*rows), demo_ssn=True).accepted
    assert not check(text(*rows)).accepted


def test_a_cell_that_must_be_filled():
    assert only(check(text(changed(LAST=""))), "required", row=2, column="LAST")


@pytest.mark.obligation("O-61")
def test_a_column_that_was_not_approved_is_named():
    report = check(text([*GOOD, "x"], header=[*HEADER, "RELIGION"]))
    assert only(report, "column_unknown", row=1, column="RELIGION")


def test_a_heading_that_may_be_data_is_not_repeated():
    report = check(text([*GOOD, "x"], header=[*HEADER, "900123456"]))
    assert only(report, "column_unknown", row=1, column="column 9")


def test_a_missing_and_a_repeated_column():
    assert only(check(text(GOOD[:-1], header=HEADER[:-1])), "column_missing", row=1, column="LUNCH")
    assert only(check(text([*GOOD, "N"], header=[*HEADER, "lunch"])), "column_twice", row=1, column="LUNCH")


def test_a_file_without_header_is_refused_without_naming_its_first_row():
    report = check(text(GOOD, header=ALSO))
    assert only(report, "header", row=1)
    assert "Lindqvist" not in json.dumps(report.as_dict())


def test_the_header_stands_once():
    assert "header_again" in rules_of(check(text(GOOD, HEADER, ALSO)))


def test_commas_only_where_the_request_says_so():
    content = text(GOOD, ALSO, separator=",")
    assert only(check(content), "separator", row=1)
    assert check(content, MATCHING | {"separators": ["tab", "comma"]}).accepted


@pytest.mark.parametrize("row", [changed(LAST='"Okonkwo"'), changed(LAST='O"K')])
def test_quotes_are_refused(row):
    assert only(check(text(row)), "quotes", row=2, column="LAST")
    assert only(check(text(GOOD, header=['"ID"', *HEADER[1:]])), "quotes", row=1)


def test_rows_of_another_width_and_empty_rows():
    assert only(check(text(GOOD, ALSO[:-1])), "columns_in_row", row=3)
    assert only(check(text(GOOD) + b"\n" + text(ALSO, header=ALSO)[:0]), "columns_in_row", row=3)


@pytest.mark.obligation("O-60")
def test_two_rows_with_one_id():
    repeated = [GOOD[0], *ALSO[1:]]
    assert only(check(text(GOOD, repeated)), "one_row", row=3, column="ID")


@pytest.mark.obligation("O-60")
def test_two_rows_for_one_person():
    repeated = [ALSO[0], *GOOD[1:]]
    report = check(text(GOOD, repeated))
    assert rules_of(report) == {"one_person"}
    assert {finding.column for finding in report.findings} == {"SSN + DOB", "SASID"}


def test_people_without_a_number_are_not_the_same_person():
    rows = [changed(SSN="", SASID=""), [ALSO[0], "", "", *ALSO[3:]]]
    assert check(text(*rows)).accepted


def test_an_analytical_file_may_repeat_an_id_but_not_a_row_of_it():
    header = ["ID", "QUARTER", "WAGES", "NOTE"]
    one, two = ["k3v9q2xw7z", "20261", "100.50", ""], ["k3v9q2xw7z", "20262", "99", "x"]
    assert check(text(one, two, header=header), ANALYTICAL).accepted
    assert only(check(text(one, one, header=header), ANALYTICAL), "one_row", row=3, column="ID + QUARTER")


@pytest.mark.obligation("O-103")
@pytest.mark.parametrize("value", ["900123456", "called about 900-12-3456"])
def test_an_analytical_file_holds_no_identifiers(value):
    header = ["ID", "QUARTER", "WAGES", "NOTE"]
    report = check(text(["k3v9q2xw7z", "20261", "1", value], header=header), ANALYTICAL)
    assert only(report, "identifier_inside", row=2, column="NOTE")


def test_an_analytical_description_cannot_allow_identifiers():
    with pytest.raises(ValueError, match="may not hold identifiers: SSN"):
        from_spec(
            ANALYTICAL
            | {"columns": [*ANALYTICAL["columns"], {"name": "SSN", "form": "ssn", "identifier": True}]}
        )


@pytest.mark.obligation("O-60")
class TestIdsThatTell:
    """The generic id neither contains nor resembles an identifier, and is not computed from one."""

    def of(self, *ids, **cells):
        rows = [
            [f"SDE-{made}", f"{323451111 + place}", f"{1234560000 + place}", *changed(**cells)[3:]]
            for place, made in enumerate(ids)
        ]
        return check(text(*rows))

    @pytest.mark.parametrize(
        ("made", "column"),
        [
            ("x323451111y", "SSN"),
            ("111154323", "SSN"),
            ("1234560000", "SASID"),
            ("k-20050317-k", "DOB"),
            ("k03172005k", "DOB"),
            ("okonkwo77", "LAST"),
            ("77owknoko", "LAST"),
        ],
    )
    def test_contained_forwards_or_backwards(self, made, column):
        assert only(self.of(made), "id_contains", row=2, column=column)

    def test_an_id_without_the_agencys_code(self):
        row = ["k3v9q2xw7z", *GOOD[1:]]
        assert only(check(text(row)), "id_names_agency", row=2, column="ID")

    def test_last_four_digits_row_after_row(self):
        report = self.of("xk341111q", "qz1112rt", "mm1113ww", "ph1114kk", "rr1115tt")
        assert "id_resembles" in rules_of(report)

    def test_four_digits_once_are_chance(self):
        ids = [f"kq{hashlib.sha256(b'%d' % n).hexdigest()[:9]}zz" for n in range(200)]
        assert self.of(*ids[:5], "xx1116xx", *ids[6:]).accepted

    @pytest.mark.parametrize("name", ["md5", "sha1", "sha256", "sha512"])
    @pytest.mark.parametrize("what", ["323451111", "Okonkwo", "OKONKWO", "okonkwo", "20050317"])
    def test_a_hash_without_a_key(self, name, what):
        made = hashlib.new(name, what.encode()).hexdigest()[:24]
        assert "id_derived" in rules_of(self.of(made))

    def test_random_ids_are_fine(self):
        ids = [hashlib.sha256(b"secret%d" % n).hexdigest()[:16] for n in range(3000)]
        assert self.of(*ids).accepted


@pytest.mark.obligation("O-62")
@pytest.mark.parametrize(
    ("content", "rule", "row"),
    [
        (b"", "empty", None),
        (text(), "empty", None),
        (text(GOOD).decode().encode("utf-16"), "not_text", None),
        (text(GOOD) + b"SDE-\xe9\n", "encoding", 3),
        (text(GOOD) + b"\x00\n", "control", 3),
        (text(GOOD) + b"\x1b[31m\n", "control", 3),
        (text(GOOD) + b"x" * (LONGEST_LINE + 1), "line_length", 3),
        (text(GOOD) + b"x" * (LONGEST_LINE + 1) + b"\n", "line_length", 3),
        (b"PK\x03\x04\x14\x00\x06\x00", "not_text", None),
        (b"\t" * 6000 + b"\n", "header", 1),
    ],
)
def test_hostile_files_are_refused(content, rule, row):
    report = check(content)
    assert any((finding.rule, finding.row) == (rule, row) for finding in report.findings), report.findings


def test_a_giant_cell_is_refused():
    assert only(check(text(changed(LAST="x" * (LONGEST_CELL + 1)))), "line_length", row=2, column="LAST")


@given(st.binary(max_size=400), st.integers(1, 50))
@settings(max_examples=150)
def test_nothing_makes_it_stumble_and_cutting_does_not_matter(content, size):
    whole = check(text(GOOD) + content)
    pieces = text(GOOD) + content
    cut = check_stream((pieces[at : at + size] for at in range(0, len(pieces), size)), from_spec(MATCHING))
    assert whole.accepted == cut.accepted
    assert cut.rows <= whole.rows or not whole.accepted


@given(st.lists(st.sampled_from(HEADER), min_size=1, max_size=4), st.text("Qq7", min_size=6, max_size=9))
@settings(max_examples=60)
def test_no_report_quotes_a_value(columns, odd):
    bad = changed(**dict.fromkeys(columns, f"=ZZ{odd}ZZ"))
    report = check(text(GOOD, bad, [*bad, "extra"]))
    assert not report.accepted
    assert f"ZZ{odd}" not in json.dumps(report.as_dict())


def test_findings_are_counted_but_not_kept_for_ever():
    rows = [
        changed(SEX="x", ID=f"SDE-q{n:08d}z", SSN=f"{323450000 + n}", SASID=f"{1234560000 + n}")
        for n in range(1, 400)
    ]
    report = check(text(*rows))
    assert report.counts[("form", "SEX")] == 399
    assert len(report.findings) <= report.limit_per_place * len(report.counts)


def test_a_rule_that_does_not_exist_cannot_be_reported():
    with pytest.raises(KeyError):
        Report().add("no_such_rule")
    assert all(asks.endswith(".") for asks in RULES.values())


def test_memory_does_not_grow_with_the_text():
    wide = dict(ANALYTICAL, columns=[*ANALYTICAL["columns"][:1], {"name": "NOTE"}])
    rule = from_spec(wide | {"one_row_per": [["ID"]]})
    line = "\t" + "n" * 1000
    intake = IntakeCheck(rule)
    intake.update(b"ID\tNOTE\n")
    tracemalloc.start()
    for block in range(40):
        intake.update("".join(f"id{block:03d}{row:05d}{line}\n" for row in range(500)).encode())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert intake.finish().rows == 20_000
    assert peak < 8 << 20


@pytest.mark.parametrize(
    ("name", "agency", "kind"),
    [
        ("DOL.0034.01_31_2026.matching", "DOL", "matching"),
        ("DOL.0034.01_31_2026.analytical.txt", "DOL", "analytical"),
        ("P20_DR0034_CSCU_match_v1", "CSCU", "matching"),
        ("P20_DR0034_CSCU_analysis_v12.csv", "CSCU", "analytical"),
        ("P20_DR0034_HHS_list_v1.tsv", "HHS", "identifier_list"),
    ],
)
@pytest.mark.obligation("O-104")
def test_both_schemes_of_names_are_read(name, agency, kind):
    parts = read_name(name)
    assert (parts.agency, parts.number, parts.kind) == (agency, 34, kind)
    assert name_blockers(name, agencies=[agency.lower()], number="DR-0034", kind=kind) == []


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("students.txt", 1),
        ("DOL.0034.02_31_2026.matching", 1),
        ("DOL.0034.01_31_2026.matching.exe", 1),
        ("CSCU.0035.01_31_2026.analytical", 3),
        ("P20_DR0034_CSCU_match_v1", 1),
        ("../P20_DR0034_DOL_match_v1", 1),
    ],
)
def test_wrong_names_say_what_is_wrong_with_them(name, count):
    whys = name_blockers(name, agencies=["DOL"], number="DR-0034", kind="matching")
    assert len(whys) == count
    assert all(name not in why or name in ("P20_DR0034_CSCU_match_v1",) for why in whys)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kind": "other"}, "kind"),
        ({"columns": []}, "at least one column"),
        ({"columns": [{"name": "ID"}, {"name": "id"}]}, "twice"),
        ({"columns": [{"name": " "}]}, "needs a name"),
        ({"columns": [{"name": "ID", "form": "colour"}]}, "no column form"),
        ({"separators": []}, "separators"),
        ({"separators": ["pipe"]}, "no separator"),
        ({"id_column": "NOPE"}, "NOPE"),
        ({"id_column": ""}, "id_column"),
        ({"one_row_per": [["NOPE"]]}, "NOPE"),
    ],
)
def test_a_description_that_cannot_be_followed_says_why(change, why):
    with pytest.raises(ValueError, match=why):
        from_spec(MATCHING | change)
