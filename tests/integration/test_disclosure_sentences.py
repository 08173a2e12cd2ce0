"""The page on which one says which cells the numbers in a text are about."""

import pytest
from django.urls import reverse

from disclosure import sentences, services, standing
from disclosure.engine.said import Fact
from tests import factories
from tests import factories_disclosure as outputs
from tests.factories import START
from tests.integration.test_disclosure_naming import in_this_process, text  # noqa: F401
from tests.unit.test_disclosure_naming import again
from tests.unit.test_disclosure_sentences import told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


def address(output):
    return reverse("disclosure:text", args=[output.pk])


@pytest.mark.obligation("O-78")
def test_a_cell_is_proposed_confirmed_and_checked_with_the_tables(signed_in):
    output = told("In Alder 40 boys stayed.", "We saw 42.0 % of all boys and girls.")
    client = signed_in(output.author)
    assert "Say what its text tells" in text(client.get(output.get_absolute_url()))
    asked = client.get(address(output))
    assert "“In Alder 40 boys stayed.”" in text(asked)
    form = asked.context["form"]
    assert (form["code-1-0"].initial, form["code-1-1"].initial) == ("Alder", "boys")
    assert form["confirm-1"].initial is False
    said = {"confirm-1": "on", "code-1-0": "Alder", "code-1-1": "boys", "confirm-2": "on"}
    said |= {"code-2-0": "Total", "code-2-1": "girls"}
    assert "Say what it is a percentage of." in text(client.post(address(output), said))
    answer = client.post(address(output), said | {"of-2": ["sex"]}, follow=True)
    assert "Remembered for this file. Have the file checked again with it." in text(answer)
    assert sentences.confirmed_now(output)[2] == Fact({"school": "Total", "sex": "girls"}, ("sex",))
    found = standing.latest_check(again(output))
    assert (found.is_safe, found.to_rule) == (True, 0)
    shown = text(client.get(reverse("disclosure:look", args=[output.pk])))
    assert "40 is confirmed for school Alder, sex boys" in shown
    assert client.get(address(output)).context["form"]["of-2"].initial == ["sex"]


def test_what_is_not_confirmed_is_shown_as_left_open(signed_in):
    output = told()
    client = signed_in(output.author)
    assert "1 number whose meaning hangs on somebody’s word" in text(client.get(output.get_absolute_url()))
    shown = text(client.get(reverse("disclosure:look", args=[output.pk])))
    assert "40 is not confirmed" in shown


def test_others_do_not_see_it_and_a_table_alone_tells_nothing(signed_in):
    output = outputs.checked()
    reviewer = outputs.reviewers(output)[0]
    assert signed_in(reviewer).get(address(output)).status_code == 404
    client = signed_in(output.author)
    assert "No number of people was found in its text." in text(client.get(address(output)))
    assert "Say what its text tells" not in text(client.get(output.get_absolute_url()))
    sent = services.send_to_agencies(output, by=output.author, at=START)
    assert signed_in(factories.person()).get(address(sent)).status_code == 404


@pytest.mark.obligation("O-78", "O-81")
def test_a_bound_is_confirmed_like_a_number_and_what_is_open_waits_for_people(signed_in):
    output = told("In Alder at least 30 boys stayed.", "About half of the girls moved.")
    client = signed_in(output.author)
    form = client.get(address(output)).context["form"]
    assert [each["told"] for each in form.numbers] == ["30 or more", "A share that its words leave open"]
    assert (form["code-1-0"].initial, form["code-1-1"].initial) == ("Alder", "boys")
    assert "confirm-2" not in form.fields
    assert "Two people rule on it." in text(client.get(address(output)))
    said = {"confirm-1": "on", "code-1-0": "Alder", "code-1-1": "boys", "confirm-2": "on"}
    answer = client.post(address(output), said, follow=True)
    assert "Remembered for this file." in text(answer)
    assert sentences.confirmed_now(output) == {1: Fact({"school": "Alder", "sex": "boys"})}
    found = standing.latest_check(again(output))
    assert (found.is_safe, found.numbers_said, found.to_rule) == (True, 2, 1)
    shown = text(client.get(reverse("disclosure:look", args=[output.pk])))
    assert "30 or more is confirmed for school Alder, sex boys" in shown
    assert "A share that its words leave open is not confirmed" in shown
