"""Who sends a list of identifiers: its supplier, who is invited, or the agency that issues them (O-124)."""

import datetime as dt
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.db import transaction

from matching import supplier_checks
from matching.models import ExpectedFile, Match
from p20win import policy
from p20win.accounts.public import Organisation, organisation_called
from p20win.audit.public import first_in_line
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.refusal import Blocked
from p20win.workflow import amend

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.projects.models import Project
    from requests_app.models import Population


class Invited:
    """The invitations of a match that is being opened: one for each person, however many lists they send."""

    def __init__(self, project: "Project", *, by: "User", at: dt.datetime) -> None:
        """Begin with nobody."""
        self._project, self._by, self._at = project, by, at
        self._found: dict[Any, custody.Invitation] = {}

    def of(self, population: "Population") -> custody.Invitation | None:
        """Return the invitation of a population's supplier; None if the portal does not know whom to ask."""
        contact = contact_of(self._project, population)
        if contact is None:
            return None
        if contact.pk not in self._found:
            self._found[contact.pk] = custody.invite(self._project, contact, by=self._by, at=self._at)
        return self._found[contact.pk]


def contact_of(project: "Project", population: "Population") -> "User | None":
    """Return whom to ask for a population's lists: the named person, or the only one, of a known supplier."""
    supplier = organisation_called(population.supplier_name)
    if supplier is None:
        return None
    people = [person for person in supplier.people.all() if not custody.why_not_invited(project, person)]
    said = population.supplier_contact.casefold()
    named = [person for person in people if _is_named(person, said)]
    found = named or people
    return found[0] if len(found) == 1 else None


def _is_named(person: "User", said: str) -> bool:
    return bool(said) and (person.email.casefold() in said or person.name.casefold() in said)


@transaction.atomic
def invite(
    match: Match, lists: Collection[ExpectedFile], contact: "User", *, by: "User", at: dt.datetime
) -> custody.Invitation:
    """Ask a supplier for lists that the agency was to send: their slots close, and others open for it.

    :raises Blocked: if the person may not, nothing is waited for, or this supplier cannot be invited here
    """
    first_in_line()
    reasons = supplier_checks.why_not_invite(match, by)
    open_now = {row.pk for row in supplier_checks.lists_to_invite_for(match)}
    if not lists or not {row.pk for row in lists} <= open_now:
        reasons.append("Name lists that an agency is to send, and that did not come in yet.")
    if reasons:
        raise Blocked(reasons)
    invitation = custody.invite(match.project, contact, by=by, at=at)
    for row in lists:
        _hand_over(row, invitation.supplier, invitation, by=by, at=at)
    return invitation


@transaction.atomic
def withdraw(
    match: Match, invitation: custody.Invitation, *, reason: str, by: "User", at: dt.datetime
) -> custody.Invitation:
    """Withdraw an invitation before a file is accepted. The agency that has the identifiers sends the lists.

    :raises Blocked: if the person may not, a file came in, it is over, or no reason is given
    """
    first_in_line()
    if reasons := supplier_checks.why_not_invite(match, by):
        raise Blocked(reasons)
    rows = match.expected_files.filter(slot__invitation=invitation, slot__status=custody.SlotStatus.OPEN)
    waiting = list(rows.select_related("slot__project", "slot__supplier", "agency", "match"))
    invitation = custody.withdraw_invitation(invitation, reason=reason, by=by, at=at)
    for row in waiting:
        _hand_over(row, row.agency, None, by=by, at=at)
    return invitation


def _hand_over(
    row: ExpectedFile,
    sender: Organisation,
    invitation: custody.Invitation | None,
    *,
    by: "User",
    at: dt.datetime,
) -> None:
    """Open a slot like the present one for another sender, and wait for that."""
    old = custody.UploadSlot.objects.select_related("project", "supplier").get(pk=row.slot_id)
    if old.status == custody.SlotStatus.OPEN:
        custody.close_slot(old, by=by, at=at, note="Somebody else is asked for this list.")
    senders = dict.fromkeys([*old.spec.get("agencies", ()), sender.short_name, sender.slug])
    slot = custody.open_slot(
        project=old.project,
        supplier=sender,
        kind=old.data_class,
        title=f"{old.title.rpartition(', ')[0]}, {sender.short_name}"[:200],
        spec=old.spec | {"agencies": list(senders)},
        closes_at=deadlines.due(policy.TRANSMISSION_WINDOW, start=at).at,
        by=by,
        at=at,
        invitation=invitation,
        destroy_by=old.destroy_by,
        on_accepted=old.on_accepted,
        on_refused=old.on_refused,
    )
    details = {"from": old.supplier.slug, "to": sender.slug}
    amend("match.list_handed_over", row, by=by, at=at, details=details, slot=slot)
    custody.wait_for(slot, by=by, at=at)
