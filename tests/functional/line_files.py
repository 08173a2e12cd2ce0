"""The line's third part: files in, refused or accepted; the match; the parties' word; the extract out."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile

from playwright.sync_api import expect

from fixtures.formats import FixtureFile
from fixtures.generate import Project as Invented
from governance.seed.directory import DEMO_PASSWORD
from tests.functional.line_request import SCHOOL
from tests.functional.visitor import PATIENCE, Visitor

WRONG_COLUMN = b"SyntheticID\tShoeSize\nAB-QWRTZPSD\t9\n"


def opens_the_upload(hub: Visitor, number: str) -> str:
    """The hub opens the upload; return the match's address."""
    hub.goes("/matching/")
    hub.follows(f"Open the upload {number}")
    hub.examines("open-the-upload")
    hub.presses("Open the upload")
    hub.sees("The upload is open.", re.compile("Waiting for files of"))
    hub.examines("match-waiting")
    return hub.page.url


def sends_files(steward: Visitor, agency: str, number: str, invented: Invented, *, first: bool) -> None:
    """A steward sends each file of the agency; the first sends a wrong one before."""
    steward.goes("/files/")
    if first:
        steward.examines("files-to-send")
    rows = steward.page.locator("main tbody tr", has_text=number)
    titles = rows.locator("th a").all_inner_texts()
    addresses = [a.get_attribute("href") for a in rows.locator("th a").all()]
    for title, address in zip(titles, addresses, strict=True):
        assert address
        steward.goes(address)
        file = _file_for(title, agency, invented)
        name = file.name(number, steward.today, scheme="underscored" if file.part else "dotted")
        if first and title.startswith("Analytical"):
            _is_refused(steward, name)
        steward.sends(name, file.tsv())
        steward.sees("The file was accepted and is sealed.", patiently=True)
        steward.looks()
    if first:
        steward.examines("file-accepted")
        receipt = steward.fetches(steward.page.get_by_role("link", name=re.compile("^Signed receipt")).first)
        assert b"signature" in receipt.path().read_bytes()


def supplies_lists(contact: Visitor, number: str, invented: Invented) -> None:
    """A district's contact affirms that the lists may be shared, sends them, and sees nothing else."""
    contact.goes("/files/")  # other requests of the demo ask the same district
    first = contact.page.locator("main tbody tr", has_text=number).locator("th a").first
    contact.goes(first.get_attribute("href") or "")
    contact.sees("Nothing can be sent yet")
    contact.examines("list-before-the-affirmation")
    contact.follows("affirm first that")
    contact.examines("invitation")
    contact.writes({"affirms": True})
    contact.presses("Affirm")
    contact.sees("Taken down. You can send the lists now.")
    contact.examines("invitation-affirmed")
    sends_files(contact, "", number, invented, first=False)
    contact.examines("list-accepted")
    contact.goes("/")
    contact.sees("No open request.")


def _is_refused(steward: Visitor, name: str) -> None:
    """A column that nobody approved: the page says so, by column, and shows no value."""
    steward.sends(name, WRONG_COLUMN)
    steward.sees("It was not kept. Correct what follows and send it again.", patiently=True)
    steward.sees("ShoeSize")
    steward.sees_not("AB-QWRTZPSD")
    steward.examines("file-refused")


def _file_for(title: str, agency: str, invented: Invented) -> FixtureFile:
    if title.startswith("List"):
        return next(file for file in invented.identifier_lists if file.part in title)
    files = invented.agencies[agency]
    return files.matching if title.startswith("Matching") else files.analytical


def starts_the_match(hub: Visitor, address: str) -> None:
    """The hub starts an approved method and watches how far it is."""
    hub.goes(address)
    hub.sees("All files are there. The hub starts the match.")
    hub.follows("Start the match")
    hub.examines("start-match")
    hub.presses("Start the match")
    hub.sees("Started. The vault links the files.")
    expect(hub.page.locator("progress.p20-job__bar")).to_be_visible()
    hub.examines("match-under-way")
    hub.sees(re.compile("^The report is ready."), patiently=True)
    hub.looks()


def reads_the_report(reader: Visitor, address: str) -> None:
    """The report shows rates and no record, and can be taken along."""
    reader.goes(address)
    reader.follows("Read the match report")
    reader.sees("Match rates", "Who is matched less often")
    reader.examines("match-report")
    report = reader.fetches(reader.page.get_by_role("link", name="As one web page"))
    assert b"<html" in report.path().read_bytes()


