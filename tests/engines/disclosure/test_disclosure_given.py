"""What is wrong in a file is told with its place and remedy; what may be misread is told, never changed."""

import pytest

from disclosure.engine.cli import main
from disclosure.engine.given import Used, doubtful_totals
from disclosure.engine.longform import whole_number

PROTECT, AUDIT = "protect", "audit"
SCHOOLS = "school,count\nAlder,10\nBirch,20\n"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def go(command, content, *words, **files):
        for name, text in {"t": content, **files}.items():
            (tmp_path / f"{name}.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        out = ["--out", "out.csv"] if command == PROTECT else []
        code = main([command, "t.csv", *words, *out])
        assert (tmp_path / "out.csv").exists() == (code == 0 and command == PROTECT)
        return code, capsys.readouterr().err

    return go


@pytest.mark.parametrize(
    ("command", "content"),
    [
        (PROTECT, "count\n10\n20\n"),
        (PROTECT, "count\n3\n"),
        (PROTECT, "count,pct\n40,50\n"),
        (AUDIT, "released\n10\n20\n"),
        (AUDIT, "count\n10\n20\n"),
        (AUDIT, "released,pct\n40,50\n"),
    ],
)
def test_a_table_that_does_not_say_whom_it_counts_is_told_what_is_missing(run, command, content):
    code, said = run(command, content)
    assert code == 2
    assert said.startswith("t.csv: no column says whom the numbers count")
    assert "such as school" in said


@pytest.mark.parametrize("command", [PROTECT, AUDIT])
def test_the_one_number_of_everybody_needs_no_dimension(run, command):
    assert run(command, "count\n120\n") == (0, "")


@pytest.mark.parametrize("command", [PROTECT, AUDIT])
@pytest.mark.parametrize("code", ["All", "all", "ALL", "Sum", "All students", "everybody", "Combined", "*"])
def test_a_code_that_may_mean_everybody_is_told_and_read_as_before(run, command, code):
    status, said = run(command, f"{SCHOOLS}{code},30\n")
    assert (status, said.count("warning")) == (0, 1)
    assert f"t.csv, line 4, column school: “{code}” is read as an ordinary code" in said
    assert "write Total" in said


def test_a_code_that_is_told_changes_nothing_in_what_is_read(run):
    """Read as the sum, 99 would contradict 30."""
    code, said = run(PROTECT, f"{SCHOOLS}All,99\n")
    assert (code, "warning" in said) == (0, True)


@pytest.mark.parametrize("code", ["Overall", "Totals", "Grand total"])
def test_what_reads_like_a_total_is_refused_where_it_is_protected_and_told_where_it_is_audited(run, code):
    status, said = run(PROTECT, f"{SCHOOLS}{code},30\n")
    assert (status, "t.csv, line 4: school" in said, "Write Total" in said) == (2, True, True)
    status, said = run(AUDIT, f"{SCHOOLS}{code},30\n")
    assert (status, "line 4, column school" in said) == (0, True)


def test_each_such_code_is_told_once_and_of_every_file(run):
    table = "school,sex,count\nAlder,f,10\nAlder,All,25\nBirch,f,20\nBirch,All,45\nAll,f,30\n"
    old = "school,sex,released\nAlder,all of them,25\nAlder,All,25\n"
    _, said = run(PROTECT, table, "--released", "old.csv", old=old)
    assert [line.split(":")[1].strip() for line in said.splitlines()] == [
        "t.csv, line 3, column sex",
        "t.csv, line 6, column school",
        "old.csv, line 3, column sex",
    ]


@pytest.mark.parametrize("command", [PROTECT, AUDIT])
def test_what_the_hierarchy_explains_or_plainly_names_somebody_is_not_told(run, command):
    towns = "parent,child\nAll,Alder\nAll,Birch\n"
    assert run(command, f"{SCHOOLS}All,30\n", "--hier", "school=h.csv", h=towns) == (0, "")
    assert run(command, f"{SCHOOLS}Allen,30\nAll others,30\nSummit,30\nTotal,120\n") == (0, "")
    assert not list(doubtful_totals([Used("t", 2, "school", "Total")], {}))


@pytest.mark.parametrize("command", [PROTECT, AUDIT])
@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("school,count\nAlder,10\nB|,30\n", "t.csv, line 3, column school: “B|”"),
        ("school,count\nAlder,10\nCedar,30\n", "t.csv, line 3, column school: “Cedar” is not in its"),
        ("school,count\nAlder,10\nBirch,3x\n", "t.csv, line 3: count"),
        ("school,count\nAlder,10\n,30\n", "t.csv, line 3: no code for school"),
        ("school,count\nAlder,10,7\n", "t.csv, line 2: "),
        ("school,N\nAlder,10\n", "The columns are school, N."),
        ("school,released\nAlder," + "9" * 5000 + "\n", "t.csv, line 2: "),
        (b"school,count\nAlder,10\nB\xefrch,30\n", "t.csv"),
    ],
)
def test_bad_input_names_file_line_and_column(run, command, content, told):
    code, said = run(command, content, "--hier", "school=h.csv", h="parent,child\nall,Alder\nall,Birch\n")
    assert code == 2
    assert told in said


