"""Destroying what one organisation has in one project: key first, proof, then the sealed bytes.

Every step can be done twice, so a crash between any two is finished by the next attempt.
"""

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from p20win.accounts.public import Organisation, system_user
from p20win.audit.public import first_in_line
from p20win.custody import holds, key_snapshots, lifecycle, opening, places, sealing, uploads, vault_keys
from p20win.custody.engine.errors import NoKey
from p20win.custody.invitations import close_slot
from p20win.custody.models import (
    LIVING,
    DamageStatus,
    DataClass,
    Destruction,
    DestructionStatus,
    FileStatus,
    SealedFile,
    SlotStatus,
    Upload,
    UploadSlot,
)
from p20win.custody.registers import Register
from p20win.jobs import public as jobs
from p20win.refusal import Blocked
from p20win.workflow import amend, create, take

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.jobs.public import RunningJob
    from p20win.projects.models import Project

WORK: Final = "custody.destroy"
METHOD: Final = "cryptographic erase (NIST SP 800-88), then deletion of the encrypted files"
UNFOUNDED: Final = (
    "Nothing stands behind this destruction: no order of two people whose hour is over, no clock that has run"
    " out, no closed project. Nothing was destroyed."
)

Ground = Callable[[Destruction, dt.datetime], bool]
_grounds: Final = Register[Ground]("grounds of destruction")


