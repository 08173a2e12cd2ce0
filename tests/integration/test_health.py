"""The health page says what is missing and what to do about it."""

import pytest
from django.urls import reverse

from p20win import clock, health
from p20win.jobs.public import Job, State
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def nothing_runs(monkeypatch):
    """Let workers and vault be away, without waiting for their answers."""
    monkeypatch.setattr(
        health.app.control, "inspect", lambda **_: type("I", (), {"active_queues": lambda s: None})()
    )


def test_says_what_is_missing_and_the_line_to_run(signed_in, nothing_runs):
    page = signed_in(factories.operating_group_member()).get(reverse("health"))

    assert "No worker serves default, vault" in page.text
    assert "manage.py vault" in page.text
    assert "a superuser" in page.text  # tests run as the owner, which the page must not pass over


def test_a_missing_pango_is_named_with_its_remedy(signed_in, nothing_runs, monkeypatch):
    import builtins

    real = builtins.__import__

    def without_pango(name, *args, **kwargs):
        if name == "weasyprint":
            raise OSError("cannot load library")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_pango)

    with pytest.raises(RuntimeError, match=r"apt-get install .*libpango"):
        health._pdf()


def test_is_for_staff_alone(signed_in, client):
    assert signed_in(factories.person()).get(reverse("health")).status_code == 404


def test_the_line_for_machines_is_for_everyone(client):
    assert client.get(reverse("health-live")).text == "ok\n"


def test_a_job_that_was_given_up_is_found_by_its_reference_and_tried_again(signed_in, nothing_runs):
    now = clock.real_now()
    job, other = (
        Job.objects.create(name=name, queue="vault", state=State.FAILED, attempts=5, created_at=now,
                           not_before=now, finished_at=now)
        for name in ("custody.check_file", "matching.run_match")
    )  # fmt: skip
    client = signed_in(factories.hub_member())
    assert "2 given up" in client.get(reverse("health")).text

    found = client.get(reverse("jobs:failed"), {"q": str(job.pk)}).text
    assert str(job.pk) in found
    assert str(other.pk) not in found
    answer = client.post(reverse("jobs:again", args=[job.pk]), follow=True)

    assert "waits for a worker again" in answer.text
    job.refresh_from_db()
    assert (job.state, job.attempts) == (State.QUEUED, 0)
    assert "has not failed" in client.post(reverse("jobs:again", args=[job.pk]), follow=True).text


def test_jobs_that_were_given_up_are_for_staff_alone(signed_in):
    client = signed_in(factories.steward(factories.organisation()))
    assert client.get(reverse("jobs:failed")).status_code == 404
