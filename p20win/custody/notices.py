"""Who hears about files, keys and legal holds."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from django.urls import reverse

from p20win.accounts.public import Role, SigningKey, User, hub, operating_group, people_with_role
from p20win.custody.models import Damage, Destruction, Invitation, LegalHold, SealedFile, UploadSlot
from p20win.notifications.public import Notice
from p20win.projects.public import Part, Participation

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from p20win.audit.models import Event


def _file(event: "Event") -> SealedFile:
    rows = SealedFile.objects.select_related("slot__invitation", "owner", "project")
    return rows.get(pk=event.subject_id)


def _senders(event: "Event") -> "QuerySet[User]":
    file = _file(event)
    if file.slot is not None and file.slot.invitation is not None:
        return _invited(file.slot.invitation)
    stewards = User.objects.filter(role_holdings__role=Role.DATA_STEWARD, organisation=file.owner)
    return (stewards | User.objects.filter(pk=file.sent_by_id)).distinct().select_related("organisation")


def _page(event: "Event") -> str:
    slot_id = _file(event).slot_id
    return reverse("custody:slot", args=[slot_id]) if slot_id else ""


def _words(event: "Event") -> Mapping[str, Any]:
    file = _file(event)
    return {"file": file, "what": file.slot.title if file.slot else file.get_data_class_display()}


def _about(template: str, subject: str) -> Notice:
    return Notice(f"emails/{template}.txt", _senders, subject, where=_page, context=_words)


def _key(event: "Event") -> SigningKey:
    return SigningKey.objects.select_related("organisation", "enrolled_by", "revoked_by").get(
        pk=event.subject_id
    )


def _stewards(event: "Event") -> "QuerySet[User]":
    """All of the agency, so that whoever acted in another's name is seen by the others, and by them (T03)."""
    return people_with_role(Role.DATA_STEWARD, _key(event).organisation).select_related("organisation")


def _about_key(template: str, subject: str) -> Notice:
    return Notice(
        f"emails/{template}.txt",
        _stewards,
        subject,
        where=lambda event: reverse("custody:agency-key", args=[event.subject_id]),
        context=lambda event: {"key": _key(event)},
    )


def _slot(event: "Event") -> UploadSlot:
    rows = UploadSlot.objects.select_related("supplier", "project", "invitation")
    return rows.get(pk=event.subject_id)


def _expected_from(event: "Event") -> "QuerySet[User]":
    slot = _slot(event)
    if slot.invitation is not None:
        return _invited(slot.invitation)
    return people_with_role(Role.DATA_STEWARD, slot.supplier).select_related("organisation")


def _invited(invitation: Invitation) -> "QuerySet[User]":
    """Who was invited, as long as the invitation stands; of their organisation nobody else is told."""
    rows = User.objects.filter(pk=invitation.contact_id, organisation=invitation.supplier)
    return rows.select_related("organisation")


def _about_slot(template: str, subject: str) -> Notice:
    return Notice(
        f"emails/{template}.txt",
        _expected_from,
        subject,
        where=lambda event: reverse("custody:slot", args=[event.subject_id]),
        context=lambda event: {"slot": _slot(event)},
    )


def _about_invitation(template: str, subject: str, *, where: bool = True) -> Notice:
    def invitation(event: "Event") -> Invitation:
        rows = Invitation.objects.select_related("supplier", "contact", "project", "invited_by")
        return rows.get(pk=event.subject_id)

    return Notice(
        f"emails/{template}.txt",
        lambda event: _invited(invitation(event)),
        subject,
        where=(lambda event: reverse("custody:invitation", args=[event.subject_id])) if where else None,
        context=lambda event: {
            "invitation": invitation(event),
            "slots": invitation(event).slots.order_by("closes_at", "title"),
        },
    )


_OF_A_PARTY: Final = {
    Part.SUPPLIER: (Role.DATA_STEWARD, Role.BOARD_MEMBER),
    Part.HUB: (Role.HUB_STAFF,),
    Part.RECIPIENT: (Role.REQUESTOR,),
    Part.OPERATING_GROUP: (Role.OPERATING_GROUP,),
}


def _hold(event: "Event") -> LegalHold:
    people = ("project", "asked_by", "confirmed_by", "lift_asked_by", "lifted_by")
    return LegalHold.objects.select_related(*people).get(pk=event.subject_id)


def _looking_after_holds(event: "Event") -> Iterable[User]:
    """Those who can be the second person."""
    return [
        *people_with_role(Role.HUB_STAFF, hub()),
        *people_with_role(Role.OPERATING_GROUP, operating_group()),
    ]


