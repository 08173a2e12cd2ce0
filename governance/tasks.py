"""Lines of work above the desks: the end of a project."""

import datetime as dt

from governance import checks, closing
from governance.models import Closing
from p20win import clock
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.jobs.public import RunningJob, line_of_work


@deadlines.due_work("governance.carry_out_closing")
def carry_out_closing(subject_id: str, *, at: dt.datetime) -> None:
    """Close a project, as the hour of its closing is over."""
    closing.carry_out(Closing.objects.select_related("project").get(pk=subject_id), at=at)


@line_of_work(checks.DESTROYED)
def left_destroyed(job: RunningJob, *, destruction_id: str) -> None:
    """Note that one organisation's part of a closed project is gone."""
    row = custody.Destruction.objects.select_related("project").get(pk=destruction_id)
    closing.note_destroyed(row.project, at=clock.now())
