"""Safe tables: counted in the vault from the sealed extract, and shown to nobody before they are reviewed."""

import csv
import datetime as dt
import io
import json
import zipfile

import pandas as pd
import pytest

from disclosure import (
    checks,
    naming,
    offering,
    pages,
    safe_checks,
    safe_choices,
    safe_services,
    services,
    standing,
    tabulating,
)
from disclosure.models import OutputStatus, SafeTable, Verdict
from disclosure.safe_forms import SafeTableForm
from matching.models import Delivery, DeliveryStatus
from p20win import clock, policy
from p20win.audit.public import events_of
from p20win.jobs import public as jobs
from p20win.refusal import Blocked
from requests_app.public import planned_outputs
from tests import factories
from tests import factories_custody as files
from tests import factories_disclosure as outputs
from tests import factories_matching as matches
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault", "at_start")]
SAID = {
    "title": "Learners of English who went to college",
    "population": "Pupils of the schools",
    "period": "2020-21",
    "counted": "sde.csv",
}
ELL = {"file": "sde.csv", "element": "ELL", "codes": []}
GRADE = {"file": "sde.csv", "element": "GradeLevelCode", "codes": []}
COLLEGE = {"file": "cscu.csv", "element": "InstitutionName", "codes": []}
IN_COLLEGE = {"file": "cscu.csv", "element": "", "codes": []}


@pytest.fixture
def delivery(vault):
    return matches.delivered()


@pytest.fixture
def person(delivery):
    return matches.downloader(delivery)


def asked(delivery, by, *dimensions, at=START, **said):
    dimensions = dimensions or (ELL, IN_COLLEGE)
    return safe_services.define(delivery.project, dimensions=dimensions, by=by, at=at, **SAID | said)


def counted(table):
    """Let the vault count it."""
    files.run_job(standing.COUNT_JOB, table_id=table.pk)
    table.refresh_from_db()
    table.output.refresh_from_db()
    return table


def checked(table):
    """Let the vault count it and check what it counted."""
    return outputs.judged(counted(table).output)


def true_counts(output):
    """Return what the reviewers' sheet says: for each pair of codes, the count and whether it is shown."""
    sheet = json.loads(b"".join(services.give_sheet(standing.latest_check(output), output.author)))
    (table,) = sheet["tables"]
    return table["dimensions"], {tuple(r["codes"]): (r["count"], r["shown"]) for r in table["rows"]}


def delivered_files(delivery, by):
    _, content = matches.fetched(delivery, by=by)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {
            name: pd.read_csv(archive.open(name), dtype=str, keep_default_na=False)
            for name in ("sde.csv", "cscu.csv")
        }


@pytest.mark.obligation("O-78", "O-81")
def test_is_counted_from_the_extract_and_goes_the_way_of_a_file_that_somebody_sent(delivery, person):
    output = checked(asked(delivery, person))

    assert output.status == OutputStatus.CHECKED
    assert [e.event for e in events_of(output)] == ["output.submitted", "output.checked"]
    names, rows = true_counts(output)
    assert names == ["ELL (SDE)", "In the file of CSCU"]
    there = delivered_files(delivery, person)
    pupils, college = there["sde.csv"], set(there["cscu.csv"]["link_id"])
    values = pupils.groupby("link_id")["ELL"].agg(lambda each: frozenset(filter(None, each)))
    assert rows[("Total", "Total")][0] == len(values)
    for code in {value for each in values if len(each) == 1 for value in each}:
        mine = [link for link, each in values.items() if each == {code}]
        assert rows[(code, "Yes")][0] == len(college.intersection(mine))
        assert rows[(code, "Not in the file of CSCU")][0] == len(set(mine) - college)
    assert not any(0 <= count < policy.MIN_CELL_COUNT and shown for count, shown in rows.values())
    released = b"".join(custody_bytes(output))
    assert b"count" not in released.split(b"\n")[0]


def custody_bytes(output):
    from p20win.custody import public as custody

    for table in standing.clean_tables(output):
        yield from custody.open_bytes(table.file)


def test_nobody_says_what_its_names_mean(delivery, person):
    output = checked(asked(delivery, person))
    (why,) = naming.why_not_name(output, person, START)
    assert why == "The vault counted this table. Withdraw it and define another."


