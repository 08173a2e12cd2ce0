"""Pages one meets seldom: holds, tickets, profiles, deliveries, logs, the ledger; wide and on a phone."""

import csv
import datetime as dt
import io
import re

import pytest
from openpyxl import load_workbook

from fixtures import directory, schools
from governance.seed.directory import DEMO_PASSWORD
from governance.seed.projects import FEW
from tests.functional.visitor import Album, Visitor

# Their numbers differ from seed to seed.
DELIVERED, LINKED, COLLECTING = "From one region", "Programmes of one region", "Career academies"
HUB, SECOND, GROUP = "Lillian Lubalski", "Connor Arbemada", "Edgar Pennfield"
REQUESTOR, STEWARD = "Carlos Marlworth", "Ana Dalnell"  # the steward's agency has files to send
LOGS = ("received", "matches", "maintained", "sent", "data-match")


@pytest.fixture
def called(desk, tmp_path):
    """Return a function that lets somebody sign in, once."""
    album, here = Album(tmp_path), {}

    def call(name):
        if name not in here:
            here[name] = Visitor(desk(accept_downloads=True), album, name)
        return here[name]

    return call


def opens_match(visitor, title):
    visitor.goes(f"/matching/?q={title}")
    visitor.follows(re.compile("^DR-"))


def opens_delivery(visitor):
    opens_match(visitor, DELIVERED)
    visitor.follows(re.compile(r"^Version \d"))


def shows_a_profile(steward):
    steward.goes("/files/?status=filled")
    steward.follows(re.compile("Analytical"))
    steward.follows(re.compile("^Quality of the data"))
    steward.examines("profile")


def stays_when_the_page_loads_itself_anew(visitor, words):
    """Do what the browser does when a page's work is over; and load the page once more by hand."""
    visitor.page.evaluate(
        """() => document.dispatchEvent(new CustomEvent("htmx:beforeOnLoad", {detail: {xhr: {
            getResponseHeader: (name) => name === "HX-Refresh" ? "true" : null}}}))"""
    )
    visitor.goes(visitor.page.url)
    visitor.sees(words)
    visitor.goes(visitor.page.url)
    assert words not in visitor.page.locator("main").inner_text()


def test_a_hold_by_two_people_a_ticket_a_profile_a_delivery_and_the_logs(called):
    hub, group, steward = called(HUB), called(GROUP), called(STEWARD)

    opens_match(hub, LINKED)
    hub.follows("Ask for a legal hold")
    hub.writes({"authority": "A court", "reason": "Evidence in an invented case.", "until": f"{hub.today}"})
    hub.examines("hold-ask")
    hub.presses("Ask for it")
    hub.sees("Asked for. It holds nothing until a second person puts it in force.")
    hub.examines("hold-asked")
    stays_when_the_page_loads_itself_anew(hub, "Asked for. It holds nothing until a second person")
    group.goes("/")
    group.follows("Answer as the second person: a legal hold")
    group.follows("Put it in force")
    group.examines("hold-confirm")
    group.presses("Put it in force")
    group.examines("hold-in-force")
    group.goes("/files/holds/")
    group.sees("In force")
    group.examines("holds")

    steward.goes(f"/files/?status=open&q={COLLECTING}")
    steward.follows(re.compile("file"))
    steward.sees("Nothing is lost if the connection breaks")
    steward.examines("slot")
    slot = steward.page.url
    steward.follows("The extract instruction")
    steward.sees("Which people, and which years", "Matching file")
    steward.examines("instruction")
    steward.goes(slot)
    steward.follows("make an upload ticket")
    steward.presses("Make the ticket")
    steward.sees("It is shown this once.")
    steward.examines("upload-ticket")
    shows_a_profile(steward)

    opens_delivery(group)
    group.sees("Who downloaded it")
    group.examines("delivery")
    group.follows("Give more time")
    group.examines("more-time")

    group.goes("/logs/data-match/")
    group.examines("data-match-log")
    group.follows("Checkpoints of the ledger")
    group.sees("Signed checkpoints")
    group.examines("ledger")


