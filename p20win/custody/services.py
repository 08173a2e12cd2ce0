"""Acts on slots and files."""

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction

from p20win import clock
from p20win.accounts.public import hub, system_user
from p20win.audit.public import record
from p20win.custody import (
    checks,
    damage,
    damage_watch,
    lifecycle,
    places,
    sealing,
    statements,
    uploads,
    used_ids,
    vault_keys,
)
from p20win.custody.engine import manifest, signing
from p20win.custody.engine.pieces import piece_size
from p20win.custody.engine.report import Report
from p20win.custody.engine.rules import from_spec
from p20win.custody.models import (
    Damage,
    DamageStatus,
    DataClass,
    FileStatus,
    Invitation,
    ScanState,
    SealedFile,
    SlotStatus,
    StatementNonce,
    Upload,
    UploadSlot,
    Wrapping,
)
from p20win.custody.reception import described, stored_name
from p20win.custody.sealing import Sealed
from p20win.jobs import public as jobs
from p20win.projects import public as projects
from p20win.refusal import Blocked
from p20win.workflow import create, take

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation, SigningKey, User
    from p20win.jobs.public import RunningJob
    from p20win.projects.models import Project


def open_slot(
    *,
    project: "Project",
    supplier: "Organisation",
    kind: str,
    title: str,
    spec: dict[str, Any],
    closes_at: dt.datetime,
    by: "User",
    at: dt.datetime,
    invitation: Invitation | None = None,
    opens_at: dt.datetime | None = None,
    destroy_by: dt.date | None = None,
    on_accepted: str = "",
    on_refused: str = "",
) -> UploadSlot:
    """Open a slot for one file. `spec` is read by `engine.rules.from_spec`; the hooks are lines of work.

    :raises ValueError: if the spec cannot be followed, or the invitation is another supplier's
    :raises UnknownWork: if a hook is no line of work
    """
    spec = {"kind": kind, "number": project.number, "agencies": [supplier.short_name, supplier.slug]} | spec
    from_spec(spec)
    if invitation is not None and invitation.supplier_id != supplier.pk:
        raise ValueError("A slot names an invitation of its own supplier.")
    for hook in filter(None, (on_accepted, on_refused)):
        if hook not in jobs.registered():
            raise jobs.UnknownWork(f"No line of work is called {hook!r}.")
    row = UploadSlot(
        project=project,
        supplier=supplier,
        invitation=invitation,
        data_class=DataClass(kind),
        title=title,
        spec=spec,
        opens_at=opens_at or at,
        closes_at=closes_at,
        destroy_by=destroy_by,
        on_accepted=on_accepted,
        on_refused=on_refused,
        status_since=at,
        opening_told_at=at if opens_at is None or opens_at <= at else None,  # its desk tells of it
    )
    details = {"supplier": supplier.slug, "class": kind, "closes_at": closes_at.isoformat()}
    return create("slot.opened", row, by=by, at=at, details=details)


def announce(
    slot: UploadSlot,
    statement: dict[str, Any],
    *,
    key: "SigningKey",
    real_now: dt.datetime,
    at: dt.datetime,
) -> Upload:
    """Take down what an agency's machine states about the file it will send, and begin its upload.

    A statement that is not about this upload, or not signed by this machine, leaves a line in the ledger.

    :raises Blocked: naming what in the statement does not fit
    :raises NoRoom: if there is no room for the file
    """
    try:
        return _announce(slot, statement, key=key, real_now=real_now, at=at)
    except statements.Refused as refusal:
        with transaction.atomic():
            told = {"why": refusal.rule, "key": key.fingerprint}
            record("announcement.refused", slot, by=key.enrolled_by, at=at, details=told)
        raise


