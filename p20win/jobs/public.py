"""The door of jobs."""

from p20win.jobs.leases import LeaseLost
from p20win.jobs.lines import MustWait, RunningJob, UnknownWork, line_of_work, load_for, perform, registered
from p20win.jobs.models import Job, State
from p20win.jobs.selectors import failed, latest, register_visibility, visible_job
from p20win.jobs.services import after_commit, sweep

__all__ = [
    "Job",
    "LeaseLost",
    "MustWait",
    "RunningJob",
    "State",
    "UnknownWork",
    "after_commit",
    "failed",
    "latest",
    "line_of_work",
    "load_for",
    "perform",
    "register_visibility",
    "registered",
    "sweep",
    "visible_job",
]
