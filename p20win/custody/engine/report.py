"""What a check found: row, column and rule. Never a value."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from p20win.custody.engine.errors import Unreadable

_LONGEST_TEXT = 300
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f]")

# Every rule and what it asks for, in words fit to show to the sender.
RULES: dict[str, str] = {
    "name": "The file name is as agreed.",
    "empty": "The file holds a header row and at least one row of data.",
    "not_text": "The file is delimited text, neither packed nor in a program's own format.",
    "encoding": "The file is text in UTF-8.",
    "control": "The file holds no NUL or other control characters.",
    "line_length": "No line is longer than 1 MiB and no cell longer than 64 KiB.",
    "separator": "The columns are separated as agreed for this file.",
    "quotes": "Cells are not put in quotes.",
    "header": "The first row names the columns.",
    "header_again": "The header row stands only once.",
    "column_missing": "Every agreed column is there.",
    "column_unknown": "Only approved columns are there.",
    "column_twice": "Every column stands only once.",
    "columns_in_row": "Every row has as many cells as the header.",
    "required": "A cell that must be filled is filled.",
    "form": "Every filled cell has the form of its column.",
    "one_row": "The file has one row for each id.",
    "one_person": "The file has one row for each person.",
    "id_names_agency": "The id begins with the agency's code where that was agreed.",
    "id_contains": "The id contains no identifier, forwards or backwards.",
    "id_resembles": "The ids do not resemble parts of identifiers.",
    "id_derived": "The ids are not computed from identifiers without a secret key.",
    "id_used": "The ids were not used for another request before.",
    "encoded_with": "An encoded file names one version, this project and one key, in every row.",
    "token_check": "Tokens are made by “p20 encode” under the key that the file names.",
    "token_repeated": "No token stands for a missing or a filler value.",
    "identifier_inside": "An analytical file holds no identifiers.",
    "malware": "The file holds no malware.",
    "size": "The file is not larger than agreed.",
    "workbook": "A workbook holds plain cells only, and nothing in a file runs or points elsewhere.",
    "parser": "The file can be read within the limits of memory and time.",
    "damaged": "The file arrived whole and unaltered.",
    "statement": "What its sender signed is a statement about this file.",
    "statement_changed": "The sender's statement is as it was signed.",
    "statement_signer": "The sender's statement is signed with the key of the machine that sends.",
    "statement_key": "That key was enrolled by the agency long enough before, and not revoked.",
    "statement_destination": "The file is for the recipient that its sender signed for.",
    "statement_project": "The file is of the project that its sender signed for.",
    "statement_source": "The file is of the agency that its sender signed for.",
    "statement_slot": "The file is the one of this upload that its sender signed for.",
    "statement_class": "The file is of the kind that its sender signed for.",
    "statement_time": "The sender's statement holds now.",
    "statement_again": "The sender's statement was not sent before.",
    "statement_body": "The file is, to the byte, the one its sender signed for.",
}


@dataclass(frozen=True)
class Finding:
    """One place where a rule is not kept. Rows count from 1, the header is row 1."""

    rule: str
    row: int | None = None
    column: str | None = None
    hint: str = ""


@dataclass
class Report:
    """All that a check found: the first few findings of each rule and column, and counts of the rest."""

    limit: int = 200
    limit_per_place: int = 20
    rows: int = 0
    columns: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    filled: dict[str, int] = field(default_factory=dict)
    profile: dict[str, Any] = field(default_factory=dict)  # counts for each column, stored beside the report
    scan: dict[str, Any] = field(default_factory=dict)  # what scanned for malware, and its verdict
    altered: str = ""  # how it was changed on its way, not by its sender; no part of what is told to them

    def add(self, rule: str, *, row: int | None = None, column: str | None = None, hint: str = "") -> None:
        """This will note that a rule is not kept at a place.

        :raises KeyError: if there is no such rule
        """
        RULES[rule]
        place = (rule, column or "")
        self.counts[place] += 1
        if self.counts[place] <= self.limit_per_place and len(self.findings) < self.limit:
            self.findings.append(Finding(rule, row, column, hint))

    @property
    def accepted(self) -> bool:
        """Whether nothing was found."""
        return not self.counts

    @property
    def total(self) -> int:
        """How many times a rule was not kept."""
        return sum(self.counts.values())

    def as_dict(self) -> dict[str, Any]:
        """This will give the report as it is stored and sent."""
        return {
            "accepted": self.accepted,
            "rows": self.rows,
            "columns": list(self.columns),
            "filled": dict(self.filled),
            "scan": dict(self.scan),
            "total": self.total,
            "counts": [
                {"rule": rule, "column": column, "count": count}
                for (rule, column), count in sorted(self.counts.items())
            ],
            "findings": [
                {
                    "rule": finding.rule,
                    "asks": RULES[finding.rule],
                    "row": finding.row,
                    "column": finding.column,
                    "hint": finding.hint,
                }
                for finding in self.findings
            ],
        }


def read_report(raw: Any) -> Report:
    """This will rebuild a report that another process made, believing none of it unseen.

    :raises Unreadable: if it is not one
    """
    report = Report()
    try:
        report.rows = _count(raw["rows"])
        for entry in raw["counts"]:
            report.counts[_known(entry["rule"]), _text(entry["column"])] = _count(entry["count"])
        for entry in raw["findings"][: report.limit]:
            row = None if entry["row"] is None else _count(entry["row"])
            column = None if entry["column"] is None else _text(entry["column"])
            report.findings.append(Finding(_known(entry["rule"]), row, column, _text(entry["hint"])))
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise Unreadable("This is not a report.") from problem
    if {finding.rule for finding in report.findings} - {rule for rule, _ in report.counts}:
        raise Unreadable("This report contradicts itself.")
    return report


def _known(rule: Any) -> str:
    RULES[rule]
    return str(rule)


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 40:
        raise ValueError("not a count")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or _UNSAFE.search(value):
        raise ValueError("not a text")
    return value
