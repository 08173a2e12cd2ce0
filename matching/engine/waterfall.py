"""How a pair came to its weight, step by step, as inline SVG: no script, no style, no value of any record."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, Final

from matching.engine import defaults

_WIDTH: Final = 640
_ROW: Final = 28
_LABEL: Final = 240
_END: Final = 70
_INK: Final = "#1b1b1b"
_UP: Final = "#005ea2"
_DOWN: Final = "#b50909"
_LINE: Final = "#a9aeb1"
_WHOLE: Final = "#3d4551"

KINDS: Final = {
    "exact": "the same",
    "edits": "one slip",
    "jaro_winkler": "alike",
    "shared_part": "a part in common",
    "nickname": "a nickname",
    "initial": "an initial",
    "other_given_name": "the other given name",
    "swapped_day": "day and month swapped",
    "two_of_three": "two of three parts",
    "missing": "missing",
    "else": "different",
}
"""How levels of agreement are called in what people read."""


def steps(pair: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Return the steps from what is known before looking to the pair's whole weight, in bits."""
    found = [("Any two records", float(pair["prior"]))]
    for step in pair["steps"]:
        words = KINDS.get(step["kind"], step["kind"])
        found.append((f"{defaults.WORDS[step['field']]}: {words}", float(step["bits"])))
    if abs(pair["rest"]) >= 0.05:
        found.append(("How common these values are", float(pair["rest"])))
    return found


def total(pair: Mapping[str, Any]) -> float:
    """Return the weight with what is known before looking: above 0 it is rather one person."""
    return float(pair["prior"]) + float(pair["weight"])


def chart(pair: Mapping[str, Any]) -> str:
    """Return the waterfall: each bar starts where the one above it ended."""
    found = steps(pair)
    reached, at = [0.0], 0.0
    for _, bits in found:
        at += bits
        reached.append(at)
    low, high = min(reached), max(reached)
    scale = (_WIDTH - _LABEL - _END) / max(high - low, 1.0)
    height = _ROW * (len(found) + 1) + 24
    title = f"How this pair came to {total(pair):+.1f} bits"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(title)}" class="p20-chart"'
        f' viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" font-family="sans-serif"'
        f' font-size="13"><title>{escape(title)}</title>',
        _line(_x(0.0, low, scale), 4, height - 18),
        f'<text x="{_x(0.0, low, scale):.1f}" y="{height - 4}" fill="{_INK}" text-anchor="middle">0</text>',
    ]
    for number, (label, bits) in enumerate(found):
        parts.append(
            _bar(number, label, reached[number], reached[number + 1], low, scale, words=f"{bits:+.1f}")
        )
    parts.append(_bar(len(found), "All together", 0.0, at, low, scale, words=f"{at:+.1f}", fill=_WHOLE))
    return "".join([*parts, "</svg>"])


def _bar(
    number: int,
    label: str,
    start: float,
    stop: float,
    low: float,
    scale: float,
    *,
    words: str,
    fill: str = "",
) -> str:
    top = 6 + number * _ROW
    left, right = sorted((_x(start, low, scale), _x(stop, low, scale)))
    colour = fill or (_UP if stop >= start else _DOWN)
    return (
        f'<text x="{_LABEL - 10}" y="{top + 15}" fill="{_INK}" text-anchor="end">{escape(label)}</text>'
        f'<rect x="{left:.1f}" y="{top + 2}" width="{max(right - left, 1):.1f}" height="{_ROW - 10}"'
        f' fill="{colour}"/>'
        f'<text x="{right + 6:.1f}" y="{top + 15}" fill="{_INK}">{escape(words)}</text>'
    )


def _x(bits: float, low: float, scale: float) -> float:
    return _LABEL + (bits - low) * scale


def _line(at: float, top: float, bottom: float) -> str:
    return f'<line x1="{at:.1f}" y1="{top}" x2="{at:.1f}" y2="{bottom}" stroke="{_LINE}"/>'
