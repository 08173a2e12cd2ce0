"""Lines of work of the matching desk."""

import datetime as dt

from celery import shared_task

from matching.models import Delivery, DestructionOrder, Match, MatchRun, TryOut
from matching.services import delivering, destroying, opening, ordering, repeating, running, specifying
from p20win import clock
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.jobs.public import RunningJob, line_of_work


@shared_task(name="matching.open_repeats", ignore_result=True)
def open_repeats() -> None:
    """Open the matches whose day has come by their schedule, up to the portal's now."""
    repeating.open_due(at=clock.now())


@line_of_work("matching.file_accepted")
def file_accepted(job: RunningJob, *, file_id: str) -> None:
    """Note that an expected file is there."""
    opening.note_accepted(file_id, at=clock.now())


def _run(run_id: str) -> MatchRun:
    return MatchRun.objects.select_related("match", "match__project", "method").get(pk=run_id)


def _run_given_up(job: RunningJob, *, why: str, run_id: str) -> None:
    running.give_up(_run(run_id), why, job=job, at=clock.now())


@line_of_work("matching.run_match", queue="vault", attempts=running.ATTEMPTS, given_up=_run_given_up)
def run_match(job: RunningJob, *, run_id: str) -> None:
    """Link the files of a run."""
    with custody.damage_noted():
        running.link(_run(run_id), job=job, at=clock.now())


def _try_out(try_out_id: str) -> TryOut:
    rows = TryOut.objects.select_related("link_spec__match__project", "link_spec__method")
    return rows.get(pk=try_out_id)


def _try_out_given_up(job: RunningJob, *, why: str, try_out_id: str) -> None:
    specifying.give_up(_try_out(try_out_id), why, job=job, at=clock.now())


@line_of_work("matching.try_spec", queue="vault", attempts=specifying.ATTEMPTS, given_up=_try_out_given_up)
def try_spec(job: RunningJob, *, try_out_id: str) -> None:
    """Try a specification on a share of the rows."""
    with custody.damage_noted():
        specifying.carry_out(_try_out(try_out_id), job=job, at=clock.now())


@line_of_work("matching.build_extract", queue="vault")
def build_extract(job: RunningJob, *, delivery_id: str) -> None:
    """Build the extract of a match that is signed off."""
    delivery = Delivery.objects.select_related("match", "match__project", "project").get(pk=delivery_id)
    with custody.damage_noted():
        delivering.build(delivery, job=job, at=clock.now())


@deadlines.due_work("matching.close_delivery")
def close_delivery(subject_id: str, *, at: dt.datetime) -> None:
    """Close a download whose time has passed."""
    delivery = Delivery.objects.select_related("project", "match").get(pk=subject_id)
    delivering.close(delivery, at=at)


@deadlines.due_work("matching.destroy_inputs")
def destroy_inputs(subject_id: str, *, at: dt.datetime) -> None:
    """Order that the inputs of a match be destroyed, as their time is coming; an hour later they are."""
    ordering.order_when_due(Match.objects.get(pk=subject_id), at=at)


@deadlines.due_work("matching.carry_out_order")
def carry_out_order(subject_id: str, *, at: dt.datetime) -> None:
    """Have the vault begin to destroy, as the hour of an order is over."""
    ordering.carry_out(DestructionOrder.objects.get(pk=subject_id), at=at)


@line_of_work("matching.inputs_gone")
def inputs_gone(job: RunningJob, *, destruction_id: str) -> None:
    """Note that one supplier's inputs were destroyed."""
    rows = custody.Destruction.objects.select_related("project", "organisation")
    destroying.note_destroyed(rows.get(pk=destruction_id), at=clock.now())
