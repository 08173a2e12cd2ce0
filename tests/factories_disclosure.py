"""Outputs in every state, made by the same acts that the pages use; the test is its own vault."""

import dataclasses
import datetime as dt

from disclosure import checking, known_services, services, standing
from disclosure.engine import examine
from disclosure.engine.audit.findings import Finding
from disclosure.models import POINTS, Material, Offer, Output, PriorReview, Ruling
from p20win import clock
from p20win.accounts.public import Role, operating_group
from p20win.custody import public as custody
from p20win.projects import public as projects
from requests_app.public import approved_request, people_of
from tests import factories
from tests import factories_agreements as agreements
from tests import factories_custody as files
from tests import factories_requests as requests
from tests.factories import START
from tests.starting_points import starting_point

TABLE = b"school \\ sex,female,male,Total\nAlder,3,40,43\nBirch,51,30,81\nCedar,22,35,57\nTotal,76,105,181\n"
CANARY = b"school \\ sex,female,male,Total\nZqCanary,3,4711,4714\nBirch,51,30,81\nTotal,54,4741,4795\n"
CONFIRMED = dict.fromkeys(POINTS, True)
SHOWN = Finding("cell", "Alder, female", 3, 3, "43 (t) − 40 (t) = 3", ("t (to be released), line 2",))
NEAR = Finding("cell", "Alder, male", 2, 9, "at most 9", ("table.csv (to be released), line 3",))
OPEN = Finding("cell", "Alder, male", 0, float("inf"), examine.UNSETTLED, ())
CONTEXT = {
    "population": "All pupils of grade 12",
    "period": "School year 2020-21",
    "extracted_on": dt.date(2025, 12, 1),
    "material": "report",
}


@starting_point(requests.FIELDS, CONTEXT)
def project():
    """Return a project with an agreement in force, whose requestor may submit outputs."""
    row = requests.approved()
    agreements.in_force(row)
    named = people_of(row).filter(user=row.requestor).first() or requests.named(row, row.requestor)
    requests.approve_person(named)
    agreements.confidential(row.requestor, row.project)
    return row.project


def author(of):
    """Return the requestor of a project."""
    return approved_request(of).requestor


@starting_point(requests.FIELDS, CONTEXT)
def submitted(of=None, content=TABLE, *, by=None, at=START, name="table.csv", **fields) -> Output:
    """Return an output whose file has arrived."""
    of = of or project()
    said = {"title": "Graduates by school and sex"} | CONTEXT | fields
    return services.submit(of, name=name, content=[content], by=by or author(of), at=at, **said)


def let_audit_find(monkeypatch, **said):
    """Let the audit say this besides what it finds, whatever the table."""
    real = examine.protect_and_audit

    def protect(*args, **options):
        result, report = real(*args, **options)
        return result, dataclasses.replace(report, **said)

    monkeypatch.setattr(examine, "protect_and_audit", protect)


def judged(output) -> Output:
    """Let the vault take the file in and check it."""
    file = output.slot.files.get()
    files.run_job("custody.check_file", file_id=file.pk)
    file.refresh_from_db()
    hook = standing.CHECK_JOB if file.status == custody.FileStatus.ACCEPTED else "disclosure.file_refused"
    files.run_job(hook, file_id=file.pk)
    output.refresh_from_db()
    return output


@starting_point(requests.FIELDS, CONTEXT)
def checked(of=None, content=TABLE, **fields) -> Output:
    """Return an output that the vault has checked."""
    return judged(submitted(of, content, **fields))


@starting_point(requests.FIELDS, CONTEXT)
def sent(of=None, content=TABLE, *, at=START, **fields) -> Output:
    """Return an output that the agencies read."""
    output = checked(of, content, at=at, **fields)
    return services.send_to_agencies(output, by=output.author, at=at)


def reviewers(output):
    """Return one person for each party, who may see the counts."""
    found = [factories.steward(agency) for agency in projects.suppliers(output.project)]
    found.append(factories.person(Role.OPERATING_GROUP, at=operating_group()))
    for person in found:
        agreements.acknowledged(person)
    return found


@starting_point(requests.FIELDS, CONTEXT)
def cleared(output=None, *, at=START, **fields) -> Output:
    """Return an output that every party cleared."""
    output = output or sent(at=at, **fields)
    for person in reviewers(output):
        output = services.clear(output, points=CONFIRMED, by=person, at=at)
    return output


def beside(output) -> dict[str, object]:
    """Return the ids of what stands beside an output: something known, a wish to read before, a ruling …"""
    agency, group = projects.suppliers(output.project)[0], factories.operating_group_member()
    known = known_services.load_hierarchy(
        output.project, dimension="school", content=b"parent,child\nTotal,Alder\n", by=group, at=START
    )
    wish = PriorReview.objects.create(
        project=output.project,
        agency=agency,
        material=Material.WEB,
        reason="To see it.",
        asked_by=group,
        asked_at=START,
    )
    ruling = Ruling.objects.create(
        found=standing.latest_check(output),
        agency=agency,
        reason="A wide range.",
        asked_by=group,
        asked_for=group.organisation,
        asked_at=START,
    )
    offer = Offer.objects.create(
        project=output.project,
        found=ruling.found,
        number=1,
        what="Put two together",
        numbers=9,
        withheld=0,
        share=0.0,
        file=checking.seal(output, "alternative-1.csv", TABLE, at=START),
        made_at=START,
    )
    ids = {"known": known.pk, "wish": wish.pk, "ruling": ruling.pk}
    return ids | {"check": ruling.found.pk, "offer": offer.pk}


def released(output=None, **fields) -> Output:
    """Return an output that is released, as soon as its clock allows."""
    output = cleared(output, **fields)
    after = max(output.not_before, clock.now())
    return services.release(output, by=factories.operating_group_member(), at=after)
