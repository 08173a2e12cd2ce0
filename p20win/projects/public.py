"""The door of projects."""

from p20win.projects.checks import is_open
from p20win.projects.models import Part, Participation, Project, ProjectStanding
from p20win.projects.selectors import (
    is_visible,
    organisations,
    organisations_that_see,
    recipient,
    suppliers,
    visible_to,
)
from p20win.projects.services import (
    assign_number,
    close_project,
    close_to_organisation,
    close_to_person,
    open_project,
    open_to_organisation,
    open_to_person,
    rename,
    take_part,
)

__all__ = [
    "Part",
    "Participation",
    "Project",
    "ProjectStanding",
    "assign_number",
    "close_project",
    "close_to_organisation",
    "close_to_person",
    "is_open",
    "is_visible",
    "open_project",
    "open_to_organisation",
    "open_to_person",
    "organisations",
    "organisations_that_see",
    "recipient",
    "rename",
    "suppliers",
    "take_part",
    "visible_to",
]