class Unfounded(Blocked):
    """Somebody asked for a destruction that nothing stands behind: a row alone destroys nothing."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__(UNFOUNDED)


class StillReadable(RuntimeError):
    """A file opened although its key was destroyed: the destruction is not true."""


class ChangedMeanwhile(RuntimeError):
    """A file came in, or its check ended, while the others were destroyed: the next attempt has it, too."""


def register_ground(name: str, ground: Ground) -> None:
    """Let the vault destroy where this says that it is founded. Called when Django starts, in every process.

    :raises ValueError: if the name is taken
    """
    _grounds.add(name, ground)


@transaction.atomic
def ask_destruction(
    project: "Project", organisation: "Organisation", *, by: "User", at: dt.datetime, on_done: str = ""
) -> Destruction:
    """Have the vault destroy everything this organisation has in this project. Asking twice asks once.

    `on_done` is a line of work that gets `destruction_id`. The caller has decided that it may be done.

    :raises Blocked: if a legal hold is in force
    """
    first_in_line()
    if why := holds.why_held(project):
        raise Blocked(why)
    open_rows = Destruction.objects.filter(
        project=project, organisation=organisation, status=DestructionStatus.ASKED
    )
    row = open_rows.first()
    job = jobs.latest(WORK, destruction_id=row.pk) if row else None
    if row is not None and job is not None and not job.is_over and on_done in ("", row.on_done):
        return row
    if row is None:
        row = _new(project, organisation, by=by, at=at, on_done=on_done)
    elif on_done and row.on_done != on_done:  # asked for by somebody else before, and refused
        row = amend("destruction.asked_again", row, by=by, at=at, on_done=on_done)
    if job is None or job.is_over:
        jobs.after_commit(WORK, project_id=project.pk, asked_by_id=by.pk, destruction_id=row.pk)
    return row


@transaction.atomic
def ask_destruction_of_all(
    project: "Project", *, by: "User", at: dt.datetime, on_done: str = ""
) -> list[Destruction]:
    """Have the vault destroy all that is left of a project at its end, whoever's it is; take nothing more.

    Of everybody whose files live, or whose key was never destroyed: results, late files, outputs with their
    true counts. The caller closes the project in the same transaction; nothing is sealed for a closed one.

    :raises Blocked: if a legal hold is in force
    """
    first_in_line()
    for slot in UploadSlot.objects.filter(project=project, status=SlotStatus.OPEN).order_by("pk"):
        close_slot(slot, by=system_user(), at=at, note="The project is over.")
    return [
        ask_destruction(project, owner, by=by, at=at, on_done=on_done) for owner in with_anything(project)
    ]


def with_anything(project: "Project") -> list[Organisation]:
    """Return everybody of whom a file, or a key that was never destroyed, is left in a project."""
    files = SealedFile.objects.filter(project=project)
    done = Destruction.objects.filter(project=project, status=DestructionStatus.DONE)
    with_key = files.filter(key_version__isnull=False).exclude(owner__in=done.values("organisation"))
    owners = {*files.filter(status__in=LIVING).values_list("owner", flat=True)}
    owners |= {*with_key.values_list("owner", flat=True)}
    return list(Organisation.objects.filter(pk__in=owners).order_by("slug"))


def _new(
    project: "Project", organisation: "Organisation", *, by: "User", at: dt.datetime, on_done: str
) -> Destruction:
    row = Destruction(
        project=project,
        organisation=organisation,
        asked_at=at,
        asked_by=by,
        on_done=on_done,
        status_since=at,
    )
    return create("destruction.asked", row, by=by, at=at, details={"organisation": organisation.slug})


def shred(project: "Project", organisation: "Organisation", *, by: "User", at: dt.datetime) -> Destruction:
    """Destroy everything this organisation has in this project, now. In the vault alone.

    :raises StillReadable: if a file could be opened afterwards
    """
    vault_keys.private_keys()
    with transaction.atomic():
        open_rows = Destruction.objects.filter(
            project=project, organisation=organisation, status=DestructionStatus.ASKED
        )
        row = open_rows.first() or _new(project, organisation, by=by, at=at, on_done="")
    return carry_out(row, at=at)


def carry_out_asked(row: Destruction, *, at: dt.datetime, job: "RunningJob") -> Destruction:
    """Carry out what a job asks for: the row of it is not enough, as the web process may write one.

    :raises Unfounded: if no order, clock or closed project stands behind it; the ledger then tells of it
    :raises MustWait: if a legal hold is in force and nothing was destroyed yet
    """
    try:
        return carry_out(row, at=at, job=job)
    except Unfounded:
        amend("destruction.refused", row, by=system_user(), at=at)
        raise


def carry_out(row: Destruction, *, at: dt.datetime, job: "RunningJob | None" = None) -> Destruction:
    """Destroy keys, prove it, delete the sealed bytes, and write it down. One already done is left as it is.

    :raises Unfounded: if a job asks for it, and nothing stands behind it
    :raises MustWait: if a legal hold is in force and nothing was destroyed yet
    :raises StillReadable: if a file could be opened afterwards
    :raises ChangedMeanwhile: if the files are not the same any more
    """
    row = _begin(row, at=at, is_asked=job is not None)
    if row.status == DestructionStatus.DONE:
        return row
    store = vault_keys.private_keys().store
    files = list(_files(row))
    seen = [(file.pk, file.status, file.blob) for file in files]
    destroyed = store.destroy(str(row.project_id), str(row.organisation_id))
    row = _note_keys(row, destroyed, at=at)
    for file in files:
        places.erase_pieces(file.pieces)
    for kept in _evidence(row):
        places.erase_pieces(kept.pieces)
    for upload in Upload.objects.filter(slot__project=row.project, slot__supplier=row.organisation):
        uploads.leave_nothing(upload)
    proofs = [_proof(file) for file in files]
    for file in files:
        if file.blob:
            sealing.remove_blob(file.blob)
    with transaction.atomic():
        if job is not None:
            job.hold()
        if [(file.pk, file.status, file.blob) for file in _files(row)] != seen:
            raise ChangedMeanwhile(f"Files of destruction {row.pk} were accepted while it ran.")
        return _write_down(row, files, proofs, at=at)


@transaction.atomic
def _begin(row: Destruction, *, at: dt.datetime, is_asked: bool) -> Destruction:
    """Note that keys are destroyed from now on. Holds are put in force in the same line, before or after."""
    first_in_line()
    row = Destruction.objects.select_related("project", "organisation").get(pk=row.pk)
    if row.status == DestructionStatus.DONE:
        return row
    # That it was begun the row may say falsely; while keys are alive a hold stops it.
    if (why := holds.why_held(row.project)) and not (row.begun_at and _keys_are_gone(row)):
        raise jobs.MustWait(why)
    if is_asked and not any(ground(row, at) for ground in _grounds):
        raise Unfounded
    if row.begun_at:
        return row
    return amend("destruction.begun", row, by=system_user(), at=at, begun_at=at)


def _keys_are_gone(row: Destruction) -> bool:
    store = vault_keys.private_keys().store
    versions = {file.key_version for file in _files(row) if file.key_version}
    return not any(store.has_key(str(row.project_id), str(row.organisation_id), each) for each in versions)


@transaction.atomic
def _note_keys(row: Destruction, destroyed: list[Any], *, at: dt.datetime) -> Destruction:
    """Note which keys are gone and since when; an attempt after a crash finds it noted."""
    first_in_line()
    row = Destruction.objects.select_related("project", "organisation").get(pk=row.pk)
    named = [{"version": key.version, "fingerprint": key.fingerprint} for key in destroyed]
    if row.keys_destroyed_at and row.keys == named:
        return row
    details = {"keys": [key["fingerprint"] for key in named]}
    since = row.keys_destroyed_at or at
    by = system_user()
    return amend("keys.destroyed", row, by=by, at=at, details=details, keys_destroyed_at=since, keys=named)


def _files(row: Destruction) -> Any:
    rows = SealedFile.objects.filter(project=row.project, owner=row.organisation, status__in=LIVING)
    return rows.select_related("slot", "project", "owner", "destination").order_by("id")


def _evidence(row: Destruction) -> Any:
    """Return what arrived damaged and is kept for a while; it goes with the rest."""
    rows = SealedFile.objects.filter(project=row.project, owner=row.organisation, status=FileStatus.REFUSED)
    return rows.filter(damages__status=DamageStatus.FOUND)


def _proof(file: SealedFile) -> dict[str, Any]:
    """Return what is certified of a file, which every party reads.

    Not how large a list of identifiers was: its rows are of one length, so its size tells how many it named,
    and with the flags of the extract how many of them no agency knew (O-126).
    """
    proof = opening.why_unreadable(file) if file.manifest else "never sealed"
    if not proof:
        raise StillReadable(f"File {file.pk} still opens after its key was destroyed.")
    return {
        "file": str(file.pk),
        "class": file.data_class,
        "bytes": None if file.data_class == DataClass.IDENTIFIER_LIST else file.plain_bytes,
        "root": file.manifest["document"]["root"] if file.manifest else None,
        "proof": proof,
    }


def _write_down(
    row: Destruction,
    files: list[SealedFile],
    proofs: list[dict[str, Any]],
    *,
    at: dt.datetime,
) -> Destruction:
    by = system_user()
    for file, proof in zip(files, proofs, strict=True):
        take(lifecycle.DESTROY, file, by=by, at=at, details={"proof": proof["proof"]})
    done = take(
        lifecycle.FINISH,
        row,
        by=by,
        at=at,
        details={
            "organisation": row.organisation.slug,
            "request": row.project.number,
            "files": len(files),
            "keys": [key["fingerprint"] for key in row.keys],
            "method": METHOD,
        },
        snapshots_gone_at=key_snapshots.last_expiry(),
        destroyed_at=at,
        method=METHOD,
        files=proofs,
    )
    if row.on_done:
        jobs.after_commit(row.on_done, project_id=row.project_id, destruction_id=row.pk)
    return done


def key_is_destroyed(file: SealedFile) -> bool:
    """Say whether the key that sealed this file is gone. In the vault alone."""
    try:
        vault_keys.private_keys().store.key(str(file.project_id), str(file.owner_id), file.key_version or 0)
    except NoKey:
        return True
    return False
