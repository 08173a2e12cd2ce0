"""What people do while a part of the portal is away.

Each act runs in a process of its own with what the web process has, and says in a line of JSON what came of
it.
"""

import itertools
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from django.db import Error, connection

from p20win import clock
from p20win.audit.public import Event, verify_chain
from p20win.celery import app
from p20win.jobs.public import Job
from p20win.notifications.models import Mail, MailState, Message
from requests_app.models import DataRequest
from tests import factories
from tests import factories_requests as requests
from tests.faults import errands

factories._numbers = itertools.count(time.time_ns() // 1000 % 10**12)  # other acts name theirs otherwise


def submit(count=1):
    """Fill in and submit so many requests, each with what hangs on it; say how long the slowest took."""
    factories.operating_group_member()
    slowest = 0.0
    for _ in range(count):
        row = requests.complete()
        began = time.monotonic()
        requests.sign_and_submit(row, at=clock.real_now())
        slowest = max(slowest, time.monotonic() - began)
    return {"slowest": slowest}


def submit_for(seconds):
    """Submit requests until the time is over, come what may; say which went through and what was refused."""
    factories.operating_group_member()
    end, through, troubles = time.monotonic() + seconds, [], []
    while time.monotonic() < end:
        try:
            through.append(str(requests.sign_and_submit(requests.complete(), at=clock.real_now()).pk))
        except Error as trouble:
            troubles.append(type(trouble).__name__)
            connection.close()
            time.sleep(0.2)
    return {"through": through, "troubles": troubles}


def standing():
    """Say how everything stands."""
    return {
        "jobs": _count(Job.objects.values_list("state", flat=True)),
        "mails": _count(Mail.objects.values_list("state", flat=True)),
        "messages": Message.objects.count(),
        "events": Event.objects.count(),
        "ledger": verify_chain().ok,
    }


def troubles():
    """Say why mails that wait could not be sent."""
    return _count(Mail.objects.filter(state=MailState.QUEUED).values_list("trouble", flat=True))


def submissions():
    """Return each request's events of being submitted, and whether it stands as submitted."""
    rows = {str(row.pk): [row.status, 0] for row in DataRequest.objects.all()}
    for key in Event.objects.filter(event="request.submitted").values_list("subject_id", flat=True):
        rows[str(key)][1] += 1
    return rows


def deliver_again(times, late=0):
    """Hand every job to the broker so many times at once, as a broker does that delivers twice."""
    time.sleep(late)
    jobs = list(Job.objects.values_list("pk", "name", "queue"))

    def send(job):
        app.send_task(job[1], kwargs={"job_id": str(job[0])}, queue=job[2])

    with ThreadPoolExecutor(8) as beside:
        list(beside.map(send, jobs * times))
    return {"sent": len(jobs) * times}


def _count(values):
    found = list(values)
    return {value: found.count(value) for value in sorted(set(found))}


def main():
    """Do what the command line names."""
    act = globals().get(sys.argv[1]) or getattr(errands, sys.argv[1])
    sys.stdout.write(json.dumps(act(**json.loads(sys.argv[2]))) + "\n")
