"""Who hears that inputs are to be kept longer: who may sign for a party, and everyone concerned."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from matching.models import Keeping
from matching.notices import people_of_a_match
from p20win.accounts.public import Role, people_with_role
from p20win.notifications.public import Notice

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.audit.models import Event


def _keeping(event: "Event") -> Keeping:
    return Keeping.objects.select_related("match__project", "proposed_by").get(pk=event.subject_id)


def _words(event: "Event") -> dict[str, object]:
    row = _keeping(event)
    refused = row.words.filter(refused_at__isnull=False).select_related("organisation", "refused_by")
    return {"keeping": row, "refused": refused}


def _page(event: "Event") -> str:
    return _keeping(event).get_absolute_url()


def every_party(event: "Event") -> Iterable["User"]:
    """Those who may sign for each party, the parties' representatives, the hub and the operating group."""
    row = _keeping(event)
    asked = row.words.select_related("organisation")
    signatories = [person for word in asked for person in people_with_role(Role.SIGNATORY, word.organisation)]
    return [*signatories, *people_of_a_match(row.match)]


def _told(subject: str, template: str) -> Notice:
    return Notice(f"emails/{template}.txt", every_party, subject, where=_page, context=_words)


NOTICES: Final = {
    "keeping.proposed": _told(
        "{number}: please sign or refuse to keep the input files longer", "keeping_proposed"
    ),
    "keeping.agreed": _told("{number}: the input files are kept longer", "keeping_agreed"),
    "keeping.refused": _told("{number}: the input files are not kept longer", "keeping_ended"),
    "keeping.withdrawn": _told("{number}: the input files are not kept longer", "keeping_ended"),
    "keeping.lapsed": _told("{number}: the input files are not kept longer", "keeping_ended"),
}
