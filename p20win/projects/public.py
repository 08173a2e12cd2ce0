"""The door of projects."""

from p20win.projects.checks import is_not_closed, is_open
from p20win.projects.models import Part, Participation, Project, ProjectStanding
from p20win.projects.selectors import (
    is_visible,
    organisations,
    organisations_that_see,
    recipient,
    suppliers,
    takes_part,
    visible_to,
    where_may,
)
from p20win.projects.services import (
    assign_number,
    close_project,
    close_to_organisation,
    close_to_person,
    let_project_go_on,
    open_project,
    open_to_organisation,
    open_to_person,
    rename,
    stop_project,
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
    "is_not_closed",
    "is_open",
    "is_visible",
    "let_project_go_on",
    "open_project",
    "open_to_organisation",
    "open_to_person",
    "organisations",
    "organisations_that_see",
    "recipient",
    "rename",
    "stop_project",
    "suppliers",
    "take_part",
    "takes_part",
    "visible_to",
    "where_may",
]
