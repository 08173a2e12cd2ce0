"""Matches in every state, on small files of invented people, made by the same acts that the pages use."""

import datetime as dt
import json
import re
from functools import cache
from unittest import mock

from fixtures.generate import generate
from matching import selectors, standing, timing
from matching.engine import child, defaults
from matching.models import Delivery, DeliveryTerms, ExpectedFile, Match, MatchStatus
from matching.services import delivering, fetching, opening, ordering, running, signing
from p20win.accounts.public import Organisation, Role, system_user
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.jobs import public as jobs
from p20win.projects.public import assign_number
from p20win.workflow import create
from requests_app.services import drafting, rows
from tests import factories
from tests import factories_agreements as agreements
from tests import factories_custody as files
from tests import factories_requests as requests
from tests.factories import PASSWORD, START
from tests.starting_points import starting_point

AGENCIES = ("SDE", "CSCU", "DOL")
ANALYTICAL = {
    "SDE": ("GradeLevelCode", "ELL"),
    "CSCU": ("InstitutionName", "OverallEarnedHours"),
    "DOL": ("Year", "Quarter", "Wage"),
}
TYPES = {"ELL": "boolean", "OverallEarnedHours": "integer", "Year": "integer", "Quarter": "integer"}
FLAG = "FLAG_MP2021"
ID_LETTERS = b"BCDFGHJKLMNPQRSTVWXZ"
LIMITS = "People who moved between districts are matched less often."


@cache
def people():
    """Return the files of a small project, made once."""
    return generate(150, seed=5)


def agency(name) -> Organisation:
    """Return the agency of this name, made on first use."""
    return Organisation.objects.filter(short_name=name).first() or factories.organisation(
        slug=name.lower(), short_name=name, legal_name=f"Invented {name}"
    )


def contents(name, kind):
    """Return the bytes of an agency's file, with the approved columns alone."""
    file = getattr(people().agencies[name], kind)
    table = file.table if kind == "matching" else file.table.select(["SyntheticID", *ANALYTICAL[name]])
    from fixtures.formats import as_text

    return as_text(table)


def request(
    *,
    with_list=False,
    flag_value="1",
    not_wanted_from=(),
    not_wanted="",
    more_lists_of=(),
    category_of=(),
    agencies=AGENCIES,
    extra=(),
    extra_of=(),
    by=None,
):
    """Return an approved request for the data of the three agencies.

    With a list of a third party if asked, of whom agencies or categories may not be wanted, and with lists of
    other populations under the same flag, of whom all is wanted. With more identifiers than the invented
    files hold, of some. `category_of` is pairs of a column and its category; `by` asks for it.
    """
    row = requests.complete(*(agency(name) for name in agencies), by=by)
    by, question = row.requestor, row.questions.first()
    for element in list(row.elements.all()):
        rows.take_out(element, by=by, at=START)
    for name in agencies:
        headers = people().agencies[name].matching.table.column_names[1:]
        more = extra if not extra_of or name in extra_of else ()
        headers += [header for header in more if header not in headers]
        for header in (*headers, *ANALYTICAL[name]):
            is_identifier = header in headers
            rows.add(
                row,
                "elements",
                by=by,
                at=START,
                name=header,
                source=agency(name),
                source_element=header,
                is_matching_identifier=is_identifier,
                data_type=TYPES.get(header, "text"),
                category=dict(category_of).get(header, ""),
                explanation="" if is_identifier else "It is the outcome.",
                questions=[] if is_identifier else [question],
            )
    if with_list:
        _expect_list(row, by, "Takers", flag_value, not_wanted_from, not_wanted)
        for name in more_lists_of:
            _expect_list(row, by, name, flag_value)
        _list_flag(row, by, question)
    drafting.affirm(row, range(1, 13), by=by, at=START)
    requests.sign_and_submit(row)
    requests.review.send_to_agencies(row, by=factories.operating_group_member(), at=START)
    row.refresh_from_db()
    for each in requests.agencies_of(row):
        requests.decide(row, each)
    row.refresh_from_db()
    return row


def _expect_list(row, by, name, flag_value, not_wanted_from=(), not_wanted=""):
    population = rows.add(
        row,
        "populations",
        by=by,
        at=START,
        name=name,
        kind="cohort",
        supplier_name="A School District",
        start_year="2018-2019",
        membership="any_course",
        membership_text="One course of the programme",
        not_wanted_from=[agency(each) for each in not_wanted_from],
        not_wanted=not_wanted,
    )
    rows.add(
        row,
        "tables",
        by=by,
        at=START,
        population=population,
        title=f"{name} of 2020-21",
        school_year="2020-21",
        flag_column=FLAG,
        flag_value=flag_value,
        later_years="2021-22 to 2022-23",
    )


