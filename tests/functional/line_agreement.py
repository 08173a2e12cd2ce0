"""The line's second part: the agreement is drawn up, signed and in force; statements are signed."""

from __future__ import annotations

import io
import re

from pypdf import PdfReader

from governance.seed.directory import DEMO_PASSWORD
from tests.functional.visitor import Visitor


def draws_up(coordinator: Visitor, number: str) -> str:
    """Draw the agreement up, wait for its document, send it out; return its address."""
    coordinator.goes("/agreements/")
    coordinator.follows(f"Draw up the agreement on {number}")
    coordinator.examines("draw-up")
    coordinator.presses("Draw up")
    coordinator.sees("The document is ready.", patiently=True)
    coordinator.looks()
    address = coordinator.page.url
    coordinator.presses("Send out for signature")
    coordinator.sees(re.compile(r"\d of \d signatures are still missing"))
    coordinator.examines("agreement-out")
    return address


def parties(reader: Visitor) -> list[str]:
    """Return the legal names of the parties that have not signed, each once."""
    rows = reader.page.locator("main table tbody tr", has_text="Not signed yet").locator("th")
    return list(dict.fromkeys(rows.all_inner_texts()))


def signs_agreement(signatory: Visitor, address: str, *, first: bool) -> None:
    """A signatory reads the document and signs it."""
    signatory.goes("/")
    signatory.goes(address)
    signatory.follows("Read and sign")
    if first:
        paper = signatory.fetches(signatory.page.get_by_role("link", name="Read the document (PDF)"))
        assert paper.suggested_filename.endswith(".pdf")
        signatory.examines("sign-agreement")
    signatory.signs(DEMO_PASSWORD, affirms_authority=True)
    signatory.presses("Sign")
    signatory.sees(re.compile(r"^\s*Signed\."))


def fetches_executed(reader: Visitor, address: str, number: str) -> None:
    """The executed agreement comes with its seal and everyone's signature."""
    reader.goes(address)
    reader.sees("In force", patiently=True)
    link = reader.page.get_by_role("link", name="Executed agreement (PDF)")
    link.wait_for(timeout=60_000)
    reader.looks()
    reader.examines("agreement-in-force")
    paper = reader.fetches(link)
    content = paper.path().read_bytes()
    document = PdfReader(io.BytesIO(content))
    fields = document.get_fields() or {}
    assert any(field.get("/FT") == "/Sig" for field in fields.values()), "The executed agreement has no seal."
    assert number in "".join(page.extract_text() for page in document.pages)


def signs_confidentiality(person: Visitor, number: str, *, first: bool = False) -> None:
    """Somebody who will have the data signs Exhibit C for the project."""
    person.goes("/agreements/statements/")
    person.follows(f"Sign for {number}")
    if first:
        person.examines("sign-statement")
    person.signs(DEMO_PASSWORD)
    person.presses("Sign")
    person.sees("Signed.")


def signs_acknowledgement(person: Visitor) -> None:
    """Agency staff sign Exhibit B, unless they have."""
    person.goes("/agreements/statements/")
    if person.page.get_by_text("You have not signed it.").count():
        person.follows("Read and sign")
        person.signs(DEMO_PASSWORD)
        person.presses("Sign")
    person.sees("You signed it on")


def certifies(requestor: Visitor, address: str, method: str) -> None:
    """The recipient files the certificate of destruction, signed; its paper is made."""
    requestor.goes(address)
    requestor.follows("File the certificate of destruction")
    requestor.examines("certificate")
    requestor.signs(DEMO_PASSWORD, kind="destruction", happened_on=requestor.today, method=method)
    requestor.presses("File the certificate")
    requestor.sees("The certificate is filed.")
