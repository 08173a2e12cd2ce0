"""The table of a project's steps."""

from typing import Final

from p20win.accounts.public import any_of, is_operating_group, is_system
from p20win.projects.models import ProjectStanding
from p20win.workflow import Step

CLOSE: Final = Step(
    event="project.closed",
    sources=frozenset({ProjectStanding.OPEN}),
    target=ProjectStanding.CLOSED,
    checks=(any_of(is_operating_group, is_system),),
    label="Close the project",
)
STEPS: Final = (CLOSE,)
