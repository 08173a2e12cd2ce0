"""What tests start from is shared by those alone for which it would be made alike."""

import pytest
from django.db import transaction

from tests import factories
from tests.starting_points import starting_point

pytestmark = pytest.mark.django_db


@pytest.fixture
def begin(request):
    """Return a function that begins as a test would, and tells how often the point was made in earnest."""
    made = []

    @starting_point()
    def point(_of):
        made.append(True)
        return factories.organisation()

    def once():
        with transaction.atomic():
            assert point(request.node.name).pk
            transaction.set_rollback(True)
        return len(made)

    return once


def test_it_is_made_once_and_then_put_back(begin):
    assert [begin(), begin(), begin()] == [1, 1, 1]


def test_with_something_else_replaced_it_is_another_one(begin, monkeypatch):
    assert begin() == 1
    monkeypatch.setattr(factories, "START", factories.START)
    assert [begin(), begin()] == [2, 2]
    monkeypatch.undo()
    assert begin() == 2


def test_a_function_is_told_by_what_it_holds(begin, monkeypatch):
    make = factories.organisation

    def holding(value):
        return lambda: make() if value else None

    for value, expected in ((1, 1), (2, 2), (1, 2)):
        monkeypatch.setattr(factories, "organisation", holding(value))
        assert begin() == expected


def test_other_settings_and_surroundings_make_another_one(begin, monkeypatch, settings):
    assert begin() == 1
    settings.P20WIN_VAULT_CONCURRENCY = 7
    assert [begin(), begin()] == [2, 2]
    monkeypatch.setenv("P20WIN_INVENTED", "1")
    assert begin() == 3