def test_a_district_is_invited_affirms_and_sees_its_lists_alone(called):
    district = schools.supplier_slug(FEW[0].district)
    contact = called(next(person.name for person in directory.people() if person.organisation == district))
    group = called(GROUP)

    contact.goes("/")
    contact.follows(re.compile("^Send the files: List"))
    contact.sees("Nothing can be sent yet")
    contact.examines("list-before-the-affirmation")
    contact.follows("affirm first that")
    contact.examines("invitation")
    contact.presses("Affirm")
    contact.sees("Tick it if all of it is so")
    contact.examines("invitation-not-ticked")
    contact.writes({"affirms": True})
    contact.presses("Affirm")
    contact.sees("Taken down. You can send the lists now.")
    contact.examines("invitation-affirmed")
    contact.goes("/files/")
    contact.sees_not("Career academies")
    contact.examines("lists-to-send")
    contact.follows(re.compile("^List"))
    contact.sees("Nothing is lost if the connection breaks")
    contact.examines("list-to-send")

    opens_match(group, COLLECTING)
    group.examines("match-with-suppliers")
    group.follows(re.compile("^Withdraw it"))
    group.writes({"reason": "It was the wrong school."})
    group.examines("invitation-withdraw")
    group.presses("Withdraw the invitation")
    group.sees("The invitation is withdrawn.")
    group.follows("Invite the supplier of a list")
    group.examines("invite-supplier")
    group.ticks(group.page.locator("input[name=lists]").first)
    choice = group.page.locator("select[name=contact] option", has_text=contact.name)
    group.writes({"contact": choice.get_attribute("value")})
    group.presses("Invite")
    group.sees("Invited. The supplier is told.")
    contact.goes("/")
    contact.follows(re.compile("^Send the files: List"))
    contact.sees("Nothing can be sent yet")


def test_a_match_is_asked_to_be_abandoned_and_goes_on(called):
    hub, group = called(HUB), called(GROUP)

    opens_match(group, COLLECTING)
    group.follows("Abandon this match")
    group.writes({"ground": "operating_group", "reason": "The invented study was given up."})
    group.examines("abandon")
    group.presses("Ask to abandon it")
    group.sees("You asked for it; another person must confirm it.")
    group.examines("abandon-asked")

    hub.goes("/")
    hub.follows("Answer as the second person: a match without a result")
    hub.follows("Confirm that it is abandoned")
    hub.sees("The invented study was given up.")
    hub.examines("abandon-confirm")
    hub.follows("Go back without doing this")
    hub.follows("Let the match go on")
    hub.presses("Let it go on")
    hub.sees("The match goes on.")


@pytest.mark.long
@pytest.mark.obligation("O-65")
def test_it_is_proposed_to_keep_inputs_longer_one_party_signs_and_another_refuses(called):
    group, signatory, other = called(GROUP), called("Addison Tarrley"), called("Robert Garanilla")

    opens_match(group, DELIVERED)
    group.follows("Propose to keep the input files longer")
    group.examines("keeping-none")
    group.follows("Propose to keep them longer")
    day = group.today + dt.timedelta(days=60)
    group.writes({"until": f"{day}", "reason": "An invented list is late.", "allowed_in": "Section III.F.3"})
    group.presses("Show what it would change")
    group.examines("keeping-compared")
    group.presses("Send it to every party")
    group.sees("Sent to every party.")
    group.examines("keeping-proposed")

    signatory.goes("/")
    signatory.follows("Sign or refuse: keep the input files longer")
    signatory.follows("Read and sign")
    signatory.examines("keeping-sign")
    signatory.signs(DEMO_PASSWORD)
    signatory.presses("Sign")
    signatory.sees("Signed. With the last party’s signature the clock moves.")

    opens_match(other, DELIVERED)
    other.follows("Sign or refuse: keep the inputs longer")
    other.follows("Refuse")
    other.writes({"reason": "The invented counsel objects."})
    other.examines("keeping-refuse")
    other.presses("Refuse for my organisation")
    other.sees("Refused. Every party is told")
    group.goes(group.page.url)
    group.sees("The invented counsel objects.")
    group.examines("keeping-refused")
    assert "Nothing is proposed" in group.page.locator("main").inner_text()


