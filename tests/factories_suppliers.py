"""Suppliers of lists who are no parties: a district, its contact, and a match that invited them."""

from p20win.custody import public as custody
from tests import factories
from tests import factories_matching as matches
from tests import factories_requests as requests
from tests.factories import START
from tests.starting_points import starting_point

NAMED = "A School District"  # as the request of `factories_matching` names it


def district(**fields):
    """Return a district that the portal knows."""
    known = {"slug": "lindenport", "short_name": "Lindenport", "legal_name": NAMED, "is_agency": False}
    return factories.organisation(**(known | {"is_state_body": False} | fields))


@starting_point(requests.FIELDS, matches.ANALYTICAL)
def _collecting():
    factories.person(at=district())
    return matches.collecting(with_list=True)


def collecting():
    """Return a match that waits for its files, and the district's contact, who was invited."""
    match = _collecting()
    return match, invitation(match).contact


def listed(match):
    """Return what the match knows of its list."""
    return match.expected_files.select_related("slot__invitation", "slot__project").get(
        kind="identifier_list"
    )


def invitation(match):
    """Return the invitation to send it."""
    return custody.invitations(match.project).latest("invited_at")


def affirmed(match):
    """Let the contact affirm."""
    row = invitation(match)
    return custody.affirm(row, by=row.contact, at=START)


def content():
    """Return a list of the identifiers that the education agency knows."""
    numbers = matches.people().agencies["SDE"].matching.table["SASID"].to_pylist()
    rows = "".join(f"{number}\t1\n" for number in numbers if number)
    return f"SASID\t{matches.FLAG}\n{rows}".encode()


def sent(match, text=None):
    """Return the list as the vault judged it, affirmed and sent by the contact."""
    row = invitation(match)
    if row.status == custody.InvitationStatus.SENT:
        affirmed(match)
    return matches.send(match, "SDE", "identifier_list", text or content(), by=row.contact)