@transaction.atomic
def _announce(
    slot: UploadSlot,
    statement: dict[str, Any],
    *,
    key: "SigningKey",
    real_now: dt.datetime,
    at: dt.datetime,
) -> Upload:
    document = statements.read(slot, statement, key=key, real_now=real_now)
    try:
        with transaction.atomic():
            StatementNonce.objects.create(owner=slot.supplier, nonce=document["nonce"], seen_at=real_now)
    except IntegrityError:
        why = "This statement was sent before. Sign a new one."
        raise statements.Refused(why, "statement_again") from None
    if reasons := checks.why_not_send(slot, key.enrolled_by, at) or checks.why_not_named(
        slot, document["name"]
    ):
        raise Blocked(reasons)
    row = SealedFile(
        slot=slot,
        project=slot.project,
        owner=slot.supplier,
        destination=hub(),
        data_class=slot.data_class,
        name=stored_name(slot, document["name"]),
        status=FileStatus.ANNOUNCED,
        status_since=at,
        sent_by=key.enrolled_by,
        signing_key=key,
        statement=statement,
        wrapping=Wrapping.SEALED,
    )
    create("file.announced", row, by=key.enrolled_by, at=at, details={"key": key.fingerprint})
    return uploads.begin_announced(row, slot, length=piece_size(document["plain_bytes"]), at=at, now=real_now)


def takes_invented_numbers() -> bool:
    """Say whether social security numbers never issued are accepted: in demo and test mode alone."""
    return settings.P20WIN_MODE in ("demo", "test")


# --- in the vault


def check_file(file_id: str, *, job: "RunningJob", at: dt.datetime) -> None:
    """Check what arrived and seal it, or refuse it with a report. A file already judged is left as it is."""
    file = _whole().get(pk=file_id)
    if file.status == FileStatus.ARRIVED:
        with used_ids.gathered(file) as used:
            report, sealed = sealing.check_and_seal(file, at=at, progress=_in_steps(job), used=used)
            is_kept = False
            try:
                with transaction.atomic():
                    job.hold()
                    used_ids.once(file, used, report)
                    _judge(file, report, sealed if report.accepted else None, at=at)
                is_kept = report.accepted
            finally:
                if sealed and not is_kept:
                    sealing.remove_blob(sealed.blob)
    if not Damage.objects.filter(file=file, kept_until__isnull=False).exists():  # that is evidence
        places.erase_pieces(file.pieces)


def _judge(file: SealedFile, report: Report, sealed: Sealed | None, *, at: dt.datetime) -> None:
    by, slot = system_user(), file.slot
    told: dict[str, Any] = {"report": report.as_dict(), "rows": report.rows, "columns": report.columns}
    told["profile"] = {} if report.scan.get("state") == ScanState.INFECTED else report.profile
    told["scan"] = report.scan.get("state", ScanState.UNSCANNED)
    counts = {
        "rows": report.rows,
        "findings": report.total,
        "rules": sorted({rule for rule, _ in report.counts}),
        "scan": told["scan"],
    }
    file.columns = report.columns
    if sealed is None:
        take(lifecycle.REFUSE, file, by=by, at=at, details=described(file) | counts, **told)
        if report.altered:
            until = clock.real_now() + damage_watch.EVIDENCE
            damage.write_down(file, report.altered, at=at, kept_until=until)
        hook = slot.on_refused if slot else ""
    else:
        file.plain_bytes = sealed.seal.plain_bytes
        changes = told | sealed.fields() | {"receipt": _receipt(file, report, sealed, at=at)}
        take(lifecycle.ACCEPT, file, by=by, at=at, details=described(file) | counts, **changes)
        if slot and slot.status == SlotStatus.OPEN:
            take(lifecycle.FILL, slot, by=by, at=at)
        hook = slot.on_accepted if slot else ""
    if hook:
        jobs.after_commit(hook, project_id=file.project_id, file_id=file.pk)


