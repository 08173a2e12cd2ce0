"""Endpoints for agencies' machines; each request is signed with the agency's enrolled key."""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from p20win import clock
from p20win.access import signed_by_machine, signed_by_machine_in_parts
from p20win.accounts.public import hub
from p20win.custody import asides, selectors, services, tus, uploads, vault_keys
from p20win.custody.engine import pieces
from p20win.custody.engine.encoding import parse
from p20win.custody.engine.errors import CustodyError
from p20win.custody.models import SealedFile, UploadSlot
from p20win.custody.room import NoRoom
from p20win.refusal import Blocked

if TYPE_CHECKING:
    from p20win.accounts.models import SigningKey

    class MachineRequest(HttpRequest):
        """A request whose signature was checked."""

        signing_key: SigningKey
else:
    MachineRequest = HttpRequest


def _says_why(view: Callable[..., JsonResponse]) -> Callable[..., JsonResponse]:
    """Turn a refusal into an answer that a program can show."""

    @wraps(view)
    def answering(request: MachineRequest, **where: Any) -> JsonResponse:
        try:
            return view(request, **where)
        except Blocked as refusal:
            return JsonResponse({"reasons": refusal.reasons}, status=409)
        except CustodyError as problem:
            return JsonResponse({"reasons": [str(problem)]}, status=400)

    return answering


@signed_by_machine
@require_GET
@never_cache
def slots(request: MachineRequest) -> JsonResponse:
    """List the slots of the machine's agency."""
    rows = selectors.slots_of_machine(request.signing_key).prefetch_related("files")
    return JsonResponse({"slots": [_slot(row) for row in rows]})


@signed_by_machine
@require_GET
@never_cache
def slot(request: MachineRequest, pk: uuid.UUID) -> JsonResponse:
    """Describe one slot, with its rules and the key to seal for."""
    row = _own_slot(request, pk)
    more = {
        "spec": row.spec | {"demo_ssn": services.takes_invented_numbers()},
        "vault_public_key": pieces.vault_public_text(vault_keys.vault_public()),
    }
    return JsonResponse(_slot(row) | more)


@signed_by_machine
@require_GET
@never_cache
@_says_why
def instruction(request: MachineRequest, pk: uuid.UUID) -> JsonResponse:
    """Give what the machine's agency makes the file of a slot from (O-125)."""
    said = asides.instruction(_own_slot(request, pk), request.signing_key.organisation)
    if said is None:
        raise Blocked("There is no extract instruction for this slot: its page says what belongs there.")
    return JsonResponse(said)


@signed_by_machine
@require_POST
@_says_why
def announce(request: MachineRequest, pk: uuid.UUID) -> JsonResponse:
    """Take down a sender's statement; the answer names where to send the file."""
    statement = parse(request.body)
    try:
        upload = services.announce(
            _own_slot(request, pk),
            statement,
            key=request.signing_key,
            real_now=clock.real_now(),
            at=clock.now(),
        )
    except NoRoom as full:
        return JsonResponse({"reasons": full.reasons}, status=507)
    return JsonResponse({"attempt": str(upload.pk), "bytes": upload.length}, status=201)


@signed_by_machine_in_parts
@never_cache
@require_http_methods(["HEAD", "PATCH", "DELETE"])
def body(request: MachineRequest, pk: uuid.UUID) -> HttpResponse:
    """Say how much of a sealed file is here, take the next part, or give it up: tus, each request signed."""
    file = get_object_or_404(_own_files(request), pk=pk, signing_key=request.signing_key)
    row = uploads.unfinished(file.slot, file.sent_by, file.pk)
    return tus.answered(request, row, is_signed=True)


@signed_by_machine
@require_GET
@_says_why
def receipt(request: MachineRequest, pk: uuid.UUID) -> JsonResponse:
    """Give the hub's signed receipt."""
    file = get_object_or_404(_own_files(request), pk=pk)
    if file.receipt is None:
        raise Blocked(f"There is no receipt. The file's state: {file.get_status_display()}.")
    return JsonResponse(file.receipt)


def _own_slot(request: MachineRequest, pk: uuid.UUID) -> UploadSlot:
    return get_object_or_404(selectors.slots_of_machine(request.signing_key), pk=pk)


def _own_files(request: MachineRequest) -> Any:
    rows = SealedFile.objects.select_related("slot__project", "slot__supplier", "project", "sent_by")
    seen = selectors.slots_of_machine(request.signing_key)
    return rows.filter(owner=request.signing_key.organisation, slot__in=seen)


def _slot(row: UploadSlot) -> dict[str, Any]:
    return {
        "slot": str(row.pk),
        "project": str(row.project_id),
        "project_number": row.project.number,
        "source": str(row.supplier_id),
        "destination": str(hub().pk),
        "data_class": row.data_class,
        "title": row.title,
        "status": row.status,
        "opens": row.opens_at.isoformat(),
        "closes": row.closes_at.isoformat(),
        "files": [_file(file) for file in row.files.all()],
    }


def _file(file: SealedFile) -> dict[str, Any]:
    return {
        "file_id": str(file.pk),
        "status": file.status,
        "received": file.received_at.isoformat() if file.received_at else None,
        "scan": file.scan,
        "rows": file.rows,
        "report": file.report,
    }