@pytest.mark.parametrize("command", [PROTECT, AUDIT])
@pytest.mark.parametrize(
    ("towns", "told"),
    [
        ("above,below\na,b\n", "h.csv: Hierarchy of school"),
        ("parent,child\nx,Alder\nx,\n", "h.csv: Hierarchy of school, line 3"),
        ("parent,child\nx,y\ny,x\n", "h.csv: Hierarchy of school"),
    ],
)
def test_a_bad_hierarchy_is_named_by_its_file(run, command, towns, told):
    code, said = run(command, SCHOOLS, "--hier", "school=h.csv", h=towns)
    assert code == 2
    assert told in said


def test_semicolons_between_the_columns_are_told(run):
    assert "Put commas between them" in run(PROTECT, "school;count\nAlder;10\n")[1]


def test_a_wrong_rule_is_named_by_its_file(run, tmp_path):
    (tmp_path / "rules.toml").write_text("min = 3\n")
    code, said = run(PROTECT, SCHOOLS, "--policy", "rules.toml")
    assert code == 2
    assert "rules.toml: Policy file: unknown key min" in said


@pytest.mark.parametrize("command", [PROTECT, AUDIT])
def test_a_hierarchy_of_no_column_is_told(run, command):
    """A slip in its name would leave out what the hierarchy says, and what follows from it."""
    groups = "parent,child\nNorth,Alder\nNorth,Birch\n"
    code, said = run(command, SCHOOLS, "--hier", "shool=g.csv", g=groups)
    assert code == 0
    assert said.startswith("warning: --hier shool=g.csv: no file has a column “shool”")
    assert "The columns are school." in said
    assert run(command, SCHOOLS, "--hier", "school=g.csv", g=groups) == (0, "")


@pytest.mark.parametrize("command", [PROTECT, AUDIT])
@pytest.mark.parametrize("content", ["\n", "\n\n", "", ",,\n"])
def test_a_file_without_a_line_is_told_as_that(run, command, content):
    code, said = run(command, content)
    assert code == 2
    assert "t.csv: the file is empty" in said


@pytest.mark.parametrize(("command", "words"), [(PROTECT, "count has 20 digits"), (AUDIT, "of 20 digits")])
def test_a_count_of_more_than_there_are_people_is_told_before_any_is_solved(run, command, words):
    code, said = run(command, f"school,count\nAlder,3\nBirch,{'9' * 20}\nCedar,40\n")
    assert code == 2
    assert said.startswith("t.csv, line 3: ")
    assert words in said


def test_an_amount_may_have_more_digits_than_a_count_of_people():
    assert whole_number("123,456,789,012,345") == 123_456_789_012_345
