"""The ledger takes no line: the act is refused, somebody is told, pages can be read (F09, C18)."""

import json
import logging

import pytest
from django.db import connection, transaction
from django.urls import reverse

from p20win import clock, health
from p20win.accounts.models import Organisation
from p20win.audit.public import Event, NotRecorded, why_not_recorded
from p20win.jobs import lines
from p20win.jobs.public import Job, State, after_commit, perform
from p20win.logs import OneLine
from p20win.refusal import Blocked
from requests_app.models import DataRequest
from tests import factories
from tests import factories_requests as made

pytestmark = pytest.mark.django_db

REFUSE = """
CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{code}'; END $$;
CREATE TRIGGER a_refuses BEFORE INSERT ON audit_event FOR EACH ROW EXECUTE FUNCTION pg_temp.refuse();
"""
CAUSES = {
    "42501": "REVOKE INSERT ON audit_event FROM p20_web; SET ROLE p20_web",  # the role lost its right
    "P0001": REFUSE.format(code="P0001"),  # somebody's trigger
    "53100": REFUSE.format(code="53100"),  # what PostgreSQL says of a full disk
}


def run(statements):
    with connection.cursor() as cursor:
        cursor.execute(statements)


@pytest.fixture
def refusing(request):
    """Let the ledger take no line, for this cause, from when it is called."""
    yield lambda: run(CAUSES[request.param])
    run("RESET ROLE")


@pytest.mark.parametrize(("refusing", "code"), [(code, code) for code in CAUSES], indirect=["refusing"])
class TestNoLine:
    @pytest.mark.obligation("O-95")
    def test_f09_c18_the_act_is_refused_whole_told_and_pages_can_be_read(
        self, refusing, code, signed_in, caplog
    ):
        row = made.draft(title="As it was")
        client = signed_in(row.requestor)
        client.raise_request_exception = False
        section = reverse("requests_app:section", args=[row.pk, "basics"])
        before = (Event.objects.count(), row.history.count(), Job.objects.count())
        refusing()

        answer = client.post(section, {"title": "Changed", "agencies": [], "discussed": "no"})
        begun = client.post(reverse("requests_app:new"), {"title": "Begun"})

        assert (answer.status_code, begun.status_code) == (503, 503)
        assert "cannot write down in its ledger" in answer.text
        assert (Event.objects.count(), row.history.count(), Job.objects.count()) == before
        assert [each.title for each in DataRequest.objects.all()] == ["As it was"]
        for page in (section, reverse("requests_app:index"), row.get_absolute_url(), "/"):
            assert client.get(page).status_code == 200, page
        told = [each for each in caplog.records if each.levelno == logging.CRITICAL]
        assert len(told) == 2
        assert f"THE LEDGER TAKES NO LINE ({code})" in told[0].getMessage()
        assert "Changed" not in json.dumps([OneLine().format(each) for each in caplog.records])

    def test_f09_c18_health_says_so_and_all_is_well_again_when_it_is_mended(self, refusing, code):
        assert not why_not_recorded(at=clock.now())
        lines_before = Event.objects.count()
        mark = transaction.savepoint()
        refusing()

        with pytest.raises(RuntimeError, match=rf"takes no line \(the database says {code}\)"):
            health._ledger()

        transaction.savepoint_rollback(mark)
        assert not why_not_recorded(at=clock.now())
        assert Event.objects.count() == lines_before  # trying leaves nothing
        factories.project()
        assert Event.objects.count() > lines_before

    def test_f09_a_job_waits_until_the_ledger_takes_its_line(self, refusing, code, monkeypatch):
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(lines._lines, "test.act", lines.Line("test.act", "default", act, 3))
            job = after_commit("test.act")
            refusing()

            for _ in range(5):  # more often than it is tried when it fails
                Job.objects.filter(pk=job.pk).update(not_before=clock.real_now())
                perform(str(job.pk))

        job.refresh_from_db()
        assert (job.state, job.attempts) == (State.QUEUED, 0)
        assert "ledger takes no line" in job.message
        assert job.not_before > clock.real_now()


def act(job):
    factories.organisation()


def test_trouble_that_is_not_the_ledgers_is_no_alarm(caplog):
    """A value that the table refuses concerns its act alone."""
    from p20win.audit.public import record

    organisation = factories.organisation()
    with pytest.raises(Exception, match="audit_event_event_check") as refusal, transaction.atomic():
        record("", organisation, by=factories.person(), at=factories.START)
    assert not isinstance(refusal.value, NotRecorded | Blocked)
    assert not [each for each in caplog.records if each.levelno == logging.CRITICAL]
    assert Organisation.objects.filter(pk=organisation.pk).exists()
