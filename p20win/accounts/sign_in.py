"""How people sign in: by e-mail and password, with a second factor (O-12). And how long that holds."""

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from p20win import clock
from p20win.access import public

_BEGAN: Final = "session_began"


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are opened by the operating group, not by signing up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Return False: nobody opens an account by themselves."""
        return False

    def get_user_display(self, user: Any) -> str:
        """Return the person's name."""
        return str(user.name)


@public
def closed(request: HttpRequest, **_: Any) -> HttpResponse:
    """Stand where the sign-in library offers what this portal does not.

    Above all nobody changes their own address: by it people are named and approved (O-04).
    """
    raise Http404


class SessionLimits:
    """Ends sessions: of someone who lost their standing at once, of everyone after the longest time."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep what answers."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, or sign out and say why."""
        if request.user.is_authenticated and (why := _why_over(request)):
            logout(request)
            messages.error(request, why)
            return redirect(settings.LOGIN_URL)
        return self._get_response(request)


def _why_over(request: HttpRequest) -> str:
    user: Any = request.user
    if not user.has_good_standing:
        return "Your account, or your organisation, does not take part at present. Ask the operating group."
    now = clock.real_now().timestamp()
    longest = dt.timedelta(seconds=settings.P20WIN_LONGEST_SESSION)
    if now - request.session.setdefault(_BEGAN, now) > longest.total_seconds():
        return f"A session lasts {longest // dt.timedelta(hours=1)} hours at most. Sign in again."
    return ""
