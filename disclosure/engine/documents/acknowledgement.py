"""Look for a sentence that must stand in a document, word for word.

Quotes, hyphens, spaces and line breaks may be of any kind; the words may not.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

EXACT, NEAR, ABSENT, UNREADABLE = "exact", "near", "absent", "unreadable"
NEAR_ENOUGH = 0.9
_ALIKE_AT_ALL = 0.5  # below this a difference in words says nothing
_MOST_WORDS = 500_000
_CANDIDATES = 5
_QUOTES = re.compile("[\u2018\u2019\u201a\u201b\u2032\u00b4`]")
_DOUBLE = re.compile("[\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb]")
_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_NOTHING = re.compile(r"[\u00ad\ufffe\x02]\s*\n\s*|[\u00ad\ufffe\x02\u200b-\u200f\u2060\ufeff\u202a-\u202e]")
_BROKEN = re.compile(r"(?<=[^\W\d_])-[ \t]*\r?\n\s*(?=[^\W\d_])")

Step = tuple[str, str]  # "same", "missing" or "extra", and the words


@dataclass(frozen=True)
class Answer:
    """Whether the sentence stands there, and where its words differ."""

    state: str
    difference: tuple[Step, ...] = ()
    why: str = ""  # of a document that cannot be read: what to do

    def as_json(self) -> dict[str, object]:
        """Return it in JSON's own types."""
        return {"state": self.state, "difference": [list(step) for step in self.difference], "why": self.why}


def words_of(text: str) -> list[str]:
    """Return the words of a text, as they are compared."""
    text = _NOTHING.sub("", unicodedata.normalize("NFKC", text))
    text = _DASHES.sub("-", _DOUBLE.sub('"', _QUOTES.sub("'", text)))
    return _BROKEN.sub("", text).split()


def find(sentence: str, texts: Iterable[str]) -> Answer:
    """Look for a sentence in several readings of a document: one of them is enough."""
    wanted, best = words_of(sentence), Answer(ABSENT)
    likeness = 0.0
    for text in texts:
        words = words_of(text)[:_MOST_WORDS]
        if _stands(wanted, words):
            return Answer(EXACT, (("same", " ".join(wanted)),))
        for window in _windows(wanted, words):
            alike = _likeness(wanted, window)
            if alike > likeness:
                likeness = alike
                state = NEAR if alike >= NEAR_ENOUGH else ABSENT
                best = Answer(state, _difference(wanted, window) if alike >= _ALIKE_AT_ALL else ())
    return best


def _stands(wanted: Sequence[str], words: Sequence[str]) -> bool:
    """Say whether the words follow each other; the first and last may touch a mark, such as a quote."""
    inner = list(wanted[1:-1])
    places = [i for i, word in enumerate(words) if word == inner[0]] if inner else []
    return any(
        list(words[i : i + len(inner)]) == inner
        and i > 0
        and _touches(words[i - 1], wanted[0], at_end=True)
        and i + len(inner) < len(words)
        and _touches(words[i + len(inner)], wanted[-1], at_end=False)
        for i in places
    )


def _touches(word: str, wanted: str, *, at_end: bool) -> bool:
    rest = word.removesuffix(wanted) if at_end else word.removeprefix(wanted)
    return word == wanted or (rest != word and not any(character.isalnum() for character in rest))


def _windows(wanted: Sequence[str], words: Sequence[str]) -> Iterator[list[str]]:
    """Yield the stretches that share the most words with the sentence."""
    size, goal = len(wanted) + len(wanted) // 4, Counter(map(_bare, wanted))
    bare = [_bare(word) for word in words]
    held: Counter[str] = Counter(bare[:size])
    shared = sum((held & goal).values())
    scores = [(shared, 0)]
    for start in range(1, max(1, len(words) - size + 1)):
        gone, come = bare[start - 1], bare[start + size - 1]
        if gone != come:
            shared -= held[gone] <= goal[gone]
            held[gone] -= 1
            held[come] += 1
            shared += held[come] <= goal[come]
        scores.append((shared, start))
    for _, start in sorted(scores, key=lambda score: (-score[0], score[1]))[:_CANDIDATES]:
        yield _trimmed(wanted, list(words[start : start + size]))


def _bare(word: str) -> str:
    return word.casefold().strip(".,;:()[]\"'")


def _trimmed(wanted: Sequence[str], window: list[str]) -> list[str]:
    """Drop what stands before and after the sentence."""
    blocks = SequenceMatcher(None, list(map(_bare, wanted)), list(map(_bare, window)), autojunk=False)
    found = [block for block in blocks.get_matching_blocks() if block.size]
    if not found:
        return window
    first, last = found[0], found[-1]
    start = max(0, first.b - first.a)
    end = last.b + last.size + (len(wanted) - last.a - last.size)
    return window[start:end]


def _likeness(wanted: Sequence[str], window: Sequence[str]) -> float:
    by_word = SequenceMatcher(None, wanted, window, autojunk=False).ratio()
    by_letter = SequenceMatcher(None, " ".join(wanted), " ".join(window), autojunk=False).ratio()
    return max(by_word, by_letter)


def _difference(wanted: Sequence[str], window: Sequence[str]) -> tuple[Step, ...]:
    steps: list[Step] = []
    matcher = SequenceMatcher(None, wanted, window, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            steps.append(("same", " ".join(wanted[a:b])))
            continue
        if a < b:
            steps.append(("missing", " ".join(wanted[a:b])))
        if c < d:
            steps.append(("extra", " ".join(window[c:d])))
    return tuple(steps)
