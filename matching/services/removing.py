"""Having the vault remove what the hub made and nobody may open any more (O-74)."""

from typing import TYPE_CHECKING

from matching.models import Delivery, Match, ReviewSample
from p20win.custody import public as custody

if TYPE_CHECKING:
    from p20win.accounts.models import User


def remove_extract(delivery: Delivery, *, by: "User") -> None:
    """Remove the sealed bytes of a version that is closed, recalled or replaced; its row and papers stay."""
    if delivery.extract is not None:
        custody.ask_removal(delivery.extract, by=by)


def remove_results(match: Match, *, by: "User") -> None:
    """Remove what the runs of a match without a result gave; nobody has a use for it."""
    made = [file for run in match.runs.all() for file in (run.crosswalk, run.pairs, run.flags) if file]
    made += [sample.index for sample in ReviewSample.objects.filter(run__match=match).select_related("index")]
    for file in made:
        custody.ask_removal(file, by=by)
