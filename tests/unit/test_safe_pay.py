"""Safe tables that tell pay: asked of approved amounts, attacked by every employer, released like others."""

import csv
import datetime as dt
import io
import json

import pytest

from disclosure import (
    package,
    pages,
    safe_checks,
    safe_choices,
    safe_forms,
    safe_pay,
    safe_services,
    services,
    sheet_shown,
    standing,
)
from disclosure.models import OutputCheck, OutputStatus, SafeTable, Verdict
from p20win import clock
from p20win.custody import public as custody
from p20win.refusal import Blocked
from requests_app.public import planned_outputs
from tests import factories_custody as files
from tests import factories_disclosure as outputs
from tests import factories_matching as matches
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault", "at_start")]
SAID = {"title": "Wages", "population": "Workers", "period": "2020-21", "counted": "dol.csv"}
WAGE = {"file": "dol.csv", "element": "Wage", "measure": "sum", "nearest": 1}
IN_COLLEGE = {"file": "cscu.csv", "element": "", "codes": []}
REGION = {"file": "dol.csv", "element": "Region", "codes": []}


def with_employers(name, kind, *, real=matches.contents, firms=30):
    """Return an agency's file; the one of wages with a region and an employer in each row."""
    content = real(name, kind)
    if (name, kind) != ("DOL", "analytical"):
        return content
    header, *lines = content.decode().splitlines()
    at = header.split("\t").index("SyntheticID")
    told = [header + "\tRegion\tEmployer"]
    for n, line in enumerate(lines):
        person = sum(line.split("\t")[at].encode())
        region = "NSE"[person % 3]
        told.append(f"{line}\t{region}\tE{'x' if region == 'E' else n % firms}")
    return ("\n".join(told) + "\n").encode()


@pytest.fixture
def with_pay(monkeypatch):
    columns = (*matches.ANALYTICAL["DOL"], "Region", "Employer")
    monkeypatch.setitem(matches.TYPES, "Wage", "amount")
    monkeypatch.setitem(matches.TYPES, "Employer", "employer")
    before = dict(matches.ANALYTICAL)
    monkeypatch.setattr(matches, "contents", lambda name, kind: _of(before, name, kind))
    monkeypatch.setitem(matches.ANALYTICAL, "DOL", columns)


def _of(before, name, kind):
    from fixtures.formats import as_text

    file = getattr(matches.people().agencies[name], kind)
    table = file.table if kind == "matching" else file.table.select(["SyntheticID", *before[name]])
    return with_employers(name, kind, real=lambda name, kind: as_text(table))


@pytest.fixture
def delivery(vault, with_pay):
    return matches.delivered()


@pytest.fixture
def person(delivery):
    return matches.downloader(delivery)


def asked(delivery, by, *dimensions, at=START, **said):
    options = {"dimensions": dimensions or (REGION,), "pay": WAGE} | SAID | said
    return safe_services.define(delivery.project, by=by, at=at, **options)


def form_for(delivery, data=None, before=()):
    planned = planned_outputs(delivery.project)
    return safe_forms.SafeTableForm(data, planned=planned, delivery=delivery, before=before)


def checked(table):
    files.run_job(standing.COUNT_JOB, table_id=table.pk)
    table.output.refresh_from_db()
    return outputs.judged(table.output)


def told(output):
    (table,) = standing.clean_tables(output)
    content = b"".join(custody.open_bytes(table.file))
    return table, list(csv.DictReader(io.StringIO(content.decode())))


def released(output, by, monkeypatch):
    output = outputs.cleared(services.send_to_agencies(output, by=by, at=START))
    monkeypatch.setattr(clock, "now", lambda: output.not_before)
    group = outputs.factories.operating_group_member()
    return services.release(output, by=group, at=output.not_before)


@pytest.mark.obligation("O-79", "O-81")
def test_pay_is_told_beside_counts_in_one_pattern_and_goes_the_way_of_any_output(
    delivery, person, monkeypatch
):
    output = checked(asked(delivery, person))

    assert output.status == OutputStatus.CHECKED
    found = standing.latest_check(output)
    assert found.verdict == Verdict.SAFE
    table, rows = told(output)
    assert list(rows[0]) == ["Region (DOL)", "released", "sum", "rounded_to"]
    said = {row["Region (DOL)"]: row for row in rows}
    assert said["E"]["released"] == said["E"]["sum"] == ""
    assert int(said["Total"]["sum"]) > 0
    assert all(bool(row["sum"]) is bool(row["released"]) for row in rows)
    assert table.facts == sum(bool(row[name]) for row in rows for name in ("released", "sum"))
    output = released(output, person, monkeypatch)
    assert output.status == OutputStatus.RELEASED
    record = json.loads(package.audit_record(output, found, [table]))
    assert "Sum of Wage (DOL), to whole dollars: all rows" in package.readme(output, [table], None)
    assert record["pay"] == {"told": "Sum of Wage (DOL), to whole dollars", "attacked_by": "every employer"}


