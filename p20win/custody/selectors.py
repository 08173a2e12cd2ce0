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
    LegalHold,
    SealedFile,
    UploadSlot,
)
from p20win.projects.public import is_visible
from p20win.projects.public import visible_to as visible_projects

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation, User
    from p20win.projects.models import Project

_OF_ONE_AGENCY: Final = frozenset(
    {"custody.sealedfile", "custody.uploadslot", "custody.capability", "custody.damage"}
)


def visible_slots(user: "User") -> QuerySet[UploadSlot]:
    """Return the slots of this person's organisation, and for hub and operating group those of all they see.

    A supplier sees its own slots alone (O-124).
    """
    seen = Q(project__in=visible_projects(user), supplier=user.organisation_id)
    if user.has_role(Role.HUB_STAFF) or user.has_role(Role.OPERATING_GROUP):
        seen |= Q(project__in=visible_projects(user))
    return UploadSlot.objects.filter(seen).select_related("project", "supplier")


def slots_sent_by(user: "User") -> QuerySet[UploadSlot]:
    """Return the slots that this person's organisation fills and this person sees."""
    return visible_slots(user).filter(supplier=user.organisation_id)


def visible_files(user: "User") -> QuerySet[SealedFile]:
    """Return the files of the slots this person sees."""
    return SealedFile.objects.filter(slot__in=visible_slots(user)).select_related("project", "owner", "slot")


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
    return UploadSlot.objects.filter(supplier=organisation).select_related("project", "supplier")


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
