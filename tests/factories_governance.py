"""Projects that come to their end: one person asks, another confirms, an hour passes, the vault destroys."""

from governance import closing
from governance.models import Closing
from p20win.accounts.public import system_user
from p20win.custody import public as custody
from p20win.projects.public import Project
from p20win.workflow import amend, create
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


def on_record(project, *, asks=None, confirms=None, at=START - closing.HOUR):
    """Write a closing by hand, with the ledger's lines, as whoever took over the web process can."""
    asks = asks or factories.operating_group_member()
    confirms = confirms or factories.hub_member()
    row = Closing(
        project=project, reason="x", asked_by=asks, asked_at=at, status_since=START, status="begun",
        confirmed_by=confirms, confirmed_at=at, acts_at=at + closing.HOUR, closed_at=at + closing.HOUR,
    )  # fmt: skip
    create("closing.asked", row, by=asks, at=at)
    amend("closing.set", row, by=confirms, at=at)
    Project.objects.filter(pk=project.pk).update(status="closed")
    amend("project.closed", project, by=system_user(), at=START)
    return row


def destroyed(row):
    """Let the vault destroy what is left, and the portal note it; return the closing."""
    for each in custody.destructions(row.project).filter(on_done="governance.left_destroyed"):
        files.run_job("custody.destroy", destruction_id=each.pk)
        files.run_job("governance.left_destroyed", destruction_id=each.pk)
    return Closing.objects.get(pk=row.pk)