def _list_flag(row, by, question):
    rows.add(
        row,
        "elements",
        by=by,
        at=START,
        name=FLAG,
        source=None,
        source_element=FLAG,
        data_type="boolean",
        explanation="Who takes part.",
        questions=[question],
    )


def hub_member(project):
    """Return someone of the hub who may run this project's match."""
    person = factories.hub_member()
    agreements.confidential(person, project)
    return person


def in_force(row):
    """Let every party sign; a hub that is an agency too signs once for both."""
    agreement = agreements.out_for_signature(row)
    while waiting := agreements.selectors.waiting_parties(agreement).first():
        agreement = agreements.sign(agreement, waiting)
    return agreement


@starting_point(requests.FIELDS, ANALYTICAL)
def collecting(*, at=START, form="package", encoding="", commas=False, **fields) -> Match:
    """Return a match that waits for its files; with an encoding, for tokens in place of identifiers."""
    row = request(**fields)
    in_force(row)
    agreements.method(encoding or defaults.ENGINE)
    basis = "Section II" if form == "key" else ""
    by = factories.operating_group_member()
    return opening.open_match(
        row.project, by=by, at=at, form=form, basis=basis, encoding=encoding, commas=commas
    )


def steward(name):
    """Return a steward of this agency who may send files."""
    person = factories.steward(agency(name))
    agreements.acknowledged(person)
    return person


def slot(match, name, kind):
    """Return the slot of an agency's file."""
    return match.expected_files.get(agency=agency(name), kind=kind).slot


def with_ids_of(match, content):
    """Return an agency's file with ids of this request alone: those of the first as they were made."""
    if not (turn := _turn(match)):
        return content
    turned = bytes.maketrans(ID_LETTERS, ID_LETTERS[turn:] + ID_LETTERS[:turn])
    return re.sub(rb"(?<=-)[B-Z]{14}(?=[\t,\n])", lambda found: found[0].translate(turned), content)


def _turn(match):
    """How far the letters of this match's ids are turned: an id is used for one request only."""
    return Match.objects.filter(pk__lt=match.pk).exclude(project=match.project).count() % len(ID_LETTERS)


def send(match, name, kind, content=None, *, by=None, to=None):
    """Send an agency's file, to this slot if it has several; have the vault check it; return it as judged."""
    content = with_ids_of(match, contents(name, kind) if content is None else content)
    file = files.arrived(to or slot(match, name, kind), content, by=by or steward(name))
    files.run_job("custody.check_file", file_id=file.pk)
    file.refresh_from_db()
    if file.status == custody.FileStatus.ACCEPTED:
        files.run_job("matching.file_accepted", file_id=file.pk)
    return file


@starting_point(requests.FIELDS, ANALYTICAL)
def ready(**fields) -> Match:
    """Return a match whose files are all there; with `commas`, with those between their columns."""
    match = collecting(**fields)
    kinds = ("matching",) if fields.get("form") == "key" else ("matching", "analytical")
    for name in AGENCIES:
        by = steward(name)
        for kind in kinds:
            content = contents(name, kind)
            send(match, name, kind, content.replace(b"\t", b",") if fields.get("commas") else content, by=by)
    match.refresh_from_db()
    return match


def started(match=None, **fields):
    """Return a run that waits for the vault."""
    match = match or ready(**fields)
    from agreements.public import approved_methods

    method = approved_methods(START).first() or agreements.method()
    return running.start_run(match, method, by=hub_member(match.project), at=START)


_done_before = {}


@starting_point(requests.FIELDS, ANALYTICAL)
def linked(match=None, **fields) -> Match:
    """Return a match with a result: linked in earnest once in this process, and stored again."""
    return finished(started(match, **fields)).match


def finished(run):
    """Have the vault link a run: in earnest once, then with the same result for the same input and number."""
    really = child.link

    def once(setup, given, *, progress):
        asked = {key: value for key, value in setup.items() if key != "review"}
        named = [entry["name"] for entry in (*setup["lists"], *setup["consents"])]
        lists = {name: [b"".join(given[name])] for name in named}
        input_of = [run.number, _turn(run.match), [content.hex() for (content,) in lists.values()]]
        key, given = json.dumps([asked, setup["review"]["decided"], input_of], sort_keys=True), given | lists
        if key not in _done_before:
            _done_before[key] = really(setup, given, progress=progress)
        return _done_before[key]

    with mock.patch.object(child, "link", once):
        files.run_job("matching.run_match", run_id=run.pk)
    run.refresh_from_db()
    run.match.refresh_from_db()
    return run


