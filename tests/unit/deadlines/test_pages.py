"""The pages about deadlines."""

import datetime as dt

import pytest
from django.urls import reverse

from p20win import clock
from p20win.deadlines import public as deadlines
from p20win.deadlines.models import Feed, HolidayOverride
from tests import factories
from tests.factories_deadlines import deadline, steward_who_sees

pytestmark = pytest.mark.django_db
MINE = "/deadlines/"


class TestMine:
    def test_groups_by_when_it_is_due(self, signed_in):
        row = deadline("agency-decision", at=clock.now())
        person = steward_who_sees(row)
        agency = row.waiting_on_organisation
        deadline("breach-report", at=clock.now(), project=row.project, agency=agency)
        overdue = deadline(
            "published-copy", at=clock.now() - dt.timedelta(days=60), project=row.project, agency=agency
        )
        deadlines.tick(at=clock.now())

        page = signed_in(person).get(MINE).content.decode()

        places = [
            page.index(words) for words in ("Overdue", overdue.title, "next seven days", "Later", row.title)
        ]
        assert places == sorted(places)
        assert "3 things wait for you" in page

    def test_says_so_when_nothing_waits(self, signed_in):
        assert "Nothing waits for you" in signed_in(factories.person()).get(MINE).content.decode()

    def test_asks_as_often_for_many_as_for_few(self, signed_in, django_assert_max_num_queries):
        row = deadline("agency-decision")
        person = steward_who_sees(row)
        for slug in ("signature", "match-agreement", "person-decision", "published-copy", "access-review"):
            deadline(slug, project=row.project, agency=row.waiting_on_organisation)
        client = signed_in(person)
        client.get(MINE)

        with django_assert_max_num_queries(25):
            client.get(MINE)


class TestDetail:
    def test_shows_how_the_date_came_about(self, signed_in):
        row = deadline("agency-decision", agency=factories.organisation())
        page = signed_in(steward_who_sees(row)).get(row.get_absolute_url()).content.decode()

        assert "20 business days" in page
        assert "Mar 7, 2026: Saturday" in page
        assert "Clock started" in page

    def test_does_not_exist_for_those_who_may_not_see_it(self, signed_in):
        row = deadline()

        assert signed_in(factories.person()).get(row.get_absolute_url()).status_code == 404

    def test_without_a_project_only_for_those_it_waits_for(self, signed_in):
        row = deadline("dictionary-refresh", project=None, subject=factories.organisation())
        row = deadlines.Deadline.objects.get(pk=row.pk)
        row.project = None
        row.save()
        steward = factories.steward(row.waiting_on_organisation)

        assert signed_in(steward).get(row.get_absolute_url()).status_code == 200
        assert signed_in(factories.person()).get(row.get_absolute_url()).status_code == 404


class TestClosedDays:
    def test_shows_the_laws_list(self, signed_in):
        client = signed_in(factories.person())
        page = client.get("/deadlines/closed-days/?year=2028").content.decode()

        assert "Lincoln&#x27;s Birthday (observed)" in page
        assert "Enter a day" not in page
        assert client.get("/deadlines/closed-days/?year=never").status_code == 200

    def test_the_operating_group_enters_and_withdraws_a_day(self, signed_in):
        client = signed_in(factories.operating_group_member())
        assert client.get("/deadlines/closed-days/enter/").status_code == 200

        entered = client.post(
            "/deadlines/closed-days/enter/",
            {"day": "2027-03-03", "is_closed": "yes", "name": "Snow"},
            follow=True,
        )
        row = HolidayOverride.objects.get()
        assert "Snow" in entered.content.decode()

        again = client.post(
            "/deadlines/closed-days/enter/", {"day": "2027-03-03", "is_closed": "yes", "name": "Snow"}
        )
        assert "closed already" in again.content.decode()
        withdraw = reverse("deadlines:withdraw_closed_day", args=[row.pk])
        assert "None this year" in client.post(withdraw, follow=True).content.decode()
        assert "withdrawn before" in client.post(withdraw, follow=True).content.decode()

    def test_for_others_there_is_no_such_page(self, signed_in):
        assert signed_in(factories.person()).get("/deadlines/closed-days/enter/").status_code == 404


class TestCalendarAddress:
    def test_is_shown_once_and_works(self, signed_in, client):
        page = signed_in(factories.person()).post("/deadlines/calendar/make/").content.decode()
        address = page.split('value="http')[1].split('"')[0]
        path = "/deadlines/" + address.split("/deadlines/")[1]
        client.logout()

        assert client.get(path).status_code == 200

    def test_can_be_ended(self, signed_in):
        client = signed_in(factories.person())
        client.post("/deadlines/calendar/make/")
        assert "An address is in use" in client.get(MINE).content.decode()

        assert "no longer works" in client.post("/deadlines/calendar/revoke/", follow=True).content.decode()
        assert "none in use" in client.post("/deadlines/calendar/revoke/", follow=True).content.decode()
        assert Feed.objects.filter(revoked_at__isnull=True).count() == 0
