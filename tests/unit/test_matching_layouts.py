"""What the hub asks of a file follows from what was approved, and the check holds every file to it."""

import re
from types import SimpleNamespace

import pyarrow as pa
import pytest

from fixtures import errors
from fixtures.generate import generate
from matching import layouts
from matching.engine import encode, normalise
from p20win.custody.engine.intake import check_stream
from p20win.custody.engine.rules import from_spec
from p20win.custody.engine.uniqueness import number_key

SENDER = SimpleNamespace(short_name="CSCU", slug="cscu", pk=1)
COLUMNS = ("SSN", "SASID", "LastName", "FirstName", "MiddleName", "DOB", "Gender", "HighSchoolCode")
ONE = dict(
    zip(COLUMNS, ("900123456", "1234567890", "Okonkwo", "Ada", "", "20050317", "F", "012345"), strict=True)
)
OTHER = dict(
    zip(COLUMNS, ("900223457", "1234567899", "Lindqvist", "Per", "Olof", "20051101", "M", ""), strict=True)
)


def element(name, *, identifier=True, **fields):
    return SimpleNamespace(name=name, is_matching_identifier=identifier, data_type="text", codes="", **fields)


def asked(columns=COLUMNS, sender=SENDER, **changes):
    spec = layouts.matching_file(sender, [element(name) for name in columns]) | changes
    return {"kind": "matching", "number": "DR-0034", "agencies": [sender.short_name]} | spec


def check(*people, columns=COLUMNS, spec=None):
    ids = ("CSCU-kqxzwvbnmtrpdl", "CSCU-wmtrzdqxkbvlpn", "CSCU-zzxkqwvmtlbnrp")
    rows = [(one, *(who[name] for name in columns)) for one, who in zip(ids, people, strict=False)]
    lines = [("SyntheticID", *columns), *rows]
    content = "".join("\t".join(line) + "\n" for line in lines).encode()
    return check_stream([content], from_spec(spec or asked(columns), demo_ssn=True))


def doubled(report):
    assert {rule for rule, _ in report.counts} <= {"one_person"}
    return {column for _, column in report.counts}


@pytest.mark.obligation("O-60")
class TestOneRowAPerson:
    def test_two_people_are_two_rows(self):
        assert check(ONE, OTHER).accepted

    def test_the_same_person_is_found_though_a_name_is_missing(self):
        assert doubled(check(ONE, OTHER, ONE)) == {" + ".join(COLUMNS), "SSN", "SASID"}

    @pytest.mark.parametrize("number", ["SSN", "SASID"])
    def test_one_number_is_one_person_however_the_name_is_spelt(self, number):
        again = OTHER | {number: ONE[number]}

        report = check(ONE, again)

        assert doubled(report) == {number}
        assert report.findings[0].row == 3
        assert "leave the number empty" in report.findings[0].hint
        assert ONE[number] not in str(report.as_dict())

    def test_without_numbers_all_that_is_held_is_compared(self):
        nameless = ONE | {"SSN": "", "SASID": ""}

        assert doubled(check(nameless, nameless | {"LastName": "OKONKWO "})) == {" + ".join(COLUMNS)}
        assert check(nameless, nameless | {"MiddleName": "B"}).accepted

    def test_a_single_filled_cell_tells_nobody_apart(self):
        empty = dict.fromkeys(COLUMNS, "")

        assert check(empty | {"LastName": "Lee"}, empty | {"LastName": "Lee"}).accepted

    @pytest.mark.parametrize("filler", ["999999999", "000000000", "123456789", "987654321", "900001234"])
    def test_a_filler_is_nobodys_number(self, filler):
        assert check(ONE | {"SSN": filler}, OTHER | {"SSN": filler}).accepted

    def test_a_filler_for_a_student_number_is_nobodys_either(self):
        assert check(ONE | {"SASID": "9999999999"}, OTHER | {"SASID": "9999999999"}).accepted

    def test_every_number_of_one_person_is_compared_under_the_name_it_has(self):
        columns = ("SASID", "StudentID", "LastName")
        one = {"SASID": "1234567890", "StudentID": "A-0071", "LastName": "Lee"}

        report = check(one, {"SASID": "1234567899", "StudentID": "a0071", "LastName": "Li"}, columns=columns)

        assert doubled(report) == {"StudentID"}

    def test_a_file_of_names_alone_cannot_be_compared(self):
        assert asked(("LastName",))["one_person_per"] == []
        assert asked(("SSN",))["one_person_per"] == [["SSN"]]


