"""The pages of who is counted: the list, the form of an output, and what reviewers are told."""

import datetime as dt

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from disclosure import people, services, standing, together
from disclosure.models import Output
from p20win import clock
from p20win.custody.models import Capability
from tests import factories
from tests import factories_disclosure as outputs
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
ALL, REST = outputs.CONTEXT["population"], "Pupils of grade 12 without Salem"
WHOLE = b"sex,count\nfemale,120\nmale,121\nTotal,241\n"
FEWER = b"sex,count\nfemale,119\nmale,119\nTotal,238\n"
TWIN = b"sex,count\nfemale,100\nmale,101\nTotal,201\n"
TITLE = "Without Salem"


@pytest.fixture(autouse=True)
def time(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: START)


@pytest.fixture
def relayed(monkeypatch):
    """Let the vault answer in this process."""

    def relay(token):
        granted = Capability.objects.latest("issued_at")
        check = standing.OutputCheck.objects.get(pk=granted.subject_id)
        return services.give_sheet(check, granted.person)

    monkeypatch.setattr("p20win.custody.public.relay", relay)


def text(response):
    return " ".join(response.content.decode().split())


def page(client, name, pk, **data):
    address = reverse(f"disclosure:{name}", args=[pk])
    return client.post(address, data, follow=True) if data else client.get(address)


def sends(client, project, content=FEWER, **said):
    """Submit an output through its page."""
    about = {"title": TITLE, "material": "report", "population": REST} | said
    about |= {name: outputs.CONTEXT[name] for name in ("period", "extracted_on") if name not in about}
    return page(client, "submit", project.pk, file=SimpleUploadedFile("table.csv", content), **about)


@pytest.mark.obligation("O-81")
def test_a_salem_pair_through_the_pages(signed_in, relayed):
    first = outputs.sent(content=WHOLE, title="All of them")
    client = signed_in(first.author)
    sends(client, first.project, population_to_0="part")
    second = outputs.judged(Output.objects.get(title=TITLE))

    said = text(page(client, "detail", second.pk))
    assert "3 of 3 cells are withheld" in said
    assert f"All of them</a> ({ALL}, {outputs.CONTEXT['period']})" in said
    said = text(page(client, "look", second.pk))
    assert "What would follow with outputs about other people" in said
    assert f"241 (everyone; “All of them” ({ALL}), table-1.csv, line 4) − 238 (Who is counted {REST}" in said


@pytest.mark.obligation("O-81")
def test_a_clean_twin_through_the_pages(signed_in, relayed):
    first = outputs.sent(content=WHOLE, title="All of them")
    client = signed_in(first.author)
    sends(client, first.project, TWIN, population_to_0="part")
    second = outputs.judged(Output.objects.get(title=TITLE))

    assert "Nothing has to be withheld" in text(page(client, "detail", second.pk))
    assert "What would follow" not in text(page(client, "look", second.pk))


class TestTheForm:
    def test_a_new_name_says_how_it_stands(self, signed_in):
        first = outputs.checked(content=WHOLE)
        client = signed_in(first.author)

        said = text(page(client, "submit", first.project_id))
        assert f"If new: how does it stand to “{ALL}”?" in said
        assert f'<option value="{ALL}"></option>' in said
        answer = text(sends(client, first.project))
        assert f"“{REST}” is new in this project. Say how it stands to “{ALL}”." in answer
        assert Output.objects.count() == 1

    def test_a_name_of_the_list_needs_no_answer(self, signed_in):
        first = outputs.checked(content=WHOLE)
        sends(signed_in(first.author), first.project, population=ALL.upper())

        assert Output.objects.count() == 2
        assert together.said(first.project, together.POPULATION) == []

    def test_a_self_check_says_it_too(self, signed_in):
        first = outputs.sent(content=WHOLE)
        said = {name: outputs.CONTEXT[name] for name in ("period", "extracted_on")}
        said |= {"population": REST, "population_to_0": "part"}
        file = SimpleUploadedFile("table.csv", FEWER)
        page(signed_in(first.author), "try", first.project_id, file=file, **said)

        assert together.said(first.project, together.POPULATION) == [(REST, "part", ALL)]

    def test_data_are_said_to_be_those_of_an_earlier_output_and_that_is_taken_back(self, signed_in):
        first = outputs.sent(content=WHOLE, title="All of them")
        sends(
            signed_in(first.author),
            first.project,
            WHOLE,
            population=ALL,
            extracted_on=dt.date(2025, 12, 2),
            frozen_as=first.pk,
        )
        second = Output.objects.get(title=TITLE)
        assert second.frozen_as == first
        assert "frozen" in text(page(signed_in(first.author), "detail", second.pk))
        second = services.send_to_agencies(outputs.judged(second), by=first.author, at=START)

        client = signed_in(factories.operating_group_member())
        assert "They are not the same data" in text(page(client, "detail", second.pk))
        client.post(reverse("disclosure:own-data", args=[second.pk]))
        second.refresh_from_db()
        assert second.frozen_as is None


class TestTheList:
    def test_shows_names_and_how_they_stand_and_is_corrected_by_the_operating_group(self, signed_in):
        first = outputs.sent(content=WHOLE)
        outputs.checked(first.project, TWIN, population=REST, stands={"population": {ALL: "apart"}})
        answer = {"what": "population", "population-one": REST, "population-how": "part"}
        answer["population-other"] = ALL

        client = signed_in(first.author)
        said = text(page(client, "people", first.project_id))
        assert f"“{REST}” is apart from “{ALL}”." in said
        assert "Only the operating group corrects it." in text(
            page(client, "people", first.project_id, **answer)
        )
        client = signed_in(factories.operating_group_member())
        assert f"“{REST}” is part of “{ALL}”." in text(page(client, "people", first.project_id, **answer))
        assert "before that" in text(page(client, "people", first.project_id))

    def test_reviewers_are_told_what_is_not_held_together(self, signed_in):
        first = outputs.sent(content=WHOLE, title="All of them")
        second = outputs.sent(first.project, TWIN, population=REST)

        said = text(page(signed_in(factories.operating_group_member()), "detail", second.pk))
        assert "Not compared with" in said
        assert f"nobody could say how “{REST}” and “{ALL}” stand to each other" in said

    def test_answers_that_are_none_are_not_kept(self, signed_in):
        first = outputs.checked(content=WHOLE)
        client = signed_in(first.author)
        said = {"what": "population", "population-one": ALL, "population-how": "above"}
        page(client, "people", first.project_id, **said)
        page(client, "people", first.project_id, what="colour")

        assert together.said(first.project, together.POPULATION) == []
        assert people.HOW.keys() == together.KINDS.keys()
