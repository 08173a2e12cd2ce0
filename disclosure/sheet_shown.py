"""One screen of a check's sheet: a window of one table in one layer, the walk through findings, one card."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from disclosure.explained import TOTAL, Lines, averted_by
from disclosure.sheet_parts import MOST_NAMES, Parts
from disclosure.sheet_words import (
    LAYERS,
    STATES,
    WIDTHS,
    count_told,
    money_told,
    range_of,
    rules_behind,
    share_of,
    width_of,
)

if TYPE_CHECKING:
    from disclosure.models import OutputCheck

_OURS: Final = re.compile(r"(.*) \(to be released\), line (\d+)")
_FIRST_LINE: Final = 2
_FIRST: Final = ("L", "U", "W")  # what must be answered comes first in the walk


class Sheet:
    """A check's sheet as the vault relayed it, for one page; it is kept nowhere."""

    def __init__(self, content: bytes, found: "OutputCheck") -> None:
        """Read it, and give each cell the letter of its state."""
        self.said: dict[str, Any] = json.loads(content)
        self.found = found
        self.tables: list[dict[str, Any]] = self.said["tables"]
        leaks = self.said["leaks"]
        self.leaks = self._by_cell([leak for leak in leaks if not leak.get("unsettled")])
        self.unsettled = self._by_cell([leak for leak in leaks if leak.get("unsettled")])
        self.remarks = self._by_cell(self.said["warnings"])
        children = self.said.get("children", {})
        least = int(found.policy["min_count"])
        self.lines = [Lines(table, children, min_count=least) for table in self.tables]
        self._parts: dict[int, Parts] = {}
        self.letters = [
            [self._letter(t, n, row) for n, row in enumerate(table["rows"])]
            for t, table in enumerate(self.tables)
        ]

    def _by_cell(self, findings: list[dict[str, Any]]) -> dict[tuple[int, int], list[dict[str, Any]]]:
        names = {table["name"]: t for t, table in enumerate(self.tables)}
        by_cell: dict[tuple[int, int], list[dict[str, Any]]] = {}
        for finding in findings:
            for place in finding["places"]:
                there = _OURS.fullmatch(place)
                if there and there[1] in names:
                    key = names[there[1]], int(there[2]) - _FIRST_LINE
                    by_cell.setdefault(key, []).append(finding)
        return by_cell

    def _letter(self, t: int, n: int, row: Mapping[str, Any]) -> str:
        reason = row["reason"]
        for letter, told in (("L", self.leaks), ("U", self.unsettled), ("W", self.remarks)):
            if (t, n) in told:
                return letter
        if reason.startswith("small"):
            return "S"
        if reason.startswith("dominated"):
            return "D"
        if reason.startswith("complementary"):
            return "R" if self.lines[t].is_residual(n) else "C"
        if row.get("money") and reason:
            return "M"
        if "percentage" in reason:
            return "B" if "base too small" in reason else "P"
        return "E" if row["shown"] and row.get("earlier") else ""

    # ------------------------------------------------------------ what is said of all

    def verdict(self) -> str:
        """Say in a sentence how many counts can be worked out; empty if none can."""
        leaks = [leak for leak in self.said["leaks"] if not leak.get("unsettled")]
        if not leaks:
            return ""
        before = [
            {place.rpartition(", line ")[0] for place in leak["places"] if not _OURS.fullmatch(place)}
            for leak in leaks
        ]
        through = sorted(set().union(*before))
        many = f"{len(leaks)} count{'' if len(leaks) == 1 else 's'} can be worked out"
        return f"{many}, {sum(map(bool, before))} through {' and '.join(through)}." if through else f"{many}."

    def utility(self) -> list[tuple[str, str]]:
        """Say what the tables lose: cells, people in withheld cells, totals, percentages."""
        rows = [(table, row) for table in self.tables for row in table["rows"]]
        groups = {(dim, parent) for dim, kids in self.said.get("children", {}).items() for parent in kids} | {
            (dim, TOTAL) for table in self.tables for dim in table["dimensions"]
        }
        inner: list[dict[str, Any]] = []
        totals: list[dict[str, Any]] = []
        for table, row in rows:
            named = zip(table["dimensions"], row["codes"], strict=True)
            (totals if any(each in groups for each in named) else inner).append(row)
        people = sum(int(row["count"] or 0) for row in inner)
        hidden = sum(int(row["count"] or 0) for row in inner if not row["shown"])
        shares = [row for _, row in rows if row["percentage"] is not None]
        said = [
            ("Counts shown", share_of(sum(row["shown"] for _, row in rows), len(rows))),
            ("Totals and groups shown", share_of(sum(row["shown"] for row in totals), len(totals))),
            ("People in cells that are shown", share_of(people - hidden, people)),
        ]
        if shares:
            said.append(
                ("Percentages shown", share_of(sum(row["percentage_shown"] for row in shares), len(shares)))
            )
        return said

    # ------------------------------------------------------------ one screen

    def screen(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """Return the window asked for: `table`, `layer`, `page`, `columns`, `cell` and `only` a letter."""
        only = asked.get("only", "") if asked.get("only", "") in STATES else ""
        layer = asked.get("layer", "") if asked.get("layer", "") in LAYERS else "proposed"
        if not self.found.cells:  # no pattern was found: there is nothing to propose
            layer = "original"
        walk = self.walk(only)
        t = _number(asked.get("table"), 1, len(self.tables)) - 1
        rows = self.tables[t]["rows"] if self.tables else []
        cell = _number(asked.get("cell"), 0, len(rows)) - 1 if asked.get("cell") else -1
        jump = self._jump(t, asked)
        if jump.get("to") is not None:
            cell = jump["to"]
        keep = {"layer": layer} | ({"only": only} if only else {})
        part = self._part(t, cell, asked)
        turned = {"page": part[0], "columns": part[1]} if part != (1, 1) else {}
        there = {"cell": cell + 1} if cell >= 0 else turned
        shown: dict[str, Any] = {
            "layers": [
                (slug, name, address({**keep, "layer": slug, "table": t + 1, **there}))
                for slug, name in LAYERS.items()
            ],
            "layer": layer,
            "layer_name": LAYERS[layer],
            "only": only,
            "states": self._states(keep),
            "walk": self._steps(walk, (t, cell), self._begin(walk, (t, cell), asked), keep),
            "jump": jump,
            "widths": WIDTHS,
            "tables": [
                (i + 1, each["name"], address({**keep, "table": i + 1})) for i, each in enumerate(self.tables)
            ],
            "table": t + 1,
            "card": self.card(t, cell) if cell >= 0 else None,
            "everything": address({"layer": layer, "table": t + 1}),
        }
        return shown | (self._window(t, part, cell, walk, keep) if self.tables else {})

    def parts(self, t: int) -> Parts:
        """Return a table's parts."""
        if t not in self._parts:
            self._parts[t] = Parts(self.tables[t])
        return self._parts[t]

    def _part(self, t: int, cell: int, asked: Mapping[str, str]) -> tuple[int, int]:
        """Return the part of a table that a screen shows: that of a cell, or the one asked for."""
        if not self.tables:
            return 1, 1
        parts = self.parts(t)
        if cell >= 0:
            return parts.part_of(cell)
        return _number(asked.get("page"), 1, parts.pages), _number(asked.get("columns"), 1, parts.windows)

    def _jump(self, t: int, asked: Mapping[str, str]) -> dict[str, Any]:
        """Return what one types to go to a cell, and which one was meant."""
        if not self.tables:
            return {}
        parts = self.parts(t)
        typed = [asked.get(f"code-{d}", "").strip() for d in range(1, len(parts.dimensions) + 1)]
        to = parts.called(typed) if any(typed) else None
        left = [""] * len(typed) if to is not None else typed
        return {
            "fields": [
                {"name": f"code-{d}", "label": label, "typed": word, "codes": codes[:MOST_NAMES]}
                for d, (label, word, codes) in enumerate(
                    zip(parts.dimensions, left, parts.codes, strict=True), start=1
                )
            ],
            "to": to,
            "missed": ", ".join(filter(None, typed)) if to is None else "",
        }

    def _begin(self, walk: list[tuple[int, int]], here: tuple[int, int], asked: Mapping[str, str]) -> int:
        """Return where the walk begins: at its start, in the part that was turned to, or after a cell."""
        t, cell = here
        if cell >= 0:
            ahead = (i for i, place in enumerate(walk) if place > here)
        elif self.tables and (asked.get("page") or asked.get("columns")):
            parts, part = self.parts(t), self._part(t, -1, asked)
            ahead = (i for i, (at, n) in enumerate(walk) if at == t and parts.part_of(n) == part)
        else:
            return 0
        return next(ahead, 0)

    def walk(self, only: str = "") -> list[tuple[int, int]]:
        """Return the findings in the order in which one walks through them: what leaks first."""
        found = [
            (letter not in _FIRST, t, n)
            for t, letters in enumerate(self.letters)
            for n, letter in enumerate(letters)
            if (letter == only if only else letter not in ("", "E"))
        ]
        return [(t, n) for _, t, n in sorted(found)]

    def _states(self, keep: Mapping[str, Any]) -> list[dict[str, Any]]:
        counted = Counter(letter for letters in self.letters for letter in letters)
        base = self.found.policy["min_pct_base"]
        return [
            {
                "letter": letter,
                "slug": slug,
                "name": name.format(base=base),
                "meaning": meaning.format(base=base),
                "count": counted[letter],
                "url": address({**keep, "only": letter}),
            }
            for letter, (slug, name, meaning) in STATES.items()
            if counted[letter]
        ]

    def _steps(
        self, walk: list[tuple[int, int]], here: tuple[int, int], begin: int, keep: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return where the walk stands, and its steps back and forth."""
        at = walk.index(here) if here in walk else None
        to = {"previous": None if at is None else at - 1, "next": begin if at is None else at + 1}
        steps = {
            name: self._step(walk[i], keep) if i is not None and 0 <= i < len(walk) else ""
            for name, i in to.items()
        }
        begins = "First finding" if at is None and begin == 0 else "Next" if here[1] >= 0 else "First here"
        return steps | {"of": len(walk), "at": None if at is None else at + 1, "begins": begins}

    def _step(self, to: tuple[int, int], keep: Mapping[str, Any]) -> str:
        return address({**keep, "table": to[0] + 1, "cell": to[1] + 1}) + "#card"

    def _window(
        self, t: int, part: tuple[int, int], cell: int, walk: list[tuple[int, int]], keep: Mapping[str, Any]
    ) -> dict[str, Any]:
        parts, (page, window) = self.parts(t), part
        across = parts.heads_of(window)
        there = {**keep, "table": t + 1, "page": page, "columns": window}
        return {
            "name": self.tables[t]["name"],
            "dimensions": parts.dimensions[: parts.cut],
            "across": parts.dimensions[-1] if len(parts.dimensions) > 1 else "",
            "heads": across,
            "rows": [
                {
                    "labels": labels,
                    "cells": [
                        self._cell(t, place, keep, is_here=place == cell)
                        if (place := cells.get(head)) is not None
                        else None
                        for head in across
                    ],
                }
                for labels, cells in parts.lines_of(page)
            ],
            "row_pages": _turns(there, "page", page, parts.pages) | {"named": parts.rows_named(page)},
            "column_pages": _turns(there, "columns", window, parts.windows)
            | {"named": parts.columns_named(window)},
            "overview": self._overview(t, part, walk, keep) if parts.pages * parts.windows > 1 else None,
        }

    def _overview(
        self, t: int, here: tuple[int, int], walk: list[tuple[int, int]], keep: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return how many findings each part of a table has, and the way there."""
        parts = self.parts(t)
        return {
            "heads": [parts.columns_named(window) for window in range(1, parts.windows + 1)],
            "rows": [
                {
                    "name": parts.rows_named(page),
                    "parts": [
                        {
                            "count": count,
                            "url": address({**keep, "table": t + 1, "page": page, "columns": window}),
                            "is_here": (page, window) == here,
                        }
                        for window, count in enumerate(counts, start=1)
                    ],
                }
                for page, counts in enumerate(parts.found_in(n for at, n in walk if at == t), start=1)
            ],
        }

    def _cell(self, t: int, n: int, keep: Mapping[str, Any], *, is_here: bool) -> dict[str, Any]:
        row, letter, layer = self.tables[t]["rows"][n], self.letters[t][n], keep["layer"]
        interval = row.get("interval")
        if layer == "released":
            number = count_told(row) if row["shown"] else ""
            percentage = row["percentage"] if row["percentage_shown"] else row.get("percentage_told") or None
        elif layer == "open":
            number = range_of(interval) if interval else count_told(row) if row["shown"] else "not asked"
            percentage = None
        else:
            number, percentage = row["count"], row["percentage"]
        marked = letter and (layer in ("proposed", "open") or letter == "L")
        return {
            "number": number,
            "percentage": percentage,
            "money": money_told(row, layer),
            "letter": letter if marked else "",
            "slug": STATES[letter][0] if marked else "",
            "word": STATES[letter][1].format(base=self.found.policy["min_pct_base"]) if marked else "",
            "url": self._step((t, n), keep) if marked else "",
            "width": width_of(interval) if layer == "open" else "",
            "is_withheld": not row["shown"] and layer == "released",
            "is_here": is_here,
        }

    # ------------------------------------------------------------ one cell

    def card(self, t: int, n: int) -> dict[str, Any]:
        """Return all that is known of one cell: state, rule, range, the sum that leaks, why it is covered."""
        table, letter = self.tables[t], self.letters[t][n]
        row = table["rows"][n]
        policy = self.found.policy
        word = STATES[letter][1].format(base=policy["min_pct_base"]) if letter else ""
        interval = row.get("interval")
        return {
            "table": t + 1,
            "cell": n + 1,
            "codes": list(zip(table["dimensions"], row["codes"], strict=True)),
            "title": self.lines[t].name(n),
            "row": row,
            "letter": letter,
            "slug": STATES[letter][0] if letter else "",
            "word": word,
            "rules": rules_behind(row["reason"], policy),
            "interval": range_of(interval) if interval else "",
            "proven": bool(interval and interval["proven"]),
            "leaks": self.leaks.get((t, n), []),
            "unsettled": self.unsettled.get((t, n), []),
            "remarks": self.remarks.get((t, n), []),
            "averted": [] if row["shown"] else averted_by(self.said, table["name"], n + _FIRST_LINE),
            "why": self.lines[t].why(n) if row["reason"].startswith("complementary") else [],
            "is_judged": bool(self.found.cells),
        }


def address(asked: Mapping[str, Any]) -> str:
    """Return the address of a screen, on this page."""
    return "?" + urlencode({name: value for name, value in asked.items() if value != ""})


def _turns(there: Mapping[str, Any], what: str, at: int, of: int) -> dict[str, Any]:
    """Return how to turn the pages of rows, or of columns."""
    return {
        "at": at,
        "of": of,
        "back": address({**there, what: at - 1}) if at > 1 else "",
        "on": address({**there, what: at + 1}) if at < of else "",
    }


def _number(text: str | None, least: int, most: int) -> int:
    number = int(text) if text and text.isdecimal() and len(text) < 10 else least
    return max(least, min(number, most))