def test_pages_belong_to_one_place_of_the_navigation(called):
    hub = called(HUB)
    for address, place in {
        "/files/keys/": "Health",
        "/files/holds/": "Legal holds",
        "/jobs/failed/": "Health",
        "/ledger/": "Logs",
        "/files/": "Files",
        "/deadlines/": "Home",
    }.items():
        hub.goes(address)
        assert hub.page.locator("nav[aria-label=Main] .usa-current").all_inner_texts() == [place], address


@pytest.mark.long
@pytest.mark.obligation("O-64", "O-111")
def test_every_log_and_what_is_taken_along_of_it(called):
    group = called(GROUP)
    for slug in LOGS:
        group.goes(f"/logs/{slug}/")
        group.examines(f"log-{slug}")
        headings = group.page.locator("main thead th").all_inner_texts()
        sheet = group.fetches(group.page.get_by_role("link", name="Download as CSV")).path().read_bytes()
        lines = list(csv.reader(io.StringIO(sheet.decode("utf-8-sig"))))
        table = group.fetches(group.page.get_by_role("link", name="Download as XLSX")).path().read_bytes()
        book = load_workbook(io.BytesIO(table))
        rows = [[cell or "" for cell in row] for row in book.active.iter_rows(values_only=True)]
        assert rows == lines
        assert [words.removesuffix(" (ET)") for words in lines[0]] == [words.strip() for words in headings]
        assert len(lines) > 1
        assert book.active.freeze_panes == "A2"


@pytest.mark.long
def test_keys_and_tickets_and_what_is_asked_of_a_delivery(called):
    hub, second, group = called(HUB), called(SECOND), called(GROUP)
    requestor, steward = called(REQUESTOR), called(STEWARD)

    hub.goes("/files/keys/")
    hub.examines("keys")
    hub.follows("Ceremonies with the master key")
    hub.examines("ceremonies")
    steward.goes("/files/machine-keys/")
    steward.follows("Enrol a key")
    steward.examines("enrol")
    opens_delivery(requestor)
    requestor.follows("Download")
    requestor.ticks(*requestor.page.locator("main input[type=checkbox]").all())
    requestor.presses("Download with a program")
    requestor.presses("Show the ticket")
    requestor.examines("download-ticket")
    opens_delivery(requestor)
    requestor.follows("Ask about it")
    requestor.writes({"topic": "accuracy", "text": "Why are so few of 2019 matched?"})
    requestor.presses("Ask")
    opens_delivery(group)
    group.follows("Forward")
    group.examines("forward")
    group.page.locator("main select[name=to]").select_option(index=1)
    group.presses(re.compile("Forward"))
    group.examines("question-forwarded")

    opens_match(hub, DELIVERED)
    hub.follows("Destroy the input files")
    hub.examines("destroy")
    hub.writes({"reason": "Everyone has the extract."})
    hub.presses("Ask for the destruction")
    second.goes("/")
    second.follows("Confirm or withdraw the destruction of the input files")
    second.examines("order-asked")
    second.follows("Withdraw the order")
    second.writes({"reason": "Only a rehearsal."})
    second.presses("Withdraw the order")
    second.sees("Withdrawn. The clock runs on.")

    opens_delivery(group)
    group.follows("Recall this version")
    group.examines("recall")
    group.writes({"reason": "A rehearsal."})
    group.presses("Recall it")
    group.examines("recalled")
    opens_delivery(requestor)
    requestor.examines("recalled-for-the-recipient")
    assert DEMO_PASSWORD not in requestor.page.content()
