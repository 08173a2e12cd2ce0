"""Why a file may not be sent now: the slot, its window, the sender."""

import datetime as dt
from typing import TYPE_CHECKING, Final

from p20win import access, clock
from p20win.accounts.public import Role, Standing
from p20win.audit.public import events_of
from p20win.custody.engine.names import name_blockers
from p20win.custody.engine.rules import TABLE
from p20win.custody.engine.tables import ASKED_FOR, ENDINGS
from p20win.custody.models import (
    TAKEN,
    Encryption,
    FileStatus,
    Invitation,
    InvitationStatus,
    LegalHold,
    SealedFile,
    SendingTerms,
    SlotStatus,
    UploadSlot,
    UploadTicket,
    Wrapping,
)
from p20win.projects.public import is_visible, takes_part

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation, User
    from p20win.projects.models import Project

AGE_ENDING: Final = ".age"


def is_of_the_hub(subject: UploadSlot | SealedFile, actor: "User") -> str | None:
    """Only the hub's staff and the operating group close a slot by hand, or set a file aside."""
    if actor.organisation is not None and actor.organisation.is_hub:
        return None
    return "Only staff of the data integration hub can do this."


def holds_no_file(slot: UploadSlot, actor: "User") -> str | None:
    """A slot takes another file when the one it held was set aside."""
    there = slot.files.filter(status=FileStatus.ACCEPTED).exists()
    return "The file that was accepted here must be set aside first." if there else None


def is_of_the_sender(file: SealedFile, actor: "User") -> str | None:
    """A file is sent by its own agency."""
    if actor.organisation_id == file.owner_id:
        return None
    return "Only the agency whose file it is can send it."


def why_not_send(slot: UploadSlot, actor: "User", at: dt.datetime) -> list[str]:
    """Say why this person cannot send a file to this slot now."""
    return [
        *_why_slot_takes_none(slot, actor.organisation, at),
        *_why_not_invited(slot.invitation, actor),
        *access.why_not(actor, slot.access_act, slot.project, slot.access_class, at),
    ]


def _why_slot_takes_none(slot: UploadSlot, organisation: "Organisation | None", at: dt.datetime) -> list[str]:
    if organisation is None or organisation.pk != slot.supplier_id:
        return [f"This file is expected from {slot.supplier.short_name} alone."]
    if slot.status == SlotStatus.FILLED:
        return ["A file was accepted already."]
    if slot.status == SlotStatus.CLOSED or at >= slot.closes_at:
        ended = slot.status_since if slot.status == SlotStatus.CLOSED else slot.closes_at
        return [
            f"The time to send this file is over: it ended on {_moment(ended)}.{_why(slot)} "
            "Ask the operating group to open it again."
        ]
    if at < slot.opens_at:
        return [f"The time to send this file has not come. It opens on {_moment(slot.opens_at)}.{_why(slot)}"]
    if slot.files.filter(status=FileStatus.ARRIVED).exists():
        return ["A file is being checked already. Wait for the outcome."]
    return []


def is_invited(slot: UploadSlot, person: "User") -> bool:
    """Say whether this person was invited to send this file."""
    return slot.invitation is not None and slot.invitation.contact_id == person.pk


def _why_not_invited(invitation: Invitation | None, actor: "User") -> list[str]:
    """Say why this person does not send what its supplier was invited to send (O-124)."""
    if invitation is None:
        return []
    if invitation.contact_id != actor.pk:
        return ["Only the person whom the supplier was invited through sends this file."]
    if invitation.status == InvitationStatus.SENT:
        return ["Affirm first that your organisation may share this list."]
    return [] if invitation.is_affirmed else ["The invitation to send this list has ended."]


def why_not_invited(project: "Project", contact: "User") -> list[str]:
    """Say why this person is not asked for a list of their organisation; an empty list means they can be.

    A party sends in its own name: whose results or outputs lie under a key of its own in the project would
    lose them with the list. Hub and operating group keep the results.
    """
    supplier = contact.organisation
    if supplier is None or contact.is_system or not contact.is_active or not contact.has_good_standing:
        return ["This person has no account in good standing with an organisation."]
    if supplier.standing != Standing.ACTIVE:
        return [f"{supplier.short_name} does not take part at present."]
    if supplier.is_hub or supplier.is_operating_group or takes_part(project, supplier):
        return [f"{supplier.short_name} takes part in this project, so it is not invited as a third party."]
    if is_visible(contact, project.pk):
        return [f"{contact.name} sees this project already, and an invited person sees nothing of it."]
    return []


