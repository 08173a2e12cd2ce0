"""What needs too much memory is refused before it starts."""

import re

import pytest

from matching.engine import child
from matching.models import MatchStatus, RunStatus, TryOutStatus
from matching.services import specifying
from p20win.custody import public as custody
from p20win.workflow import amend
from tests import factories
from tests import factories_custody as files
from tests import factories_matching as matches
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


@pytest.fixture
def opened(monkeypatch):
    """Return what was opened or handed to the process that links: nothing, where it was refused before."""
    found = []
    monkeypatch.setattr(custody, "open_lazily", found.append)
    monkeypatch.setattr(child, "link", lambda *given, **more: found.append(given))
    return found


def made_large(match):
    """Let one file of a match be of 10 GB, as its metadata say."""
    file = custody.accepted_files(match.project, "matching").first()
    amend("file.made_large", file, by=factories.hub_member(), at=START, plain_bytes=10 * 2**30)


def test_a_run_of_files_too_large_ends_before_one_is_opened(opened):
    run = matches.started()
    made_large(run.match)

    job = files.attempted("matching.run_match", run_id=run.pk)

    assert re.search(r"needs about 30\.\d GB of memory; the limit is", job.message)
    assert not opened
    run.refresh_from_db()
    run.match.refresh_from_db()
    assert (run.status, run.match.status) == (RunStatus.FAILED, MatchStatus.READY)


def test_a_try_out_of_them_too(opened):
    match = matches.ready()
    by = matches.hub_member(match.project)
    method = specifying.agreements.approved_methods(START).first()
    trial = specifying.try_out(specifying.usual_version(match, method, by=by, at=START), by=by, at=START)
    made_large(match)

    files.attempted("matching.try_spec", try_out_id=trial.pk)

    assert not opened
    trial.refresh_from_db()
    assert trial.status == TryOutStatus.FAILED
    assert "needs about 30" in trial.failure
