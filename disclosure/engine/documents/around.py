"""What stands around a table in a grid of cells: titles above, notes below, sentences among its labels."""

from collections.abc import Iterator
from typing import Final

from disclosure.engine.documents.content import Passage
from disclosure.engine.documents.labels import counting
from disclosure.engine.reading import Grid, note_rows, title_rows, trimmed

_SENTENCE: Final = 8  # words; shorter ones among the labels mostly name a category


def around(place: str, grid: Grid) -> Iterator[Passage]:
    """Yield the texts around a table, each by itself and those of several rows together."""
    grid = trimmed([[cell.strip() for cell in row] for row in grid])
    above, below = title_rows(grid), len(grid) - note_rows(grid)
    for where, rows in (("above the table", grid[:above]), ("below the table", grid[max(above, below) :])):
        said = [cell for row in rows for cell in row if cell]
        yield from (Passage(f"{place}, {where}", text) for text in said)
        if len(said) > 1:  # a sentence may go on in the next row
            yield Passage(f"{place}, {where}", " ".join(said), again=True)
    labels = list(dict.fromkeys(cell for row in grid[above:below] for cell in row))
    short = [label for label in labels if len(label.split()) < _SENTENCE]
    said = [label for label in labels if len(label.split()) >= _SENTENCE]
    yield from (Passage(f"{place}, a label", text) for text in (*said, *counting(short)))
