"""Having the vault remove what the hub made and nobody may open any more (O-74)."""

from typing import TYPE_CHECKING

from django.db.models import Q

from matching.models import Delivery, Match, MatchRun, ReviewSample, ReviewSheet
from p20win.audit.public import events_of
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


def remove_outdated(run: MatchRun, *, by: "User") -> None:
    """Remove what a run on an earlier file gave, and the records drawn of it.

    The index of its review stays: decisions on records that say the same still count.
    """
    made = [run.crosswalk, run.pairs, run.flags]
    made += [sheet.file for sheet in ReviewSheet.objects.filter(sample__run=run).select_related("file")]
    for file in made:
        if file is not None:
            custody.ask_removal(file, by=by)


# --- in the vault


def is_over(file: custody.SealedFile) -> bool:
    """Say whether the ledger tells that this version of an extract, or the match or run of this, is over."""
    ended = ("extract.closed", "extract.recalled", "extract.replaced")
    rows = Delivery.objects.filter(extract=file)
    if any(events_of(row).filter(event__in=ended).exists() for row in rows):
        return True
    of_run = Q(crosswalk=file) | Q(pairs=file) | Q(flags=file)
    runs = MatchRun.objects.filter(of_run | Q(sample__sheets__file=file))
    if any(events_of(run).filter(event="run.outdated").exists() for run in runs):
        return True
    made = of_run | Q(sample__index=file)
    matches = Match.objects.filter(pk__in=MatchRun.objects.filter(made).values("match"))
    return any(events_of(match).filter(event="match.abandoned").exists() for match in matches)