def describes_the_limits(hub: Visitor, address: str) -> None:
    """The hub says what the recipient must know; nothing is delivered before."""
    hub.goes(address)
    hub.sees("The hub has not described the limits of the result yet.")
    hub.follows("Describe the limitations")
    hub.writes({"limitations": "Wages earned outside the state are not in the data."})
    hub.examines("limitations")
    hub.presses("Keep it")
    hub.sees("The limitations are written down.")


def agrees(person: Visitor, address: str, *, first: bool) -> None:
    """A party's representative signs that the match is optimal."""
    person.goes("/")
    person.goes(address)
    person.follows("Say that it is optimal")
    if first:
        person.examines("agree-match")
    person.signs(DEMO_PASSWORD)
    person.presses("Sign")
    # With the last word the page follows the building of the extract, and loads anew when that is done.
    person.sees(re.compile("^(Signed. Your organisation agrees|The extract is with the recipient)"))


def downloads_the_extract(requestor: Visitor, address: str) -> dict[str, bytes]:
    """The recipient acknowledges every rule and fetches the extract; return its files by name."""
    requestor.goes(address)
    requestor.page.get_by_role("link", name="Download the extract").wait_for(timeout=PATIENCE)
    requestor.follows("Download the extract")
    requestor.page.get_by_role("button", name="Download", exact=True).click()
    requestor.sees("There is something to correct")
    requestor.examines("download-not-acknowledged")
    requestor.ticks(*requestor.page.locator("main input[type=checkbox]").all())
    archive = requestor.fetches(requestor.page.get_by_role("button", name="Download", exact=True))
    content = archive.path().read_bytes()
    _confirms_and_asks(requestor, address, hashlib.sha256(content).hexdigest())
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def _confirms_and_asks(requestor: Visitor, address: str, digest: str) -> None:
    """The delivery's page: what is in it, the receipt by its hash, and a question in time."""
    requestor.goes(address)
    requestor.follows(re.compile("^Version 1"))
    confirm = requestor.page.get_by_role("link", name="Confirm what you received")
    for _ in range(20):  # the vault counts what it gave a moment after the last byte
        if confirm.count():
            break
        requestor.page.wait_for_timeout(500)
        requestor.page.reload()
    requestor.sees("Your downloads", "Questions about completeness or matching accuracy")
    requestor.examines("delivery")
    requestor.follows("What is in it")
    requestor.sees("Known limitations", "Match quality by agency")
    requestor.examines("delivery-papers")
    requestor.follows("Back to the delivery")
    requestor.follows("Confirm what you received")
    requestor.writes({"digest": digest})
    requestor.examines("confirm-receipt")
    requestor.presses("Confirm")
    requestor.sees("Confirmed.")
    requestor.follows("Ask about it")
    requestor.writes({"topic": "completeness", "text": "Are wages of the last quarter complete?"})
    requestor.examines("ask")
    requestor.presses("Ask")
    requestor.sees("Your question is with the operating group.")


def answers_the_question(coordinator: Visitor, address: str) -> None:
    """The operating group answers; it settles the matter."""
    coordinator.goes(address)
    coordinator.follows(re.compile("^Version 1"))
    coordinator.sees("Are wages of the last quarter complete?", "Who downloaded it")
    coordinator.follows("Answer")
    coordinator.writes({"text": "Yes, as reported by July.", "outcome": "answer"})
    coordinator.examines("answer-question")
    coordinator.presses("Answer")
    coordinator.sees("Answered. The recipient is told.")


def holds_nobody(extract: dict[str, bytes], invented: Invented) -> None:
    """Fail if the extract has a matching identifier’s column, or a value of one."""
    tables = {name: content.decode() for name, content in extract.items() if name.endswith(".csv")}
    for agency in ("SDE", "CSCU", "DOL"):
        header = tables[f"{agency.lower()}.csv"].splitlines()[0].split(",")
        assert "link_id" in header
        matching = invented.agencies[agency].matching.table
        assert not {"SSN", "SASID", "LastName", "FirstName", "MiddleName", "DOB"} & set(header)
        words = {word for text in tables.values() for word in re.split(r"[,\r\n]", text)}
        for column in ("SSN", "SASID", "LastName", "FirstName", "SyntheticID"):
            if column in matching.column_names:
                # A bare initial may be a code, too.
                values = {value for value in map(str, matching[column].to_pylist()) if len(value) > 1}
                found = values & words - {"None"}
                assert not found, f"{len(found)} values of {agency}’s {column} stand in the extract"
    assert SCHOOL.name in tables["sde.csv"]
