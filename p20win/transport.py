"""Programs speak TLS from the first byte (C11), and nobody on the way of an answer keeps it (C27)."""

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import Resolver404, resolve

OF_PROGRAMS: Final = ("signed_by_machine", "by_upload_ticket", "by_download_ticket")
SAYS: Final = (
    "This address is for programs and answers by HTTPS alone; nothing was done. What you showed went over the"
    " line in the clear: revoke the ticket, and use an address that begins with https://.\n"
)


class RefusePlainPrograms:
    """Refuses programs by plain HTTP, where browsers are sent on to HTTPS.

    A program that is redirected has shown its ticket already, and would show it again at every start.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Keep what answers."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, or refuse in words."""
        if settings.SECURE_SSL_REDIRECT and not request.is_secure() and _is_for_programs(request):
            return HttpResponse(SAYS, status=403, content_type="text/plain; charset=utf-8")
        return self._get_response(request)


class KeepNoPage:
    """Tells browsers and proxies to keep no page, unless a view or a static file says how long it may be."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Keep what answers."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, and add the header."""
        response = self._get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _is_for_programs(request: HttpRequest) -> bool:
    try:
        view = resolve(request.path_info).func
    except Resolver404:
        return False
    return getattr(view, "access", "") in OF_PROGRAMS
