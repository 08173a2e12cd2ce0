"""A self-check: the same check before anything is submitted, seen by nobody else."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from disclosure import notices, selectors, services, standing, trying
from disclosure.models import Material, Output, OutputStatus, Verdict
from p20win import clock
from p20win.audit.public import events_of
from p20win.refusal import Blocked
from tests import factories
from tests import factories_disclosure as outputs
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault", "at_start")]
ABOUT = {key: outputs.CONTEXT[key] for key in ("population", "period", "extracted_on")}


def tried(of=None, content=outputs.TABLE, *, by=None, **said):
    of = of or outputs.project()
    by = by or outputs.author(of)
    return trying.try_out(of, name="t.csv", content=[content], by=by, at=START, **ABOUT | said)


def submit(output, *, by=None, title="Graduates", **said):
    return trying.submit_tried(output, title=title, by=by or output.author, at=START, **said)


def events(row):
    return [event.event for event in events_of(row)]


class TestTrying:
    @pytest.mark.obligation("O-81")
    def test_finds_what_the_check_of_an_output_finds_and_asks_nobody(self):
        project = outputs.project()
        output = outputs.judged(tried(project))
        found, other = standing.latest_check(output), standing.latest_check(outputs.checked(project))
        assert (found.verdict, found.small, found.complementary) == (Verdict.SAFE, 1, 3)
        assert [t.digest for t in found.tables.all()] == [t.digest for t in other.tables.all()]
        assert events(output) == ["output.tried", "output.checked"]
        assert not standing.clearances(output).exists()
        checked = next(event for event in events_of(output) if event.event == "output.checked")
        assert list(notices.author(checked)) == []

    def test_is_seen_by_its_author_alone_and_is_no_output_of_the_project(self):
        output = outputs.judged(tried())
        assert output in selectors.visible_to(output.author)
        for person in (*outputs.reviewers(output), factories.hub_member()):
            assert output not in selectors.visible_to(person)
        assert output not in selectors.outputs(output.project)

    def test_is_refused_to_who_may_not_submit(self):
        project = outputs.project()
        with pytest.raises(Blocked):
            tried(project, by=factories.person())
        assert not Output.objects.exists()

    def test_goes_to_nobody(self):
        output = outputs.judged(tried())
        with pytest.raises(Blocked, match="It is a self-check"):
            services.send_to_agencies(output, by=output.author, at=START)
        with pytest.raises(IntegrityError), transaction.atomic():
            Output.objects.filter(pk=output.pk).update(sent_at=START)

    def test_nothing_else_is_held_against_it_later(self):
        project = outputs.project()
        outputs.judged(tried(project))
        assert standing.latest_check(outputs.checked(project)).compared_with == []


class TestSubmitting:
    def test_the_same_file_becomes_an_output_with_the_check_it_had(self):
        output = outputs.judged(tried())
        found = standing.latest_check(output)
        output = submit(output, material=Material.PRESS)
        assert (output.title, output.material, output.is_trial) == ("Graduates", "press", False)
        assert standing.latest_check(output) == found
        assert events(output)[-1] == "output.submitted"
        sent = services.send_to_agencies(output, by=output.author, at=START)
        assert sent.status == OutputStatus.IN_REVIEW

    def test_is_done_once_and_by_its_author(self):
        output = outputs.judged(tried())
        with pytest.raises(Blocked, match="Only the author"):
            submit(output, by=factories.operating_group_member())
        submit(output)
        with pytest.raises(Blocked, match="submitted already"):
            submit(output)

    def test_is_refused_for_what_could_not_be_protected(self):
        people = b"pupil,sex,count\n" + b"".join(b"P%d,f,1\n" % i for i in range(30))
        output = outputs.judged(tried(content=people))
        assert output.status == OutputStatus.RETURNED
        with pytest.raises(Blocked, match="Not possible while"):
            submit(output)

    def test_what_went_ahead_meanwhile_asks_for_another_check(self, monkeypatch):
        project = outputs.project()
        output = outputs.judged(tried(project))
        outputs.sent(project)
        output = submit(output)
        monkeypatch.setattr(clock, "now", lambda: START + dt.timedelta(days=1))
        with pytest.raises(Blocked, match="went ahead meanwhile"):
            services.send_to_agencies(output, by=output.author, at=START + dt.timedelta(days=1))
