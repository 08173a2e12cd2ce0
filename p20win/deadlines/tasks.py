"""What beat tells the deadlines."""

from celery import shared_task

from p20win import clock
from p20win.deadlines import ticking


@shared_task(name="deadlines.tick", ignore_result=True)
def tick() -> None:
    """Do what is planned up to the portal's now."""
    ticking.tick(at=clock.now())