@pytest.mark.obligation("O-81")
def test_its_author_is_told_the_verdict_and_its_reviewers_the_sums(delivery, person):
    output = checked(asked(delivery, person))
    found = standing.latest_check(output)
    shown = pages.detail(output, person, START)
    assert (shown["is_hidden"], list(shown["tables"]), shown["may_look"]) == (True, [], False)
    assert "Pay is told of 2 of its 4 cells. You see the table once" in shown["verdict"]
    assert shown["safe"]["pay"] == "Sum of Wage (DOL), to whole dollars"
    output = services.send_to_agencies(output, by=person, at=START)
    reviewer = outputs.reviewers(output)[0]
    assert not pages.why_not_look(found, reviewer, START)
    sheet = sheet_shown.Sheet(b"".join(services.give_sheet(found, reviewer)), found)
    codes = [row["codes"] for row in sheet.tables[0]["rows"]]
    card = sheet.card(0, codes.index(["E"]))
    assert card["row"]["money"]["shown"] == ""
    assert "No sum of pay is shown that fewer than three employers make up." in card["rules"]
    (row,) = [row for row in sheet.screen({"layer": "released"})["rows"] if row["labels"] == ("Total",)]
    assert row["cells"][0]["money"].startswith("$")


def test_a_second_table_is_attacked_beside_the_first(delivery, person, monkeypatch):
    first = checked(asked(delivery, person))
    services.send_to_agencies(first, by=person, at=START)
    second = checked(asked(delivery, person, IN_COLLEGE, pay=WAGE | {"measure": "mean"}))
    found = standing.latest_check(second)
    assert found.compared_with == [str(first.pk)]
    assert found.verdict == Verdict.SAFE
    _, rows = told(second)
    assert "mean" in rows[0]
    heard, real = [], safe_pay.examined
    monkeypatch.setattr(
        safe_pay, "examined", lambda table, case, **more: heard.append(case) or real(table, case, **more)
    )
    third = checked(asked(delivery, person, REGION, IN_COLLEGE))
    (case,) = heard
    assert [label for label, _ in case.money] == ["“Wages”, table-1.csv"]
    ((_, counts),) = case.beside.released
    assert counts.splitlines()[0] == b"Region (DOL),released"
    assert standing.latest_check(third).compared_with == [str(first.pk)]


def test_a_table_of_counts_is_checked_beside_the_counts_of_a_table_of_pay(delivery, person):
    first = checked(asked(delivery, person))
    services.send_to_agencies(first, by=person, at=START)
    second = checked(asked(delivery, person, REGION, pay=None))
    assert standing.latest_check(second).verdict == Verdict.SAFE
    _, rows = told(second)
    _, before = told(first)
    both = [(now["released"], then["released"]) for now, then in zip(rows, before, strict=True)]
    assert all(now == then for now, then in both if then)
    assert "sum" not in rows[0]


REFUSED = {
    "of others than those counted": ({"counted": "sde.csv"}, [IN_COLLEGE], {}, "count those in the file"),
    "what is no amount": ({}, [REGION], {"element": "Quarter"}, "no amount of the extract with an employer"),
    "the employer": ({}, [REGION], {"element": "Employer"}, "no amount of the extract with an employer"),
    "a maximum": ({}, [REGION], {"measure": "max"}, "Choose a sum or a mean"),
    "to the cent": ({}, [REGION], {"nearest": 0}, "Choose a sum or a mean"),
}


@pytest.mark.obligation("O-80")
@pytest.mark.parametrize("what", REFUSED)
def test_what_may_not_be_told_is_refused(delivery, person, what):
    said, dimensions, pay, why = REFUSED[what]
    with pytest.raises(Blocked, match=why):
        asked(delivery, person, *dimensions, pay=WAGE | pay, **said)
    assert not SafeTable.objects.exists()


def test_no_table_is_told_by_employer(delivery):
    assert "dol.csv/Employer" not in {choice.key for choice in safe_choices.choices(delivery)}
    assert "dol.csv/Region" in {choice.key for choice in safe_choices.choices(delivery)}


