"""Small charts as inline SVG: presentation attributes and text only, fit for the strictest page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_WIDTH = 640
_ROW = 26
_LABEL = 230
_INK = "#1b1b1b"
_FIRST = "#005ea2"
_SECOND = "#a9aeb1"


def bars(title: str, rows: Sequence[tuple[str, float | None, str]]) -> str:
    """Return a bar for each row: label, share from 0 to 1 (None: hidden), words at its end."""
    height = _ROW * len(rows) + 8
    room = _WIDTH - _LABEL - 110
    parts = [_open(title, height)]
    for number, (label, share, words) in enumerate(rows):
        top = 4 + number * _ROW
        parts.append(_text(_LABEL - 8, top + 15, label, anchor="end"))
        if share is not None:
            parts.append(_rect(_LABEL, top + 3, max(share, 0.0) * room, _ROW - 8, _FIRST))
        parts.append(_text(_LABEL + (share or 0.0) * room + 6, top + 15, words))
    return "".join([*parts, "</svg>"])


def stacked(title: str, rows: Sequence[tuple[str, int | None, int | None]], names: tuple[str, str]) -> str:
    """Return a bar of two parts for each row: label, first count, second count (None: hidden)."""
    height = _ROW * (len(rows) + 1) + 8
    room = _WIDTH - _LABEL - 110
    most = max([(one or 0) + (two or 0) for _, one, two in rows] or [1]) or 1
    parts = [_open(title, height), _rect(_LABEL, 8, 12, 12, _FIRST), _text(_LABEL + 18, 19, names[0])]
    parts += [_rect(_LABEL + 150, 8, 12, 12, _SECOND), _text(_LABEL + 168, 19, names[1])]
    for number, (label, one, two) in enumerate(rows, start=1):
        top = 4 + number * _ROW
        first, second = (one or 0) / most * room, (two or 0) / most * room
        parts.append(_text(_LABEL - 8, top + 15, label, anchor="end"))
        parts.append(_rect(_LABEL, top + 3, first, _ROW - 8, _FIRST))
        parts.append(_rect(_LABEL + first, top + 3, second, _ROW - 8, _SECOND))
        words = "partly hidden" if one is None or two is None else f"{one + two:,}"
        parts.append(_text(_LABEL + first + second + 6, top + 15, words))
    return "".join([*parts, "</svg>"])


def _open(title: str, height: float) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(title)}" class="p20-chart"'
        f' viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}" height="{height:.0f}"'
        f' font-family="sans-serif" font-size="13">'
        f"<title>{escape(title)}</title>"
    )


def _rect(left: float, top: float, width: float, height: float, fill: str) -> str:
    return f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}"/>'


def _text(left: float, top: float, words: str, *, anchor: str = "start") -> str:
    return f'<text x="{left:.1f}" y="{top:.1f}" fill="{_INK}" text-anchor="{anchor}">{escape(words)}</text>'