def again(match, *, reason="Another point of acceptance.", link_spec=None, by=None):
    """Return another run of a match, done."""
    run = running.start_run(
        match,
        standing.latest_run(match).method,
        by=by or hub_member(match.project),
        at=START,
        reason=reason,
        link_spec=link_spec,
    )
    return finished(run)


def representative(row):
    """Return who speaks for a party: a steward of an agency, or the recipient's requestor, approved."""
    project = row.run.match.project
    if not row.is_recipient:
        return factories.steward(row.organisation)
    from requests_app.public import approved_request, people_of

    request_row = approved_request(project)
    person = request_row.requestor
    named = people_of(request_row).filter(user=person).first()
    if named is None:
        named = requests.named(request_row, person)
    if not named.approvals.exists():
        requests.approve_person(named)
    return person


def agree(match, row, *, by=None, at=START, **changes) -> Match:
    """Let one party agree."""
    by = by or representative(row)
    arguments = {"typed_name": by.name, "password": PASSWORD} | changes
    return signing.agree(match, by=by, at=at, **arguments)


def signed_off(match=None, *, at=START, **fields) -> Match:
    """Return a match that every party agreed to."""
    match = match or linked(**fields)
    described(match, at=at)
    for row in standing.signoffs(standing.latest_result(match)):
        match = agree(match, row, at=at)
    return match


def described(match, *, at=START, words=LIMITS):
    """Have the hub describe the limits of a result."""
    return delivering.describe(match, limitations=words, by=factories.hub_member(), at=at)


def delivered(match=None, **fields):
    """Return the delivery of a match, ready for download."""
    match = match or signed_off(**fields)
    files.run_job("matching.build_extract", delivery_id=match.delivery.pk)
    return selectors.extract_for(match.project)


def downloader(delivery):
    """Return a person of the recipient who may fetch the extract."""
    from requests_app.public import approved_request

    person = approved_request(delivery.project).requestor
    if not person.has_role(Role.REQUESTOR):
        raise LookupError("The requestor lost the role.")
    agreements.confidential(person, delivery.project)
    return person


def fetched(delivery, *, by=None, at=START):
    """Return a download of which the vault has given all, and its bytes."""
    by = by or downloader(delivery)
    download = fetching.begin(delivery, by=by, acknowledges=True, at=at)
    fetching.open_range(download, 0, download.size, by=by, at=at)
    asked = download.fetches.get()
    content = b"".join(fetching.give(asked, by))
    fetching.note_given(asked, len(content), at)
    download.refresh_from_db()
    return download, content


def a_day(number) -> dt.timedelta:
    """Return so many days."""
    return dt.timedelta(days=number)


def before_destruction(status=MatchStatus.DELIVERED, *, rule=None):
    """Return a match that has come so far, with three slots and its clock; nothing was linked."""
    agencies = [factories.organisation() for _ in range(3)]
    project = assign_number(factories.project(*agencies), by=system_user(), at=START)
    match = Match(project=project, status=status, status_since=START, signed_off_at=START)
    create("match.opened", match, by=system_user(), at=START)
    for agency in agencies:
        row = ExpectedFile(match=match, agency=agency, kind="matching")
        row.slot = files.a_slot(agency, project=project)
        create("match.file_expected", row, by=system_user(), at=START)
    terms = DeliveryTerms(match=match, form="package", limitations="None known.")
    create("match.form_settled", terms, by=system_user(), at=START)
    if status == MatchStatus.SIGNED_OFF:
        delivery = Delivery(match=match, project=project, status_since=START)
        create("extract.asked", delivery, by=system_user(), at=START)
        jobs.after_commit("matching.build_extract", project_id=project.pk, delivery_id=delivery.pk)
    deadlines.start(signing.DESTRUCTION, subject=match, project=project, at=START, rule=rule)
    factories.operating_group()
    return match


def inputs_destroyed(match=None, *, at=START, **fields) -> Match:
    """Return a match whose agencies' keys are destroyed."""
    match = match or delivered(**fields).match
    order = ordering.ask(match, reason="Not needed any more.", by=factories.hub_member(), at=at - timing.HOUR)
    order = ordering.confirm(order, by=factories.hub_member(), at=at - timing.HOUR)
    ordering.carry_out(order, at=at)
    for name in AGENCIES:
        row = custody.destructions(match.project).get(organisation__short_name=name)
        files.run_job("custody.destroy", destruction_id=row.pk)
        files.run_job("matching.inputs_gone", destruction_id=row.pk)
    match.refresh_from_db()
    return match