def test_the_form_offers_pay_and_asks_for_it_as_the_service_takes_it(delivery, person):
    data = SAID | {"material": "report", "by_1": "dol.csv/Region", "pay": "dol.csv/Wage"}
    data |= {"measure": "mean", "nearest": "100"}
    form = form_for(delivery, data)
    assert form.is_valid(), form.errors
    said = form.asked()
    assert said["pay"] == {"file": "dol.csv", "element": "Wage", "measure": "mean", "nearest": 100}
    form = form_for(delivery, data | {"pay": ""})
    assert form.is_valid()
    assert form.asked()["pay"] is None
    table = safe_services.define(delivery.project, by=person, at=START, **said)
    assert safe_pay.in_words(table) == "Mean of Wage (DOL), to 100 dollars"


@pytest.mark.obligation("O-79")
def test_without_an_employer_beside_it_no_amount_is_told(vault, monkeypatch):
    monkeypatch.setitem(matches.TYPES, "Wage", "amount")
    delivery = matches.delivered()
    assert safe_pay.choices(delivery) == []
    form = form_for(delivery)
    assert "pay" not in form.fields
    with pytest.raises(Blocked, match="with an employer beside it"):
        asked(delivery, matches.downloader(delivery), {**IN_COLLEGE})


@pytest.mark.obligation("O-81")
def test_nothing_is_told_when_the_extract_can_no_longer_be_opened(delivery, person, monkeypatch):
    table = asked(delivery, person)
    files.run_job(standing.COUNT_JOB, table_id=table.pk)
    late = delivery.closes_at + dt.timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: late)
    output = outputs.judged(table.output)
    assert output.status == OutputStatus.RETURNED
    assert not list(standing.clean_tables(output))
    assert "can no longer be opened" in pages.verdict(output, standing.latest_check(output))


def test_pay_of_another_element_stands_in_the_way(delivery, person):
    first = checked(asked(delivery, person))
    services.send_to_agencies(first, by=person, at=START)
    SafeTable.objects.filter(pk=first.safe_table.pk).update(pay=first.safe_table.pay | {"name": "Tips (DOL)"})
    with pytest.raises(Blocked, match="tell pay of one element: “Tips"):
        asked(delivery, person, IN_COLLEGE)
    before = list(safe_checks.standing_tables(delivery))
    form = form_for(delivery, before=before)
    assert "pay" not in form.fields


@pytest.mark.obligation("O-79", "O-81")
def test_where_one_employer_pays_all_nothing_is_told_and_the_author_reads_why(vault, with_pay, monkeypatch):
    monkeypatch.setattr(with_employers, "__kwdefaults__", {"real": None, "firms": 1})
    delivery = matches.delivered()
    output = checked(asked(delivery, matches.downloader(delivery)))
    assert output.status == OutputStatus.RETURNED
    found = standing.latest_check(output)
    assert found.verdict == Verdict.NO_PATTERN
    assert not list(standing.clean_tables(output))
    assert pages.verdict(output, found).startswith("No sum or mean can be shown")


def test_a_cell_whose_count_is_shown_and_whose_pay_is_not_says_so():
    money = {"measure": "mean", "true": "1234.56", "shown": "", "reason": "", "rounded_to": "1"}
    why = "too few people for a mean or a quantile"
    rows = [
        {"codes": ["A"], "count": 12, "shown": True, "percentage": None, "percentage_shown": False,
         "reason": why, "interval": None, "money": money},
        {"codes": ["B"], "count": 90, "shown": True, "percentage": None, "percentage_shown": False,
         "reason": "", "interval": None, "money": money | {"shown": "1200"}},
    ]  # fmt: skip
    said = {"tables": [{"name": "t", "dimensions": ["town"], "rows": rows}], "leaks": [], "warnings": []}
    found = OutputCheck(cells=2, policy={"min_count": 6, "hide_zeros": True, "min_pct_base": 20})
    sheet = sheet_shown.Sheet(json.dumps(said).encode(), found)
    assert sheet.letters == [["M", ""]]
    assert sheet.card(0, 0)["rules"] == ["No mean is shown on a base too small for percentages."]
    told = {
        layer: [row["cells"][0]["money"] for row in sheet.screen({"layer": layer})["rows"]]
        for layer in ("original", "released", "open")
    }
    assert told == {"original": ["$1,235", "$1,235"], "released": ["", "$1,200"], "open": ["", ""]}
