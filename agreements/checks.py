"""Why not: rules about agreements, statements and who may sign."""

from typing import TYPE_CHECKING, Final

from agreements import standing
from agreements.models import Agreement, Capacity, Party, StatementKind
from p20win import clock
from p20win.accounts.public import Role
from p20win.projects import public as projects

if TYPE_CHECKING:
    from p20win.access import AccessAsk
    from p20win.accounts.models import User

# Acts that move or open a project's data; after the agreement's end only review of what was delivered goes
# on.
NEEDS_AGREEMENT: Final = frozenset({"upload", "supply", "match", "download", "submit_output"})
NEEDS_STATEMENT: Final = frozenset({"upload", "match", "download", "submit_output", "see_counts"})


def why_no_agreement(ask: "AccessAsk") -> str | None:
    """Answer the access decision: data moves only under an agreement in force (O-59, O-141)."""
    if ask.act not in NEEDS_AGREEMENT or standing.in_force(ask.project, ask.at):
        return None
    return f"No data sharing agreement on {ask.project.number or 'this project'} is in force."


def why_not_confidential(ask: "AccessAsk") -> str | None:
    """Answer the access decision.

    Recipient and hub sign Exhibit C for each project, agencies Exhibit B (O-06, O-07).
    """
    if ask.act not in NEEDS_STATEMENT:
        return None
    person, organisation = ask.person, ask.person.organisation
    is_supplier = (
        organisation is not None and projects.suppliers(ask.project).filter(pk=organisation.pk).exists()
    )
    serves_agency = is_supplier and ask.act in ("upload", "see_counts")
    if serves_agency or person.has_role(Role.OPERATING_GROUP):
        if standing.statement_in_force(person, StatementKind.ACKNOWLEDGEMENT, ask.at):
            return None
        return "Sign the user acknowledgement (Exhibit B) first."
    if standing.confidentiality_current(person, ask.project, ask.at):
        return None
    return f"Sign the confidentiality statement (Exhibit C) for {ask.project.number} first; it holds a year."


def has_text(agreement: Agreement, actor: "User") -> str | None:
    """The document must have been made."""
    return None if agreement.document_id else "The document is still being made. Try again in a moment."


def has_two_agencies(agreement: Agreement, actor: "User") -> str | None:
    """An agreement joins the data of two agencies or more (O-17)."""
    agencies = agreement.parties.filter(capacity=Capacity.AGENCY).count()
    return None if agencies >= 2 else "An agreement needs two participating agencies at least."


def says_what_law_requires(agreement: Agreement, actor: "User") -> str | None:
    """What the law asks of a written agreement must stand in it (O-137)."""
    needed = {
        "hub": "the authorised representative",
        "legal_basis": "the legal basis",
        "purpose": "the purpose",
        "elements": "the data disclosed",
        "destruction_date": "the destruction date",
        "safeguards": "the safeguards",
    }
    missing = [words for key, words in needed.items() if not agreement.terms.get(key)]
    return f"The request does not state {', '.join(missing)}." if missing else None


def emou_of_all_in_force(agreement: Agreement, actor: "User") -> str | None:
    """Every agency, the hub and the operating group have signed the memorandum (O-39)."""
    from p20win.accounts.public import operating_group

    today = clock.state_date(clock.now())
    bound = [p.organisation for p in agreement.parties.exclude(capacity=Capacity.RECIPIENT)] + [
        operating_group()
    ]
    lacking = sorted({o.short_name for o in bound if not standing.emou_in_force(o, today)})
    if not lacking:
        return None
    return f"The enterprise memorandum is not in force for {', '.join(lacking)}."


def every_party_has_signed(agreement: Agreement, actor: "User") -> str | None:
    """All expected signatures are there; no party at all is no agreement."""
    expected = list(standing.expected_parties(agreement))
    waiting = sorted(p.organisation.short_name for p in expected if p.signature_id is None)
    if expected and not waiting:
        return None
    return f"Waiting for {', '.join(waiting) or 'the parties to be named'}."


def why_not_sign(agreement: Agreement, actor: "User") -> list[str]:
    """Say why this person cannot sign now; an empty list means they can."""
    if agreement.status != "signing":
        return [f"Not possible while the agreement is “{agreement.get_status_display().lower()}”."]
    mine = parties_of(agreement, actor)
    if not mine:
        return ["Only an authorised signatory of a party can sign."]
    if all(party.signature_id for party in mine):
        return ["Your organisation has signed."]
    return []


def parties_of(agreement: Agreement, actor: "User") -> list[Party]:
    """Return the parties that this person is an authorised signatory of."""
    parties = standing.expected_parties(agreement)
    return [party for party in parties if actor.has_role(Role.SIGNATORY, party.organisation)]


def is_of_recipient(project: "projects.Project", actor: "User") -> str | None:
    """Only people of the recipient do this."""
    recipient = projects.recipient(project)
    if recipient is not None and actor.organisation_id == recipient.pk:
        return None
    return "Only people of the data recipient can do this."
