"""One cell with percentages of two bases, of its row and of its column, in one file."""

import csv

import pytest

from disclosure.engine.alternatives import alternatives
from disclosure.engine.audit.judge import audit
from disclosure.engine.cli import main
from disclosure.engine.errors import BadTable
from disclosure.engine.longform import read_long
from disclosure.engine.protect import protect
from disclosure.engine.release import Outside
from tests.engines.disclosure.oracle import Oracle
from tests.engines.disclosure.samples import RULES, Case, run

HEAD = "school,sex,count,pct,pct_of"
COUNTS = {("A", "f"): 30, ("A", "m"): 40, ("B", "f"): 51, ("B", "m"): 30, ("C", "f"): 3, ("C", "m"): 44}


def both_ways(counts=COUNTS):
    """Write each inner cell twice, with its percentage of the row and of the column; then the totals."""
    rows, columns = {}, {}
    for (school, sex), count in counts.items():
        rows[school] = rows.get(school, 0) + count
        columns[sex] = columns.get(sex, 0) + count
    lines = [HEAD]
    for (school, sex), count in counts.items():
        lines.append(f"{school},{sex},{count},{100 * count / rows[school]:.1f},sex")
        lines.append(f"{school},{sex},{count},{100 * count / columns[sex]:.1f},school")
    lines += [f"{school},Total,{count},," for school, count in rows.items()]
    lines += [f"Total,{sex},{count},," for sex, count in columns.items()]
    return "\n".join([*lines, f"Total,Total,{sum(rows.values())},,"]) + "\n"


@pytest.fixture
def files(tmp_path):
    def commands(text):
        table, out, public = (tmp_path / name for name in ("t.csv", "o.csv", "p.csv"))
        table.write_text(text)
        return main(["protect", str(table), "--out", str(out), "--public", str(public)]), out, public

    return commands


@pytest.mark.obligation("O-79")
def test_both_lines_come_back_in_their_order_and_pass_the_audit(files):
    code, out, public = files(both_ways())
    assert code == 0
    written = list(csv.reader(both_ways().splitlines()))
    for path in (out, public):
        lines = list(csv.reader(path.read_text().splitlines()))
        assert [line[:2] for line in lines] == [line[:2] for line in written]
        assert main(["audit", str(path)]) == 0
    reviewers = list(csv.DictReader(out.read_text().splitlines()))
    assert [row["pct"] for row in reviewers] == [line[3] for line in written[1:]]
    assert [row["count"] for row in reviewers] == [line[2] for line in written[1:]]
    told = list(csv.DictReader(public.read_text().splitlines()))
    pairs = list(zip(told[:12:2], told[1:12:2], strict=True))
    assert all(one["released"] == other["released"] for one, other in pairs)
    assert [(one["released"], one["pct"], other["pct"]) for one, other in pairs if one["school"] == "C"] == [
        ("", "", ""),
        ("", "", ""),
    ]
    assert any(one["pct"] and other["pct"] for one, other in pairs)
    assert Oracle([public.read_text()], [both_ways()]).leaks() == []


def test_each_percentage_has_its_own_base():
    counts = {("A", "f"): 12, ("A", "m"): 7, ("B", "f"): 51, ("B", "m"): 30, ("C", "f"): 60, ("C", "m"): 44}
    (table,) = run(Case([both_ways(counts)])).tables
    of_row, of_column = table.percentage_shown[0], table.percentage_shown[1]
    assert (of_row, of_column) == (False, True)  # 19 people in the row, 123 in the column
    assert all(table.shown)


def test_as_an_earlier_release_both_are_heard(tmp_path, files):
    _, _, public = files(both_ways())
    small = public.with_name("small.csv")
    small.write_text("school,sex,count\nC,f,3\n")
    assert main(["audit", str(public), str(small)]) == 1
    again = public.with_name("again.csv")
    again.write_text(both_ways())
    assert main(["protect", str(again), "--released", str(public), "--out", str(tmp_path / "o2.csv")]) == 0


def test_the_audit_hears_both_percentages_together():
    """2 % of 400 are six to nine people, 5 % of 110 five or six: together they are six."""
    head = "a,b,released,pct,pct_of\n"
    rest = "x,q,,,\ny,p,,,\ny,q,,,\nx,Total,400,,\ny,Total,300,,\nTotal,p,110,,\nTotal,q,590,,\n"
    row, column = "x,p,,2,b\n", "x,p,,5,a\n"
    looked = [
        audit([("t", f"{head}{lines}{rest}".encode())], groups={}, policy=RULES)
        for lines in (row, column, row + column)
    ]
    assert [report.passed for report in looked] == [True, True, False]
    assert {(leak.low, leak.high) for leak in looked[2].leaks if leak.people == "a x, b p"} == {(6, 6)}


@pytest.mark.parametrize(
    ("second", "why"),
    [
        ("A,f,31,37.0,school", "the same cell as line 2, but the count differs"),
        ("A,f,30,42.8,sex", "once for each base"),
        ("A,f,30,,", "once for each base"),
    ],
)
def test_a_line_that_contradicts_or_repeats_is_refused_in_words(files, capsys, second, why):
    text = f"{HEAD}\nA,f,30,42.9,sex\n{second}\nA,m,40,57.1,sex\nA,Total,70,,\n"
    with pytest.raises(BadTable, match=why):
        protect([read_long("t", text)], hierarchies={}, policy=RULES, seconds=5)
    code, out, _ = files(text)
    assert (code, out.exists()) == (2, False)
    assert why in capsys.readouterr().err


def test_the_audit_refuses_counts_that_contradict(tmp_path, capsys):
    path = tmp_path / "o.csv"
    path.write_text("a,b,count,released,reason,pct,pct_of\nx,p,30,,,7,b\nx,p,31,,,5,a\nx,q,40,40,,,\n")
    assert main(["audit", str(path)]) == 2
    assert "count differs from another line" in capsys.readouterr().err


def test_other_ways_keep_both_percentages():
    tables = [read_long("t.csv", both_ways())]
    now = protect(tables, hierarchies={}, policy=RULES, seconds=5)
    ways = alternatives(tables, Outside(), now, policy=RULES, seconds=5)
    together = next(way for way in ways if way.what == "Put “B” and “C” of “school” together")
    both = [row for row in together.tables[0].rows if row.codes == {"school": "B|C", "sex": "f"}]
    assert [(row.count, row.base_of, str(row.percentage.value)) for row in both] == [
        (54, ("sex",), "42.2"),
        (54, ("school",), "64.3"),
    ]