def _every_party(event: "Event") -> Iterable[User]:
    """All agencies of the project, the recipient, and those who can be the second person."""
    found = {person.pk: person for person in _looking_after_holds(event)}
    rows = Participation.objects.filter(project=event.project_id).select_related("organisation")
    for row in rows:
        for role in _OF_A_PARTY[Part(row.part)]:
            found |= {person.pk: person for person in people_with_role(role, row.organisation)}
    return found.values()


def _about_hold(template: str, subject: str, *, everyone: bool = True) -> Notice:
    return Notice(
        f"emails/{template}.txt",
        _every_party if everyone else _looking_after_holds,
        subject,
        where=lambda event: reverse("custody:hold", args=[event.subject_id]),
        context=lambda event: {"hold": _hold(event)},
    )


def _damage(event: "Event") -> Mapping[str, Any]:
    rows = Damage.objects.select_related("file__slot", "file__owner")
    damage = rows.get(pk=event.subject_id)
    file = damage.file
    return {"damage": damage, "what": file.slot.title if file.slot else file.get_data_class_display()}


def _of_its_agency(event: "Event") -> Iterable[User]:
    """Those who sent what was found damaged; of what arrived so, its refusal tells them."""
    damage = Damage.objects.select_related("file__owner", "file__slot__invitation").get(pk=event.subject_id)
    if damage.kept_until is not None or damage.file.slot is None:
        return []
    if damage.file.slot.invitation is not None:
        return _invited(damage.file.slot.invitation)
    return people_with_role(Role.DATA_STEWARD, damage.file.owner).select_related("organisation")


def _where_it_was_sent(event: "Event") -> str:
    return reverse("custody:slot", args=[Damage.objects.get(pk=event.subject_id).file.slot_id])


def _whose_lists_are_gone(event: "Event") -> Iterable[User]:
    """Who was invited and sent something of what was destroyed now."""
    row = Destruction.objects.get(pk=event.subject_id)
    gone = SealedFile.objects.filter(pk__in=[file["file"] for file in row.files])
    sent = Invitation.objects.filter(slots__files__in=gone, supplier=row.organisation_id)
    return User.objects.filter(invitations__in=sent, organisation=row.organisation_id).distinct()


TO_INVITED: Final = {
    "data.destroyed": Notice(
        "emails/list_destroyed.txt",
        _whose_lists_are_gone,
        "{number}: your list is destroyed",
        where=lambda event: reverse("custody:slots"),
    ),
}

TO_ITS_AGENCY: Final = {
    "file.damaged": Notice(
        "emails/own_file_damaged.txt",
        _of_its_agency,
        "{number}: a file of your agency was found damaged at the hub",
        where=_where_it_was_sent,
        context=_damage,
    ),
}

NOTICES: Final = {
    "destruction.refused": Notice(
        "emails/destruction_refused.txt",
        lambda event: people_with_role(Role.OPERATING_GROUP, operating_group()),
        "{number}: somebody asked for a destruction that nobody ordered",
    ),
    "file.damaged": Notice(
        "emails/file_damaged.txt",
        _looking_after_holds,
        "{number}: a sealed file was found damaged",
        where=lambda event: reverse("health"),
        context=_damage,
    ),
    "slot.window_opened": _about_slot("slot_window_opened", "{number}: a file can be sent now"),
    "slot.rescheduled": _about_slot("slot_rescheduled", "{number}: the time for a file was changed"),
    "slot.late": _about_slot("slot_late", "{number}: a file did not come in time"),
    "invitation.sent": _about_invitation(
        "invitation_sent", "{number}: your organisation is asked for a list"
    ),
    "invitation.withdrawn": _about_invitation(
        "invitation_withdrawn", "{number}: no list is asked for any more", where=False
    ),
    "invitation.lapsed": _about_invitation("invitation_lapsed", "{number}: the time to send a list is over"),
    "hold.asked": _about_hold(
        "hold_asked", "{number}: a legal hold waits for a second person", everyone=False
    ),
    "hold.in_force": _about_hold("hold_in_force", "{number}: a legal hold is in force"),
    "hold.lift_asked": _about_hold(
        "hold_lift_asked", "{number}: a legal hold may be lifted by a second person", everyone=False
    ),
    "hold.lifted": _about_hold("hold_lifted", "{number}: the legal hold is lifted"),
    "hold.lapsed": _about_hold("hold_lapsed", "{number}: the legal hold has ended"),
    "signing_key.enrolled": _about_key("signing_key_enrolled", "A key was enrolled for your agency"),
    "signing_key.revoked": _about_key("signing_key_revoked", "A key of your agency was revoked"),
    "file.accepted": _about("file_accepted", "{number}: your file was accepted"),
    "file.refused": _about("file_refused", "{number}: your file was not accepted"),
}
