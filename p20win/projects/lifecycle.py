"""The table of a project's steps."""

from typing import Final

from p20win.accounts.public import any_of, is_hub_staff, is_operating_group, is_system
from p20win.projects.models import ProjectStanding
from p20win.workflow import Step

STOP: Final = Step(
    event="project.stopped",
    sources=frozenset({ProjectStanding.OPEN}),
    target=ProjectStanding.CLOSING,
    checks=(any_of(is_operating_group, is_hub_staff),),
    label="Let nothing new start, as it is being closed",
)
GO_ON: Final = Step(
    event="project.goes_on",
    sources=frozenset({ProjectStanding.CLOSING}),
    target=ProjectStanding.OPEN,
    checks=(any_of(is_operating_group, is_hub_staff, is_system),),
    label="Let it go on, as it is not closed",
)
CLOSE: Final = Step(
    event="project.closed",
    sources=frozenset({ProjectStanding.CLOSING}),
    target=ProjectStanding.CLOSED,
    checks=(is_system,),
    label="Close the project",
)
STEPS: Final = (STOP, GO_ON, CLOSE)
