"""F10, F11: many decide at once, over real connections, from one session and from two: one counts."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.faults.portal import Portal
from tests.faults.visitor import Visitor

pytestmark = [pytest.mark.long, pytest.mark.timeout(600), pytest.mark.xdist_group("clicks")]
CLICKS = 50
DECIDED = "has decided already"


@pytest.fixture(scope="module")
def portal():
    with Portal(WEB_THREADS=str(CLICKS // 2)) as portal:  # of two processes: all can be under way at once
        yield portal


def clicked(portal, told, clicks):
    """Press the button so often at once, each on a connection of its own; return the answers."""
    ready = Barrier(len(clicks))

    def click(person, outcome):
        said = {"outcome": outcome, "typed_name": person["name"], "password": told["password"]}
        said |= {"data_available": "on"} if outcome == "approval" else {"reasons": "Our law forbids it."}
        with Visitor(portal, person["session"]) as visitor:
            ready.wait(60)
            answer = visitor.post(told["path"], data=said)
            return answer.status_code, DECIDED in answer.text, answer.headers.get("Location", "")

    with ThreadPoolExecutor(len(clicks)) as beside:
        return list(beside.map(lambda each: click(*each), clicks))


@pytest.mark.obligation("O-32", "O-95")
def test_f10_fifty_posts_of_one_session_are_one_decision_and_all_answers_agree(portal):
    told = portal.act("a_request_to_decide", members=1)
    before = portal.act("decisions", pk=told["pk"])

    answers = clicked(portal, told, [(told["people"][0], "approval")] * CLICKS)

    home = told["path"].removesuffix("decide/")
    assert Counter(answers) == {(302, False, home): 1, (200, True, ""): CLICKS - 1}
    found = portal.act("decisions", pk=told["pk"])
    assert found["outcomes"] == ["approval"]
    assert (found["events"], found["signatures"]) == (1, before["signatures"] + 1)
    assert found["ledger"]
    with Visitor(portal, told["people"][0]["session"]) as visitor:  # the session outlives it
        assert visitor.get(home).status_code == 200


@pytest.mark.obligation("O-32")
def test_f11_of_two_people_of_one_agency_who_say_yes_and_no_at_once_one_counts(portal):
    told = portal.act("a_request_to_decide", members=2)
    yes, no = told["people"]

    answers = clicked(portal, told, [(yes, "approval"), (no, "disapproval")] * 5)

    assert Counter(status for status, _, _ in answers) == {302: 1, 200: 9}
    assert sum(says for _, says, _ in answers) == 9
    won = "approval" if [status for status, _, _ in answers].index(302) % 2 == 0 else "disapproval"
    found = portal.act("decisions", pk=told["pk"])
    assert (found["outcomes"], found["events"], found["ledger"]) == ([won], 1, True)
