"""Numbers without gaps, and who may see what."""

import threading

import pytest
from django.db import connection, transaction

from p20win.accounts.public import system_user
from p20win.projects.public import Project, assign_number, close_to_person, open_to_organisation, visible_to
from tests import factories


@pytest.mark.obligation("O-15")
class TestNumbers:
    @pytest.mark.django_db
    def test_run_on_and_stay(self):
        one, two = factories.project(), factories.project()

        first = assign_number(one, by=system_user(), at=factories.START)
        second = assign_number(two, by=system_user(), at=factories.START)

        assert int(second.number[3:]) == int(first.number[3:]) + 1
        assert assign_number(one, by=system_user(), at=factories.START).number == first.number

    @pytest.mark.django_db(transaction=True)
    def test_have_no_gap_when_one_of_many_is_given_up(self):
        projects = [factories.project() for _ in range(6)]
        barrier = threading.Barrier(6)
        system = system_user()

        def number(index):
            barrier.wait()
            try:
                with transaction.atomic():
                    assign_number(projects[index], by=system, at=factories.START)
                    if index == 3:
                        raise KeyError
            except KeyError:
                pass
            finally:
                connection.close()

        threads = [threading.Thread(target=number, args=[i]) for i in range(6)]
        [t.start() for t in threads]
        [t.join() for t in threads]

        given = sorted(int(p.number[3:]) for p in Project.objects.exclude(number=""))
        assert given == list(range(given[0], given[0] + 5))


@pytest.mark.django_db
class TestVisibility:
    def test_a_stranger_sees_nothing(self):
        factories.project()

        assert not visible_to(factories.person()).exists()

    def test_an_organisation_sees_what_was_opened_to_it_and_a_person_until_it_is_closed(self):
        agency = factories.organisation()
        steward, requestor = factories.steward(agency), factories.person("requestor")
        project = factories.project(agency, requestor=requestor)

        open_to_organisation(project, agency, ["view_project"])
        close_to_person(project, requestor, ["view_project"])

        assert list(visible_to(steward)) == [project]
        assert not visible_to(requestor).exists()
