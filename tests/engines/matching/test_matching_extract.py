"""What is delivered, and the last look before it leaves."""

import io
import zipfile

import pyarrow as pa
import pytest

from matching.engine import extract, leak
from matching.engine.errors import BadInput

CROSSWALK = pa.table(
    {
        "link_id": ["L1", "L2", "L3", "L1", "L2"],
        "file": ["SDE", "SDE", "SDE", "DOL", "DOL"],
        "id": ["SDE-aaaaaa", "SDE-bbbbbb", "SDE-cccccc", "DOL-dddddd", "DOL-eeeeee"],
    }
)
NO_FLAGS = pa.table({"file": pa.array([], pa.string()), "id": pa.array([], pa.string())})
SENT = (
    b"SyntheticID\tSSN\tLastName\tDOB\nSDE-aaaaaa\t900123456\tOkonkwo\t20050317\n"
    b"SDE-bbbbbb\t900777888\tLindqvist\t20051101\nSDE-cccccc\t\tSoto\t20050505\n"
)


def part(rows, *, columns=("Grade",), **fields):
    content = "\t".join(("SyntheticID", *columns)) + "\n" + "".join("\t".join(row) + "\n" for row in rows)
    return extract.Part("SDE", "sde.csv", "SyntheticID", columns, lambda: [content.encode()], **fields)


def watch(**options):
    sent = extract.Part("SDE", "what SDE sent", "SyntheticID", ("SSN", "LastName", "DOB"), lambda: [SENT])
    return extract.watch_over(sent, **options)


def delivered(*parts, flags=NO_FLAGS, papers=None):
    counts = extract.Counts()
    content = b"".join(extract.stream(CROSSWALK, flags, parts, counts, papers=papers))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}, counts.entries


def test_rows_keep_their_grain_and_those_without_link_are_counted_with_why():
    rows = [("SDE-aaaaaa", "9"), ("SDE-zzzzzz", "9"), ("SDE-aaaaaa", "10"), ("SDE-bbbbbb", "9")]

    files, entries = delivered(part(rows))

    assert files["sde.csv"] == "link_id,Grade\nL1,9\nL1,10\nL2,9\n"
    entry = entries["SDE"]
    assert (entry.rows_in, entry.rows_out, entry.without_link) == (4, 3, {extract.UNKNOWN_ID: 1})
    assert entry.adds_up
    assert entry.bytes == len(files["sde.csv"])


def test_the_papers_are_asked_for_when_all_counts_are_known():
    files, _ = delivered(
        part([("SDE-aaaaaa", "9")]), papers=lambda counts: {"m": counts.entries["SDE"].sha256.encode()}
    )

    from hashlib import sha256

    assert files["m"] == sha256(files["sde.csv"].encode()).hexdigest()


@pytest.mark.obligation("O-73")
def test_the_key_alone_is_synthetic_ids_beside_link_ids():
    key = extract.Part("SDE", "sde-key.csv", columns=(extract.SYNTHETIC_ID,), watch=watch(is_key=True))

    files, entries = delivered(key)

    assert files["sde-key.csv"] == ("link_id,synthetic_id\nL1,SDE-aaaaaa\nL2,SDE-bbbbbb\nL3,SDE-cccccc\n")
    assert (entries["SDE"].rows_in, entries["SDE"].rows_out) == (3, 3)


@pytest.mark.obligation("O-125")
def test_people_of_populations_that_do_not_want_this_agency_are_left_out_and_counted():
    flags = pa.table(
        {
            "file": ["SDE"] * 3,
            "id": ["SDE-aaaaaa", "SDE-bbbbbb", "SDE-cccccc"],
            "FLAG": ["1", "1", "0"],  # the lists of both populations flag by one name
            "member:list_0": ["1", "1", None],
            "member:list_1": [None, "1", None],
        }
    )
    rows = [("DOL-dddddd", "5"), ("DOL-eeeeee", "6")]
    content = "SyntheticID\tWage\n" + "".join("\t".join(row) + "\n" for row in rows)
    wages = extract.Part(
        *("DOL", "dol.csv", "SyntheticID", ("Wage",)),
        lambda: [content.encode()],
        unwanted=("list_0",),
        wanted=("list_1",),
    )

    files, entries = delivered(wages, flags=flags)

    assert files["dol.csv"] == "link_id,Wage\nL2,6\n"
    assert entries["DOL"].without_link == {extract.NOT_WANTED: 1}


