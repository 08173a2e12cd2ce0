"""Questions about jobs."""

import uuid
from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet

from p20win.jobs.models import Job, State

_sees_project: Callable[[Any, uuid.UUID], bool] | None = None


def register_visibility(sees_project: Callable[[Any, uuid.UUID], bool]) -> None:
    """Set what says whether a person may see a project's jobs."""
    global _sees_project
    _sees_project = sees_project


def visible_job(user: Any, pk: uuid.UUID) -> Job | None:
    """Return the job if this person asked for it or may see its project."""
    job = Job.objects.filter(pk=pk).first()
    if job is None:
        return None
    if job.asked_by_id == user.pk:
        return job
    if job.project_id and _sees_project and _sees_project(user, job.project_id):
        return job
    return None


def failed() -> QuerySet[Job]:
    """Return the jobs that were given up and wait for a person to look."""
    return Job.objects.filter(state=State.FAILED)


def latest(name: str, **ids: Any) -> Job | None:
    """Return the newest job of this name with these ids."""
    arguments = {key: str(value) for key, value in ids.items()}
    return Job.objects.filter(name=name, arguments__contains=arguments).order_by("-created_at").first()
