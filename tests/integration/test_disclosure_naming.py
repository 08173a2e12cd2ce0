"""The page on which an author says what the names in a file mean."""

import pytest
from django.urls import reverse

from disclosure import naming, services, standing
from disclosure.models import OutputCheck
from p20win import clock
from p20win.custody.models import Capability
from tests import factories
from tests import factories_disclosure as outputs
from tests.factories import START
from tests.unit.test_disclosure_naming import HEADINGS, MEANT, OTHERWISE, again, released_of

SEXES = {"code-0-1-1-0": "female", "code-0-1-1-1": "male"}  # of table 1, dimension 2: F and M as of “sex”
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    """Let the vault answer here, at the start of time."""

    def relay(token):
        granted = Capability.objects.latest("issued_at")
        assert granted.act == services.LOOK
        return services.give_sheet(OutputCheck.objects.get(pk=granted.subject_id), granted.person)

    monkeypatch.setattr("p20win.custody.public.relay", relay)
    monkeypatch.setattr(clock, "now", lambda: START)


def address(output):
    return reverse("disclosure:names", args=[output.pk])


def text(answer):
    return " ".join(answer.content.decode().split())


@pytest.mark.obligation("O-81")
def test_dimensions_then_categories_are_named_and_the_check_is_made_with_them(signed_in):
    first = outputs.sent()
    output = outputs.checked(first.project, OTHERWISE)
    client = signed_in(output.author)
    assert "Say what its names mean" in text(client.get(output.get_absolute_url()))
    asked = client.get(address(output))
    assert "“Name of school” is the same as" in text(asked)
    assert asked.context["form"]["dimension-0-0"].initial == "school"
    assert "Proposed: school." in text(asked)
    assert not any(field.startswith("code-0-1-") for field in asked.context["form"].fields)

    said = {"dimension-0-0": "school", "dimension-0-1": "sex"}
    asked = client.post(address(output), said)
    assert "Now say what its categories mean." in text(asked)
    assert naming.names_now(output.project) == {}
    answer = client.post(address(output), said | SEXES, follow=True)
    assert "Remembered for this project. Have the file checked again" in text(answer)
    assert "Check again" in text(answer)
    again(output)
    assert naming.names_now(output.project)[HEADINGS].codes == {"gender": {"F": "female", "M": "male"}}
    assert released_of(output) == released_of(first)
    assert "read as “school”" in text(client.get(reverse("disclosure:look", args=[output.pk])))
    assert HEADINGS in text(client.get(output.get_absolute_url()))


def test_what_was_said_of_categories_that_this_file_lacks_is_kept(signed_in):
    output = outputs.checked(outputs.sent().project, OTHERWISE)
    lines = [*MEANT, ("gender", "X", "other")]
    naming.say(output, {HEADINGS: lines}, by=output.author, at=START)
    client = signed_in(output.author)
    again(output)
    said = {"dimension-0-0": "school", "dimension-0-1": "sex"} | SEXES
    assert set(said) <= set(client.get(address(output)).context["form"].fields)
    said["code-0-1-1-1"] = ""
    assert "Remembered" in text(client.post(address(output), said, follow=True))
    assert naming.names_now(output.project)[HEADINGS].codes == {"gender": {"F": "female", "X": "other"}}
    client.post(address(output), {"dimension-0-0": "school", "dimension-0-1": ""})
    assert naming.names_now(output.project)[HEADINGS].codes == {}


def test_two_dimensions_of_a_table_never_become_one(signed_in):
    output = outputs.checked(outputs.sent().project, OTHERWISE)
    client = signed_in(output.author)
    answer = client.post(address(output), {"dimension-0-0": "sex", "dimension-0-1": "sex"})
    assert "means “sex” already" in text(answer)
    answer = client.post(address(output), {"dimension-0-0": "unknown"})
    assert answer.status_code == 200
    assert naming.names_now(output.project) == {}


def test_where_nothing_is_known_there_is_nothing_to_name(signed_in):
    output = outputs.checked(content=OTHERWISE)
    assert "Nothing is known yet." in text(signed_in(output.author).get(address(output)))


def test_it_is_the_authors_page_and_reviewers_read_what_was_said(signed_in):
    first = outputs.sent()
    output = outputs.checked(first.project, OTHERWISE)
    naming.say(output, {HEADINGS: MEANT}, by=output.author, at=START)
    services.send_to_agencies(again(output), by=output.author, at=START)
    reviewer = outputs.reviewers(output)[0]
    client = signed_in(reviewer)
    assert client.get(address(output)).status_code == 404
    assert signed_in(factories.person()).get(address(output)).status_code == 404
    client = signed_in(reviewer)
    shown = text(client.get(reverse("disclosure:look", args=[output.pk])))
    assert "“F” in “gender” is read as “female”" in shown
    (row,) = standing.known_of(standing.latest_check(output))
    assert "means" in text(client.get(row.get_absolute_url()))
    client = signed_in(output.author)
    assert "Not possible while" in text(client.get(address(output)))
