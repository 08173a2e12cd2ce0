"""The ledger's checkpoints, for everyone; proofs, line hashes and pinning, for those who hold it to them."""

import base64
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from p20win import clock
from p20win.access import SignedInRequest, members_only, public, roles_only, signed_by_machine
from p20win.accounts.public import Role
from p20win.custody import checkpoints, pins, selectors, vault_keys
from p20win.custody.engine import notes, signing
from p20win.custody.engine.encoding import parse
from p20win.custody.engine.errors import CustodyError
from p20win.custody.engine.proofs import TILE
from p20win.custody.models import Checkpoint
from p20win.refusal import Blocked

if TYPE_CHECKING:
    from p20win.custody.api import MachineRequest
else:
    MachineRequest = HttpRequest

IN_FEED: Final = 48
PER_PAGE: Final = 25
TEXT: Final = "text/plain; charset=utf-8"
TILES_AT_ONCE: Final = 32  # for a machine


@public
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Show what the ledger's checkpoints are, and the latest of them."""
    page = Paginator(Checkpoint.objects.all(), PER_PAGE).get_page(request.GET.get("page"))
    signed_in: Any = request.user if request.user.is_authenticated else None
    shown = {
        "page": page,
        "name": settings.P20WIN_LEDGER_NAME,
        "vkey": _verifier_key(),
        "steward": signed_in is not None and signed_in.has_role(Role.DATA_STEWARD),
        "keeps_hashes": signed_in is not None and _may_keep_hashes(signed_in),
        "pinned": pins.latest_of(signed_in.organisation) if signed_in and signed_in.organisation else None,
    }
    return render(request, "custody/ledger.html", shown)


def _verifier_key() -> str:
    try:
        key = signing.load_public(vault_keys.hub_public_pem())
    except vault_keys.NoKeys:
        return ""
    return notes.verifier_key(settings.P20WIN_LEDGER_NAME, key)


@public
@require_GET
@never_cache
def latest(request: HttpRequest) -> HttpResponse:
    """Give the latest checkpoint."""
    row = Checkpoint.objects.first()
    if row is None:
        raise Http404
    return HttpResponse(row.note, content_type=TEXT)


@public
@require_GET
def checkpoint(request: HttpRequest, pk: int) -> HttpResponse:
    """Give one checkpoint as it was signed."""
    return HttpResponse(get_object_or_404(Checkpoint, pk=pk).note, content_type=TEXT)


@public
@require_GET
def feed(request: HttpRequest) -> HttpResponse:
    """Give the latest checkpoints as an Atom feed, each whole in its entry."""
    atom = Atom1Feed(
        title=f"Checkpoints of {settings.P20WIN_LEDGER_NAME}",
        link=request.build_absolute_uri(reverse("ledger:index")),
        description="Where the ledger stands, signed by the hub every hour.",
        feed_url=request.build_absolute_uri(),
    )
    for row in Checkpoint.objects.all()[:IN_FEED]:
        atom.add_item(
            title=f"{row.size} lines",
            link=request.build_absolute_uri(reverse("ledger:checkpoint", args=[row.pk])),
            description=row.note,
            pubdate=row.signed_at,
            updateddate=row.signed_at,
        )
    return HttpResponse(atom.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")


@roles_only(Role.DATA_STEWARD)
@require_POST
def pin(request: SignedInRequest) -> HttpResponse:
    """Give the latest checkpoint to keep, and write down that this agency has it."""
    try:
        row = pins.pin(by=request.user, at=clock.now())
    except Blocked as refusal:
        for reason in refusal.reasons:
            messages.error(request, reason)
        return redirect("ledger:index")
    response = HttpResponse(row.checkpoint.note, content_type=TEXT)
    response["Content-Disposition"] = f'attachment; filename="checkpoint-{row.checkpoint.size}.txt"'
    return response


@members_only
@require_GET
@never_cache
def hashes(request: SignedInRequest, pk: int) -> StreamingHttpResponse:
    """Give the hashes of all lines of a checkpoint: with them a changed line can be named later."""
    if not _may_keep_hashes(request.user):
        raise Http404
    row = get_object_or_404(Checkpoint, pk=pk)
    response = StreamingHttpResponse(_hashes(row.size), content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="line-hashes-{row.size}.bin"'
    return response


def _may_keep_hashes(person: Any) -> bool:
    return any(person.has_role(role) for role in (Role.DATA_STEWARD, Role.HUB_STAFF, Role.OPERATING_GROUP))


def _hashes(size: int, *, start: int = 0, tiles: int | None = None) -> Iterator[bytes]:
    last = -(-size // TILE) if tiles is None else min(start // TILE + tiles, -(-size // TILE))
    for number in range(start // TILE, last):
        yield b"".join(checkpoints.leaves_of(number, size)[max(start - number * TILE, 0) :])


@members_only
@require_GET
@never_cache
def proof(request: SignedInRequest, seq: int) -> HttpResponse:
    """Give the proof that one line is in the ledger, to be verified with `p20 verify`."""
    event = selectors.provable_line(request.user, seq)
    if event is None:
        raise Http404
    try:
        document = checkpoints.prove(event)
    except Blocked as refusal:
        messages.warning(request, " ".join(refusal.reasons))
        return redirect("project", pk=event.project_id) if event.project_id else redirect("ledger:index")
    response = HttpResponse(json.dumps(document, indent=2), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="proof-line-{seq}.json"'
    return response


# --- for machines


@signed_by_machine
@require_POST
def machine_pin(request: MachineRequest) -> JsonResponse:
    """Give the latest checkpoint, and the proof that it begins with all of the one kept before."""
    key = request.signing_key
    try:
        since = parse(request.body).get("since")
        row = pins.pin(by=key.enrolled_by, at=clock.now(), key=key, organisation=key.organisation)
        path = pins.growth(since, row.checkpoint)
    except CustodyError as problem:
        return JsonResponse({"reasons": [str(problem)]}, status=400)
    except Blocked as refusal:
        return JsonResponse({"reasons": refusal.reasons}, status=409)
    spelt = [base64.b64encode(each).decode() for each in path]
    return JsonResponse({"checkpoint": row.checkpoint.note, "consistency": spelt})


@signed_by_machine
@require_GET
@never_cache
def machine_hashes(request: MachineRequest, start: int) -> JsonResponse:
    """Give hashes of lines from this place on, some thousand at once, as far as a checkpoint holds them."""
    row = Checkpoint.objects.first()
    if row is None or start >= row.size:
        raise Http404
    content = b"".join(_hashes(row.size, start=start, tiles=TILES_AT_ONCE))
    return JsonResponse({"start": start, "hashes": base64.b64encode(content).decode()})
