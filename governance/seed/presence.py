"""A person who is there: what the vault asks for before it opens anything for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from p20win.access import session_now

if TYPE_CHECKING:
    from p20win.accounts.models import User


@contextmanager
def signed_in(person: "User") -> Iterator[None]:
    """Let this person of the demo be signed in for a while, as their browser would be."""
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    mark = session_now.set(session.session_key or "")
    try:
        yield
    finally:
        session_now.reset(mark)
        session.delete()
