"""Nothing of a project stays behind: uploads close in time, and closing it destroys whatever is left."""

import pytest

from matching import standing
from matching.models import ExpectedFile
from matching.services import opening, ordering
from p20win.custody import places
from p20win.custody import public as custody
from p20win.custody.models import UploadSlot
from p20win.deadlines import public as deadlines
from p20win.projects import public as projects
from p20win.refusal import Blocked
from p20win.workflow import create
from tests import factories
from tests import factories_custody as files
from tests import factories_governance as ends
from tests import factories_matching as matches
from tests.factories import START
from tests.unit import test_matching_abandonment as without_result

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


@pytest.fixture(autouse=True)
def snapshots(settings, tmp_path):
    settings.P20WIN_KEY_SNAPSHOTS = tmp_path / "snapshots"


def a_list(match, name):
    """Return the slot of a list that a match can use and does not need."""
    slot = files.a_slot(matches.agency(name), project=match.project, kind="identifier_list", title="List")
    row = ExpectedFile(
        match=match,
        slot=slot,
        agency=matches.agency(name),
        kind="identifier_list",
        is_required=False,
        flag="FLAG",
        identifier="SSN",
    )
    create("match.file_expected", row, by=factories.hub_member(), at=START)
    deadlines.start(opening.WINDOW, subject=slot, project=match.project, at=START)
    return slot


@pytest.mark.obligation("O-65", "O-59")
class TestLateFiles:
    def test_when_every_party_has_agreed_nothing_more_is_taken(self):
        match = matches.linked()
        slot = a_list(match, "DOL")
        by = factories.steward(slot.supplier)
        with files.conditions_met():
            assert not custody.why_not_send(slot, by, START)

        matches.signed_off(match)

        slot.refresh_from_db()
        assert slot.status == custody.SlotStatus.CLOSED
        assert not deadlines.alive(opening.WINDOW, slot)
        with files.conditions_met():
            assert "The time to send this file is over" in custody.why_not_send(slot, by, START)[0]

    def test_at_the_latest_when_the_destruction_is_ordered(self):
        match = matches.before_destruction()
        slots = [row.slot for row in match.expected_files.select_related("slot")]
        assert {slot.status for slot in slots} == {custody.SlotStatus.OPEN}

        order = ordering.order_in_time(match, at=START)

        assert order.acts_at
        assert {row.status for row in UploadSlot.objects.filter(project=match.project)} == {"closed"}

    def test_what_was_being_checked_meanwhile_goes_with_the_others(self):
        match = matches.collecting()
        late = files.arrived(
            matches.slot(match, "SDE", "matching"),
            matches.contents("SDE", "matching"),
            by=matches.steward("SDE"),
        )
        without_result.abandoned(match)
        assert files.checked(late).status == "accepted"  # its upload had closed before it was judged

        without_result.ordered(match)

        late.refresh_from_db()
        assert late.status == custody.FileStatus.DESTROYED


def sealed(project, organisation, data_class):
    return custody.seal_bytes(
        project=project,
        organisation=organisation,
        data_class=data_class,
        name="made-by-the-hub.csv",
        chunks=[b"a,b\n1,2\n"],
        by=factories.hub_member(),
        at=START,
    )


def on_the_disk():
    return list((places.blob("x").parent).glob("*/*.p20"))


@pytest.mark.obligation("O-65", "O-73")
class TestClosing:
    def test_after_it_no_file_of_anybody_lives(self):
        match = without_result.ordered(without_result.abandoned())
        project = match.project
        recipient = projects.recipient(project)
        left = [
            sealed(project, standing.keeper(project), custody.DataClass.KEY),
            sealed(project, recipient, custody.DataClass.OUTPUT),  # its true counts
        ]
        with files.conditions_met():
            slot = files.a_slot(matches.agency("DOL"), project=project)
            left.append(files.checked(files.arrived(slot)))  # as an older portal took it, under a new key
            waits = files.a_slot(matches.agency("SDE"), project=project)
        assert {file.status for file in left} == {custody.FileStatus.ACCEPTED}
        assert len(on_the_disk()) == 3

        ends.closed(project)
        asked = custody.destructions(project).filter(status=custody.DestructionStatus.ASKED)
        assert {row.organisation for row in asked} == {file.owner for file in left}
        for row in asked:
            files.run_job("custody.destroy", destruction_id=row.pk)

        assert not custody.living_files(project).exists()
        assert not on_the_disk()
        assert all(custody.why_unreadable(file) == "KeyDestroyed" for file in left)
        waits.refresh_from_db()
        assert waits.status == custody.SlotStatus.CLOSED

    def test_work_that_ends_later_seals_nothing(self):
        match = without_result.ordered(without_result.abandoned())
        ends.closed(match.project)

        with pytest.raises(Blocked, match="The project is closed"):
            sealed(match.project, standing.keeper(match.project), custody.DataClass.KEY)

        assert not on_the_disk()
        assert not custody.living_files(match.project).exists()

    def test_under_a_legal_hold_it_is_not_closed_and_nothing_goes(self):
        match = without_result.ordered(without_result.abandoned())
        file = sealed(match.project, standing.keeper(match.project), custody.DataClass.KEY)
        without_result.held(match)

        with pytest.raises(Blocked, match="legal hold"):
            ends.asked(match.project)

        assert b"".join(custody.open_bytes(file)) == b"a,b\n1,2\n"
