"""One line of work each."""

from celery import shared_task
from django.db import transaction

from p20win.audit.public import Event
from p20win.jobs.public import RunningJob, line_of_work
from p20win.notifications import outbox, services


@line_of_work("notifications.announce")
def announce(job: RunningJob, *, event_id: str) -> None:
    """Tell those concerned of an event."""
    event = Event.objects.get(pk=event_id)
    with transaction.atomic():
        job.hold()
        services.tell(event)


@shared_task(name="notifications.deliver", ignore_result=True)
def deliver() -> None:
    """Send what waits in the outbox; told by beat."""
    outbox.deliver()
