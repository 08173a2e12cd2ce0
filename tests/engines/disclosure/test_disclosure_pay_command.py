"""Tables of pay from the command line: made from records, attacked as bytes, written whole or not at all."""

import csv
import io

import pytest

from disclosure.engine import cli
from disclosure.engine.cli import main
from disclosure.engine.magnitude import attack, paytable, told
from disclosure.engine.magnitude.contributions import read_contributions
from tests.engines.disclosure.money import LARGE, SAFE, even, oracle, paid, random_pay, records

ASKED = ["--person", "pid", "--employer", "firm", "--pay", "wage"]
BOTH = ["--by", "town", "--by", "trade"]


def lines_of(made):
    """Write contributions as the records they were made of, a dollar for each of their units."""
    for codes, employer, person, amount in records(made):
        yield [f"p{person}", f"e{employer}", str(amount), *codes.values()]


def csv_of(made):
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["pid", "firm", "wage", *made.names])
    writer.writerows(lines_of(made))
    return out.getvalue()


@pytest.fixture
def drawn():
    return random_pay(1, shape=(3, 3), people=240)


@pytest.fixture
def file(tmp_path, drawn):
    path = tmp_path / "records.csv"
    path.write_text(csv_of(drawn))
    return path


def pay(path, tmp_path, *more, by=BOTH, out="out.csv"):
    public = tmp_path / f"public-{out}"
    return main(
        [
            "pay",
            str(path),
            *ASKED,
            *by,
            "--out",
            str(tmp_path / out),
            "--public",
            str(public),
            *map(str, more),
        ]
    )


def rows(path):
    return list(csv.DictReader(io.StringIO(path.read_text())))


@pytest.mark.obligation("O-79", "O-81")
@pytest.mark.parametrize("measure", ["sum", "mean"])
def test_makes_a_table_for_the_reviewer_and_one_to_hand_on(file, drawn, tmp_path, measure, capsys):
    assert pay(file, tmp_path, "--measure", measure, "--nearest", "1000") == 0

    said = capsys.readouterr().out
    assert "audit clean" in said
    assert f"{measure}s shown; attack clean" in said
    public, reviewer = rows(tmp_path / "public-out.csv"), rows(tmp_path / "out.csv")
    assert list(public[0]) == ["town", "trade", "released", measure, "rounded_to"]
    assert list(reviewer[0])[2:] == ["count", f"true_{measure}", "released", measure, "rounded_to", "reason"]
    assert len(public) == 16
    for out, true in zip(public, reviewer, strict=True):
        assert out["released"] in ("", true["count"])
        assert bool(out[measure]) is not bool(true["reason"])
        assert not out[measure] or abs(int(out[measure]) - float(true[f"true_{measure}"])) <= 500
    assert any(row["reason"] for row in reviewer)
    assert not oracle(drawn, [(tmp_path / "public-out.csv").read_text()], measure, 1000)


def test_the_same_records_give_the_same_bytes(file, tmp_path):
    assert [pay(file, tmp_path, out=name) for name in ("one.csv", "two.csv")] == [0, 0]
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_a_person_with_several_employers_counts_once_and_is_paid_by_all(tmp_path):
    path = tmp_path / "records.csv"
    lines = [f"p{i},e{j},{100 + i}.50,A" for i in range(30) for j in (i % 5, i % 5 + 5)]
    path.write_text("\n".join(["pid,firm,wage,town", *lines]))
    assert pay(path, tmp_path, by=["--by", "town"]) == 0
    assert rows(tmp_path / "out.csv")[0]["count"] == "30"
    assert rows(tmp_path / "out.csv")[0]["true_sum"] == f"{sum(2 * (100.5 + i) for i in range(30)):.2f}"


def test_groups_of_a_hierarchy_are_rows_too(tmp_path):
    path, groups = tmp_path / "records.csv", tmp_path / "towns.csv"
    path.write_text(csv_of(paid({town: even(*LARGE) for town in "ABCD"})))
    groups.write_text("parent,child\nNorth,A\nNorth,B\nSouth,C\nSouth,D\n")
    assert pay(path, tmp_path, "--hier", f"town={groups}", by=["--by", "town"]) == 0
    assert {row["town"]: row["count"] for row in rows(tmp_path / "out.csv")}["North"] == "80"


