"""What desks have to say on the page of a slot: of what is sent there, and of what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from p20win.custody.registers import Register

if TYPE_CHECKING:
    from p20win.accounts.models import User
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
