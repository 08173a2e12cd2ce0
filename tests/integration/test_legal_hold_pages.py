"""The pages of legal holds, through the client."""

import pytest
from django.urls import reverse

from p20win import calendar, clock
from p20win.accounts.public import Role, system_user
from p20win.custody.models import LegalHold
from p20win.projects.public import assign_number, open_to_organisation, open_to_person
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    agency = factories.organisation()
    row = assign_number(factories.project(agency), by=system_user(), at=factories.START)
    for organisation in (agency, factories.hub(), factories.operating_group()):
        open_to_organisation(row, organisation, ["view_project"])
    return row


def last_day():
    return calendar.local_date(clock.now()) + calendar.DAY * 30


def sent(**changes):
    return {"authority": "a court, case 7", "reason": "Evidence.", "until": last_day().isoformat()} | changes


@pytest.mark.obligation("O-65")
def test_one_asks_another_puts_it_in_force_and_two_lift_it(signed_in, project):
    asks, second = factories.hub_member(), factories.operating_group_member()
    client = signed_in(asks)
    assert "There is no legal hold." in client.get(reverse("custody:holds")).text
    assert "Ask for a legal hold" in client.get(reverse("project", args=[project.pk])).text
    address = reverse("custody:hold-ask", args=[project.pk])
    assert "must be filled in" in client.get(address).text
    assert "A hold lasts until today at the earliest" in client.post(address, sent(until="2001-01-01")).text

    shown = client.post(address, sent(), follow=True).text
    hold = LegalHold.objects.get()
    assert "It holds nothing until a second person puts it in force." in shown
    assert "You asked for it; another person must put it in force." in shown
    assert "waits for a second person" in client.get(address).text
    assert "another person" in client.post(reverse("custody:hold-confirm", args=[hold.pk]), follow=True).text

    client = signed_in(second)
    confirm = reverse("custody:hold-confirm", args=[hold.pk])
    assert "Nothing of this project is destroyed" in client.get(confirm).text
    assert "The hold is in force." in client.post(confirm, follow=True).text
    for page in (reverse("project", args=[project.pk]), reverse("custody:holds")):
        assert "a court, case 7" in client.get(page).text

    lift = reverse("custody:hold-ask-lift", args=[hold.pk])
    assert "There is something to correct" in client.post(lift, {"reason": ""}).text
    assert "until a second person lifts it" in client.post(lift, {"reason": "Over."}, follow=True).text
    assert "The hold stays in force." in client.post(
        reverse("custody:hold-keep", args=[hold.pk]), follow=True
    ).text  # fmt: skip
    client.post(lift, {"reason": "Over."})
    client = signed_in(asks)
    shown = client.post(reverse("custody:hold-lift", args=[hold.pk]), follow=True).text
    assert "The hold is lifted." in shown
    assert "Lifted by" in shown


def test_a_hold_that_nobody_wants_is_dropped(signed_in, project):
    client = signed_in(factories.hub_member())
    client.post(reverse("custody:hold-ask", args=[project.pk]), sent())
    hold = LegalHold.objects.get()

    shown = client.post(reverse("custody:hold-withdraw", args=[hold.pk]), follow=True).text

    assert "does not come into force" in shown
    assert "Never in force" in shown
    assert "No hold fits this search." in client.get(reverse("custody:holds"), {"q": "nothing"}).text


def test_parties_read_their_projects_holds_and_no_others(signed_in, project):
    client = signed_in(factories.hub_member())
    client.post(reverse("custody:hold-ask", args=[project.pk]), sent())
    hold = LegalHold.objects.get()
    researcher, stranger = factories.person(Role.REQUESTOR), factories.person(Role.REQUESTOR)
    open_to_person(project, researcher, ["view_project"])

    shown = signed_in(researcher).get(hold.get_absolute_url())
    assert "a court, case 7" in shown.text
    assert "What can be done" not in shown.text
    client = signed_in(stranger)
    assert client.get(hold.get_absolute_url()).status_code == 404
    assert client.post(reverse("custody:hold-confirm", args=[hold.pk])).status_code == 404
    assert "There is no legal hold." in client.get(reverse("custody:holds")).text


def test_the_list_asks_the_database_as_often_for_many_as_for_one(
    signed_in, project, django_assert_max_num_queries
):
    client = signed_in(factories.hub_member())
    for _ in range(3):
        client.post(reverse("custody:hold-ask", args=[project.pk]), sent())
        waiting = LegalHold.objects.get(status="asked")
        client.post(reverse("custody:hold-withdraw", args=[waiting.pk]))

    with django_assert_max_num_queries(15):
        assert client.get(reverse("custody:holds")).text.count("a court, case 7") == 3
