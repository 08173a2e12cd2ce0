"""The portal's due moments agree with a table worked out by another road."""

import csv
import datetime as dt
import re
import subprocess
import sys
from pathlib import Path

import pytest

from p20win import calendar
from p20win.calendar import StateCalendar

DATA = Path(__file__).resolve().parents[2] / "data"
OFFICE = calendar.OfficeHours(dt.time(8, 30), dt.time(16, 30))
UNITS = {
    "hours": calendar.Hours,
    "days": calendar.CalendarDays,
    "months": calendar.Months,
    "years": calendar.Years,
    "business days": calendar.BusinessDays,
    "business hours": lambda count: calendar.BusinessHours(count, OFFICE),
}
MODES = {
    "within": lambda unit: unit,
    "in full": calendar.Lead,
    "before": calendar.Before,
    "until": calendar.Until,
    "lapse": calendar.Lapse,
}


def rows():
    with (DATA / "deadline_table.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def at(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.obligation("O-91")
def test_every_due_moment_and_every_skipped_day_agree():
    differing = []
    for line, row in enumerate(rows(), start=2):
        rule = MODES[row["mode"]](UNITS[row["unit"]](int(row["count"])))
        found = calendar.due(rule, start=at(row["start_utc"]), closed=StateCalendar())
        skipped = " ".join(skip.day.isoformat() for skip in found.derivation.skipped)
        if (found.at, skipped) != (at(row["due_utc"]), row["skipped"]):
            differing.append(f"line {line}: {row} but {found.at} without {skipped}")

    assert differing == []


def test_the_table_is_large_and_has_the_hard_cases():
    table = rows()
    reasons = " ".join(row["why"] for row in table)

    assert len(table) >= 200
    assert {row["due_local"][:4] for row in table} >= {"2026", "2027", "2028", "2029", "2030"}
    assert {row["unit"] for row in table} == set(UNITS)
    assert {row["mode"] for row in table} == set(MODES)
    for case in (
        "Lincoln",
        "Good Friday",
        "clock change",
        "02-29",
        "before midnight",
        "after midnight",
        "by hand",
    ):
        assert re.search(case, reasons)


def test_the_table_is_what_its_script_writes():
    done = subprocess.run([sys.executable, DATA / "make_deadline_table.py", "--check"], capture_output=True)

    assert (done.returncode, done.stderr) == (0, b"")
