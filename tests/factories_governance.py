"""Projects that come to their end: one person asks, another confirms, an hour passes, the vault destroys."""

from governance import closing
from governance.models import Closing
from p20win.custody import public as custody
from p20win.projects.public import Project
from tests import factories
from tests import factories_custody as files
from tests.factories import START

WHY = "Everything is released and certified."


def asked(project, *, by=None, at=START):
    factories.hub(), factories.operating_group()
    return closing.ask(project, reason=WHY, by=by or factories.operating_group_member(), at=at)


def confirmed(project, *, by=None, at=START):
    return closing.confirm(asked(project, at=at), by=by or factories.hub_member(), at=at)


def closed(project, *, at=START):
    """Return the closing of a project that two people closed at a time; the vault has not begun."""
    row = closing.carry_out(confirmed(project, at=at - closing.HOUR), at=at)
    assert Project.objects.get(pk=project.pk).status == "closed"
    return row


def destroyed(row):
    """Let the vault destroy what is left, and the portal note it; return the closing."""
    for each in custody.destructions(row.project).filter(on_done="governance.left_destroyed"):
        files.run_job("custody.destroy", destruction_id=each.pk)
        files.run_job("governance.left_destroyed", destruction_id=each.pk)
    return Closing.objects.get(pk=row.pk)
