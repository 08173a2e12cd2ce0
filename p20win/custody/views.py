"""Pages: the files one is to send, one slot with its upload, receipts, and the keys to verify with."""

import functools
import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_POST

from p20win import clock
from p20win.access import SignedInRequest, members_only, public
from p20win.custody import (
    agency_key_list,
    asides,
    checks,
    replacing,
    room,
    schedule,
    selectors,
    upload_tickets,
    vault_keys,
)
from p20win.custody.engine import pieces
from p20win.custody.engine.cells import FORMS
from p20win.custody.forms import FileForm, SlotFilter
from p20win.custody.models import Encryption, FileStatus, SlotStatus, UploadSlot
from p20win.custody.sftp import host_key
from p20win.custody.sftp.names import folder_of
from p20win.custody.upload import SealingHandler, keep
from p20win.deadlines import public as deadlines
from p20win.jobs import public as jobs
from p20win.listing import Listing
from p20win.refusal import Blocked

_LIST = Listing(
    sorts={
        "file": "title",
        "number": "project__number",
        "from": "supplier__short_name",
        "status": "status",
        "until": "closes_at",
    },
    searched=("title", "project__number", "project__title", "supplier__short_name"),
    first="-until",
)
# Who was invited is not told by a search what a request is called.
_LIST_OF_INVITED = replace(_LIST, searched=("title", "project__number"))


@members_only
@require_GET
def index(request: SignedInRequest) -> HttpResponse:
    """List the files that this person's organisation sends, or that the hub waits for."""
    rows = selectors.visible_slots(request.user)
    status = request.GET.get("status", "")
    if status in SlotStatus.values:
        rows = rows.filter(status=status)
    to_affirm = list(selectors.to_affirm(request.user))
    listing = _LIST_OF_INVITED if selectors.was_invited(request.user) else _LIST
    context = listing.shown(rows, request) | {"to_affirm": to_affirm, "invited": request.user.pk}
    context |= {"form": SlotFilter(request.GET or None), "filtered": bool(status)}
    return render(request, "custody/slots.html", context)


@members_only
@require_GET
@never_cache
def slot(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one slot: what is expected, what came of it, and the upload."""
    row = get_object_or_404(selectors.visible_slots(request.user), pk=pk)
    return render(request, "custody/slot.html", _shown(request, row))


def _shown(request: SignedInRequest, row: UploadSlot) -> dict[str, object]:
    files = list(row.files.select_related("sent_by", "signing_key").order_by("-id"))  # the newest first
    waiting = next((file for file in files if file.status == FileStatus.ARRIVED), None)
    encryption = checks.encryption_of(row.project)
    invitation, is_invited = row.invitation, checks.is_invited(row, request.user)
    sends = is_invited or (invitation is None and request.user.organisation_id == row.supplier_id)
    return {
        "slot": row,
        "asides": asides.beside(row, request.user),
        "invitation": invitation,
        "is_invited": is_invited,
        "files": files,
        "job": jobs.latest("custody.check_file", file_id=waiting.pk) if waiting else None,
        "sends": sends and row.status == SlotStatus.OPEN and waiting is None,
        "blockers": checks.why_not_send(row, request.user, clock.now()) if sends else [],
        "room": room.of(row.supplier) if sends else None,
        "columns": [column | {"asks": _asked(column)} for column in row.spec.get("columns", [])],
        "separators": " or ".join(f"{name}s" for name in row.spec.get("separators", ["tab"])),
        "numbers": " or ".join(names[0] for names in row.spec.get("one_person_per", []) if len(names) == 1),
        "form": FileForm(),
        "tickets": upload_tickets.good_ones(row, now=clock.real_now()) if sends else [],
        "clock": deadlines.of_subject(row, schedule.WINDOW).first(),
        "moves": schedule.moves(row),
        "reopened": replacing.reopened(row),
        "arranges": not schedule.why_not_arrange(row, request.user),
        "encryption": encryption,
        "vault_key": _sealed_for() if encryption == Encryption.BROWSER else "",
        "age_recipient": vault_keys.age_recipient(),
        # Machines send with keys that stewards enrol; who is invited has a browser, and tickets.
        "sftp": host_key.door() if sends and not invitation and encryption != Encryption.BROWSER else None,
        "folder": folder_of(row) if sends and not invitation else "",
    }


def _sealed_for() -> str:
    return pieces.vault_public_text(vault_keys.vault_public())


def _asked(column: dict[str, Any]) -> str:
    return "one of the agreed codes" if column.get("codes") else FORMS[column.get("form", "text")]


@members_only
@csrf_exempt  # the token is checked below, once the sealing handler stands where the body is read
@require_POST
def upload(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Take in one file; it is sealed for the vault while it arrives."""
    row = get_object_or_404(selectors.visible_slots(request.user), pk=pk)
    if reasons := checks.why_not_send(row, request.user, clock.now()):
        return _answer(request, row, reasons)
    handler = SealingHandler(request, row)
    request.upload_handlers = [handler]
    try:
        answer: HttpResponse = _take_in(request, row, handler)
    finally:
        handler.drop()
    return answer


@csrf_protect
def _take_in(request: SignedInRequest, row: UploadSlot, handler: SealingHandler) -> HttpResponse:
    try:
        keep(request, handler)
    except Blocked as refusal:
        return _answer(request, row, refusal.reasons)
    return _answer(request, row, [])


def _answer(request: SignedInRequest, row: UploadSlot, reasons: list[str]) -> HttpResponse:
    for reason in reasons:
        messages.error(request, reason)
    if not reasons:
        messages.success(request, "The file has arrived and is being checked.")
    return redirect("custody:slot", pk=row.pk)


@members_only
@require_GET
def receipt(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Give the hub's signed receipt for a file, to be verified with `p20 verify`."""
    file = get_object_or_404(selectors.visible_files(request.user), pk=pk)
    if file.receipt is None:
        raise Http404
    response = HttpResponse(json.dumps(file.receipt, indent=2), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="receipt-{file.pk}.json"'
    return response


def _once_there_are_keys(view: Callable[[SignedInRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer that one asks again later where the vault of a new installation has not made its keys yet."""

    @functools.wraps(view)
    def answer(request: SignedInRequest) -> HttpResponse:
        try:
            return view(request)
        except vault_keys.NoKeys:
            said = "The vault of this portal has not made its keys yet. Ask again in a minute.\n"
            later = {"Retry-After": "60"}
            return HttpResponse(said, status=503, content_type="text/plain; charset=utf-8", headers=later)

    return answer


@public
@require_GET
@_once_there_are_keys
def trust(request: SignedInRequest) -> HttpResponse:
    """Give what signatures are verified with: the hub's keys, agencies' keys by its list, and the seal's."""
    certificate = Path(settings.P20WIN_SEAL_CERTIFICATE)
    seal = certificate.read_bytes() if certificate.is_file() else b""
    keys = vault_keys.hub_public_pem() + agency_key_list.block()
    response = HttpResponse(keys + seal, content_type="application/x-pem-file")
    response["Content-Disposition"] = 'attachment; filename="p20win-hub.pem"'
    return response


@public
@require_GET
@never_cache
@_once_there_are_keys
def hub_keys(request: SignedInRequest) -> HttpResponse:
    """Give the list of the hub's keys that the vault signed: what “p20” seals by."""
    return HttpResponse(vault_keys.hub_keys_list(), content_type="application/json")