@pytest.mark.obligation("O-60")
@pytest.mark.parametrize(
    "value",
    "900123456 999999999 123456789 078051120 000123456 900001234 900120000 12345678 666666666".split(),
)
def test_custody_and_linkage_know_the_same_fillers(value):
    assert bool(number_key("ssn")([value])) == bool(normalise.ssn(value))
    assert number_key("sasid")([value]) == (normalise.identifier(value) or "")


@pytest.mark.obligation("O-60")
@pytest.mark.parametrize("agency", ["SDE", "CSCU", "DOL"])
def test_the_invented_files_keep_to_it_with_all_their_honest_errors(agency):
    file = generate(8_000, seed=34, model=errors.HARD).agencies[agency].matching
    sender = SimpleNamespace(short_name=agency, slug=agency.lower(), pk=1)
    spec = asked(file.table.column_names[1:], sender)

    report = check_stream([file.tsv()], from_spec(spec, demo_ssn=True))

    assert report.accepted, report.findings
    if agency != "SDE":
        held = [number for number in file.table["SSN"].to_pylist() if number]
        assert len(held) > len(set(held))  # fillers stand in many rows


@pytest.mark.obligation("O-60", "O-72")
def test_a_token_of_one_number_is_one_person_too():
    elements = [element(name) for name in COLUMNS]
    spec = layouts.encoded_file(SENDER, elements, clk=False)
    sets = spec["one_person_per"]
    assert sets[1:] == [["T_SSN"], ["T_SASID"]]
    assert len(sets[0]) > 10

    fields = layouts.engine_file(SENDER, elements).columns
    people = [ONE, OTHER | {"SSN": ONE["SSN"]}]
    raw = {field: pa.array([who[column] or None for who in people]) for field, column in fields.items()}
    made = encode.Encoder(encode.new_key("DR-0034"), raw).encode(raw)
    names = ["SyntheticID", *made]
    rows = zip(
        ["CSCU-kqxzwvbnmtrpdl", "CSCU-wmtrzdqxkbvlpn"], *(made[n].to_pylist() for n in made), strict=True
    )
    content = "\n".join("\t".join(cell or "" for cell in row) for row in [names, *rows])
    rule = from_spec({"kind": "matching", "number": "DR-0034", "agencies": ["CSCU"]} | spec)

    assert doubled(check_stream([content.encode()], rule)) == {"T_SSN"}


@pytest.mark.obligation("O-104")
@pytest.mark.parametrize(
    ("name", "data_type", "codes", "form"),
    [
        ("DOB", "text", "", "date"),
        ("DateOfArrival", "date", "", "date"),
        ("EmployerNumber", "integer", "", "integer"),
        ("CountyCode", "code", "01, 02, 03", "text"),
        ("Alias", "text", "", "text"),
    ],
)
def test_an_identifier_is_checked_by_its_field_and_else_by_its_type(name, data_type, codes, form):
    made = element(name)
    made.data_type, made.codes = data_type, codes

    spec = layouts.matching_file(SENDER, [element("SSN"), made])

    told = spec["columns"][2]
    assert (told["form"], told["identifier"]) == (form, True)
    assert told.get("codes") == (["01", "02", "03"] if codes else None)


def test_what_the_check_compares_is_never_told():
    report = check(ONE, ONE)

    assert not re.search("|".join(value for value in ONE.values() if len(value) > 3), str(report.as_dict()))
