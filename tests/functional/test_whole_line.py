"""One request travels from its first draft to proven destruction, each person in a browser of their own."""

import datetime as dt
import re

import pytest

from fixtures import directory, schools
from fixtures.generate import generate
from tests.functional import line_agreement as agreement
from tests.functional import line_destruction as destruction
from tests.functional import line_files as files
from tests.functional import line_outputs as outputs
from tests.functional import line_request as request_line
from tests.functional.line_request import SCHOOL
from tests.functional.visitor import Album, Visitor

AGENCIES = ("sde", "cscu", "dol")
RECIPIENT = "salt-meadow"
PEOPLE = 300


class Company:
    """Everyone who takes part, each signed in once."""

    def __init__(self, desk, album):
        self._desk, self.album = desk, album
        self._here = {}
        self._everyone = directory.people()

    def called(self, name):
        if name not in self._here:
            self._here[name] = Visitor(self._desk(accept_downloads=True), self.album, name)
        return self._here[name]

    def entries(self, organisation, role):
        found = [p for p in self._everyone if p.organisation == organisation and role in p.roles]
        return sorted(found, key=lambda person: (len(person.roles), person.email))

    def of(self, organisation, role, place=0):
        return self.called(self.entries(organisation, role)[place].name)


@pytest.fixture
def company(desk, tmp_path):
    album = Album(tmp_path)
    yield Company(desk, album)
    told = [f"{seconds:6.1f} s  {what}" for what, seconds in album.steps]
    told.append(f"{album.visits} pages met, {len(album.seen)} kinds of page looked at by axe")
    (tmp_path / "steps.txt").write_text("\n".join(told) + "\n", encoding="utf-8")


@pytest.mark.obligation("O-61", "O-73", "O-77")
def test_one_request_from_draft_to_proven_destruction(company):
    album = company.album
    invented = generate(PEOPLE, seed=20)
    slugs = {entry.legal_name: entry.slug for entry in directory.organisations()}
    requestor = company.of(RECIPIENT, "requestor")
    coordinator = company.of("opm", "operating_group")
    board = [company.of(agency, "board_member") for agency in AGENCIES]
    stewards = [company.of(agency, "data_steward") for agency in AGENCIES]
    hub, second = company.of("dol", "hub_staff"), company.of("dol", "hub_staff", 1)
    colleague = company.entries(RECIPIENT, "requestor")[1]

    with album.step("request written"):
        home = request_line.writes_the_request(requestor, colleague)
    with album.step("signed and submitted"):
        number = request_line.signs_and_submits(requestor, home)
    with album.step("completeness check"):
        request_line.finds_complete(coordinator, home)
    with album.step("decisions"):
        for member in board:
            request_line.decides(member, home, first=member is board[0])
    with album.step("people approved"):
        for member in board:
            request_line.approves_people(
                member, home, [requestor.name, colleague.name], first=member is board[0]
            )
    with album.step("agreement drawn up"):
        paper = agreement.draws_up(coordinator, number)
        waiting = [slugs[name] for name in agreement.parties(coordinator)]
    with album.step("agreement signed"):
        for slug in waiting:
            agreement.signs_agreement(company.of(slug, "signatory"), paper, first=slug == waiting[0])
        agreement.fetches_executed(requestor, paper, number)
    with album.step("statements signed"):
        agreement.signs_confidentiality(requestor, number, first=True)
        agreement.signs_confidentiality(company.called(colleague.name), number)
        agreement.signs_confidentiality(hub, number)
        for person in (*stewards, coordinator):
            agreement.signs_acknowledgement(person)

    with album.step("upload opened"):
        match = files.opens_the_upload(hub, number)
    with album.step("files sent"):
        for slug, steward in zip(AGENCIES, stewards, strict=True):
            files.sends_files(steward, slug.upper(), number, invented, first=slug == AGENCIES[0])
        district = schools.supplier_slug(SCHOOL.district)
        contact = next(person for person in directory.people() if person.organisation == district)
        files.supplies_lists(company.called(contact.name), number, invented)
    with album.step("match"):
        files.starts_the_match(hub, match)
        files.reads_the_report(stewards[0], match)
        files.describes_the_limits(hub, match)
    with album.step("signed off"):
        for person in (*stewards, requestor):
            files.agrees(person, match, first=person is stewards[0])
    with album.step("extract downloaded"):
        extract = files.downloads_the_extract(requestor, match)
        files.holds_nobody(extract, invented)
        files.answers_the_question(coordinator, match)

    with album.step("output submitted and checked"):
        output = outputs.submits_an_output(requestor, number, extract)
    with album.step("output confirmed"):
        for person in (*stewards, coordinator):
            outputs.confirms(person, output, first=person is stewards[0])
        outputs.cannot_be_released_yet(coordinator, output)
        day = outputs.first_day(coordinator)
    with album.step("destruction of the inputs ordered by two of the hub, done after an hour"):
        destruction.asks(hub, match)
        destruction.confirms(second, match)
        destruction.hears_of_it(stewards[0])
        outputs.moves_the_clock_by_an_hour(coordinator)
        destruction.sees_inputs_destroyed(hub, match)
    with album.step("clock moved to the last day"):
        outputs.moves_the_clock(coordinator, day - dt.timedelta(days=1), hour=23)
        outputs.cannot_be_released_yet(coordinator, output)
    with album.step("clock moved on, released"):
        outputs.moves_the_clock(coordinator, day)
        outputs.releases(coordinator, output)
        outputs.fetches_the_package(requestor, output)
        outputs.files_the_copy(requestor, output)
    with album.step("certificate"):
        agreement.certifies(requestor, paper, "Secure erase of the desktops’ disks; no paper copies")
    with album.step("closed"):
        coordinator.goes("/")
        project = coordinator.page.get_by_role("link", name=re.compile(number)).first.get_attribute("href")
        outputs.closes(coordinator, second, project)
        outputs.shows_the_whole_way(requestor, project)

    requestor.goes(project)
    assert requestor.page.locator(".p20-head__state").inner_text().endswith("Closed")
