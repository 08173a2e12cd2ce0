"""Tickets: with one a person's program, such as `p20 receive` or curl, fetches one thing in their name.

A ticket is a session that knows nobody but the vault: to every page its bearer is a stranger. It stands for
one person, one act and one thing, ends at a given time, with a change of password, and where the person may
no longer, since each range it asks for needs a capability like any other. The database keeps a digest of it,
so that whoever reads there, or in a backup, has no ticket.
"""

import datetime as dt
import hashlib
import secrets
from typing import TYPE_CHECKING, Any, Final

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
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
    shown, until = secrets.token_hex(32), clock.real_now() + lasts
    told = {
        "person": str(person.pk),
        "proof": person.get_session_auth_hash(),
        "act": act,
        "subject": str(subject.pk),
        "until": until.isoformat(),
    }
    said = SessionStore().encode({HOLDER: told})
    Session.objects.create(session_key=_key(shown), session_data=said, expire_date=until)
    return shown


def _key(shown: str) -> str:
    """Return under which key a ticket lies: a digest, as long as the table holds."""
    return hashlib.sha256(shown.encode()).hexdigest()[:40]


def _told(shown: str) -> Any:
    return SessionStore(_key(shown)).get(HOLDER)


def is_for(shown: str, person: "User", act: str) -> bool:
    """Say whether this is a ticket of that person for that act, and still holds."""
    told = _told(shown)
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
    told = _told(key)
    if not isinstance(told, dict):
        return None
    person = User.objects.select_related("organisation").filter(pk=told["person"], is_active=True).first()
    if person is None or not is_for(key, person, told["act"]):
        return None
    return person, told["subject"], key
