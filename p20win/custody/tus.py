"""The endpoints of tus 1.0 (core, creation, expiration, termination), for browsers and any other tus client.

Requests are those of a signed-in person, guarded against forgery like every form. https://tus.io/protocols
"""

import base64
import binascii
import uuid
from collections.abc import Iterator
from email.utils import format_datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from p20win import clock
from p20win.access import SignedInRequest, members_only
from p20win.custody import selectors, uploads
from p20win.custody.models import Upload, UploadSlot
from p20win.refusal import Blocked

VERSION = "1.0.0"
EXTENSIONS = "creation,expiration,termination"
BODY = "application/offset+octet-stream"
_BLOCK = 1 << 20
_CONFLICT, _WRONG_TYPE, _WRONG_VERSION, _NO_ROOM = 409, 415, 412, 507


@members_only
@never_cache
@require_http_methods(["OPTIONS", "POST"])
def collection(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Begin an upload into a slot."""
    slot = get_object_or_404(selectors.visible_slots(request.user), pk=pk)
    if request.method == "OPTIONS":
        return _answer(204, {"Tus-Version": VERSION, "Tus-Extension": EXTENSIONS})
    if wrong := _wrong_version(request):
        return wrong
    try:
        upload = uploads.begin(
            slot,
            name=_file_name(request),
            length=_number(request, "Upload-Length"),
            by=request.user,
            at=clock.now(),
            now=clock.real_now(),
        )
    except Blocked as refusal:
        return _refused(refusal)
    except uploads.NoRoom:
        return _answer(
            _NO_ROOM, {}, "The portal has no room for this file now. Tell the hub; the slot stays open."
        )
    return _answer(
        201, {"Location": reverse("custody:tus-upload", args=[slot.pk, upload.pk])} | _expiry(upload)
    )


@members_only
@never_cache
@require_http_methods(["OPTIONS", "HEAD", "PATCH", "DELETE"])
def upload(request: SignedInRequest, pk: uuid.UUID, upload_pk: uuid.UUID) -> HttpResponse:
    """Say how far an upload is, continue it, or give it up."""
    slot = get_object_or_404(selectors.visible_slots(request.user), pk=pk)
    if request.method == "OPTIONS":
        return _answer(204, {"Tus-Version": VERSION, "Tus-Extension": EXTENSIONS})
    row = _own(request, slot, upload_pk)
    if wrong := _wrong_version(request):
        return wrong
    if request.method == "DELETE":
        uploads.give_up(row)
        return _answer(204, {})
    if request.method == "HEAD":
        return _answer(200, _offset(row) | {"Upload-Length": str(row.length)} | _expiry(row))
    return _continued(request, row)


def _continued(request: HttpRequest, row: Upload) -> HttpResponse:
    if request.content_type != BODY:
        return _answer(_WRONG_TYPE, {}, f"Send the bytes as {BODY}.")
    try:
        uploads.append(
            row,
            _blocks(request),
            offset=_number(request, "Upload-Offset"),
            at=clock.now(),
            now=clock.real_now(),
        )
        if row.offset == row.length:
            uploads.complete(row, at=clock.now())
    except uploads.Conflict:
        return _answer(_CONFLICT, {}, "The upload ends elsewhere. Ask for its offset and go on from there.")
    except Blocked as refusal:
        return _refused(refusal)
    return _answer(204, _offset(row) | _expiry(row))


def _own(request: SignedInRequest, slot: UploadSlot, pk: uuid.UUID) -> Upload:
    found = uploads.unfinished(slot, request.user, pk)
    if found is None:
        raise Http404
    return found


def _wrong_version(request: HttpRequest) -> HttpResponse | None:
    if request.headers.get("Tus-Resumable") == VERSION:
        return None
    return _answer(_WRONG_VERSION, {"Tus-Version": VERSION}, f"This portal speaks tus {VERSION}.")


def _number(request: HttpRequest, header: str) -> int:
    given = request.headers.get(header, "")
    if not (given.isascii() and given.isdigit() and len(given) < 16):
        raise Blocked(f"The header {header} must be a number of bytes.")
    return int(given)


def _file_name(request: HttpRequest) -> str:
    """Read the file's name from the metadata: names and Base64 values, with commas between."""
    for pair in request.headers.get("Upload-Metadata", "").split(","):
        name, _, value = pair.strip().partition(" ")
        if name == "filename":
            try:
                return base64.b64decode(value, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                break
    raise Blocked("Name the file in the header Upload-Metadata, as tus describes it.")


def _blocks(request: HttpRequest) -> Iterator[bytes]:
    while block := request.read(_BLOCK):
        yield block


def _offset(row: Upload) -> dict[str, str]:
    return {"Upload-Offset": str(row.offset)}


def _expiry(row: Upload) -> dict[str, str]:
    return {"Upload-Expires": format_datetime(row.expires_at, usegmt=True)}


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
