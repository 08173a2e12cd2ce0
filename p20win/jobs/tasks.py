"""The sweeper, told by beat every few seconds."""

from celery import shared_task

from p20win.jobs import services


@shared_task(name="jobs.sweep", ignore_result=True)
def sweep() -> None:
    """Send again what was dropped."""
    services.sweep()
