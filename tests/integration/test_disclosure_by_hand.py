"""The page on which one says how a table is read."""

import pytest
from django.urls import reverse

from disclosure import by_hand, services, standing
from disclosure.models import OutputStatus
from tests import factories
from tests import factories_disclosure as outputs
from tests.engines.disclosure.test_disclosure_byhand import ODD, SAID, SHARED, SHARES
from tests.factories import START
from tests.integration.test_disclosure_naming import in_this_process, text  # noqa: F401
from tests.unit.test_disclosure_by_hand import SIGN
from tests.unit.test_disclosure_naming import again

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
ANSWERS = {
    "headings": "1",
    "role-1": "other",
    "role-2": "dimension",
    **{f"role-{number}": "count" for number in (3, 4, 5)},
    "across-1": "sex",
    "totals": "State\n both \n\nState",
}


def address(output):
    return reverse("disclosure:by-hand", args=[output.pk])


@pytest.mark.obligation("O-78")
def test_columns_totals_and_headings_are_said_and_the_file_is_checked_with_that(signed_in):
    output = outputs.checked(content=ODD)
    client = signed_in(output.author)
    assert "Say how its tables are read" in text(client.get(output.get_absolute_url()))
    asked = client.get(address(output))
    assert "Column 3: girls" in text(asked)
    assert asked.context["form"]["role-2"].initial == "dimension"
    answer = client.post(address(output), ANSWERS, follow=True)
    assert "Remembered for this project. Have the file checked again" in text(answer)
    assert "Check again" in text(answer)
    assert by_hand.said_now(output.project)[SIGN].totals == {"state", "both"}
    found = standing.latest_check(again(output))
    assert found.is_safe
    shown = text(client.get(reverse("disclosure:look", args=[output.pk])))
    assert "Read by hand: output.csv" in shown
    assert "column 1, code: 4 with numbers, 0 of them small: said to count nobody" in shown
    before = client.get(address(output)).context["form"]
    assert before["role-1"].initial == "other"
    assert before.initial["totals"] == "both\nstate"
    assert "Nothing was changed." not in text(client.get(address(output)))
    assert dict(before.fields["role-1"].choices)["other"].startswith("Something else")
    assert SAID


def test_percentages_and_what_they_are_of(signed_in):
    output = outputs.checked(content=SHARES)
    client = signed_in(output.author)
    said = {"headings": "1", "role-1": "dimension", "role-2": "count", "role-3": "percentage"}
    client.post(address(output), said | {"base": ["column-1", "row-1", "column-2"]})
    (saying,) = by_hand.said_now(output.project).values()
    assert saying.base == ("school",)
    assert saying.roles == tuple(line[2] for line in SHARED[:3])
    assert client.get(address(output)).context["form"].initial["base"] == ["column-1"]
    assert standing.latest_check(again(output)).is_safe


def test_others_do_not_see_it_and_reviewers_do_while_they_read(signed_in):
    output = outputs.checked()
    reviewer = outputs.reviewers(output)[0]
    assert signed_in(reviewer).get(address(output)).status_code == 404
    output = services.send_to_agencies(output, by=output.author, at=START)
    assert signed_in(factories.person()).get(address(output)).status_code == 404
    client = signed_in(reviewer)
    assert "Column 1: school" in text(client.get(address(output)))
    said = {"headings": "1", "role-1": "dimension", "across-1": "sex", "name-1": "school"}
    said |= {f"role-{number}": "count" for number in (2, 3, 4)}
    answer = client.post(address(output), said, follow=True)
    assert "Return the output, so that its author has it checked with that." in text(answer)


def test_an_author_is_told_why_not_and_a_file_without_tables_has_none(signed_in):
    output = outputs.sent()
    client = signed_in(output.author)
    assert "Only the author" not in text(client.get(address(output)))
    assert client.get(address(output)).context["form"] is None
    none = outputs.checked(output.project, b"\xff\xfe", name="t.csv")
    assert none.status == OutputStatus.RETURNED
