"""The demo's people, sign-in and clock; none of it exists outside demo mode."""

import datetime as dt
import io
import os

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from governance import services
from governance.seed import directory
from governance.seed.projects import STORIES
from p20win import clock
from p20win.accounts.public import Organisation, Role, User, agencies, hub, organisation_called
from p20win.audit.public import verify_chain
from p20win.refusal import Blocked
from requests_app.public import DataRequest

START = dt.datetime(2026, 1, 5, 15, 0, tzinfo=dt.UTC)
FEW = {"sde", "dol", "opm", "salt-meadow"}


@pytest.fixture
def few(db, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # twenty people at a time
    known = directory.organisations(START, only=FEW)
    directory.people(known, START)
    return known


@pytest.fixture
def demo_mode(settings):
    settings.DEMO_SIGN_IN = settings.DEMO_CLOCK = True


@pytest.mark.obligation("O-174", "O-123", "O-02")
def test_the_agencies_are_there_once_and_found_by_any_of_their_names(db):
    directory.organisations(START)
    directory.organisations(START)

    assert agencies().count() == 14
    assert organisation_called("state department of education (SDE)") == organisation_called("CSDE")
    assert organisation_called("Data Integration Hub") == hub()


def test_people_are_added_once_with_their_roles(few):
    before = User.objects.count()

    assert directory.people(few, START) == []
    assert User.objects.count() == before
    steward = User.objects.filter(organisation__slug="sde", role_holdings__role=Role.DATA_STEWARD)
    assert steward.count() == 2
    assert steward.first().check_password(directory.DEMO_PASSWORD)


def test_papers_are_recorded_once(few):
    from agreements import public as agreements

    directory.papers(few, START)
    directory.papers(few, START)

    assert {m.slug for m in agreements.approved_methods(START)} >= {"splink", "toolkit"}
    assert all(agreements.emou_in_force(few[slug], START.date()) for slug in ("sde", "dol", "opm"))
    assert not agreements.emou_in_force(few["salt-meadow"], START.date())
    assert verify_chain().ok


class TestSignIn:
    def test_the_page_shows_everyone_by_role_and_signs_one_in(self, few, demo_mode, client):
        person = User.objects.filter(organisation__slug="salt-meadow").first()

        page = client.get(reverse("demo")).content.decode()
        assert person.name in page
        assert "Requestor" in page
        assert "Data integration hub staff" in page

        answer = client.post(reverse("demo-sign-in", args=[person.pk]), follow=True)

        assert answer.status_code == 200
        assert f"You are now {person.name}." in answer.content.decode()

    def test_it_needs_a_click_and_not_a_link(self, few, demo_mode, client):
        person = User.objects.filter(organisation__slug="sde").first()

        assert client.get(reverse("demo-sign-in", args=[person.pk])).status_code == 405

    def test_the_portal_itself_cannot_be_signed_in_as(self, few, demo_mode, client):
        from p20win.accounts.public import system_user

        assert client.post(reverse("demo-sign-in", args=[system_user().pk])).status_code == 404

    @pytest.mark.parametrize("name", ["demo", "demo-sign-in", "demo-clock"])
    def test_outside_demo_mode_there_is_no_such_page(self, few, settings, client, name):
        settings.DEMO_SIGN_IN = False
        person = User.objects.filter(organisation__slug="sde").first()
        address = reverse(name, args=[person.pk] if name == "demo-sign-in" else [])

        assert client.get(address).status_code in (404, 405)
        assert client.post(address, {"days": 3}).status_code in (404, 405)
        assert "_auth_user_id" not in client.session


class TestClock:
    def test_it_moves_forward_and_only_what_reads_the_portals_time(self, few, demo_mode, client):
        before, real = clock.now(), clock.real_now()

        client.post(reverse("demo-clock"), {"days": 14})

        assert clock.now() - before >= dt.timedelta(days=14)
        assert clock.real_now() - real < dt.timedelta(minutes=5)

    def test_it_moves_by_hours_too(self, few, demo_mode, client):
        before = clock.now()

        client.post(reverse("demo-clock"), {"days": 0, "hours": 5})

        assert dt.timedelta(hours=5) <= clock.now() - before < dt.timedelta(hours=6)

    @pytest.mark.parametrize("days", ["0", "-3", "401", "soon", ""])
    def test_it_refuses_what_is_no_step_forward(self, few, demo_mode, client, days):
        before = clock.now()

        answer = client.post(reverse("demo-clock"), {"days": days}, follow=True)

        assert "usa-alert--error" in answer.content.decode()
        assert clock.now() - before < dt.timedelta(minutes=5)

    def test_the_act_itself_refuses_outside_demo_mode(self, few, settings):
        settings.DEMO_CLOCK = False

        with pytest.raises(Blocked, match="demo mode only"):
            services.move_clock(dt.timedelta(days=1))

    def test_the_act_itself_refuses_a_step_back(self, few, demo_mode):
        with pytest.raises(Blocked, match="by 400 days at most"):
            services.move_clock(dt.timedelta())


def test_organisations_outside_the_list_are_left_alone(few):
    assert Organisation.objects.filter(is_agency=True).count() == 2


class TestSeed:
    def test_it_refuses_outside_demo_mode_and_leaves_no_trace(self, db):
        with pytest.raises(CommandError, match="demo mode only"):
            call_command("seed_demo")

        assert not Organisation.objects.exists()

    def test_a_demo_that_is_whole_is_left_alone(self, db, settings, monkeypatch):
        settings.P20WIN_MODE = "demo"
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
        monkeypatch.setattr("governance.management.commands.seed_demo.STORIES", ())
        call_command("seed_demo", stdout=io.StringIO())
        people = User.objects.count()
        said = io.StringIO()

        call_command("seed_demo", stdout=said)

        assert User.objects.count() == people
        assert "0 people added" in said.getvalue()

    def test_a_demo_of_a_few_leaves_the_others_for_another_call(self, db, settings, monkeypatch):
        settings.P20WIN_MODE = "demo"
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
        others = tuple(story for story in STORIES if not story.is_among_few)
        assert len(STORIES) - len(others) == 4
        monkeypatch.setattr("governance.management.commands.seed_demo.STORIES", others)

        with pytest.raises(SystemExit) as end:
            call_command("seed_demo", "--few", stdout=io.StringIO())

        assert end.value.code == os.EX_TEMPFAIL
        assert not DataRequest.objects.exists()

    def test_every_story_ends_elsewhere_and_only_one_moves_the_clock(self):
        assert len({story.goes for story in STORIES}) == len(STORIES) == 12
        assert [story.goes.__name__ for story in STORIES if story.moves_the_clock] == ["is_complete"]
        assert len({story.title for story in STORIES}) == len(STORIES)
