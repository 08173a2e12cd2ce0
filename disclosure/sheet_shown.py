"""One screen of a check's sheet: a window of one table in one layer, the walk through findings, one card."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from disclosure.explained import TOTAL, Lines, averted_by

if TYPE_CHECKING:
    from disclosure.models import OutputCheck

STATES: Final = {  # letter: the name of its colour, its word, what it means
    "L": ("leak", "can be worked out", "Its count, or a narrow range of it, follows from what is released."),
    "U": ("remark", "not settled", "How far it can be worked out could not be settled in the limit."),
    "W": ("remark", "near a small count", "It is known to lie in a range that begins among small counts."),
    "S": ("small", "small", "Counts fewer people than may be shown."),
    "D": ("small", "dominated", "One or two contributors make up most of it."),
    "C": ("complementary", "complementary", "Withheld, as a small count could be worked out from it."),
    "R": ("residual", "residual", "Withheld, as several small counts would be known as one small sum."),
    "B": (
        "base",
        "base below {base}",
        "Its percentage is withheld: fewer than {base} people stand behind it.",
    ),
    "P": ("percentage", "percentage", "Its percentage is withheld with the count it would give away."),
    "M": ("base", "pay withheld", "Its count is shown; its sum or mean of pay is not."),
    "E": ("earlier", "released earlier", "The same count is public already; it cannot be taken back."),
}
LAYERS: Final = {
    "original": "As uploaded",
    "proposed": "What is withheld, and why",
    "released": "As it will be released",
    "open": "What an attacker still has to think possible",
}
PAY_RULES: Final = {  # as the engine calls them
    "too few people": "No sum of pay is shown of fewer people than a count is.",
    "too few employers": "No sum of pay is shown that fewer than three employers make up.",
    "an employer could estimate another's pay": "No sum is shown from which one employer could estimate"
    " another's pay too closely.",
    "a few employers pay nearly all": "No sum is shown of which one or two employers pay nearly all.",
    "too few people for a mean or a quantile": "No mean is shown on a base too small for percentages.",
    "withheld for another sum": "No withheld sum can be worked out from the others.",
}
WIDTHS: Final = (
    ("narrow", 5, "A range of 6 numbers or fewer: just as wide as the rule asks."),
    ("some", 20, "A range of up to 21 numbers."),
    ("wide", 100, "A range of up to 101 numbers."),
    ("any", None, "A wider range."),
)
ROWS, COLUMNS = 25, 9  # on one screen
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
            ("Counts shown", _of(sum(row["shown"] for _, row in rows), len(rows))),
            ("Totals and groups shown", _of(sum(row["shown"] for row in totals), len(totals))),
            ("People in cells that are shown", _of(people - hidden, people)),
        ]
        if shares:
            said.append(
                ("Percentages shown", _of(sum(row["percentage_shown"] for row in shares), len(shares)))
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
        keep = {"layer": layer} | ({"only": only} if only else {})
        shown: dict[str, Any] = {
            "layers": [
                (
                    slug,
                    name,
                    address({**keep, "layer": slug, "table": t + 1, "cell": cell + 1 if cell >= 0 else ""}),
                )
                for slug, name in LAYERS.items()
            ],
            "layer": layer,
            "layer_name": LAYERS[layer],
            "only": only,
            "states": self._states(keep),
            "walk": self._steps(walk, (t, cell), keep),
            "widths": WIDTHS,
            "tables": [
                (i + 1, each["name"], address({**keep, "table": i + 1})) for i, each in enumerate(self.tables)
            ],
            "table": t + 1,
            "card": self.card(t, cell) if cell >= 0 else None,
            "everything": address({"layer": layer, "table": t + 1}),
        }
        return shown | (self._window(t, cell, asked, keep) if self.tables else {})

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
        self, walk: list[tuple[int, int]], here: tuple[int, int], keep: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return where the walk stands, and its steps back and forth."""
        at = walk.index(here) if here in walk else None
        to = {"previous": None if at is None else at - 1, "next": 0 if at is None else at + 1}
        steps = {
            name: self._step(walk[i], keep) if i is not None and 0 <= i < len(walk) else ""
            for name, i in to.items()
        }
        return steps | {"of": len(walk), "at": None if at is None else at + 1}

    def _step(self, to: tuple[int, int], keep: Mapping[str, Any]) -> str:
        return address({**keep, "table": to[0] + 1, "cell": to[1] + 1}) + "#card"

    def _window(self, t: int, cell: int, asked: Mapping[str, str], keep: Mapping[str, Any]) -> dict[str, Any]:
        table = self.tables[t]
        dims = table["dimensions"]
        cut = max(len(dims) - 1, 1)
        heads: dict[str, int] = {}
        lines: dict[tuple[str, ...], dict[str, int]] = {}
        for n, row in enumerate(table["rows"]):
            line = lines.setdefault(tuple(row["codes"][:cut]), {})
            head = row["codes"][-1] if len(dims) > 1 else "Count"
            head += " (another percentage)" * (head in line)
            heads.setdefault(head, len(heads))
            line[head] = n
        pages, windows = -(-len(lines) // ROWS) or 1, -(-len(heads) // COLUMNS) or 1
        page, window = _number(asked.get("page"), 1, pages), _number(asked.get("columns"), 1, windows)
        if cell >= 0:
            codes = table["rows"][cell]["codes"]
            page = list(lines).index(tuple(codes[:cut])) // ROWS + 1
            window = heads[codes[-1] if len(dims) > 1 else "Count"] // COLUMNS + 1
        across = list(heads)[(window - 1) * COLUMNS : window * COLUMNS]
        some = list(lines.items())[(page - 1) * ROWS : page * ROWS]
        there = {**keep, "table": t + 1, "page": page, "columns": window}
        return {
            "name": table["name"],
            "dimensions": dims[:cut],
            "across": dims[-1] if len(dims) > 1 else "",
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
                for labels, cells in some
            ],
            "row_pages": _turns(there, "page", page, pages),
            "column_pages": _turns(there, "columns", window, windows),
        }

    def _cell(self, t: int, n: int, keep: Mapping[str, Any], *, is_here: bool) -> dict[str, Any]:
        row, letter, layer = self.tables[t]["rows"][n], self.letters[t][n], keep["layer"]
        interval = row.get("interval")
        if layer == "released":
            number = _told(row) if row["shown"] else ""
            percentage = row["percentage"] if row["percentage_shown"] else row.get("percentage_told") or None
        elif layer == "open":
            number = _range(interval) if interval else _told(row) if row["shown"] else "not asked"
            percentage = None
        else:
            number, percentage = row["count"], row["percentage"]
        marked = letter and (layer in ("proposed", "open") or letter == "L")
        return {
            "number": number,
            "percentage": percentage,
            "money": _money(row, layer),
            "letter": letter if marked else "",
            "slug": STATES[letter][0] if marked else "",
            "word": STATES[letter][1].format(base=self.found.policy["min_pct_base"]) if marked else "",
            "url": self._step((t, n), keep) if marked else "",
            "width": _width(interval) if layer == "open" else "",
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
            "interval": _range(interval) if interval else "",
            "proven": bool(interval and interval["proven"]),
            "leaks": self.leaks.get((t, n), []),
            "unsettled": self.unsettled.get((t, n), []),
            "remarks": self.remarks.get((t, n), []),
            "averted": [] if row["shown"] else averted_by(self.said, table["name"], n + _FIRST_LINE),
            "why": self.lines[t].why(n) if row["reason"].startswith("complementary") else [],
            "is_judged": bool(self.found.cells),
        }


