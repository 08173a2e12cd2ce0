"""Deadlines for tests: a clock started for a project, waiting for an agency's stewards."""

from p20win.accounts.public import Role
from p20win.deadlines import public as deadlines
from tests import factories
from tests.conftest import MONDAY


def deadline(slug="agency-decision", *, at=MONDAY, agency=None, project=None, **options):
    """Start a clock for a project that an agency supplies; the agency's stewards are waited for."""
    agency = agency or factories.organisation()
    project = project or factories.project(agency)
    options = {"waiting_on_role": Role.DATA_STEWARD, "waiting_on_organisation": agency} | options
    return deadlines.start(slug, subject=options.pop("subject", project), project=project, at=at, **options)


def steward_who_sees(row):
    """Return a steward of the agency waited for, who may see the project."""
    from p20win.projects.public import open_to_person

    steward = factories.steward(row.waiting_on_organisation)
    if row.project:
        open_to_person(row.project, steward, ["view_project"])
    return steward
