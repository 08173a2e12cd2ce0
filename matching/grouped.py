"""How the review of groups stands: which pairs of which group wait for whom, and what was decided."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matching import readings
from matching.models import GroupReading, ReviewSample

if TYPE_CHECKING:
    from p20win.accounts.models import User


@dataclass(frozen=True)
class Pair:
    """One pair of a group with what was said of it."""

    number: int
    drawn: dict[str, Any]
    words: tuple[GroupReading, ...]
    state: readings.State

    @property
    def is_decided(self) -> bool:
        """Say whether nobody need read it: it is decided now, or was before the run."""
        return bool(self.drawn["told"]) or not self.state.waits_for

    def waits_for(self, person: "User") -> bool:
        """Say whether this person can say something of it."""
        return not self.is_decided and all(word.reader_id != person.pk for word in self.words)


@dataclass(frozen=True)
class Group:
    """One group of a sample: whose its records are, and its pairs."""

    number: int
    records: list[dict[str, Any]]
    pairs: tuple[Pair, ...]

    @property
    def decided(self) -> int:
        """Return how many of its pairs are decided."""
        return sum(pair.is_decided for pair in self.pairs)

    def people(self) -> list[list[int]]:
        """Return its records as the run joined them, those of one person together."""
        whose = list(range(len(self.records)))
        for pair in self.pairs:
            if pair.drawn["decision"] == "link":
                one, other = sorted((whose[pair.drawn["one"]], whose[pair.drawn["other"]]))
                whose = [one if person == other else person for person in whose]
        return [[r for r, person in enumerate(whose) if person == each] for each in sorted(set(whose))]

    def waits_for(self, person: "User") -> bool:
        """Say whether this person can say something of one of its pairs."""
        return any(pair.waits_for(person) for pair in self.pairs)


def groups(sample: ReviewSample) -> list[Group]:
    """Return the groups of a sample in the order in which they are read."""
    said: dict[tuple[int, int], list[GroupReading]] = defaultdict(list)
    for word in sample.group_readings.filter(taken_back_at__isnull=True).select_related("reader"):
        said[word.group, word.pair].append(word)
    return [
        Group(
            number,
            drawn["records"],
            tuple(_pair(place, pair, said[number, place]) for place, pair in enumerate(drawn["pairs"])),
        )
        for number, drawn in enumerate(sample.groups)
    ]


def _pair(number: int, drawn: dict[str, Any], words: list[GroupReading]) -> Pair:
    own = tuple(words)
    return Pair(number, drawn, own, readings.state([word.verdict for word in own], twice=False))


def next_for(found: list[Group], person: "User", *, after: int = -1) -> Group | None:
    """Return the next group of which this person can say something."""
    waiting = [group for group in found if group.waits_for(person)]
    return min(waiting, key=lambda group: (group.number <= after, group.number), default=None)


def decided(sample: ReviewSample) -> Iterator[tuple[int, int, str]]:
    """Yield group, pair and verdict of every decision that counts in later runs."""
    for group in groups(sample):
        for pair in group.pairs:
            if pair.state.verdict in (readings.LINK, readings.NOT):
                yield group.number, pair.number, pair.state.verdict
