"""What the request does not want for a population, as the packing of crosswalk and extract reads it (O-125).

Whom a population holds the hub knows from the lists that a run joined, and of nobody else: a population
without a list is picked by the agency, whose extract instruction says what is not wanted for it. Of people in
a listed one:

- Where no population they are in wants an agency, its rows on them leave neither as key nor as data.
- Where none wants a category of elements, these columns are empty in their rows.
- Who is in one that wants it too, or in none, stays (`requests_app.instructions` says why).
"""

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from matching.engine.extract import Blank
from matching.list_models import name_of
from p20win.refusal import Blocked
from requests_app import public as requests

if TYPE_CHECKING:
    from matching.models import Delivery, MatchRun
    from p20win.accounts.models import Organisation

EMPTY: Final = "empty for people in {} alone: the request does not want it of them"


def of_part(run: "MatchRun", agency: "Organisation", *, is_key: bool = False) -> dict[str, Any]:
    """Return which lists of a run do not want this agency, which do, and which columns are empty for whom.

    :raises Blocked: if the match does not know of which population a list is
    """
    project = run.match.project
    unwanted: list[str] = []
    wanted: list[str] = []
    refused: dict[str, frozenset[str]] = {}
    for row in run.joined_lists.select_related("expected"):
        if not row.expected.population:
            raise Blocked(
                "The match does not know of which population a list is, so what is not wanted of it could not"
                " be left out. Open another match."
            )
        nothing, columns = requests.not_wanted(project, row.expected.population, agency)
        (unwanted if nothing else wanted).append(name_of(row.number))
        refused[name_of(row.number)] = frozenset(columns)
    if not any(refused.values()) and not unwanted:
        return {}
    blanks = [] if is_key else _blanks(refused)
    return {"unwanted": tuple(unwanted), "wanted": tuple(wanted), "blanks": tuple(blanks)}


def _blanks(refused: dict[str, frozenset[str]]) -> list[Blank]:
    """Return the columns that some lists do not want, those with the same lists together."""
    together: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for column in sorted({column for columns in refused.values() for column in columns}):
        together[tuple(name for name, columns in refused.items() if column in columns)].append(column)
    return [
        Blank(tuple(columns), lists, tuple(name for name in refused if name not in lists))
        for lists, columns in together.items()
    ]


def notes(delivery: "Delivery", agency: "Organisation") -> dict[str, str]:
    """Return by column of this agency for whom it is left empty, in the words of the dictionary."""
    told = requests.instructions(delivery.project, agency)
    found: dict[str, list[str]] = defaultdict(list)
    for people in told[0].populations if told else ():
        if people.wanted and people.tables:
            for column in people.not_wanted_elements:
                found[column].append(f"“{people.name}”")
    return {column: EMPTY.format(" or ".join(names)) for column, names in found.items()}
