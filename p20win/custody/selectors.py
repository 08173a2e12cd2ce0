"""Questions about slots, files and destructions."""

from typing import TYPE_CHECKING, Final

from django.db.models import Q, QuerySet

from p20win.accounts.public import Role
from p20win.audit.public import Event
from p20win.custody.models import (
    HOLDING,
    LIVING,
    Destruction,
    FileStatus,
    HoldStatus,
    Invitation,
    InvitationStatus,
    LegalHold,
    SealedFile,
    UploadSlot,
)
from p20win.projects.public import is_visible
from p20win.projects.public import visible_to as visible_projects

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation, SigningKey, User
    from p20win.projects.models import Project

_OF_ONE_AGENCY: Final = frozenset(
    {"custody.sealedfile", "custody.uploadslot", "custody.capability", "custody.damage", "custody.invitation"}
)


def visible_slots(user: "User") -> QuerySet[UploadSlot]:
    """Return the slots of this person's organisation, and for hub and operating group those of all they see.

    Who was invited sees the slots of the invitation alone (O-124); their colleagues, and the parties of the
    project, see none of them.
    """
    seen = Q(project__in=visible_projects(user), supplier=user.organisation_id, invitation=None)
    seen |= _invited(user)
    if user.has_role(Role.HUB_STAFF) or user.has_role(Role.OPERATING_GROUP):
        seen |= Q(project__in=visible_projects(user))
    rows = UploadSlot.objects.filter(seen)
    return rows.select_related("project", "supplier", "invitation__contact", "invitation__supplier")


def _invited(user: "User") -> Q:
    """Return which slots this person was invited to fill, also those that are filled or closed."""
    if not user.has_good_standing or user.organisation_id is None:
        return Q(pk=None)
    mine = Q(invitation__contact=user, supplier=user.organisation_id)
    return mine & ~Q(invitation__status=InvitationStatus.WITHDRAWN)


def visible_invitations(user: "User") -> QuerySet[Invitation]:
    """Return what this person was invited to; to hub and operating group all of the projects they see."""
    seen = Q(contact=user, supplier=user.organisation_id) & ~Q(status=InvitationStatus.WITHDRAWN)
    if not user.has_good_standing:
        seen = Q(pk=None)
    if user.has_role(Role.HUB_STAFF) or user.has_role(Role.OPERATING_GROUP):
        seen |= Q(project__in=visible_projects(user))
    return Invitation.objects.filter(seen).select_related("project", "supplier", "contact")


def to_affirm(user: "User") -> QuerySet[Invitation]:
    """Return the invitations that wait for this person's word."""
    return visible_invitations(user).filter(contact=user, status=InvitationStatus.SENT)


def was_invited(user: "User") -> bool:
    """Say whether this person was ever invited to send a list."""
    return Invitation.objects.filter(contact=user).exists()


def invitations(project: "Project") -> QuerySet[Invitation]:
    """Return whom a project invited, latest first."""
    return Invitation.objects.filter(project=project).select_related("supplier", "contact")


def slots_sent_by(user: "User") -> QuerySet[UploadSlot]:
    """Return the slots that this person's organisation fills and this person sees."""
    return visible_slots(user).filter(supplier=user.organisation_id)


def visible_files(user: "User") -> QuerySet[SealedFile]:
    """Return the files of the slots this person sees."""
    return SealedFile.objects.filter(slot__in=visible_slots(user)).select_related("project", "owner", "slot")


def files_with_profile(user: "User") -> QuerySet[SealedFile]:
    """Return the files whose quality this person sees: who was invited has the receipt alone (O-124)."""
    return visible_files(user).exclude(slot__invitation__contact=user)


