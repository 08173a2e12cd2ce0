"""Read what a chart remembers of its numbers: a table like any other. What lies behind it may not be more."""

import io
import re
import zipfile
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from disclosure.engine.documents.content import Document, NotReadable
from disclosure.engine.documents.opening import Parts
from disclosure.engine.reading import Grid

_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_MOST_POINTS = 100_000
_MORE = re.compile(
    r"xl/(externalLinks|pivot|embeddings|drawings|charts|vbaProject|customXml|model|queryTables)"
)


def grids_of(chart: Element, place: str, document: Document) -> list[tuple[str, Grid]]:
    """Return the table of a chart: one row for each category, one column for each series."""
    if chart.tag != f"{_C}chartSpace":
        document.refuse(f"{place}: a chart of a kind that cannot be read. Give its numbers as a table.")
        return []
    if any(str(e.tag).endswith("}filteredSeriesTitle") or "filtered" in str(e.tag) for e in chart.iter()):
        document.refuse(f"{place}: the chart has series or categories that are filtered out. Delete them.")
    series = list(chart.iter(f"{_C}ser"))
    if not series:
        document.refuse(f"{place}: no numbers found in the chart. Give them as a table.")
        return []
    return [(place, grid) for grid in _by_categories(series, place, document)]


def _by_categories(series: list[Element], place: str, document: Document) -> Iterator[Grid]:
    """Put series that have the same categories side by side."""
    found: dict[tuple[str, ...], list[tuple[str, dict[int, str]]]] = {}
    for number, each in enumerate(series, start=1):
        name = " ".join(_points(each.find(f"{_C}tx")).values()) or f"Series {number}"
        across = each.find(f"{_C}cat")
        across = each.find(f"{_C}xVal") if across is None else across
        values = [_points(each.find(_C + kind)) for kind in ("val", "yVal", "bubbleSize")]
        labels = _labels(across)
        most = max((max(points, default=-1) for points in (labels, *values)), default=-1) + 1
        if most == 0:
            document.refuse(f"{place}: the chart does not remember its numbers. Give them as a table.")
            continue
        if most > _MOST_POINTS:
            document.refuse(f"{place}: the chart has too many points. Publish fewer.")
            continue
        key = tuple(labels.get(i, f"Category {i + 1}") for i in range(most))
        for said, points in zip(("", " (size)"), (values[0] or values[1], values[2]), strict=True):
            if points:
                found.setdefault(key, []).append((f"{name}{said}", points))
    for labels_of, columns in found.items():
        head = ["category", *(name for name, _ in columns)]
        rows = [[label, *(points.get(i, "") for _, points in columns)] for i, label in enumerate(labels_of)]
        yield [head, *rows]


def _labels(across: Element | None) -> dict[int, str]:
    """Return the labels; of several levels, the inner and the outer ones joined."""
    if across is None:
        return {}
    levels = list(across.iter(f"{_C}lvl"))
    if not levels:
        return _points(across)
    inner, *outer = [_points(level) for level in levels]
    for level in outer:
        starts = sorted(level)
        for i in inner:
            above = [start for start in starts if start <= i]
            if above:
                inner[i] = f"{level[above[-1]]} / {inner[i]}"
    return inner


def _points(holder: Element | None) -> dict[int, str]:
    if holder is None:
        return {}
    found = {}
    for point in holder.iter(f"{_C}pt"):
        place, value = point.get("idx", ""), point.findtext(f"{_C}v", "")
        if place.isdecimal():
            found[int(place)] = number_text(value)
    if not found and (direct := holder.findtext(f"{_C}v")):
        found[0] = number_text(direct)
    return found


def number_text(text: str) -> str:
    """Write a number as people do: 3 and not 3.0."""
    try:
        number = float(text)
    except ValueError:
        return " ".join(text.split())
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else text.strip()


def compare_workbook(content: bytes, grids: list[tuple[str, Grid]], place: str, document: Document) -> None:
    """Refuse a workbook that holds more than its chart shows, or that cannot be read."""
    from openpyxl import load_workbook  # only for charts that carry one

    shown = {cell for _, grid in grids for row in grid for cell in row}
    shown |= {part for label in shown for part in label.split(" / ")}
    try:
        carried = Parts(content).names  # its size, before anything reads it
        book = load_workbook(io.BytesIO(content), data_only=True, keep_links=False)
        cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
    except (NotReadable, zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError, OSError):
        document.refuse(f"{place}: the workbook behind it cannot be read. Copy the chart as a picture.")
        return
    if any(cell.comment for cell in cells) or any(s.sheet_state != "visible" for s in book.worksheets):
        document.refuse(f"{place}: the workbook behind it has comments or hidden sheets. Delete them.")
    elif any(_MORE.match(name) for name in carried):
        document.refuse(f"{place}: the workbook behind it carries links, pivots or drawings. Delete them.")
    elif any(
        number_text(str(cell.value)) not in shown
        for cell in cells
        if cell.value is not None and not (cell.row == cell.column == 1 and isinstance(cell.value, str))
    ):
        document.refuse(
            f"{place}: the workbook behind it holds more than the chart shows. Delete the rest of its data."
        )
