"""Which event is told to whom, in which words. Desks register their notices when Django starts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.audit.models import Event


@dataclass(frozen=True)
class Notice:
    """What is told about one kind of event.

    Template: a plain text that extends emails/base.txt and fills its block `body`. It may use `event`,
    `project`, `number`, `where` and what `context` adds; never a value from a file, nor anything that tells
    about unemployment compensation (O-66, O-134).
    Audience: from the event, the people who hear it; those without good standing are left out.
    Subject: one line; {number} and {title} stand for the project's, other names for what `context` adds.
    Where: from the event, the path of the page to go to.
    Optional: people may turn the mail off; it stays in the inbox.
    """

    template: str
    audience: "Callable[[Event], Iterable[User]]"
    subject: str
    where: "Callable[[Event], str] | None" = None
    context: "Callable[[Event], Mapping[str, Any]] | None" = None
    optional: bool = False


_notices: dict[str, list[Notice]] = {}


def register(notices: Mapping[str, Notice]) -> None:
    """Add notices by the name of their event. Several desks may tell of one event; each person hears it once.

    :raises ValueError: if the same template is registered twice for an event
    """
    for event, notice in notices.items():
        known = _notices.setdefault(event, [])
        if any(each.template == notice.template and each != notice for each in known):
            raise ValueError(f"{notice.template} is registered twice for {event!r}.")
        if notice not in known:
            known.append(notice)


def notices_for(event: str) -> tuple[Notice, ...]:
    """Return the notices of an event, in the order in which they were registered."""
    return tuple(_notices.get(event, ()))


def registered() -> dict[str, tuple[Notice, ...]]:
    """Return all notices by event."""
    return {event: tuple(notices) for event, notices in _notices.items()}