@pytest.mark.obligation("O-125")
def test_columns_that_no_population_of_a_person_wants_are_empty_and_lists_tell_who_is_in_one():
    flags = pa.table(
        {
            "file": ["SDE"] * 3,
            "id": ["SDE-aaaaaa", "SDE-bbbbbb", "SDE-cccccc"],
            "FLAG": ["1", "1", "0"],
            "member:list_0": ["1", "1", None],
            "member:list_1": [None, "1", None],
        }
    )
    rows = [("SDE-aaaaaa", "9", "F"), ("SDE-bbbbbb", "9", "M"), ("SDE-cccccc", "10", "F")]
    blank = extract.Blank(("Grade",), unwanted=("list_0",), wanted=("list_1",))

    files, entries = delivered(part(rows, columns=("Grade", "Sex"), blanks=(blank,)), flags=flags)

    assert files["sde.csv"] == "link_id,Grade,Sex,FLAG\nL1,,F,1\nL2,9,M,1\nL3,10,F,0\n"
    assert entries["SDE"].rows_out == 3
    both = extract.Blank(("Grade", "Sex"), unwanted=("list_0", "list_1"), wanted=())
    files, _ = delivered(part(rows, columns=("Grade", "Sex"), blanks=(both,)), flags=flags)
    assert files["sde.csv"] == "link_id,Grade,Sex,FLAG\nL1,,,1\nL2,,,1\nL3,10,F,0\n"


@pytest.mark.obligation("O-125")
def test_a_run_that_does_not_tell_its_lists_apart_delivers_nothing_that_is_not_wanted():
    flags = pa.table({"file": ["SDE"], "id": ["SDE-aaaaaa"], "FLAG": ["1"]})

    with pytest.raises(BadInput, match="Link the files again"):
        delivered(part([("SDE-aaaaaa", "9")], unwanted=("list_0",)), flags=flags)


@pytest.mark.obligation("O-73")
class TestTheLastLook:
    @pytest.mark.parametrize(
        "cell", ["900123456", "900-12-3456", "see 900 12 3456 there", "20050317", "2005-03-17", "SDE-bbbbbb"]
    )
    def test_one_number_date_or_generic_id_in_one_cell_stops_all(self, cell):
        rows = [("SDE-bbbbbb", "9"), ("SDE-aaaaaa", cell)]

        with pytest.raises(leak.Leak, match="column “Grade”") as refused:
            delivered(part(rows, watch=watch()))

        assert cell not in str(refused.value)

    def test_a_column_of_names_stops_all(self):
        rows = [("SDE-aaaaaa", "OKONKWO"), ("SDE-bbbbbb", "lindqvist "), ("SDE-cccccc", "Soto")]

        with pytest.raises(leak.Leak, match="holds what LastName holds"):
            delivered(part(rows, watch=watch()))

    def test_what_only_looks_alike_leaves(self):
        rows = [("SDE-aaaaaa", "900777888"), ("SDE-bbbbbb", "Okonkwo High"), ("SDE-cccccc", "Soto")] * 20

        files, _ = delivered(part([*rows, *([("SDE-aaaaaa", "9")] * 2000)], watch=watch()))

        assert files["sde.csv"].count("Okonkwo High") == 20

    def test_columns_called_as_identifiers_are(self):
        found = leak.named_like(["Grade", "LAST_NAME", "Sasid "], ["LastName", "SASID", "DOB"])

        assert found == ["LAST_NAME", "Sasid "]


def test_a_missing_column_is_named():
    broken = extract.Part("SDE", "sde.csv", "SyntheticID", ("Wage",), lambda: [b"SyntheticID\tGrade\nx\t1\n"])
    with pytest.raises(BadInput, match="no column “Wage”"):
        delivered(broken)


@pytest.mark.obligation("O-73")
@pytest.mark.parametrize("value", ["-1", "+1", "=1+1", "@SUM(A1)", "-34.50", "|calc", "%0", "'x"])
def test_c23_a_research_file_keeps_each_value_as_it_was_sent(value):
    files, entries = delivered(part([("SDE-aaaaaa", value)]))

    assert files["sde.csv"] == f"link_id,Grade\nL1,{value}\n"
    assert entries["SDE"].adds_up