def is_the_contact(invitation: Invitation, actor: "User") -> str | None:
    """Only the person who was invited affirms, and only for the organisation that was invited."""
    if actor.pk == invitation.contact_id and actor.organisation_id == invitation.supplier_id:
        return None
    return f"Only {invitation.contact.name} can affirm it for {invitation.supplier.short_name}."


def waits_for_a_list(invitation: Invitation, actor: "User") -> str | None:
    """There is something to send."""
    waits = invitation.slots.filter(status=SlotStatus.OPEN).exists()
    return None if waits else "No list is waited for any more."


def has_accepted_nothing(invitation: Invitation, actor: "User") -> str | None:
    """An invitation is withdrawn before a file is accepted; one that is being checked may be."""
    never_kept = (FileStatus.ANNOUNCED, FileStatus.GIVEN_UP, FileStatus.REFUSED)
    if not SealedFile.objects.filter(slot__invitation=invitation).exclude(status__in=never_kept).exists():
        return None
    return "A file came in on it. It is an input of the match now, and is destroyed with the others."


def _moment(at: dt.datetime) -> str:
    local = at.astimezone(clock.STATE_ZONE)
    half = "a.m." if local.hour < 12 else "p.m."
    return f"{local:%B} {local.day}, {local.year}, {local.hour % 12 or 12}:{local:%M} {half} Eastern time"


def _why(slot: UploadSlot) -> str:
    """Say why the window is not as it was first set."""
    moved = events_of(slot).filter(event="slot.rescheduled").last()
    return f" The reason given: {moved.note}" if moved else ""


def why_not_named(slot: UploadSlot, name: str) -> list[str]:
    """Say what is wrong with the name of a file for this slot, never repeating it."""
    name = bare_name(name)
    kind = str(slot.spec["kind"])
    if kind == TABLE:
        return [] if name.casefold().endswith(ENDINGS) else [ASKED_FOR]
    return name_blockers(
        name, agencies=slot.spec.get("agencies", ()), number=str(slot.spec.get("number", "")), kind=kind
    )


def bare_name(name: str) -> str:
    """Return a file's name without what age adds to it."""
    return name[: -len(AGE_ENDING)] if name.casefold().endswith(AGE_ENDING) else name


def encryption_of(project: "Project") -> Encryption:
    """Return where the files of this project are encrypted."""
    terms = SendingTerms.objects.filter(project=project).first()
    return Encryption(terms.encryption) if terms else Encryption.ARRIVAL


def why_not_wrapped(slot: UploadSlot, wrapping: str) -> list[str]:
    """Say why a file that comes like this is not taken here: its parties agreed on another way."""
    agreed = encryption_of(slot.project)
    if wrapping in TAKEN[agreed]:
        return []
    if agreed == Encryption.AGE:
        return [
            "The parties agreed that files of this request are encrypted with age before they are sent. "
            "Encrypt it for the recipient that the page of this file shows, and send what ends in .age."
        ]
    if wrapping == Wrapping.AGE:
        return ["Files encrypted with age are not agreed for this request. Send the file as it is."]
    return [
        "The parties agreed that files of this request are encrypted before they leave your machine. Send it "
        "from the page of this file in a current browser, or with “p20 send”."
    ]


def why_not_ticket(ticket: UploadTicket, now: dt.datetime) -> list[str]:
    """Say why a program may not send with this ticket any more."""
    if ticket.revoked_at:
        return ["This ticket was revoked."]
    if ticket.expires_at <= now:
        return ["The time of this ticket is over. Have a new one made."]
    return []


def looks_after_holds(hold: "LegalHold | None", actor: "User") -> str | None:
    """Only the hub's staff and the operating group ask for holds, put them in force and lift them."""
    if actor.has_role(Role.HUB_STAFF) or actor.has_role(Role.OPERATING_GROUP):
        return None
    return "Only the hub's staff and the operating group look after legal holds."


def is_not_who_asked(hold: LegalHold, actor: "User") -> str | None:
    """A hold comes into force by a second person (C03)."""
    return None if actor.pk != hold.asked_by_id else "You asked for it; another person must put it in force."


def is_not_who_asked_to_lift(hold: LegalHold, actor: "User") -> str | None:
    """A hold ends early by a second person (C03)."""
    return None if actor.pk != hold.lift_asked_by_id else "You asked to lift it; another person must do that."
