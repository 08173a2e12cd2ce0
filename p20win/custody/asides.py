"""What desks have to say of a slot: on its page, and to the machine that sends a file there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from p20win.custody.registers import Register

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation, User
    from p20win.custody.models import UploadSlot


@dataclass(frozen=True)
class Aside:
    """A part of the page: its name in addresses, its title, sentences, and links as label and address."""

    slug: str
    title: str
    lines: tuple[str, ...]
    links: tuple[tuple[str, str], ...] = ()


Teller = Callable[["UploadSlot", "User"], Aside | None]
_tellers: Final = Register[Teller]("asides")


def register_aside(name: str, teller: Teller) -> None:
    """Let a desk say something on the page of a slot, to one who sees that slot; None says nothing.

    :raises ValueError: if the name is taken
    """
    _tellers.add(name, teller)


def beside(slot: "UploadSlot", person: "User") -> list[Aside]:
    """Return what the desks tell this person beside a slot."""
    return [aside for teller in _tellers if (aside := teller(slot, person)) is not None]


Instructor = Callable[["UploadSlot", "Organisation"], dict[str, Any] | None]
_instructors: Final = Register[Instructor]("instructors")


def register_instructor(name: str, instructor: Instructor) -> None:
    """Let a desk say, as a document for programs, what an organisation makes its file from; None if nothing.

    :raises ValueError: if the name is taken
    """
    _instructors.add(name, instructor)


def instruction(slot: "UploadSlot", organisation: "Organisation") -> dict[str, Any] | None:
    """Return what an organisation makes the file of a slot from, of the first desk that says it."""
    told = (instructor(slot, organisation) for instructor in _instructors)
    return next((said for said in told if said is not None), None)