def rules_behind(reason: str, policy: Mapping[str, Any]) -> list[str]:
    """Return the text of each rule that a cell falls under."""
    zeros = "zeros included" if policy["hide_zeros"] else "zeros excepted"
    said = []
    for each in filter(None, (part.strip() for part in reason.split(";"))):
        if each == "small":
            said.append(f"No count below {policy['min_count']} is shown, {zeros}.")
        elif each == "complementary":
            said.append("No withheld count can be worked out from rows, columns, totals or other tables.")
        elif each == "dominated":
            said.append("No sum is shown of which one or two contributors make up most.")
        elif each in PAY_RULES:
            said.append(PAY_RULES[each])
        elif "base too small" in each:
            said.append(f"No percentage is shown on a base below {policy['min_pct_base']}.")
        elif "no closer" in each:
            said.append("Where a count is told as a range, its percentage is told as one, too.")
        else:
            said.append(f"No {each} is shown.")
    return said


def _money(row: Mapping[str, Any], layer: str) -> str:
    """Return a cell's sum or mean of pay as a layer tells it; nothing where there is none."""
    money = row.get("money")
    if not money or layer == "open":
        return ""
    told = money["shown"] if layer == "released" else money["true"]
    return f"${float(told):,.0f}" if told else ""


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


def _range(interval: Mapping[str, Any]) -> str:
    if interval["high"] is None:
        return f"{interval['low']} or more"
    if interval["high"] == interval["low"]:
        return f"{interval['low']}"
    return f"{interval['low']}–{interval['high']}"


def _width(interval: Mapping[str, Any] | None) -> str:
    """Say how open a withheld cell is, in four steps."""
    if interval is None:
        return ""
    if interval["high"] is None:
        return "any"
    wide = interval["high"] - interval["low"]
    return next((name for name, most, _ in WIDTHS if most is not None and wide <= most), WIDTHS[-1][0])


def _of(some: int, of: int) -> str:
    share = f" ({100 * some / of:.1f} %)" if of else ""
    return f"{some:,} of {of:,}{share}"


def _told(row: Mapping[str, Any]) -> Any:
    """Return how a count is told that is shown: rounded or as a range, where that was asked for."""
    return row.get("told") or row["count"]
