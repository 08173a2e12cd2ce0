"""Categories that together make a whole: said by an author, and kept as the hierarchy of a dimension."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from django.db import transaction

from disclosure import known_services, naming, standing
from disclosure.engine.codes import Hierarchy, read_hierarchy
from disclosure.engine.errors import BadTable
from disclosure.engine.whole import with_whole
from disclosure.models import Known, Output
from p20win.refusal import Blocked

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.projects.models import Project

Made = Mapping[str, tuple[str, Sequence[str]]]  # by dimension: the whole, and its parts
why_not_say = naming.why_not_name  # who may say what names mean may say what they make up


def hierarchies_now(project: "Project") -> dict[str, Hierarchy]:
    """Return the hierarchies of a project, by their dimensions."""
    rows = [row for row in standing.known_now(project) if row.is_hierarchy]
    return {row.name: read_hierarchy(row.name, bytes(row.content).decode("utf-8-sig")) for row in rows}


@transaction.atomic
def say(
    output: Output, made: Made, *, used: Mapping[str, Sequence[str]], by: "User", at: dt.datetime
) -> list[Known]:
    """Remember which categories make a whole, as new versions of the hierarchies of their dimensions.

    :param used: the codes that this file and what is out have in each dimension
    :raises Blocked: if this person may not, nothing is new, or what is said cannot be
    """
    if reasons := why_not_say(output, by, at):
        raise Blocked(reasons)
    known = hierarchies_now(output.project)
    try:
        contents = {
            dim: with_whole(dim, known.get(dim), whole=whole, parts=parts, used=used.get(dim, ()))
            for dim, (whole, parts) in made.items()
        }
        changed = {
            dim: content
            for dim, content in contents.items()
            if dim not in known or read_hierarchy(dim, content.decode()).children != _sorted(known[dim])
        }
    except BadTable as problem:
        raise Blocked(str(problem)) from None
    if not changed:
        raise Blocked("Nothing was changed.")
    return [
        known_services.load_hierarchy(output.project, dimension=dim, content=content, by=by, at=at)
        for dim, content in changed.items()
    ]


def _sorted(known: Hierarchy) -> dict[str, tuple[str, ...]]:
    return {parent: tuple(sorted(kids)) for parent, kids in known.children.items()}
