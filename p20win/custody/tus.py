"""The endpoints of tus 1.0 (core, creation, expiration, termination), through three doors.

A signed-in person's browser, guarded against forgery like every form; any tus client with an upload ticket;
an agency's machine, whose door is in `api`. https://tus.io/protocols
"""

import base64
import binascii
import hashlib
import hmac
import uuid
from collections.abc import Iterator
from email.utils import format_datetime

from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from p20win import clock
from p20win.access import SignedInRequest, TicketRequest, by_upload_ticket, members_only
from p20win.accounts.public import User
from p20win.custody import selectors, uploads
from p20win.custody.models import Upload, UploadSlot, UploadTicket
from p20win.custody.room import NoRoom
from p20win.refusal import Blocked

VERSION = "1.0.0"
EXTENSIONS = "creation,expiration,termination"
BODY = "application/offset+octet-stream"
SEALED = "sealed"  # in the metadata: the sender sealed the file for the vault, as `wrapping`
_BLOCK = 1 << 20
_CONFLICT, _WRONG_TYPE, _WRONG_VERSION, _NO_ROOM, _DAMAGED = 409, 415, 412, 507, 460


@members_only
@never_cache
@require_http_methods(["OPTIONS", "POST"])
def collection(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Begin an upload into a slot."""
    slot = get_object_or_404(selectors.visible_slots(request.user), pk=pk)
    return _begun(request, slot, by=request.user)


@members_only
@never_cache
@require_http_methods(["OPTIONS", "HEAD", "PATCH", "DELETE"])
def upload(request: SignedInRequest, pk: uuid.UUID, upload_pk: uuid.UUID) -> HttpResponse:
    """Say how far an upload is, continue it, or give it up."""
    slot = get_object_or_404(selectors.visible_slots(request.user), pk=pk)
    return answered(request, uploads.unfinished(slot, request.user, upload_pk))


@by_upload_ticket
@never_cache
@require_http_methods(["OPTIONS", "POST"])
def ticket_collection(request: TicketRequest) -> HttpResponse:
    """Begin an upload into the slot that the ticket names."""
    ticket: UploadTicket = request.ticket
    return _begun(request, ticket.slot, by=ticket.person, ticket=ticket)


@by_upload_ticket
@never_cache
@require_http_methods(["OPTIONS", "HEAD", "PATCH", "DELETE"])
def ticket_upload(request: TicketRequest, upload_pk: uuid.UUID) -> HttpResponse:
    """Say how far an upload is that was begun with this ticket, continue it, or give it up."""
    ticket: UploadTicket = request.ticket
    found = uploads.unfinished(ticket.slot, ticket.person, upload_pk)
    return answered(request, found if found and found.ticket_id == ticket.pk else None)


def _begun(
    request: HttpRequest, slot: UploadSlot, *, by: User, ticket: UploadTicket | None = None
) -> HttpResponse:
    if request.method == "OPTIONS":
        return _able()
    if wrong := _wrong_version(request):
        return wrong
    try:
        told = _metadata(request)
        row = uploads.begin(
            slot,
            name=_file_name(told),
            length=number(request, "Upload-Length"),
            by=by,
            at=clock.now(),
            now=clock.real_now(),
            is_sealed=told.get("wrapping") == SEALED.encode(),
            ticket=ticket,
        )
    except NoRoom as full:
        return no_room(full)
    except Blocked as refusal:
        return _refused(refusal)
    name, where = ("custody:ticket-upload", [row.pk]) if ticket else ("custody:tus-upload", [slot.pk, row.pk])
    return _answer(201, {"Location": reverse(name, args=where)} | _expiry(row))


def answered(request: HttpRequest, row: Upload | None, *, is_signed: bool = False) -> HttpResponse:
    """Answer for one upload: how far it is, the next part, or its end. :raises Http404: if there is none"""
    if request.method == "OPTIONS":
        return _able()
    if row is None:
        raise Http404
    if wrong := _wrong_version(request):
        return wrong
    if request.method == "DELETE":
        uploads.give_up(row, by=row.sent_by, at=clock.now())
        return _answer(204, {})
    if request.method == "HEAD":
        return _answer(200, _offset(row) | {"Upload-Length": str(row.length)} | _expiry(row))
    return _continued(request, row, _signed_blocks(request) if is_signed else _blocks(request))


def _continued(request: HttpRequest, row: Upload, chunks: Iterator[bytes]) -> HttpResponse:
    if request.content_type != BODY:
        return _answer(_WRONG_TYPE, {}, f"Send the bytes as {BODY}.")
    try:
        uploads.append(
            row, chunks, offset=number(request, "Upload-Offset"), at=clock.now(), now=clock.real_now()
        )
        if row.offset == row.length:
            uploads.complete(row, at=clock.now())
    except uploads.Conflict:
        return _answer(_CONFLICT, {}, "The upload ends elsewhere. Ask for its offset and go on from there.")
    except uploads.Damaged:
        return _answer(_DAMAGED, {}, "This part did not arrive as it was sent. Send it again.")
    except NoRoom as full:
        return no_room(full)
    except Blocked as refusal:
        return _refused(refusal)
    return _answer(204, _offset(row) | _expiry(row))


def _able() -> HttpResponse:
    return _answer(204, {"Tus-Version": VERSION, "Tus-Extension": EXTENSIONS})


def _wrong_version(request: HttpRequest) -> HttpResponse | None:
    if request.headers.get("Tus-Resumable") == VERSION:
        return None
    return _answer(_WRONG_VERSION, {"Tus-Version": VERSION}, f"This portal speaks tus {VERSION}.")


def number(request: HttpRequest, header: str) -> int:
    """Read a number of bytes from a header. :raises Blocked: if it is none"""
    given = request.headers.get(header, "")
    if not (given.isascii() and given.isdigit() and len(given) < 16):
        raise Blocked(f"The header {header} must be a number of bytes.")
    return int(given)


def _metadata(request: HttpRequest) -> dict[str, bytes]:
    """Read the metadata: names and Base64 values, with commas between. What cannot be read is not there."""
    told = {}
    for pair in request.headers.get("Upload-Metadata", "").split(","):
        name, _, value = pair.strip().partition(" ")
        try:
            told[name] = base64.b64decode(value, validate=True)
        except binascii.Error:
            continue
    return told


def _file_name(told: dict[str, bytes]) -> str:
    try:
        return told["filename"].decode()
    except (KeyError, UnicodeDecodeError):
        raise Blocked("Name the file in the header Upload-Metadata, as tus describes it.") from None


def _blocks(request: HttpRequest) -> Iterator[bytes]:
    while block := _read(request):
        yield block


def _read(request: HttpRequest) -> bytes:
    try:
        return request.read(_BLOCK)
    except UnreadablePostError as lost:
        raise ConnectionResetError from lost


def _signed_blocks(request: HttpRequest) -> Iterator[bytes]:
    """Give a part's bytes; all of them must be those that the machine signed, else nothing of it is kept."""
    if int(request.headers.get("Content-Length") or 0) > uploads.PIECE:
        raise Blocked(f"Send parts of at most {uploads.PIECE} bytes.")
    if request.GET.get("offset") != request.headers.get("Upload-Offset"):
        raise Blocked("The offset must be signed: name it in the address, too.")
    seen = hashlib.sha256()
    try:
        while block := _read(request):
            seen.update(block)
            yield block
    except ConnectionError:
        raise uploads.Damaged from None
    if not hmac.compare_digest(seen.hexdigest(), request.headers.get("P20-Content-SHA256", "")):
        raise uploads.Damaged


def _offset(row: Upload) -> dict[str, str]:
    return {"Upload-Offset": str(row.offset)}


def _expiry(row: Upload) -> dict[str, str]:
    return {"Upload-Expires": format_datetime(row.expires_at, usegmt=True)}


def no_room(full: NoRoom) -> HttpResponse:
    """Say that the disk is too full, or that its organisation may keep no more here."""
    return _answer(_NO_ROOM, {}, "\n".join(full.reasons))


def _refused(refusal: Blocked) -> HttpResponse:
    return _answer(403, {}, "\n".join(refusal.reasons))


def _answer(status: int, headers: dict[str, str], says: str = "") -> HttpResponse:
    content = f"{says}\n" if says else ""
    return HttpResponse(
        content,
        status=status,
        content_type="text/plain; charset=utf-8",
        headers={"Tus-Resumable": VERSION} | headers,
    )
