"""The page on which a table is asked for, and what its author and its reviewers see of it."""

import pytest
from django.urls import reverse

from disclosure import services, standing
from disclosure.models import Output, SafeTable
from tests import factories
from tests import factories_custody as files
from tests import factories_disclosure as outputs
from tests import factories_matching as matches
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault", "at_start")]
SAID = {
    "title": "Learners of English who went to college",
    "material": "report",
    "population": "Pupils of the schools",
    "period": "2020-21",
    "counted": "sde.csv",
    "by_1": "sde.csv/ELL",
    "by_2": "cscu.csv/",
}


@pytest.fixture
def delivery(vault):
    return matches.delivered()


@pytest.fixture
def author(delivery, signed_in):
    return signed_in(matches.downloader(delivery))


def address(delivery):
    return reverse("disclosure:safe-table", args=[delivery.project_id])


def text(response):
    return " ".join(response.content.decode().split())


def made():
    output = Output.objects.get()
    files.run_job(standing.COUNT_JOB, table_id=output.safe_table.pk)
    return outputs.judged(output)


@pytest.mark.obligation("O-81")
def test_a_table_is_asked_for_counted_and_shown_once_it_is_released(delivery, author, signed_in):
    assert "Have a table counted" in text(author.get(reverse("disclosure:index")))
    asked = text(author.get(address(delivery)))
    assert "Whose people are counted?" in asked
    assert "Whether they are in this file" in asked
    assert "link_id" not in asked
    assert "LastName" not in asked

    answer = author.post(address(delivery), SAID, follow=True)

    assert "Handed to the vault to be counted" in text(answer)
    assert "In the file of CSCU" in text(answer)
    output = made()
    found = standing.latest_check(output)
    page = text(author.get(output.get_absolute_url()))
    assert f"{found.withheld} of {found.cells} cells are withheld; no withheld cell" in page
    for hidden in ("Look at the tables", "SHA-256", "because they are small", "Send a corrected", "Attacked"):
        assert hidden not in page
    assert author.get(reverse("disclosure:look", args=[output.pk])).status_code == 302
    services.send_to_agencies(output, by=output.author, at=START)
    reviewer = signed_in(outputs.reviewers(output)[0])
    page = text(reviewer.get(output.get_absolute_url()))
    assert "Look at the tables" in page
    assert "Version 1 of the extract; each person in the file of SDE once" in page


def test_a_second_table_counts_the_same_people(delivery, author):
    author.post(address(delivery), SAID)
    answer = author.post(
        address(delivery), SAID | {"population": "Others", "period": "x", "counted": "dol.csv"}
    )
    assert answer.status_code == 302
    assert {table.output.population for table in SafeTable.objects.all()} == {"Pupils of the schools"}
    assert {table.counted for table in SafeTable.objects.all()} == {"sde.csv"}


def test_what_lacks_or_cannot_be_is_said_on_the_page(delivery, author):
    said = text(author.post(address(delivery), SAID | {"by_1": "", "only_3": "9"}))
    assert "This field is required" in said
    assert "Choose whose values these are." in said
    twice = text(author.post(address(delivery), SAID | {"by_2": "sde.csv/ELL"}))
    assert "ELL (SDE) is chosen twice. Choose each element once." in twice
    forged = text(author.post(address(delivery), SAID | {"by_2": "sde.csv/LastName"}))
    assert "Select a valid choice" in forged
    assert not Output.objects.exists()


def test_why_a_table_could_not_be_counted_is_on_its_page(delivery, author, monkeypatch):
    monkeypatch.setattr("disclosure.engine.crosstab.MOST_CATEGORIES", 1)
    author.post(address(delivery), SAID | {"by_1": "sde.csv/GradeLevelCode"})
    output = Output.objects.get()
    files.run_job(standing.COUNT_JOB, table_id=output.safe_table.pk)
    page = text(author.get(output.get_absolute_url()))
    assert "It could not be counted: GradeLevelCode (SDE): more than 1 values" in page


def test_who_may_not_reads_why_or_finds_nothing(delivery, signed_in):
    steward = signed_in(outputs.reviewers(Output(project=delivery.project))[0])
    assert "You cannot have a table of this project counted now" in text(steward.get(address(delivery)))
    assert signed_in(factories.person()).get(address(delivery)).status_code == 404
