"""Pages on which terms are looked after: matching methods, organisations' clocks, a match's own clock."""

import pytest

from tests.functional.test_rare_pages import LINKED, opens_match
from tests.functional.visitor import Album, Visitor

HUB, GROUP = "Lillian Lubalski", "Edgar Pennfield"


@pytest.mark.long
def test_methods_are_recorded_and_clocks_are_set(desk, tmp_path):
    album = Album(tmp_path)
    group, hub = (Visitor(desk(), album, name) for name in (GROUP, HUB))

    group.goes("/agreements/")
    group.follows("Matching methods that the governing board approved")
    group.examines("methods")
    group.follows("Record a method")
    group.writes({"name": "Exact passes", "slug": "cascade", "version": 2, "engine": "cascade"})
    group.writes({"description": "As before, without ZIP codes.", "approved_on": f"{group.today}"})
    group.examines("method-new")
    group.writes({"reference": "Minutes, item 5"})
    group.presses("Record it")
    group.sees("On record: Exact passes, version 2.", "(Minutes, item 5)")
    group.follows("Retire it (Exact passes, version 2)")
    group.writes({"reason": "Never used."})
    group.examines("method-retire")
    group.presses("Retire it")
    group.sees("Retired: Exact passes, version 2.", "Cannot be chosen any more")

    group.goes("/agreements/")
    group.follows("Organisations, and the terms they set")
    group.examines("organisations")
    group.goes("/organisations/?q=CCEH")
    group.follows("Set the clock of CCEH")
    group.writes({"which": "stewards", "reason": "Its board wants it so."})
    group.examines("organisation-clock")
    group.presses("Set the clock")
    group.sees("Set for CCEH.")

    opens_match(hub, LINKED)
    hub.sees("Whose clock counts: the strictest wins")
    hub.examines("match-with-clocks")
    hub.follows("Set a stricter clock for this match")
    hub.writes({"unit": "hours", "count": 24, "reason": "Asked for in the request, 3.f."})
    hub.examines("match-clock")
