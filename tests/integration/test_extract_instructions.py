"""What each agency is told to take from its records, and who is shown it (O-125)."""

import datetime as dt
import io
import json
from hashlib import sha256

import pytest
from django.urls import reverse
from pypdf import PdfReader

from agreements.public import papers_can_be_made
from client import main
from requests_app import public as requests
from requests_app.public import approved_request
from requests_app.services import drafting, revising, rows
from requests_app.vocabulary import Kind
from tests import factories, factories_requests, factories_suppliers
from tests import factories_matching as matches
from tests.factories import START
from tests.machines import machine_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault", "at_start")]


ENROLLED = START - dt.timedelta(days=2)  # a key signs nothing on its first day


def collecting(**fields):
    """Return a match whose list's population wants no college data, and no grades of the schools."""
    said = {"with_list": True, "not_wanted_from": ["CSCU"], "not_wanted": "grades"}
    return matches.collecting(**said, category_of=(("GradeLevelCode", "Grades"),), **fields)


def page(client, match, name, kind="", **query):
    return client.get(reverse(f"matching:instruction{kind}", args=[match.pk, name]), query)


def said(match, name):
    """Return the newest instruction of an agency, as a program reads it."""
    return requests.instructions(match.project, matches.agency(name))[0].as_dict()


def people(match, name, population="Takers"):
    return next(each for each in said(match, name)["populations"] if each["name"] == population)


@pytest.mark.obligation("O-125", "O-23")
def test_each_agency_has_one_of_its_own_from_populations_and_elements():
    match = collecting()

    school, college, labour = (said(match, name) for name in matches.AGENCIES)

    assert [each["name"] for each in school["analytical"]] == list(matches.ANALYTICAL["SDE"])
    assert [each["name"] for each in labour["analytical"]] == list(matches.ANALYTICAL["DOL"])
    assert "SASID" in [each["name"] for each in school["matching"]]
    assert not any(name in str(school) for name in ("Wage", "InstitutionName"))
    (table,) = people(match, "SDE")["tables"]
    assert (table["flag_column"], table["later_years"]) == (matches.FLAG, "2021-22 to 2022-23")
    told = people(match, "SDE")
    assert told["supplier"] == "A School District"
    assert told["membership"] == "Took at least one course: One course of the programme"
    assert told["programme_start"] == "2018-2019"
    assert (told["wanted"], told["not_wanted_elements"]) == (True, ("GradeLevelCode",))
    assert people(match, "CSCU")["wanted"] is False
    assert people(match, "CSCU")["not_wanted_elements"] == matches.ANALYTICAL["CSCU"]
    assert (people(match, "DOL")["wanted"], people(match, "DOL")["not_wanted_elements"]) == (True, ())
    assert people(match, "CSCU", "Everyone")["wanted"] is True
    assert len({each["sha256"] for each in (school, college, labour)}) == 3


@pytest.mark.obligation("O-125")
def test_an_agency_is_not_wanted_where_no_category_of_it_is():
    match = matches.collecting(
        with_list=True,
        not_wanted="Grades, English",
        category_of=(("GradeLevelCode", "Grades"), ("ELL", "English")),
    )

    assert people(match, "SDE")["wanted"] is False
    assert people(match, "CSCU")["wanted"] is True


@pytest.mark.obligation("O-125")
def test_the_steward_finds_it_where_the_file_is_sent_and_nobody_elses(signed_in):
    match = collecting()
    client = signed_in(matches.steward("CSCU"))

    address = reverse("matching:instruction", args=[match.pk, "cscu"])
    for kind in ("matching", "analytical"):
        slot = client.get(reverse("custody:slot", args=[matches.slot(match, "CSCU", kind).pk])).text
        assert f'href="{address}"' in slot
        assert "Nothing is wanted from CSCU on: Takers." in slot
    assert f'href="{address}"' in client.get(match.get_absolute_url()).text
    text = client.get(address).text
    assert "Send no rows for who is in this population alone." in text
    assert "Later years wanted for the same people: 2021-22 to 2022-23" in text
    for name in ("sde", "dol", "nobody"):
        for kind in ("", "-json", "-pdf"):
            assert page(client, match, name, kind).status_code == 404
    school = page(signed_in(matches.steward("SDE")), match, "sde").text
    assert "Leave empty for who is in this population alone: GradeLevelCode" in school


@pytest.mark.obligation("O-125")
def test_hub_and_operating_group_read_all_and_recipient_and_supplier_none(signed_in):
    factories.person(at=factories_suppliers.district())
    match = collecting()
    contact = factories_suppliers.invitation(match).contact

    for person, answer in (
        (factories.hub_member(), 200),
        (factories.operating_group_member(), 200),
        (approved_request(match.project).requestor, 404),
        (contact, 404),
    ):
        client = signed_in(person)
        for name in ("sde", "cscu", "dol"):
            assert page(client, match, name).status_code == answer, person
            assert page(client, match, name, "-json").status_code == answer, person
    listed = factories_suppliers.listed(match)
    slot = signed_in(contact).get(reverse("custody:slot", args=[listed.slot_id])).text
    assert "extract instruction" not in slot.lower()


