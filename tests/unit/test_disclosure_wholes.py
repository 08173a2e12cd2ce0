"""Which parts make the whole: the author's to say, kept as a hierarchy, and known to every later check."""

import json

import pytest

from disclosure import services, standing, wholes
from disclosure.models import Known, KnownKind
from p20win.audit.public import events_of
from p20win.refusal import Blocked
from tests import factories
from tests import factories_disclosure as outputs
from tests.factories import START
from tests.unit.test_disclosure_naming import again

USED = {"school": ["Alder", "Birch", "Cedar"]}
EAST = {"school": ("East", ["Alder", "Birch"])}
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault", "at_start")]


def say(output, made=None, by=None):
    return wholes.say(output, made or EAST, used=USED, by=by or output.author, at=START)


@pytest.mark.obligation("O-79", "O-81")
def test_what_was_said_is_a_hierarchy_that_the_next_check_is_made_with():
    output = outputs.checked()
    (row,) = say(output)
    assert (row.kind, row.name, row.version) == (KnownKind.HIERARCHY, "school", 1)
    assert bytes(row.content).decode().splitlines()[1:] == [
        "East,Alder",
        "East,Birch",
        "Total,Cedar",
        "Total,East",
    ]
    assert [event.event for event in events_of(row)] == ["known.loaded"]
    with pytest.raises(Blocked, match="Check it again"):
        services.send_to_agencies(output, by=output.author, at=START)
    found = standing.latest_check(again(output))
    assert found.known == [str(row.pk)]
    sheet = json.loads(b"".join(services.give_sheet(found, output.author)))
    assert sheet["children"]["school"]["East"] == ["Alder", "Birch"]


def test_the_same_is_nothing_new_and_more_is_a_new_version():
    output = outputs.checked()
    say(output)
    with pytest.raises(Blocked, match="Nothing was changed"):
        say(output)
    (row,) = say(output, {"school": ("Total", ["East", "Cedar"]), "sex": ("Total", ["female", "male"])})
    assert (row.name, row.version) == ("sex", 1)


def test_it_is_the_authors_to_say_and_what_cannot_be_is_refused():
    output = outputs.checked()
    for person in (factories.operating_group_member(), factories.person()):
        with pytest.raises(Blocked):
            say(output, by=person)
    with pytest.raises(Blocked, match="“Cedar” is there beside these parts"):
        say(output, {"school": ("Total", ["Alder", "Birch"])})
    with pytest.raises(Blocked, match="begins like a formula"):
        say(output, {"school": ("=East", ["Alder", "Birch"])})
    assert not Known.objects.exists()
