"""Derivations worked out again: each fact is looked up where it is said to stand, and the sum is done anew.

Shares nothing with the audit but its words. Lines become sums of unknowns by the oracle's own reading.
"""

import csv
import io
import re
from math import ceil, floor

import numpy as np

from tests.engines.disclosure.oracle import Oracle, said

TERM = re.compile(
    r" ?(?P<sign>[+−]?) ?(?:(?P<weight>[\d.e+-]+) × )?"
    r"(?P<told>[\d.]+ %|\d+ to \d+|\d+|\d+ or more) \("
)
PLACE = re.compile(r"(?P<file>\w+\.csv), line (?P<line>\d+)(?:, release \w+)?(?P<base>, pct_n)?")
NEAR = 2e-4  # weights are told to six digits


class Facts:
    """Released files, and what each of their lines says."""

    def __init__(self, files, groups):
        texts = [content.decode() for content in files.values()]
        self.oracle = Oracle(texts, [], groups)
        self.lines = {
            (name, number): row
            for name, content in files.items()
            for number, row in enumerate(csv.DictReader(io.StringIO(content.decode())), start=2)
        }

    def worked_out(self, leak):
        """Return the lowest and highest count that a leak's own derivation gives."""
        goal = sum(self.oracle.vector(dict(codes)) for codes in leak.plus)
        goal = goal - sum(self.oracle.vector(dict(codes)) for codes in leak.minus)
        if leak.derivation.rpartition(" = ")[0]:
            return self._equation(leak.derivation, goal)
        ends = {"at most": leak.high, "at least": 0.0}
        for part in leak.derivation.split("; at least "):
            if part.startswith("at most "):
                ends["at most"] = self._bound(part.removeprefix("at most "), goal, 1)
            else:
                ends["at least"] = self._bound(part.removeprefix("at least "), goal, -1)
        assert "at most" in leak.derivation or leak.high == np.inf
        return ends["at least"], ends["at most"]

    def _equation(self, text, goal):
        facts, _, result = text.rpartition(" = ")
        vector, total = np.zeros_like(goal), 0.0
        for weight, fact, low, high in self._terms(facts):
            assert low == high, f"{facts}: not an exact fact"
            vector, total = vector + weight * fact, total + weight * low
        assert np.abs(vector - goal).max() < NEAR, f"{facts}: these are not the people it is about"
        assert abs(total - float(result)) < NEAR * 1000, f"{facts}: is {total}"
        return float(result), float(result)

    def _bound(self, text, goal, sign):
        """Add up the facts of a bound: what holds of the sum holds of the people, as no count is below 0."""
        result, _, facts = text.partition(": ")
        facts = facts.removesuffix(", as no count is below 0 or broken")
        vector, total = np.zeros_like(goal), 0.0
        for weight, fact, low, high in self._terms(facts, sign):
            vector = vector + weight * fact
            end = high if sign * weight > 0 else low
            assert np.isfinite(end), f"{facts}: nothing bounds a fact of it"
            total += weight * end
        # sum of facts >= goal (for an upper bound), for whatever counts are not below 0
        assert (sign * (vector - goal)).min() > -NEAR * 10, f"{facts}: does not bound the people it is about"
        whole = floor(total + 0.01) if sign > 0 else ceil(total - 0.01)
        assert whole == float(result), f"{facts}: is {total}"
        return float(whole)

    def _terms(self, text, sign=1):
        """Cut a sum into weights and facts; nothing of it is left over."""
        at = 0
        while at < len(text):
            found = TERM.match(text, at)
            assert found, f"no fact at: {text[at:]}"
            end, depth = found.end(), 1
            while depth:
                depth += {"(": 1, ")": -1}.get(text[end], 0)
                end += 1
            weight = float(found["weight"] or 1) * (-1 if found["sign"] == "−" else 1)
            yield weight, *self._fact(found["told"], text[found.end() : end - 1], sign * weight)
            at = end

    def _fact(self, told, inside, side):
        """Look a fact up; of a percentage its upper end is meant where it adds to an upper bound."""
        place = list(PLACE.finditer(inside))[-1]
        row = self.lines[place["file"], int(place["line"])]
        people = {d: c for d, c in row.items() if d in self.oracle.dims}
        wider = {d: "Total" if d in (row.get("pct_of") or "").split(";") else c for d, c in people.items()}
        cell, base = self.oracle.vector(people), self.oracle.vector(wider)
        if told.endswith(" %"):
            assert row["pct"] == told.removesuffix(" %")
            half = 0.5 * 10.0 ** -len(row["pct"].partition(".")[2])
            if side > 0:
                return 100 * cell - (float(row["pct"]) + half) * base, -np.inf, 0.0
            return 100 * cell - (float(row["pct"]) - half) * base, 0.0, np.inf
        if told == "1 or more":
            who = inside.partition(", by ")[0]
            vector = base - cell if " without " in who else cell if self._is(who, people) else base
            return vector, 1.0, np.inf
        vector = base if place["base"] else cell
        low, high = self._printed(vector)
        assert told == (f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"), f"{told} at {inside}"
        return vector, low, high

    def _printed(self, vector):
        """Return between which numbers all lines about the same people put them."""
        low, high = 0, np.inf
        for row in self.lines.values():
            people = {d: c for d, c in row.items() if d in self.oracle.dims}
            text = row.get("released", row.get("count")) or ""
            if text and (self.oracle.vector(people) == vector).all():
                one, other = said(text)
                low, high = max(low, one), min(high, other)
            if row.get("pct_n"):
                of = row["pct_of"].split(";")
                wider = {d: "Total" if d in of else c for d, c in people.items()}
                if (self.oracle.vector(wider) == vector).all():
                    low, high = max(low, int(row["pct_n"])), min(high, int(row["pct_n"]))
        return low, high

    def _is(self, who, people):
        return all(code in who for code in people.values() if code != "Total")
