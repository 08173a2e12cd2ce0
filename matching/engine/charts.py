"""Small charts as inline SVG: presentation attributes and text only, fit for the strictest page.

They are as wide as a phone; every figure drawn stands in the description as words too.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

_WIDTH: Final = 400
_ROW: Final = 38
_TOP: Final = 26
_INK: Final = "#1b1b1b"
_FIRST: Final = "#005ea2"
_SECOND: Final = "#71767a"
_AGAINST: Final = "#b50909"


def bars(title: str, rows: Sequence[tuple[str, float | None, str]]) -> str:
    """Return a bar for each row: label, share from 0 to 1 (None: hidden), words at its end."""
    parts = []
    for number, (label, share, words) in enumerate(rows):
        top = number * _ROW
        parts += _heading(top, label, words)
        parts.append(_rect(0, top + 20, _WIDTH, 10, "#dfe1e2"))
        if share is not None:
            parts.append(_rect(0, top + 20, min(max(share, 0.0), 1.0) * _WIDTH, 10, _FIRST))
    return _drawn(title, _ROW * len(rows), parts, [f"{label}: {words}" for label, _, words in rows])


def stacked(title: str, rows: Sequence[tuple[str, int | None, int | None]], names: tuple[str, str]) -> str:
    """Return a bar of two parts for each row: label, first count, second count (None: hidden)."""
    most = max([(one or 0) + (two or 0) for _, one, two in rows] or [1]) or 1
    parts, told = _key(names), []
    for number, (label, one, two) in enumerate(rows):
        top = _TOP + number * _ROW
        first, second = (one or 0) / most * _WIDTH, (two or 0) / most * _WIDTH
        words = "partly hidden" if one is None or two is None else f"{one + two:,}"
        parts += _heading(top, label, words)
        parts.append(_rect(0, top + 20, first, 10, _FIRST))
        parts.append(_rect(first, top + 20, second, 10, _SECOND))
        told.append(f"{label}: {names[0]} {_count(one)}, {names[1]} {_count(two)}")
    return _drawn(title, _TOP + _ROW * len(rows), parts, told)


def paired(title: str, rows: Sequence[tuple[str, float, float]], names: tuple[str, str]) -> str:
    """Return two bars for each row: label, and two shares from 0 to 1."""
    parts, told = _key(names), []
    for number, (label, one, two) in enumerate(rows):
        top = _TOP + number * _ROW
        words = f"{_share(one)} | {_share(two)}"
        parts += _heading(top, label, words)
        parts.append(_rect(0, top + 20, one * _WIDTH, 6, _FIRST))
        parts.append(_rect(0, top + 27, two * _WIDTH, 6, _SECOND))
        told.append(f"{label}: {names[0]} {_share(one)}, {names[1]} {_share(two)}")
    return _drawn(title, _TOP + _ROW * len(rows), parts, told)


def waterfall(title: str, steps: Sequence[tuple[str, float]], *, threshold: float | None = None) -> str:
    """Return how a weight comes about: a bar for each step, beginning where the last ended, and the sum.

    The dashed line is the weight from which pairs are linked.
    """
    ends, total = [0.0], 0.0
    for _, bits in steps:
        total += bits
        ends.append(total)
    low, high = min([*ends, threshold or 0.0]), max([*ends, threshold or 0.0])
    scale = _WIDTH / ((high - low) or 1.0)
    rows = [(label, bits, start) for (label, bits), start in zip(steps, ends, strict=False)]
    parts, told = [], []
    for number, (label, bits, start) in enumerate([*rows, ("Sum", total, 0.0)]):
        top = number * _ROW
        left = (min(start, start + bits) - low) * scale
        is_sum = number == len(rows)
        fill = _INK if is_sum else _FIRST if bits >= 0 else _AGAINST
        parts += _heading(top, label, f"{bits:+.1f}")
        parts.append(_rect(left, top + 20, max(abs(bits) * scale, 1.0), 10, fill))
        parts.append(_line(-low * scale, top, _SECOND, dashed=False))
        if threshold is not None:
            parts.append(_line((threshold - low) * scale, top, _INK, dashed=True))
        told.append(f"{label}: {bits:+.1f} bits")
    height = _ROW * (len(rows) + 1)
    if threshold is not None:
        told.append(f"linked from {threshold:+.1f} bits (dashed line)")
    return _drawn(title, height, parts, told)


def _count(number: int | None) -> str:
    return "hidden" if number is None else f"{number:,}"


def _share(value: float) -> str:
    return f"{100 * value:.1f} %" if value >= 0.001 else f"{value:.1e}"


def _drawn(title: str, height: float, parts: Sequence[str], told: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(title)}" class="p20-chart"'
        f' viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}" height="{height:.0f}"'
        f' font-family="sans-serif" font-size="14">'
        f"<title>{escape(title)}</title><desc>{escape('; '.join(told))}.</desc>{''.join(parts)}</svg>"
    )


def _key(names: tuple[str, str]) -> list[str]:
    half = _WIDTH / 2
    return [
        _rect(0, 4, 12, 12, _FIRST),
        _text(18, 15, names[0]),
        _rect(half, 4, 12, 12, _SECOND),
        _text(half + 18, 15, names[1]),
    ]


def _heading(top: float, label: str, words: str) -> list[str]:
    return [_text(0, top + 15, label), _text(_WIDTH, top + 15, words, anchor="end")]


def _rect(left: float, top: float, width: float, height: float, fill: str) -> str:
    return f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}"/>'


def _line(left: float, top: float, stroke: str, *, dashed: bool) -> str:
    at = min(max(left, 0.5), _WIDTH - 0.5)
    dashes = ' stroke-dasharray="4 3"' if dashed else ""
    ends = f'x1="{at:.1f}" y1="{top + 18:.1f}" x2="{at:.1f}" y2="{top + 34:.1f}"'
    return f'<line {ends} stroke="{stroke}"{dashes}/>'


def _text(left: float, top: float, words: str, *, anchor: str = "start") -> str:
    return f'<text x="{left:.1f}" y="{top:.1f}" fill="{_INK}" text-anchor="{anchor}">{escape(words)}</text>'