BAD = {
    "no such column": ("pid,firm,pay,town\np1,e1,1,A\n", "needs one column wage"),
    "an amount that is none": ("pid,firm,wage,town\np1,e1,1,A\np2,e1,77x77,A\n", "line 3: wage is not"),
    "an amount below 0": ("pid,firm,wage,town\np1,e1,-7777,A\n", "line 2: wage is not"),
    "a third decimal": ("pid,firm,wage,town\np1,e1,7777.777,A\n", "line 2: wage is not"),
    "no person": ("pid,firm,wage,town\n ,e1,7777,A\n", "line 2: pid is blank"),
    "no employer": ("pid,firm,wage,town\np1,,7777,A\n", "line 2: firm is blank"),
    "a total": ("pid,firm,wage,town\np1,e7777,1,Subtotal\n", "line 2: town is blank, a union or a total"),
    "a union": ("pid,firm,wage,town\np1,e7777,1,A|B\n", "line 2: town is blank, a union or a total"),
    "two towns": ("pid,firm,wage,town\np7777,e1,1,A\np7777,e1,1,B\n", "line 3: an earlier line of the same"),
    "a short line": ("pid,firm,wage,town\np1,7777\n", "line 2: 2 values for 4 columns"),
    "nobody": ("pid,firm,wage,town\n", "no records"),
    "nothing": ("", "needs one column pid"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_wrong_is_named_by_its_place_and_never_by_its_value(what, tmp_path, capsys):
    text, why = BAD[what]
    path = tmp_path / "records.csv"
    path.write_text(text)
    (tmp_path / "out.csv").write_text("of an earlier run")
    assert pay(path, tmp_path, by=["--by", "town"]) == 2
    said = capsys.readouterr().err
    assert why in said
    assert "7777" not in said
    assert "77x77" not in said
    assert not (tmp_path / "out.csv").exists()
    assert not (tmp_path / "public-out.csv").exists()


WRONG = {
    "a dimension that is pay": (["--by", "wage"], [], "named for two things"),
    "one twice": (["--by", "town", "--by", "town"], [], "twice"),
    "no dollars": (["--by", "town"], ["--nearest", "0.5"], "--nearest must be whole dollars"),
    "no rule": (["--by", "town"], ["--policy", "policy.toml"], "need a dominance rule"),
    "over the records": (["--by", "town"], ["--out", "records.csv"], "is an input"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_asked_is_refused(what, file, tmp_path, monkeypatch, capsys):
    by, more, why = WRONG[what]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.toml").write_text("dominance = false\n")
    before = file.read_bytes()
    assert pay(file, tmp_path, *more, by=by) == 2
    assert why in capsys.readouterr().err
    assert file.read_bytes() == before


def test_words_that_make_no_command_leave_no_result_of_an_earlier_run(file, tmp_path):
    for name in ("out.csv", "public-out.csv"):
        (tmp_path / name).write_text("of an earlier run")
    assert pay(file, tmp_path, "--measure", "median") == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["records.csv"]


def test_code_unknown_to_the_hierarchy_is_named_by_its_line(tmp_path, capsys):
    path, groups = tmp_path / "records.csv", tmp_path / "towns.csv"
    path.write_text("pid,firm,wage,town\np1,e1,1,A\np2,e1,1,Secretville\n")
    groups.write_text("parent,child\nNorth,A\nNorth,B\n")
    assert pay(path, tmp_path, "--hier", f"town={groups}", by=["--by", "town"]) == 2
    said = capsys.readouterr().err
    assert "line 3: the code of town is no leaf" in said
    assert "Secretville" not in said


@pytest.mark.obligation("O-81")
def test_sums_that_are_out_already_are_attacked_with_the_new_ones(tmp_path, capsys):
    made = paid({"A": even(5000, 100, 20), "B": even(*LARGE), "C": even(*LARGE), "D": even(*LARGE)})
    path, old = tmp_path / "records.csv", tmp_path / "old.csv"
    path.write_text(csv_of(made))
    old.write_text("town,released,sum,rounded_to\nB,40,34000,1\nC,40,34000,1\nA|B|C,110,73120,1\n")
    assert pay(path, tmp_path, by=["--by", "town"]) == 0
    assert pay(path, tmp_path, "--released", old, by=["--by", "town"]) == 1
    said = capsys.readouterr().err
    assert "No sum of pay can be shown safely" in said
    assert "in the way: " in said
    assert "5000" not in said
    assert not (tmp_path / "out.csv").exists()


def test_sums_of_other_records_are_no_ground_to_stand_on(tmp_path, capsys):
    file, old = tmp_path / "records.csv", tmp_path / "old.csv"
    file.write_text(csv_of(paid({(town, "b0"): even(*LARGE) for town in ("t0", "t1")}, ("town", "trade"))))
    old.write_text("town,released,sum,rounded_to\nt0,40,12345,1\n")
    assert pay(file, tmp_path, "--released", old) == 2
    assert "is not that of the contributions" in capsys.readouterr().err
    old.write_text("county,released,sum,rounded_to\nt0,80,12345,1\n")
    assert pay(file, tmp_path, "--released", old) == 2
    assert "needs one column county" in capsys.readouterr().err
    old.write_text("town,released,sum,rounded_to\nt0,40,1,1\nt1,40,1,2\n")
    assert pay(file, tmp_path, "--released", old) == 2
    assert "must say the same whole number" in capsys.readouterr().err


@pytest.mark.obligation("O-79")
def test_where_no_sum_may_be_shown_nothing_is_written(tmp_path, capsys):
    path = tmp_path / "records.csv"
    path.write_text(csv_of(paid({"A": even(5000, 100), "B": even(*SAFE, people=1)})))
    assert pay(path, tmp_path, by=["--by", "town"]) == 1
    assert "Use fewer or wider categories" in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.obligation("O-81")
def test_an_attack_that_does_not_end_writes_nothing(file, tmp_path, monkeypatch):
    monkeypatch.setattr(attack.attack, "__kwdefaults__", {"work": 0})
    assert pay(file, tmp_path) == 3
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("what", ["counts_of", "read_money"])
def test_bytes_that_are_not_those_attacked_are_not_written(file, tmp_path, monkeypatch, what):
    monkeypatch.setattr(paytable.told, what, lambda *args, **kwargs: b"other")
    assert pay(file, tmp_path) == 3
    assert not (tmp_path / "out.csv").exists()
    assert not (tmp_path / "public-out.csv").exists()


@pytest.mark.obligation("O-81")
def test_the_counts_of_a_table_of_pay_are_known_to_the_other_commands(file, tmp_path, capsys):
    assert pay(file, tmp_path) == 0
    public = tmp_path / "public-out.csv"
    assert main(["audit", str(public)]) == 0
    assert "only its counts are audited here" in capsys.readouterr().err
    assert main(["audit", str(tmp_path / "out.csv")]) == 0
    hidden = next(row for row in rows(tmp_path / "out.csv") if not row["released"])
    table = tmp_path / "table.csv"
    table.write_text(f"town,trade,count\n{hidden['town']},{hidden['trade']},{hidden['count']}\n")
    again = ["protect", str(table), "--out", str(tmp_path / "again.csv")]
    assert main(again) == 0
    assert rows(tmp_path / "again.csv")[0]["released"] == hidden["count"]
    assert main([*again, "--released", str(public)]) == 0
    assert not rows(tmp_path / "again.csv")[0]["released"]


def test_only_a_table_of_pay_is_read_as_one():
    plain = b"sum,town,released\nx,A,7\n"
    assert told.counts_of(plain) is plain
    assert told.measure_of(b"\xff\xfe") == ""
    assert told.counts_of(b"town,released,sum,rounded_to\nA,7\n\nB,8,9,1\n") == b"town,released\nA,7\n\nB,8\n"


def test_the_rules_for_pay_are_those_of_wages_unless_a_policy_says_more():
    assert cli.PAY_DEFAULTS.dominance is not None
    assert cli.DEFAULTS.dominance is None
    assert read_contributions({}, employer=["a"], person=["p"], amount=[1]).persons == 1