def test_is_reviewed_and_released_like_any_output(delivery, person, monkeypatch):
    output = checked(asked(delivery, person))
    output = outputs.cleared(services.send_to_agencies(output, by=person, at=START))
    monkeypatch.setattr(clock, "now", lambda: output.not_before)
    group = factories.operating_group_member()
    output = services.release(output, by=group, at=output.not_before)
    assert output.status == OutputStatus.RELEASED
    assert not safe_checks.is_hidden_from(output.safe_table, person)


@pytest.mark.obligation("O-81")
def test_until_it_is_released_its_author_is_told_the_verdict_and_how_many_cells(delivery, person):
    output = checked(asked(delivery, person))
    found = standing.latest_check(output)

    shown = pages.detail(output, person, START)

    assert shown["is_hidden"]
    assert shown["verdict"].startswith(f"{found.withheld} of {found.cells} cells are withheld; no withheld")
    assert (list(shown["tables"]), shown["adds"], shown["offers"], shown["may_look"]) == ([], {}, None, False)
    assert checks.why_not_look(found, person, START) == [checks.SEALED]
    found.output.status = OutputStatus.RELEASED
    assert checks.why_not_look(found, person, START) == [checks.SEALED]


def test_its_reviewers_see_what_they_see_of_any_output(delivery, person):
    output = services.send_to_agencies(checked(asked(delivery, person)), by=person, at=START)
    reviewer, bystander = outputs.reviewers(output)[0], factories.hub_member()
    assert checks.why_not_look(standing.latest_check(output), reviewer, START) == []
    assert not pages.detail(output, reviewer, START)["is_hidden"]
    assert pages.detail(output, bystander, START)["is_hidden"]
    assert not list(pages.detail(output, bystander, START)["tables"])


def test_nobody_sends_a_file_in_its_place_nor_has_other_ways_tried(delivery, person):
    output = checked(asked(delivery, person))
    with pytest.raises(Blocked, match="vault counted this table"):
        services.send_new_file(output, name="t.csv", content=[outputs.TABLE], by=person, at=START)
    found = standing.latest_check(output)
    assert "The vault counted this table. Withdraw it and define another." in offering.why_not_ask(
        found, person, START
    )


def test_the_file_of_true_counts_ends_in_a_blank_line_that_nobody_can_guess(delivery, person):
    table = counted(asked(delivery, person))
    file = table.output.slot.files.get()
    assert file.name.endswith(".csv")
    again = [tabulating._salted(b"a,b,count\nx,y,3\n") for _ in range(2)]
    assert again[0] != again[1]
    for content in again:
        *_, last = csv.reader(io.StringIO(content.decode()))
        assert [cell.strip() for cell in last] == ["", "", ""]
        assert len(content) > 256


@pytest.mark.obligation("O-81")
def test_tables_of_one_extract_are_checked_beside_each_other(delivery, person):
    first = checked(asked(delivery, person, ELL, COLLEGE))
    services.send_to_agencies(first, by=person, at=START)

    second = checked(asked(delivery, person, GRADE, {**COLLEGE, "codes": ["State Online College"]}))

    found = standing.latest_check(second)
    assert found.compared_with == [str(first.pk)]
    assert found.verdict in (Verdict.SAFE, Verdict.NO_PATTERN)
    _, rows = true_counts(second)
    _, before = true_counts(first)
    online = "State Online College"
    assert rows[("Total", online)][0] == before[("Total", online)][0]


REFUSED = {
    "no dimension": ([], {}, "one to 4 dimensions"),
    "an identifier": ([{"file": "sde.csv", "element": "LastName", "codes": []}], {}, "no approved element"),
    "the link id": ([{"file": "sde.csv", "element": "link_id", "codes": []}], {}, "no approved element"),
    "another agency's": ([{"file": "sde.csv", "element": "Wage", "codes": []}], {}, "no approved element"),
    "who is counted": ([{"file": "sde.csv", "element": "", "codes": []}], {}, "Everybody who is counted"),
    "a file that is none": ([ELL], {"counted": "manifest.json"}, "a file of the extract"),
    "a value that is none": ([{**ELL, "codes": ["Total"]}], {}, "is no value"),
    "two of another's file": ([ELL, COLLEGE, IN_COLLEGE], {}, "only one dimension"),
    "five": ([ELL, GRADE, COLLEGE, IN_COLLEGE, {**ELL, "file": "dol.csv", "element": "Year"}], {}, "to 4"),
}


