"""Every check between a file and its release taken out once: then the step could be taken; with it, never."""

import dataclasses
import datetime as dt

import pytest

from disclosure import known_services, lifecycle, standing, submissions
from disclosure.models import Clearance, Material, Output, OutputCheck, OutputStatus, PriorReview, Verdict
from p20win import clock
from p20win.accounts.public import operating_group, system_user
from p20win.projects import public as projects
from p20win.projects.models import Project, ProjectStanding
from p20win.workflow import blockers
from tests import factories
from tests import factories_disclosure as outputs
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
LONG_AFTER = START + dt.timedelta(days=60)
STEPS = (lifecycle.CHECK, lifecycle.CHECK_IN_DOUBT, lifecycle.SEND, lifecycle.RELEASE)


class World:
    """An output that could take a step, and whoever would take it; one thing in it is then spoilt."""

    def __init__(self, step, patch):
        self.patch = patch
        make = outputs.cleared if step is lifecycle.RELEASE else outputs.checked
        self.output = make()
        self.by = {lifecycle.SEND: self.output.author, lifecycle.RELEASE: factories.operating_group_member()}
        self.by = self.by[step] if step in self.by else system_user()
        self.now(LONG_AFTER if step is lifecycle.RELEASE else START)
        if step in (lifecycle.CHECK, lifecycle.CHECK_IN_DOUBT):
            self.change(status=OutputStatus.UPLOADED)
        if step is lifecycle.CHECK_IN_DOUBT:
            self.found(verdict=Verdict.NOT_SETTLED, unsettled=1)

    def now(self, at):
        self.patch.setattr(clock, "now", lambda: at)

    def change(self, **fields):
        Output.objects.filter(pk=self.output.pk).update(**fields)
        self.output = Output.objects.get(pk=self.output.pk)

    def found(self, **fields):
        OutputCheck.objects.filter(output=self.output).update(**fields)


def by_a_stranger(world):
    world.by = factories.person()


def with_another_verdict(world):
    world.found(verdict=Verdict.UNREADABLE)


def with_a_leak(world):
    world.found(leaks=1)


def with_an_open_point(world):
    world.found(to_rule=1)


def under_stricter_rules(world):
    agency = projects.suppliers(world.output.project)[0]
    agency.min_cell_count = 12
    agency.save()


def beside_a_new_hierarchy(world):
    known_services.load_hierarchy(
        world.output.project,
        dimension="school",
        content=b"parent,child\nTotal,Alder\n",
        by=factories.operating_group_member(),
        at=START,
    )


def held_otherwise(world):
    world.found(held={"groups": [["all pupils", "those of Alder"]]})


def beside_another_that_went_ahead(world):
    first = outputs.checked(world.output.project)
    Output.objects.filter(pk=first.pk).update(
        status=OutputStatus.IN_REVIEW, sent_at=START, not_before=LONG_AFTER
    )
    world.found(compared_with=[str(first.pk)])  # as if its people had been asked about


def beside_one_of_its_package_that_leaks(world):
    package = submissions.joined(world.output, by=world.by, at=START)
    world.change(submission=package)
    other = outputs.checked(world.output.project)
    Output.objects.filter(pk=other.pk).update(submission=package)
    OutputCheck.objects.filter(output=other).update(verdict=Verdict.NOT_SETTLED, leaks=1)


def for_nobody(world):
    world.change(is_trial=True)


def in_a_project_that_ends(world):
    Project.objects.filter(pk=world.output.project_id).update(status=ProjectStanding.CLOSING)
    world.change()


def by_its_author(world):
    world.change(author=world.by)


def of_another_author(world):
    world.change(author=factories.person())


def without_one_clearance(world):
    row = standing.clearances(world.output).first()
    Clearance.objects.filter(pk=row.pk).update(cleared_at=None)


def wished_for_by_one_who_was_not_asked(world):
    agency = projects.suppliers(world.output.project)[0]
    parties = [each for each in standing.expected_parties(world.output) if each != agency]
    Clearance.objects.filter(output=world.output, organisation=agency).update(cleared_at=None)
    world.patch.setattr(standing, "expected_parties", lambda output: parties)
    PriorReview.objects.create(
        project=world.output.project,
        agency=agency,
        material=Material.REPORT,
        reason="To see it.",
        asked_by=factories.operating_group_member(),
        asked_at=START,
    )
    assert operating_group() in parties


def too_early(world):
    world.now(world.output.not_before - dt.timedelta(seconds=1))


OF_CHECK = {"is_system": by_a_stranger, "is_protected": with_another_verdict}
OF_CHECK_IN_DOUBT = {"is_system": by_a_stranger, "is_in_doubt": with_a_leak}
OF_SEND = {
    "is_author": of_another_author,
    "may_still_submit": in_a_project_that_ends,
    "is_submitted": for_nobody,
    "is_protected_or_in_doubt": with_another_verdict,
    "rules_are_those_of_its_check": under_stricter_rules,
    "knows_what_is_known_now": beside_a_new_hierarchy,
    "stands_beside_others": beside_another_that_went_ahead,
    "people_stand_as_in_its_check": held_otherwise,
    "others_are_ready": beside_one_of_its_package_that_leaks,
}
OF_RELEASE = {
    "is_operating_group": by_a_stranger,
    "is_of_an_open_project": in_a_project_that_ends,
    "is_not_own": by_its_author,
    "is_protected_or_in_doubt": with_another_verdict,
    "doubts_are_ruled_on": with_an_open_point,
    "rules_are_those_of_its_check": under_stricter_rules,
    "knows_what_is_known_now": beside_a_new_hierarchy,
    "people_stand_as_in_its_check": held_otherwise,
    "every_party_clears": without_one_clearance,
    "wishes_are_met": wished_for_by_one_who_was_not_asked,
    "review_time_is_over": too_early,
}
SPOILT = dict(zip(STEPS, (OF_CHECK, OF_CHECK_IN_DOUBT, OF_SEND, OF_RELEASE), strict=True))
CASES = [(step, name) for step, guards in SPOILT.items() for name in guards]


@pytest.mark.obligation("O-77", "O-81", "O-82")
@pytest.mark.parametrize(("step", "name"), CASES, ids=[f"{step.event} {name}" for step, name in CASES])
def test_with_the_check_the_step_is_refused_and_without_it_nothing_is_in_the_way(step, name, monkeypatch):
    world = World(step, monkeypatch)
    assert blockers(step, world.output, world.by) == []
    SPOILT[step][name](world)
    (guard,) = (check for check in step.checks if check.__name__ == name)
    assert blockers(step, world.output, world.by) == [guard(world.output, world.by)]
    trusting = dataclasses.replace(step, checks=tuple(check for check in step.checks if check is not guard))
    assert blockers(trusting, world.output, world.by) == []


@pytest.mark.parametrize("step", STEPS, ids=[step.event for step in STEPS])
def test_no_check_of_a_step_is_left_out_here(step):
    assert set(SPOILT[step]) == {check.__name__ for check in step.checks}
