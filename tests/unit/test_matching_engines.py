"""The desk links with the engine that users get, and with each of the others where the board approved it."""

import io

import pyarrow.csv as pacsv
import pytest
from django.urls import reverse

from fixtures import quality
from matching import standing
from matching.engine import defaults
from matching.services import running
from p20win.custody import public as custody
from tests import factories_agreements as agreements
from tests import factories_matching as matches
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


def reached(run):
    """Return how right the key of a run is."""
    key = pacsv.read_csv(io.BytesIO(b"".join(custody.open_bytes(run.crosswalk))))
    return quality.measure(matches.people().truth, key)


def test_a_match_is_linked_by_the_default_engine_unless_somebody_chose_another():
    run = standing.latest_result(matches.linked())

    assert run.method.engine == run.spec["engine"] == run.report["engine"] == defaults.ENGINE
    assert reached(run).precision > 0.98
    assert reached(run).recall > 0.95


@pytest.mark.obligation("O-48")
@pytest.mark.parametrize(
    ("engine", "recall"), [("splink", 0.95), ("toolkit", 0.95), ("cascade", 0.85)], ids=lambda each: str(each)
)
def test_the_others_link_the_same_files_with_the_same_results_around(engine, recall, signed_in):
    match = matches.ready()
    method = agreements.method(engine)
    by = matches.hub_member(match.project)

    run = matches.finished(running.start_run(match, method, by=by, at=START))

    assert run.method.engine == run.spec["engine"] == run.report["engine"] == engine
    assert reached(run).precision > 0.98
    assert reached(run).recall > recall
    assert run.sample.pairs
    assert run.sample.sheets.count() > 1
    shown = signed_in(by).get(reverse("matching:report", args=[run.pk])).text
    assert f"the engine “{engine}” does not learn" in shown