@pytest.mark.obligation("O-80")
def test_what_is_no_cross_table_of_approved_elements_is_refused(delivery, person):
    for dimensions, said, why in REFUSED.values():
        with pytest.raises(Blocked, match=why):
            safe_services.define(delivery.project, dimensions=dimensions, by=person, at=START, **SAID | said)
    assert not SafeTable.objects.exists()


@pytest.mark.obligation("O-80")
def test_a_table_close_to_a_list_of_people_is_returned_with_why(delivery, person, monkeypatch):
    monkeypatch.setattr("disclosure.engine.crosstab.MOST_CATEGORIES", 1)
    table = counted(asked(delivery, person, GRADE))
    assert table.output.status == OutputStatus.RETURNED
    assert "close to a list of people" in table.refusal
    assert not table.output.slot.files.exists()
    assert pages.detail(table.output, person, START)["lead"].endswith("or withdraws it.")


class TestWhoMay:
    def test_who_may_not_download_may_not(self, delivery, person):
        for who in (factories.person(), *outputs.reviewers(standing.Output(project=delivery.project))):
            assert safe_checks.why_not_define(delivery.project, who, START)
            with pytest.raises(Blocked):
                asked(delivery, who)

    def test_nothing_is_counted_when_the_time_to_download_is_over(self, delivery, person):
        table, late = asked(delivery, person), delivery.closes_at + dt.timedelta(seconds=1)
        with pytest.raises(Blocked, match="time to download the extract is over"):
            asked(delivery, person, at=late)
        tabulating.count(table, job=Held(), at=late)
        table.refresh_from_db()
        assert "time to download the extract is over" in table.refusal
        assert not table.output.slot.files.exists()

    def test_nothing_is_counted_from_a_version_that_is_not_to_be_used(self, delivery, person):
        Delivery.objects.filter(pk=delivery.pk).update(status=DeliveryStatus.REPLACED)
        with pytest.raises(Blocked, match="later version replaces"):
            asked(delivery, person)

    def test_a_key_alone_holds_nothing_to_count(self, delivery, person):
        Delivery.objects.filter(pk=delivery.pk).update(form="key")
        with pytest.raises(Blocked, match="key alone"):
            asked(delivery, person)

    def test_before_an_extract_there_is_nothing_to_count(self):
        project = outputs.project()
        why = safe_checks.why_not_define(project, outputs.author(project), START)
        assert why == ["No extract of this project has been delivered yet."]


class Held:
    """A job that holds its lease."""

    def progress(self, percent, message):
        pass

    def hold(self):
        pass


class TestTheVaultAsksAgain:
    def test_whether_it_hangs_together_with_those_that_stand(self, delivery, person):
        asked(delivery, person, ELL, IN_COLLEGE)
        table = asked(delivery, person, GRADE)
        SafeTable.objects.filter(pk=table.pk).update(
            dimensions=safe_choices.written(delivery, [GRADE, COLLEGE])
        )
        table = counted(SafeTable.objects.get(pk=table.pk))
        assert "tell one thing" in table.refusal
        assert not table.output.slot.files.exists()

    def test_whether_each_dimension_is_an_approved_element_under_its_own_name(self, delivery, person):
        for forged in ({"element": "LastName"}, {"name": "ELL"}, {"absent": "Elsewhere"}):
            table = asked(delivery, person, ELL)
            row = safe_choices.written(delivery, [ELL])[0] | forged
            SafeTable.objects.filter(pk=table.pk).update(dimensions=[row])
            table = counted(SafeTable.objects.get(pk=table.pk))
            assert "no approved element" in table.refusal
            assert not table.output.slot.files.exists()