def _receipt(file: SealedFile, report: Report, sealed: Sealed, *, at: dt.datetime) -> dict[str, Any]:
    document = manifest.receipt(
        file_id=str(file.pk),
        slot=str(file.slot_id),
        project_number=file.project.number,
        source=file.owner.legal_name,
        destination=file.destination.legal_name,
        name=file.name,
        plain_bytes=sealed.seal.plain_bytes,
        plain_sha256=manifest.told_digest(file.data_class, sealed.seal.plain_sha256),
        rows=report.rows,
        columns=report.columns,
        received=file.received_at.isoformat() if file.received_at else "",
        accepted=at.isoformat(),
        sent_by=str(file.sent_by_id),
        root=sealed.manifest["document"]["root"],
        shown_by=file.source_shown_by,
        statement_signed=statements.countersigned(file),
    )
    return signing.sign(document, key=vault_keys.private_keys().hub, role=signing.HUB, at=at.isoformat())


def _whole() -> Any:
    return SealedFile.objects.select_related("slot", "project", "owner", "destination")


def _in_steps(job: "RunningJob") -> sealing.Progress:
    shown = -1

    def show(percent: int, message: str) -> None:
        nonlocal shown
        if percent > shown:
            shown = percent
            job.progress(percent, message)

    return show


def seal_bytes(
    *,
    project: "Project",
    organisation: "Organisation",
    data_class: str,
    name: str,
    chunks: Iterable[bytes],
    by: "User",
    at: dt.datetime,
    destination: "Organisation | None" = None,
    rows: int | None = None,
    columns: list[str] | None = None,
    meta: dict[str, Any] | None = None,
) -> SealedFile:
    """Seal something the hub made, under this organisation's key in this project. In the vault alone.

    Call it inside the transaction that holds the job, or before it: if that transaction is undone, the
    container is an orphan that `tidy` removes.
    """
    file_id, sealed = sealing.seal_chunks(
        chunks,
        project=project,
        owner=organisation,
        destination=destination or organisation,
        data_class=data_class,
        at=at,
    )
    row = SealedFile(
        pk=file_id,
        project=project,
        owner=organisation,
        destination=destination or organisation,
        data_class=DataClass(data_class),
        name=name,
        status=FileStatus.ACCEPTED,
        status_since=at,
        sent_by=by,
        scan=ScanState.OWN,
        rows=rows,
        columns=columns or [],
        meta=meta or {},
        **sealed.fields(),
    )
    try:
        return _put_down(row, by=by, at=at)
    except BaseException:
        sealing.remove_blob(sealed.blob)
        raise


@transaction.atomic
def _put_down(row: SealedFile, *, by: "User", at: dt.datetime) -> SealedFile:
    """Write a file of the hub down. A project closes in the same line: before it, or with this file.

    :raises Blocked: if the project was closed meanwhile; what is sealed now would be destroyed by nobody
    """
    row = create("file.sealed", row, by=by, at=at, details=described(row) | {"rows": row.rows})
    if why := projects.is_not_closed(projects.Project.objects.get(pk=row.project_id)):
        raise Blocked(why)
    return row


def tidy(*, now: dt.datetime) -> int:
    """Remove what a crash left: pieces and containers that no row knows, older than an hour. Say how many."""
    old = (now - dt.timedelta(hours=1)).timestamp()
    media, removed = places.blob("x").parent.parent, 0
    for path in (media / "incoming").glob("*.piece"):
        of = places.file_of(path)
        waiting = (
            SealedFile.objects.filter(pk=of, status=FileStatus.ARRIVED).exists()
            or Upload.objects.filter(pk=of, expires_at__gt=now).exists()
            or Damage.objects.filter(
                file__pk=of, status=DamageStatus.FOUND, kept_until__isnull=False
            ).exists()
        )
        if not waiting and path.stat().st_mtime < old:
            places.erase_piece(path)
            removed += 1
    for path in (media / "sealed").glob("*/*.p20"):
        name = f"{path.parent.name}/{path.name}"
        if path.stat().st_mtime < old and not SealedFile.objects.filter(blob=name).exists():
            sealing.remove_blob(name)
            removed += 1
    return removed