def earlier_file(file: SealedFile, user: "User") -> SealedFile | None:
    """Return the file of the same sender and kind that came before this one and can be compared with it."""
    before = (
        visible_files(user)
        .filter(owner=file.owner, data_class=file.data_class, received_at__lt=file.received_at)
        .filter(status__in=(FileStatus.ACCEPTED, FileStatus.SET_ASIDE, FileStatus.DESTROYED))
        .exclude(profile={})
        .order_by("-received_at")
    )
    columns = {column["name"] for column in file.profile.get("columns", ())}
    alike = (
        other
        for other in before[:20]
        if 2 * len(columns & {column["name"] for column in other.profile["columns"]}) >= len(columns)
    )
    return next(alike, None)


def slots_of(organisation: "Organisation") -> QuerySet[UploadSlot]:
    """Return the slots that this organisation fills."""
    rows = UploadSlot.objects.filter(supplier=organisation)
    return rows.select_related("project", "supplier", "invitation__contact")


def slots_of_machine(key: "SigningKey") -> QuerySet[UploadSlot]:
    """Return the slots that a machine sees: of an invitation, only if that person enrolled its key."""
    return slots_of(key.organisation).filter(Q(invitation=None) | _invited(key.enrolled_by))


def slots(project: "Project") -> QuerySet[UploadSlot]:
    """Return a project's slots."""
    return UploadSlot.objects.filter(project=project).select_related("supplier")


def accepted_files(project: "Project", data_class: str = "") -> QuerySet[SealedFile]:
    """Return a project's accepted files, of one class if it is named."""
    rows = SealedFile.objects.filter(project=project, status=FileStatus.ACCEPTED).select_related(
        "owner", "slot"
    )
    return rows.filter(data_class=data_class) if data_class else rows


def living_files(project: "Project") -> QuerySet[SealedFile]:
    """Return the files of a project of which something lies at the hub, judged or not."""
    rows = SealedFile.objects.filter(project=project, status__in=LIVING)
    return rows.select_related("owner", "slot")


def removed_files(project: "Project") -> QuerySet[SealedFile]:
    """Return the files of a project of which nothing lies at the hub any more."""
    rows = SealedFile.objects.filter(project=project, status=FileStatus.DESTROYED)
    return rows.select_related("owner")


def may_prove(user: "User", event: Event) -> bool:
    """Say whether a line of a project that this person sees may be shown to them word for word.

    What happened to one agency's file is that agency's, the hub's and the operating group's to read (O-124).
    """
    if user.has_role(Role.HUB_STAFF) or user.has_role(Role.OPERATING_GROUP):
        return True
    is_own = user.organisation_id is not None and event.organisation_id == user.organisation_id
    return is_own or event.subject_type not in _OF_ONE_AGENCY


def provable_line(user: "User", seq: int) -> Event | None:
    """Return this line of the ledger if the person may have it word for word."""
    event = Event.objects.filter(pk=seq).first()
    if event is None:
        return None
    if event.project_id is None:
        seen = user.has_role(Role.HUB_STAFF) or user.has_role(Role.OPERATING_GROUP)
        own = user.organisation_id is not None and event.organisation_id == user.organisation_id
        return event if seen or own else None
    if not is_visible(user, event.project_id):
        return None
    is_own_file = (
        event.subject_type == "custody.sealedfile"
        and visible_files(user).filter(pk=event.subject_id).exists()
    )
    return event if is_own_file or may_prove(user, event) else None


def destructions(project: "Project") -> QuerySet[Destruction]:
    """Return a project's destructions, newest first."""
    return Destruction.objects.filter(project=project).select_related("organisation")


def holds_in_force(project: "Project") -> QuerySet[LegalHold]:
    """Return the legal holds that keep a project's data from being destroyed."""
    return LegalHold.objects.filter(project=project, status__in=HOLDING)


def visible_holds(user: "User") -> QuerySet[LegalHold]:
    """Return all holds to the hub and the operating group, to others those on the projects they see."""
    rows = LegalHold.objects.select_related(
        "project", "asked_by", "confirmed_by", "lift_asked_by", "lifted_by"
    )
    if user.has_role(Role.HUB_STAFF) or user.has_role(Role.OPERATING_GROUP):
        return rows
    return rows.filter(project__in=visible_projects(user)).exclude(status=HoldStatus.WITHDRAWN)
