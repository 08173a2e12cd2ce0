"""Put the words of a printed page into lines, and lines that stand like a table into rows and columns."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from disclosure.engine.reading import Grid

_NUMERIC = re.compile(
    r"[~<≤>≥]?\s*[(\[]?\d[\d,. ]*%?[)\]]?\s*[*†‡a-d^\d]{0,3}|[-–—*†‡.]{1,3}|\d+\s*\(\d[\d.]*\s?%?\)"
)
_LEADERS = re.compile(r"\.{4,}|(\. ){4,}|_{4,}")
_RAISED = 0.9  # of the largest letters of its line: a note's mark
_GAP = 1.1  # times the height of a line: wider than any space between words
_GAP_BESIDE_NUMBER = 0.75
_GAP_OF_HEADS = 0.6
_GAP_OF_NUMBERS = 0.4  # two numbers so far apart are no words of one sentence
_MOST_HEADS = 3  # lines
_PROSE = 5  # words in one piece
_FAR = 2.2  # times the height of a line: what is further below stands apart


@dataclass(frozen=True)
class Word:
    """A word and where it stands, from the top left."""

    text: str
    x0: float
    top: float
    x1: float
    bottom: float
    size: float

    @property
    def middle(self) -> float:
        """Return the height of its middle."""
        return (self.top + self.bottom) / 2


Line = list[Word]
Segment = tuple[float, float, str]


def lines_of(words: Iterable[Word]) -> list[Line]:
    """Put words into lines, from top to bottom."""
    lines: list[Line] = []
    for word in sorted(words, key=lambda w: (w.top, w.x0)):
        home = next(
            (ln for ln in reversed(lines[-4:]) if min(w.top for w in ln) < word.middle < _bottom(ln)), None
        )
        if home is None:
            lines.append([word])
        else:
            home.append(word)
    return [sorted(line, key=lambda w: w.x0) for line in sorted(lines, key=_height)]


def flowing(words: Iterable[Word]) -> list[Line]:
    """Put words into lines in the order of the file, which follows columns and pages as they were written."""
    lines: list[Line] = []
    for word in words:
        last = lines[-1] if lines else None
        goes_on = last and _height(last) < word.middle < _bottom(last) and word.x0 >= last[-1].x0
        if last is not None and goes_on:
            last.append(word)
        else:
            lines.append([word])
    return lines


def _bottom(line: Line) -> float:
    return max(word.bottom for word in line)


def _height(line: Line) -> float:
    return min(word.top for word in line)


def text_of(line: Line) -> str:
    """Return the text of a line of prose; marks of notes, which are no numbers, are left out.

    A number far to the right of words belongs to them.
    """
    words = [word for word in line if not _is_mark(word, line)]
    if len(words) > 1 and is_row(words) and len(segments(words)) == 2:
        return ": ".join(text for _, _, text in segments(words))
    return " ".join(word.text for word in words)


def cell_text(words: Iterable[Word]) -> str:
    """Return the text of a cell; a raised mark is kept apart from the number before it."""
    return "\n".join(
        " ".join(f"^{word.text}" if _is_mark(word, line) else word.text for word in line)
        for line in lines_of(words)
    )


def _is_mark(word: Word, line: Line) -> bool:
    return word.size < _RAISED * max(w.size for w in line) and any(c.isdigit() for c in word.text)


def segments(line: Line, *, head: bool = False, wide: bool = False) -> list[Segment]:
    """Cut a line where it has gaps: beside numbers smaller ones, unless only wide ones are asked for."""
    cut: list[list[Word]] = []
    for word in line:
        if cut and word.x0 - cut[-1][-1].x1 < _gap(cut[-1][-1], word, head=head, wide=wide):
            cut[-1].append(word)
        else:
            cut.append([word])
    return [(part[0].x0, part[-1].x1, cell_text(part)) for part in cut]


def _gap(left: Word, right: Word, *, head: bool, wide: bool) -> float:
    """Return how far apart two words of one cell are at most."""
    numbers = sum(_NUMERIC.fullmatch(word.text) is not None for word in (left, right))
    by_numbers = (_GAP, _GAP_BESIDE_NUMBER, _GAP_OF_NUMBERS)[0 if wide else numbers]
    return (_GAP_OF_HEADS if head else by_numbers) * max(left.size, right.size)


def unruled(lines: Sequence[Line]) -> list[list[Line]]:
    """Return the runs of lines that stand like a table without lines around its cells, headers included."""
    kinds = [is_row(line) for line in lines]
    runs: list[list[Line]] = []
    at = 0
    while at < len(lines):
        if not kinds[at]:
            at += 1
            continue
        end = at + 1
        while end < len(lines) and kinds[end] and _is_near(lines[end - 1], lines[end]):
            end += 1
        if end - at >= 2:
            start = at
            while at - start < _MOST_HEADS and start > 0 and _is_head(lines[start - 1], lines[start]):
                start -= 1
            runs.append(list(lines[start:end]))
        at = end
    return runs


def _is_head(above: Line, line: Line) -> bool:
    """Say whether a line may be a header of what is below it, and no line of two columns of prose."""
    said, below = segments(above, head=True), segments(line, head=not is_row(line))
    if len(said) < 2 or not _is_near(above, line) or any(len(t.split()) >= _PROSE for _, _, t in said):
        return False
    return abs(len(said) - len(below)) <= 1 or len(segments(above)) > 1


def is_row(line: Line) -> bool:
    """Say whether a line stands like the row of a table: words on the left, a number far from them."""
    if any(_LEADERS.search(word.text) for word in line) or len(line) < 2:
        return False
    wide = segments(line, wide=True)
    fine = segments(line)
    return any(map(_is_number, wide[1:])) or (len(fine) > 1 and all(map(_is_number, fine[1:])))


def _is_number(segment: Segment) -> bool:
    return _NUMERIC.fullmatch(segment[2]) is not None and any(c.isdigit() for c in segment[2])


def _is_near(above: Line, below: Line) -> bool:
    return _height(below) - _bottom(above) < _FAR * max(word.size for word in below)


def columns_of(run: Sequence[Line]) -> Grid:
    """Lay a run of lines out in columns; what stands between two columns is given to none."""
    rows = [segments(line, head=not is_row(line)) for line in run]
    bands: list[list[float]] = []
    for x0, x1, _ in sorted(
        segment for row, line in zip(rows, run, strict=True) if is_row(line) for segment in row
    ):
        if bands and x0 <= bands[-1][1]:
            bands[-1][1] = max(bands[-1][1], x1)
        else:
            bands.append([x0, x1])
    return [_in_bands(row, bands) for row in rows]


def _in_bands(row: Sequence[Segment], bands: Sequence[Sequence[float]]) -> list[str]:
    """Give each part of a line to its column; a header of as many parts as columns goes in order."""
    line = [""] * len(bands)
    corner = 1 if row and row[0][0] > bands[0][1] else 0
    if len(bands) - len(row) == corner and not any(_NUMERIC.fullmatch(text) for _, _, text in row):
        return [*line[:corner], *(text for _, _, text in row)]
    for x0, x1, text in row:
        reach = [min(x1, band[1]) - max(x0, band[0]) for band in bands]
        at = reach.index(max(reach))
        line[at] = f"{line[at]} {text}".strip()
    return line
