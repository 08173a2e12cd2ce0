"""Handing out a download over HTTP: whole or in ranges, each under a capability of its own."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse

from matching import checks, ranges
from matching.models import Download
from matching.services import fetching
from p20win import access, clock
from p20win.accounts.public import User
from p20win.custody import public as custody
from p20win.refusal import Blocked

ASK_AGAIN: Final = 1.0  # seconds, as the vault does; it cannot see what this process still has in hand


def answer(request: HttpRequest, download: Download, person: User) -> HttpResponseBase:
    """Give a download, or the range of it that is asked for; a refusal is said in words."""
    headers = _headers(download)
    try:
        found = _range(request, download, headers["ETag"])
    except ranges.OutOfRange:
        return HttpResponse(status=416, headers=headers | {"Content-Range": f"bytes */{download.size}"})
    start, stop = found or (0, download.size)
    headers["Content-Length"] = str(stop - start)
    if found:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{download.size}"
    status = 206 if found else 200
    try:
        if request.method == "HEAD":
            _expect_may_continue(download, person)
            return HttpResponse(status=status, headers=headers)
        token = fetching.open_range(download, start, stop, by=person, at=clock.now())
        chunks = watched(custody.relay(token), lambda: _why_no_longer(download.pk, person))
    except custody.NotYet as reason:
        later = {"Retry-After": str(reason.seconds), "Cache-Control": "no-store"}
        return JsonResponse({"reasons": reason.reasons}, status=503, headers=later)
    except Blocked as refusal:
        return JsonResponse({"reasons": refusal.reasons}, status=409, headers={"Cache-Control": "no-store"})
    return StreamingHttpResponse(chunks, status=status, headers=headers)


def _headers(download: Download) -> dict[str, str]:
    return {
        "Content-Type": "application/zip",
        "Content-Disposition": f'attachment; filename="{download.delivery.file_name}"',
        "Accept-Ranges": "bytes",
        "ETag": f'"{download.delivery.digest}"',  # its SHA-256: a resumed file is the same file
        "Cache-Control": "no-store",
    }


def _range(request: HttpRequest, download: Download, etag: str) -> tuple[int, int] | None:
    if request.headers.get("If-Range", etag) != etag:
        return None
    return ranges.asked_for(request.headers.get("Range", ""), size=download.size)


def _expect_may_continue(download: Download, person: User) -> None:
    if reasons := _why_no_longer(download.pk, person):
        raise Blocked(reasons)


def _why_no_longer(pk: uuid.UUID, person: User) -> list[str]:
    """Ask anew, from the database, whether a download may go on."""
    rows = Download.objects.select_related("delivery__project", "delivery__match", "delivery__extract")
    download, known = rows.get(pk=pk), User.objects.select_related("organisation").get(pk=person.pk)
    at, project = clock.now(), download.delivery.project
    return [
        *checks.why_not_continue(download, known, at),
        *access.why_not(known, "download", project, "extract", at),
    ]


def watched(chunks: Iterator[Any], why_no_longer: Callable[[], list[str]]) -> Iterator[Any]:
    """Pass on what the vault gives while the person still may; ask again every second.

    :raises Cut: while iterating, when they may no longer; what came is not whole
    """
    asked = time.monotonic()
    with closing(chunks) as given:  # type: ignore[type-var]
        for chunk in given:
            if time.monotonic() - asked > ASK_AGAIN:
                asked = time.monotonic()
                if why_no_longer():
                    raise custody.Cut("Access was withdrawn.")
            yield chunk
