"""The whole way of a request, read from the names of what happened."""

import datetime as dt
from pathlib import Path

from governance import way, wording
from governance.way import State

ROOT = Path(__file__).resolve().parents[2]
DAY = dt.datetime(2026, 3, 2, 15, 0, tzinfo=dt.UTC)


def walked(*names):
    return way.whole_way((name, DAY + dt.timedelta(days=n)) for n, name in enumerate(names))


def states(places):
    return {place.stage.slug: place.state for place in places}


def test_a_project_nobody_has_opened_is_nowhere():
    assert way.current(walked()) is None
    assert set(states(walked()).values()) == {State.UPCOMING}


def test_a_draft_is_with_the_requestor():
    now = way.current(walked("project.opened"))

    assert now.stage.slug == "request"
    assert now.since == DAY


def test_each_stage_opens_the_next():
    places = walked("project.opened", "request.submitted", "request.sent_to_agencies")

    assert way.current(places).stage.slug == "decision"
    assert states(places)["request"] == State.COMPLETE
    assert places[1].done_at == DAY + dt.timedelta(days=2)


def test_what_is_sent_back_goes_back():
    places = walked("project.opened", "request.submitted", "request.returned")

    assert way.current(places).stage.slug == "request"


def test_a_request_submitted_again_is_checked_and_decided_again():
    places = walked(
        "project.opened",
        "request.submitted",
        "request.sent_to_agencies",
        "request.conditional",
        "request.resubmitted",
    )

    assert way.current(places).stage.slug == "check"


def test_at_the_end_no_stage_is_the_current_one():
    every = [sorted(stage.done_by)[0] for stage in way.STAGES]

    places = walked("project.opened", *every)

    assert set(states(places).values()) == {State.COMPLETE}
    assert way.current(places) is None


def test_events_have_words():
    assert wording.title("request.approved") == "Approved by every agency"
    assert wording.title("upload_slot.opened") == "Upload slot opened"


def test_every_event_named_here_is_one_that_happens():
    sources = "".join(
        path.read_text(encoding="utf-8")
        for app in ("p20win", "requests_app", "agreements", "matching", "disclosure")
        for path in (ROOT / app).rglob("*.py")
        if "migrations" not in path.parts
    )
    sources += "".join((ROOT / "governance" / name).read_text() for name in ("closing.py", "lifecycle.py"))
    named = {name for stage in way.STAGES for name in stage.done_by | stage.undone_by | stage.begun_by}
    named |= set(way.ENDED) | set(way.CLOSING) | set(wording.TITLES)

    assert not sorted(name for name in named if f'"{name}"' not in sources)
