"""Permission to open one thing once: issued after the access decision, used up by the vault."""

import datetime as dt
import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import models, transaction
from django.utils.crypto import constant_time_compare

from p20win import access, clock
from p20win.audit.public import record
from p20win.custody import bounds, download_tickets
from p20win.custody.models import CAPABILITY_LIFE, Capability, SealedFile
from p20win.once import one_reading
from p20win.refusal import Blocked
from p20win.workflow import create

if TYPE_CHECKING:
    from p20win.accounts.models import User

Ended = Callable[[Any, int, dt.datetime], None]
Opened = Callable[[Any, "User"], Iterator[bytes]]
WhyNot = Callable[[Any, "User", dt.datetime], list[str]]


@dataclass(frozen=True)
class Opening:
    """One kind of thing the vault opens for people."""

    act: str
    give: Opened  # runs in the vault: (subject, person) → chunks of bytes
    access_act: str  # what access.why_not is asked about
    data_class: str  # likewise; empty: the subject's own
    why_not: WhyNot  # the desk's further conditions: (subject, person, at) → reasons
    ended: Ended  # told, in the vault, how many bytes were given when it is over: (subject, bytes, at)


ANOTHERS: Final = "This belongs to another project than the permission to open it."

_openings: Final[dict[str, Opening]] = {}


def register_opening(
    act: str,
    give: Opened,
    *,
    access_act: str,
    data_class: str = "",
    why_not: WhyNot = lambda subject, person, at: [],
    ended: Ended = lambda subject, sent, at: None,
) -> None:
    """Let the vault open something for people. Called when Django starts, in every process.

    :raises ValueError: if the act is registered twice
    """
    known = _openings.get(act)
    if known is not None and known.give.__qualname__ != give.__qualname__:
        raise ValueError(f"Two openings are called {act!r}.")
    _openings[act] = Opening(act, give, access_act, data_class, why_not, ended)


def _opening(act: str) -> Opening:
    try:
        return _openings[act]
    except KeyError:
        raise LookupError(f"No opening is called {act!r}.") from None


def _class_of(opening: Opening, subject: Any) -> str:
    if opening.data_class:
        return opening.data_class
    return str(subject.access_class if isinstance(subject, SealedFile) else subject.data_class)


def _why_not(opening: Opening, subject: Any, person: "User", at: dt.datetime) -> list[str]:
    data_class = _class_of(opening, subject)
    with one_reading():
        return [
            *access.why_not(person, opening.access_act, subject.project, data_class, at),
            *opening.why_not(subject, person, at),
        ]


@transaction.atomic
def capability(person: "User", act: str, subject: models.Model, at: dt.datetime) -> str:
    """Issue a token that opens this once, within a minute. The subject has a `project`.

    :raises Blocked: if the access decision, or a condition of the desk, is against it
    """
    opening = _opening(act)
    row: Any = subject
    if reasons := _why_not(opening, row, person, at):
        raise Blocked(reasons)
    token, now = secrets.token_urlsafe(32), clock.real_now()
    issued = Capability(
        token_digest=_digest(token),
        person=person,
        act=act,
        subject_type=subject._meta.label_lower,
        subject_id=str(subject.pk),
        project=row.project,
        data_class=_class_of(opening, row),
        issued_at=now,
        expires_at=now + CAPABILITY_LIFE,
    )
    details = {
        "act": act,
        "subject": f"{issued.subject_type} {issued.subject_id}",
        "class": issued.data_class,
    }
    create("capability.issued", issued, by=person, at=at, details=details)
    return token


def use_up(token: str) -> Capability:
    """Use a capability up, once and for all, and ask again whether the person may. In the vault alone.

    :raises Blocked: if it was never issued, is used or expired, or the person may no longer
    """
    now = clock.real_now()
    with transaction.atomic():
        unused = Capability.objects.filter(token_digest=_digest(token), used_at=None, expires_at__gt=now)
        is_first = unused.update(used_at=now) == 1
    known = Capability.objects.select_related("person", "person__organisation", "project")
    granted = known.filter(token_digest=_digest(token)).first()
    if granted is None or not is_first:
        if granted is not None:  # who shows it again may have read it on its way
            note_in_ledger(granted, "capability.refused", why="used before" if granted.used_at else "expired")
        raise Blocked("This was opened before, or waited too long. Go back and open it again.")
    if reasons := why_no_longer(granted):
        note_in_ledger(granted, "capability.refused", why="no access")
        raise Blocked(reasons)
    return granted


def expect_there(granted: Capability, session: str) -> None:
    """Make sure that the person whom a capability is for is signed in, in the session that asks.

    A row in the table of capabilities is not enough: whoever can write one there is not that person. Instead
    of their session their program may show a ticket for this very act.

    :raises Blocked: if there is no such session, or it is another's
    """
    signed_in = SessionStore(session) if session else SessionStore()
    person, told = granted.person, signed_in.get(HASH_SESSION_KEY, "")
    is_theirs = signed_in.get(SESSION_KEY) == str(person.pk)
    has_come = is_theirs and constant_time_compare(told, person.get_session_auth_hash())
    if not (has_come or download_tickets.is_for(session, person, granted.act)):
        note_in_ledger(granted, "capability.refused", why="nobody there")
        raise Blocked("You are not signed in any more. Sign in and open it again.")


def why_no_longer(granted: Capability) -> list[str]:
    """Ask the access decision again, from the database; an empty list means the person still may."""
    from p20win.accounts.public import User

    person = User.objects.select_related("organisation").get(pk=granted.person_id)
    subject = subject_of(granted)
    if subject.project_id != granted.project_id:  # whoever wrote the row may have named another project
        return [ANOTHERS]
    return _why_not(_opening(granted.act), subject, person, clock.now())


def subject_of(granted: Capability) -> Any:
    """Return what a capability opens."""
    return apps.get_model(granted.subject_type)._default_manager.get(pk=granted.subject_id)


def opened_bytes(granted: Capability) -> Iterator[bytes]:
    """Give what the capability opens, and of files those of its project and class alone. In the vault alone.

    :raises OutOfBounds: if what it leads to is a file of another project or class
    """
    opening, subject = _opening(granted.act), subject_of(granted)
    data_class = _class_of(opening, subject)
    chunks: Iterator[bytes] | None = None
    while True:
        with bounds.only(granted.project_id, data_class):
            chunks = iter(opening.give(subject, granted.person)) if chunks is None else chunks
            chunk = next(chunks, None)
        if chunk is None:
            return
        yield chunk


def end(granted: Capability, *, sent: int) -> None:
    """Tell the desk how many bytes were given. In the vault alone."""
    _opening(granted.act).ended(subject_of(granted), sent, clock.now())


def note_in_ledger(granted: Capability, event: str, **details: Any) -> None:
    """Write what became of a capability."""
    with transaction.atomic():
        record(event, granted, by=granted.person, at=clock.now(), details={"act": granted.act, **details})


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
