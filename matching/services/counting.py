"""Keeping which lists of third parties a run joined, and what they named, for hub and supplier (O-126)."""

from typing import TYPE_CHECKING, Any

from matching.engine import suppress
from matching.list_models import name_of
from matching.models import JoinedList

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matching.models import ExpectedFile, MatchRun


def keep(
    run: "MatchRun", lists: "Sequence[ExpectedFile]", counts: list[dict[str, Any]], *, least: int
) -> None:
    """Keep the counts of a run's lists, small ones hidden. They are no part of its report, nor of any line.

    A supplier who sent a list of one could else read from it whether the agency knows that one person.
    """
    told = {entry["list"]: entry for entry in suppress.suppressed({"lists": counts}, least)["lists"]}
    for number, row in enumerate(lists):
        entry = told[name_of(number)]
        JoinedList.objects.create(
            run=run,
            number=number,
            expected=row,
            slot_id=row.slot_id,
            named=entry["named"]["count"],
            unknown=entry["unknown"]["count"],
        )