@pytest.mark.obligation("O-125")
def test_as_a_paper_and_for_programs_it_says_the_same(signed_in):
    match = collecting()
    client = signed_in(matches.steward("SDE"))

    answer = page(client, match, "sde", "-json")
    told = answer.json()
    assert told["format"] == "p20win/extract-instruction/1"
    digest = told.pop("sha256")
    canonical = json.dumps(told, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert digest == sha256(canonical.encode()).hexdigest()
    assert "revision-0.json" in answer["Content-Disposition"]
    if papers_can_be_made():
        content = page(client, match, "sde", "-pdf").content
        text = " ".join("".join(p.extract_text() for p in PdfReader(io.BytesIO(content)).pages).split())
        for words in ("GradeLevelCode", "2021-22 to 2022-23", "One course of the programme", "Takers"):
            assert words in text


@pytest.mark.obligation("O-125")
def test_an_amendment_makes_another_version_and_the_one_before_can_still_be_read(signed_in):
    match = collecting()
    before = said(match, "CSCU")
    row = approved_request(match.project)
    new = revising.revise(row, Kind.MODIFICATION, by=row.requestor, at=START)
    takers = new.populations.get(name="Takers")
    rows.change(takers, by=row.requestor, at=START, not_wanted_from=[], not_wanted="")
    assert said(match, "CSCU") == before  # what is only a draft instructs nobody
    drafting.affirm(new, range(1, 13), by=row.requestor, at=START)
    factories_requests.sign_and_submit(new)
    factories_requests.review.send_to_agencies(new, by=factories.operating_group_member(), at=START)
    new.refresh_from_db()
    for each in factories_requests.agencies_of(new):
        factories_requests.decide(new, each)

    after = said(match, "CSCU")

    assert (before["revision"], after["revision"]) == (0, 1)
    assert people(match, "CSCU")["wanted"] is True
    assert before["sha256"] != after["sha256"]
    client = signed_in(matches.steward("CSCU"))
    assert "A later revision was approved" not in page(client, match, "cscu").text
    old = page(client, match, "cscu", revision="0").text
    assert "A later revision was approved" in old
    assert before["sha256"] in old
    for wrong in ("7", "x", "-1", "99999"):
        assert page(client, match, "cscu", revision=wrong).status_code == 404


class TestTheMachineOfAnAgency:
    """`p20 instruction`: the same document, where the file is made."""

    def asked(self, capsys, slot, *more):
        code = main.main(["instruction", "--slot", str(slot.pk), *map(str, more)])
        return code, capsys.readouterr()

    @pytest.mark.obligation("O-125")
    def test_fetches_what_its_file_is_made_from(self, tmp_path, monkeypatch, capsys):
        match = collecting()
        college = matches.agency("CSCU")
        paper = tmp_path / "instruction.json"
        with machine_of(college, tmp_path / "machine", monkeypatch, at=ENROLLED):
            for kind in ("matching", "analytical"):
                code, told = self.asked(capsys, matches.slot(match, "CSCU", kind))
                assert (code, json.loads(told.out)) == (0, json.loads(json.dumps(said(match, "CSCU"))))
            code, told = self.asked(capsys, matches.slot(match, "CSCU", "matching"), "--to", paper)

        assert (code, told.out) == (0, f"Instruction written to {paper}.\n")
        assert json.loads(paper.read_text("utf-8"))["sha256"] == said(match, "CSCU")["sha256"]

    @pytest.mark.obligation("O-105", "O-125")
    def test_is_told_in_what_its_file_differs_from_it(self, tmp_path, monkeypatch, capsys):
        match = matches.collecting(agencies=("SDE", "CSCU"), extra=("SSN",))
        with machine_of(matches.agency("SDE"), tmp_path / "machine", monkeypatch, at=ENROLLED):
            code, told = self.asked(capsys, matches.slot(match, "SDE", "matching"))

        assert code == 0
        assert "Approved and not asked for: SSN" in told.err
        json.loads(told.out)

    @pytest.mark.obligation("O-125")
    def test_gets_no_other_agencys_and_is_told_where_there_is_none(self, tmp_path, monkeypatch, capsys):
        match = collecting()
        (pupils,) = match.expected_files.filter(kind="identifier_list")
        with machine_of(matches.agency("CSCU"), tmp_path / "machine", monkeypatch, at=ENROLLED):
            code, told = self.asked(capsys, matches.slot(match, "SDE", "matching"))
            assert code == 1
            assert "open to your agency" in told.err
            assert not told.out
        with machine_of(pupils.slot.supplier, tmp_path / "other", monkeypatch, at=ENROLLED):
            code, told = self.asked(capsys, pupils.slot)
            assert code == 1
            assert "no extract instruction" in told.err
