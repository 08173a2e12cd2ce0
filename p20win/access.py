"""Who may touch what: marks on views, and the one decision on access to a project's data.

Every view carries a mark, and a house test fails for a URL without one. Desks register their conditions by
name when Django starts; a desk that is missing denies.
"""

import datetime as dt
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from p20win.once import once, one_reading

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.projects.models import Project

    class SignedInRequest(HttpRequest):
        """A request whose user is known to be a member."""

        user: User

    class TicketRequest(HttpRequest):
        """A request whose upload ticket is good."""

        ticket: Any
else:
    SignedInRequest = TicketRequest = HttpRequest

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

EXPECTED_CONDITIONS: Final = (
    "standing",  # accounts: the person and their organisation are in good standing (O-41, O-109)
    "project_permission",  # projects: the person holds the project's permission for this act (O-10)
    "approved_people",  # requests_app: every agency approved the person for this project (O-04)
    "confidentiality",  # agreements: a confidentiality statement in force (O-06)
    "agreement_in_force",  # agreements: the data sharing agreement is in force (O-59, O-141)
)


@dataclass(frozen=True)
class AccessAsk:
    """One question: may this person do this act on data of this class in this project at this time?"""

    person: "User"
    act: str
    project: "Project"
    data_class: str
    at: dt.datetime


Condition = Callable[[AccessAsk], str | None]

_conditions: dict[str, Condition] = {}
_upload_ticket_verifier: Callable[[HttpRequest], object | None] | None = None
_machine_verifier: Callable[[HttpRequest, bool], object | None] | None = None
_download_ticket_reader: Callable[[HttpRequest], tuple[Any, str, str] | None] | None = None


def register_condition(name: str, condition: Condition) -> None:
    """Add a desk's condition. :raises ValueError: if the name is not expected, or is taken."""
    if name not in EXPECTED_CONDITIONS:
        raise ValueError(f"No access condition is called {name!r}.")
    if _conditions.get(name, condition) is not condition:
        raise ValueError(f"The access condition {name!r} is registered twice.")
    _conditions[name] = condition


def missing_conditions() -> list[str]:
    """Return the expected conditions that no desk has registered.

    While there is one, all access is denied.
    """
    return [name for name in EXPECTED_CONDITIONS if name not in _conditions]


def why_not(person: "User", act: str, project: "Project", data_class: str, at: dt.datetime) -> list[str]:
    """Say why this person may not do this act now; an empty list means they may."""
    if missing := missing_conditions():
        return [f"The portal is not set up to decide on access ({', '.join(missing)})."]
    ask = AccessAsk(person, act, project, data_class, at)
    with one_reading():
        return [why for name in EXPECTED_CONDITIONS if (why := _asked(name, ask))]


@once
def _asked(name: str, ask: AccessAsk) -> str | None:
    return _conditions[name](ask)


# --- marks on views

# The session of the person whose page is being made: what shows the vault that they are there themselves.
session_now: Final[ContextVar[str]] = ContextVar("session_now", default="")


def _mark(view: Any, name: str) -> Any:
    view.access = name
    return view


def public(view: View) -> View:
    """Mark a page that anyone may open. It shows no project's data."""
    marked: View = _mark(view, "public")
    return marked


def _turn_away(request: HttpRequest) -> HttpResponseBase | None:
    """Return where a person who is not fully signed in must go first, or None."""
    from django.conf import settings

    user: Any = request.user
    session_now.set(request.session.session_key or "")
    if not user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    if settings.DEMO_SIGN_IN and request.session.get("demo_sign_in"):
        return None
    from allauth.mfa.utils import is_mfa_enabled

    # O-12: a password alone opens nothing.
    return None if is_mfa_enabled(user) else redirect("mfa_activate_totp")


def members_only(view: View) -> View:
    """Mark a page for people who are signed in with a second factor and in good standing."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return _turn_away(request) or view(request, *args, **kwargs)

    marked: View = _mark(guarded, "members_only")
    return marked


def roles_only(*roles: str) -> Callable[[View], View]:
    """Mark a page for members who hold one of these roles. To all others it does not exist."""

    def mark(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if away := _turn_away(request):
                return away
            user: Any = request.user
            if not any(user.has_role(role) for role in roles):
                raise Http404
            return view(request, *args, **kwargs)

        marked: View = _mark(guarded, f"roles_only:{','.join(roles)}")
        return marked

    return mark


def signed_by_machine(view: View) -> View:
    """Mark an endpoint for an agency's machine; the request is signed with the agency's enrolled key.

    The view receives the enrolled key as `request.signing_key`.
    """

    return _by_machine(view, streams=False)


def signed_by_machine_in_parts(view: View) -> View:
    """Mark the endpoint that takes parts of a file from an agency's machine, signed like its other requests.

    The view itself compares the digest of what a PATCH brings with the signed one, while it reads.
    """
    return _by_machine(view, streams=True)


def _by_machine(view: View, *, streams: bool) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        reads_itself = streams and request.method == "PATCH"
        key = _machine_verifier(request, reads_itself) if _machine_verifier else None
        if key is None:
            raise PermissionDenied("The request is not signed by an enrolled key.")
        request.signing_key = key  # type: ignore[attr-defined]
        return view(request, *args, **kwargs)

    guarded.csrf_exempt = True  # type: ignore[attr-defined]  # a signature stands in for the cookie's token
    marked: View = _mark(guarded, "signed_by_machine")
    return marked


def by_upload_ticket(view: View) -> View:
    """Mark an endpoint for a program that sends one file with an upload ticket, as a Bearer token.

    The view receives the ticket as `request.ticket`.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        ticket = _upload_ticket_verifier(request) if _upload_ticket_verifier else None
        if ticket is None:
            raise PermissionDenied("The request shows no ticket that is good now.")
        request.ticket = ticket  # type: ignore[attr-defined]
        return view(request, *args, **kwargs)

    guarded.csrf_exempt = True  # type: ignore[attr-defined]  # no browser adds the ticket by itself
    marked: View = _mark(guarded, "by_upload_ticket")
    return marked


def register_upload_ticket_verifier(verifier: Callable[[HttpRequest], object | None]) -> None:
    """Set what checks an upload ticket: it returns the ticket, or None."""
    global _upload_ticket_verifier
    _upload_ticket_verifier = verifier


def by_download_ticket(view: View) -> View:
    """Mark an address for a person's own program, which shows a ticket for one thing and takes no cookie.

    The view receives the ticket's person as `request.user`, and the id of the thing it is for as `of`.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        found = _download_ticket_reader(request) if _download_ticket_reader else None
        if found is None:
            raise PermissionDenied("The ticket is not one, or holds no longer. Ask for another on the page.")
        request.user, of, shown = found
        session_now.set(shown)
        return view(request, *args, of=of, **kwargs)

    marked: View = _mark(guarded, "by_download_ticket")
    return marked


def register_download_ticket_reader(reader: Callable[[HttpRequest], tuple[Any, str, str] | None]) -> None:
    """Set what reads a ticket: it returns its person, the id of its thing, and the ticket; or None."""
    global _download_ticket_reader
    _download_ticket_reader = reader


def register_machine_verifier(verifier: Callable[[HttpRequest, bool], object | None]) -> None:
    """Set what checks a machine's signature: it returns the enrolled key, or None.

    It is told whether the view compares the body with the signed digest itself.
    """
    global _machine_verifier
    _machine_verifier = verifier