class TestHowMany:
    def test_few_wait_at_a_time_and_a_withdrawn_one_still_counts(self, delivery, person, monkeypatch):
        monkeypatch.setattr(policy, "SAFE_TABLES_UNRELEASED", 2)
        services.withdraw(asked(delivery, person).output, by=person, at=START)
        asked(delivery, person)
        with pytest.raises(Blocked, match="2 tables of this project were asked for"):
            asked(delivery, person)
        later = START + dt.timedelta(days=policy.SAFE_TABLE_DAYS)
        monkeypatch.setattr(clock, "now", lambda: later)
        Delivery.objects.filter(pk=delivery.pk).update(closes_at=later + dt.timedelta(days=1))
        monkeypatch.setattr("matching.standing.is_within_window", lambda *_: True)
        assert not safe_checks._waits_for_others(delivery.project, later)

    def test_all_count_the_same_people_until_those_before_are_withdrawn(self, delivery, person):
        before = asked(delivery, person)
        for said in ({"counted": "cscu.csv"}, {"population": "Others"}, {"period": "2019-20"}):
            with pytest.raises(Blocked, match="count the same people"):
                asked(delivery, person, GRADE, **said)
        asked(delivery, person, population="pupils  of the schools")
        with pytest.raises(Blocked, match="tell one thing: “In the file of CSCU”"):
            asked(delivery, person, COLLEGE)
        for table in SafeTable.objects.all():
            services.withdraw(table.output, by=person, at=START)
        assert asked(delivery, person, GRADE, counted="cscu.csv").counted == "cscu.csv" != before.counted


def test_is_counted_once_however_often_the_vault_is_asked(delivery, person):
    table = counted(asked(delivery, person))
    tabulating.count(table, job=Held(), at=START)
    assert table.output.slot.files.count() == 1
    assert jobs.latest(standing.COUNT_JOB, table_id=table.pk).state == jobs.State.DONE


def test_of_one_that_was_withdrawn_meanwhile_nothing_is_kept(delivery, person, monkeypatch):
    table = asked(delivery, person)
    real = tabulating._counted

    def slowly(*about):
        services.withdraw(table.output, by=person, at=START)
        return real(*about)

    monkeypatch.setattr(tabulating, "_counted", slowly)
    assert counted(table).output.status == OutputStatus.WITHDRAWN
    assert not table.output.slot.files.exists()


def test_without_an_extract_of_its_own_project_nothing_is_counted(delivery, person, monkeypatch):
    table = asked(delivery, person)
    assert str(table) == SAID["title"]
    other = factories.project()
    assert "This extract is of another project." in safe_checks.why_not_count(other, delivery, person, START)
    table.delivery.extract = None
    with pytest.raises(Blocked, match="no extract to count from"):
        tabulating._counted(table, Held())
    monkeypatch.setattr("matching.public.extract_for", lambda project: None)
    monkeypatch.setattr(safe_checks, "why_not_define", lambda *_: [])
    with pytest.raises(Blocked, match="No extract of this project"):
        asked(delivery, person)


HOURS = {"file": "cscu.csv", "element": "OverallEarnedHours", "codes": []}


@pytest.mark.obligation("O-81")
def test_numbers_are_counted_in_bands_that_all_tables_of_the_extract_share(delivery, person):
    first = checked(asked(delivery, person, {**HOURS, "bands": [15, 30]}))
    names, rows = true_counts(first)
    assert names == ["OverallEarnedHours (CSCU)"]
    assert {"Below 15", "15 to below 30", "30 and more", "Not in the file of CSCU"} <= {c for (c,) in rows}
    assert first.safe_table.dimensions[0]["bands"] == [15, 30]

    for other in ([], [15, 31]):
        with pytest.raises(Blocked, match="is told in bands from 15, 30"):
            asked(delivery, person, {**HOURS, "bands": other})
    assert asked(delivery, person, ELL, {**HOURS, "bands": [15, 30]}).pk
    services.withdraw(first, by=person, at=START)


def test_an_element_told_by_its_values_has_no_bands_later(delivery, person):
    asked(delivery, person, GRADE)
    with pytest.raises(Blocked, match="is told by its values in the tables"):
        asked(delivery, person, {**GRADE, "bands": [9]})


def test_lower_bounds_are_whole_numbers_that_rise(delivery):
    data = SAID | {"material": "report", "by_1": "cscu.csv/OverallEarnedHours"}
    bands = {"15, 30": [15, 30], "": [], "30, 15": None, "a": None, "1.5": None}
    for text, expected in bands.items():
        planned = planned_outputs(delivery.project)
        form = SafeTableForm(data | {"bands_1": text}, planned=planned, delivery=delivery, before=[])
        assert form.is_valid() is (expected is not None)
        assert expected is None or form.asked()["dimensions"][0]["bands"] == expected
        assert bool(form.errors.get("bands_1")) is (expected is None)
