"""The form on which an author says which parts make the whole."""

import pytest
from django.urls import reverse

from disclosure import services, wholes
from tests import factories_disclosure as outputs
from tests.factories import START
from tests.integration.test_disclosure_naming import in_this_process, text  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


def address(output, name="wholes"):
    return reverse(f"disclosure:{name}", args=[output.pk])


@pytest.mark.obligation("O-79")
def test_it_is_asked_beside_the_names_and_remembered(signed_in):
    output = outputs.checked()
    client = signed_in(output.author)
    asked = text(client.get(address(output, "names")))
    assert "These parts make the whole" in asked
    assert address(output) in asked
    assert "The parts: categories of “school”" in text(client.get(address(output)))
    said = {"parts-0": ["Alder", "Birch"]}
    assert "Say which whole these parts make." in text(client.post(address(output), said))
    assert "Say which categories are its parts." in text(client.post(address(output), {"whole-0": "East"}))
    answer = client.post(address(output), {**said, "whole-0": "Alder"})
    assert "cannot be the whole of these parts" in text(answer)
    answer = client.post(address(output), {**said, "whole-0": " East "}, follow=True)
    assert "Remembered for this project. Have the file checked again with it." in text(answer)
    assert wholes.hierarchies_now(output.project)["school"].children["East"] == ("Alder", "Birch")


def test_others_do_not_see_it_and_it_is_closed_while_agencies_read(signed_in):
    output = outputs.checked()
    reviewer = outputs.reviewers(output)[0]
    assert signed_in(reviewer).get(address(output)).status_code == 404
    sent = services.send_to_agencies(output, by=output.author, at=START)
    answer = signed_in(sent.author).post(address(sent), {"parts-0": ["Alder", "Birch"], "whole-0": "East"})
    assert "Not possible while" in text(answer)
    assert wholes.hierarchies_now(sent.project) == {}
