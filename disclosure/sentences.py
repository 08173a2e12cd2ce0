"""Which cells the numbers in a text are about: confirmed by its author or a reviewer, for this file alone."""

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from disclosure import by_hand, known_services, standing
from disclosure.engine.said import Fact, read_facts, written
from disclosure.models import Known, Output
from p20win.refusal import Blocked

if TYPE_CHECKING:
    from p20win.accounts.models import User

Line = tuple[str, str, str]  # number, dimension, code
why_not_confirm = by_hand.why_not_say  # who may say how a table is read may say what a sentence tells


def confirmed_now(output: Output) -> dict[int, Fact]:
    """Return what was confirmed of the numbers in an output's text, by their place in its order."""
    row = _row(output)
    return read_facts(bytes(row.content).decode()) if row else {}


def _row(output: Output) -> Known | None:
    name = standing.text_of(output)
    return next((r for r in standing.known_now(output.project) if r.is_said and r.name == name), None)


def confirm(output: Output, lines: Sequence[Line], *, by: "User", at: dt.datetime) -> Known:
    """Confirm which cells the numbers in a text are about; what stood before is left out if it is not said.

    They are released with the output, and later releases are held against them.

    :raises Blocked: if this person may not, nothing is new, or what is said cannot be
    """
    reasons, content, row = why_not_confirm(output, by, at), written(lines), _row(output)
    if not reasons and (bytes(row.content) == content if row else not lines):
        raise Blocked("Nothing was changed.")
    return known_services.load_said(
        output.project, text=standing.text_of(output), content=content, reasons=reasons, by=by, at=at
    )
