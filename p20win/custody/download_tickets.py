"""Tickets: with one a person's program, such as `p20 receive` or curl, fetches one thing in their name.

A ticket is a session that knows nobody but the vault: to every page its bearer is a stranger. It stands for
one person, one act and one thing, ends at a given time, with a change of password, and where the person may
no longer, since each range it asks for needs a capability like any other.
"""

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from django.contrib.sessions.backends.db import SessionStore
from django.db import models
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from p20win import clock

if TYPE_CHECKING:
    from p20win.accounts.models import User

HOLDER: Final = "p20_ticket"
_SCHEME: Final = "Bearer "


def ticket(person: "User", act: str, subject: models.Model, *, lasts: dt.timedelta) -> str:
    """Write a ticket and return what its bearer shows. The caller has decided that the person may."""
    session = SessionStore()
    session[HOLDER] = {
        "person": str(person.pk),
        "proof": person.get_session_auth_hash(),
        "act": act,
        "subject": str(subject.pk),
        "until": (clock.real_now() + lasts).isoformat(),
    }
    session.set_expiry(lasts)
    session.create()
    return str(session.session_key)


def is_for(session: SessionStore, person: "User", act: str) -> bool:
    """Say whether this is a ticket of that person for that act, and still holds."""
    told = session.get(HOLDER)
    return (
        isinstance(told, dict)
        and told["person"] == str(person.pk)
        and told["act"] == act
        and clock.real_now() < dt.datetime.fromisoformat(told["until"])
        and constant_time_compare(told["proof"], person.get_session_auth_hash())
    )


def shown(request: HttpRequest) -> tuple[Any, str, str] | None:
    """Return whose ticket a request shows, for which thing, and the ticket; nothing if it holds no longer."""
    from p20win.accounts.public import User

    said = request.headers.get("Authorization", "")
    key = said.removeprefix(_SCHEME).strip()
    if not said.startswith(_SCHEME) or not key.isalnum():
        return None
    session = SessionStore(key)
    told = session.get(HOLDER)
    if not isinstance(told, dict):
        return None
    person = User.objects.select_related("organisation").filter(pk=told["person"], is_active=True).first()
    if person is None or not is_for(session, person, told["act"]):
        return None
    return person, told["subject"], key
