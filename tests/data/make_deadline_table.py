"""Work out due dates a second time, by another road than the portal, and write them to deadline_table.csv.

    python tests/data/make_deadline_table.py          write the table
    python tests/data/make_deadline_table.py --check  exit 1 if the stored table differs

Nothing of the portal is used here, and neither `holidays`, `datetime` nor `zoneinfo`:

* A day is a number (days since 1 January 1970), made by the civil-day formula; its weekday is its rest mod 7.
* Holidays are written out from section 1-4 of the Connecticut General Statutes. Easter comes from the lunar
  epact as the Gregorian reform defines it (golden number, epact, ecclesiastical full moon, Sunday after), not
  from one of the closed formulas that libraries use.
* Eastern time is UTC-5, and UTC-4 from 02:00 on the second Sunday of March to 02:00 on the first of November
  (Energy Policy Act of 2005).
* Nothing is counted day by day. All business days of eleven years stand in one sorted list; the n-th business
  day after a date is found by its place in that list. Office hours are one line of minutes on the same list.

Why each row is there stands in its last column. The rows of deadlines_by_hand.csv were counted on a paper
calendar first; this script refuses to write if it finds another date for one of them.
"""

import csv
import io
import sys
from bisect import bisect_left, bisect_right
from pathlib import Path

TABLE = Path(__file__).with_name("deadline_table.csv")
BY_HAND = Path(__file__).with_name("deadlines_by_hand.csv")
YEARS = range(2023, 2034)
MINUTE = 60_000_000  # a moment is a number of microseconds since 1970
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
OPENS, CLOSES = 8 * HOUR + 30 * MINUTE, 16 * HOUR + 30 * MINUTE


# ---- days as numbers


def number(year, month, day):
    """Days since 1 January 1970, from the year that begins in March."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


def civil(serial):
    """The date of a day number."""
    era, left = divmod(serial + 719468, 146097)
    of_era = (left - left // 1460 + left // 36524 - left // 146096) // 365
    of_year = left - (365 * of_era + of_era // 4 - of_era // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return of_era + era * 400 + (month <= 2), month, of_year - (153 * shifted + 2) // 5 + 1


def weekday(serial):
    """0 is Monday; 1 January 1970 was a Thursday."""
    return (serial + 3) % 7


def length(year, month):
    """Days in a month."""
    if month == 2:
        return 29 if (year % 4 == 0 and year % 100 != 0) or year % 400 == 0 else 28
    return 30 if month in (4, 6, 9, 11) else 31


def nth(year, month, which, place):
    """The place-th such weekday of a month; the last one if place is -1."""
    days = [number(year, month, day) for day in range(1, length(year, month) + 1)]
    return [day for day in days if weekday(day) == which][place - 1 if place > 0 else place]


# ---- the law


def easter(year):
    """The Sunday after the ecclesiastical full moon that falls on or after 21 March."""
    golden = year % 19 + 1
    century = year // 100 + 1
    epact = (11 * golden + 20 + (8 * century + 5) // 25 - 5 - (3 * century // 4 - 12)) % 30
    if epact == 24 or (epact == 25 and golden > 11):
        epact += 1
    moon = 44 - epact
    if moon < 21:
        moon += 30
    full = number(year, 3, 1) + moon - 1
    return full + 7 - (weekday(full) + 1) % 7


def legal_holidays(year):
    """The thirteen, as the law names them, with the day each moves to."""
    fixed = {
        "New Year": number(year, 1, 1),
        "Lincoln": number(year, 2, 12),
        "Juneteenth": number(year, 6, 19),
        "Independence": number(year, 7, 4),
        "Veterans": number(year, 11, 11),
        "Christmas": number(year, 12, 25),
    }
    floating = {
        "King": nth(year, 1, 0, 3),  # the first Monday on or after 15 January
        "Washington": nth(year, 2, 0, 3),
        "Good Friday": easter(year) - 2,
        "Memorial": nth(year, 5, 0, -1),
        "Labor": nth(year, 9, 0, 1),
        "Columbus": nth(year, 10, 0, 2),
        "Thanksgiving": nth(year, 11, 3, 4),
    }
    moved = {5: -1, 6: 1}
    return {name: day + moved.get(weekday(day), 0) for name, day in fixed.items()} | floating


CLOSED = {day: name for year in YEARS for name, day in legal_holidays(year).items()}
OPEN = [
    day
    for day in range(number(YEARS[0], 1, 1), number(YEARS[-1], 12, 31) + 1)
    if weekday(day) < 5 and day not in CLOSED
]


# ---- moments


def summer_begins(year):
    return nth(year, 3, 6, 2) * DAY + 7 * HOUR  # 02:00 standard time, in UTC


def summer_ends(year):
    return nth(year, 11, 6, 1) * DAY + 6 * HOUR  # 02:00 daylight time, in UTC


def ahead(utc):
    """Local time less UTC at a moment."""
    year = civil(utc // DAY)[0]
    return -4 * HOUR if summer_begins(year) <= utc < summer_ends(year) else -5 * HOUR


def to_utc(day, clock):
    """The first moment with this local time; one that the spring leaves out is read as standard time."""
    local = day * DAY + clock
    for guess in (-4 * HOUR, -5 * HOUR):
        if ahead(local - guess) == guess:
            return local - guess
    return local + 5 * HOUR


def local_day(utc):
    return (utc + ahead(utc)) // DAY


def last_moment(day):
    return to_utc(day + 1, 0) - 1


# ---- rules


def later(day, months):
    year, month, of_month = civil(day)
    year, month = divmod(year * 12 + month - 1 + months, 12)
    return number(year, month + 1, min(of_month, length(year, month + 1)))


def plain(day, count, unit):
    return day + count if unit == "days" else later(day, count * (12 if unit == "years" else 1))


def within(start, count, unit):
    """The last moment in time."""
    if unit == "hours":
        return start + count * HOUR
    if unit == "business hours":
        return office(start, count * HOUR)
    if unit == "business days":
        return last_moment(OPEN[bisect_right(OPEN, local_day(start)) + count - 1])
    return last_moment(plain(local_day(start), count, unit))


def office(start, left):
    """Put all office time on one line, eight hours to a business day, and walk along it."""
    day, clock = local_day(start), (start + ahead(start)) % DAY
    place = bisect_left(OPEN, day)
    whole = CLOSES - OPENS
    done = min(max(clock - OPENS, 0), whole) if OPEN[place] == day else 0
    days, rest = divmod(place * whole + done + left, whole)
    if rest == 0:
        days, rest = days - 1, whole
    return to_utc(OPEN[days], OPENS + rest)


def in_full(start, count, unit):
    """The first moment at which what waits is possible."""
    return within(start, count, unit) + (0 if unit == "hours" else 1)


def before(end, count, unit):
    """The last moment that leaves the time in full before an end."""
    whole_days_end = local_day(end + 1) - 1
    if unit == "hours":
        return end - count * HOUR
    if unit == "business days":
        return last_moment(OPEN[bisect_right(OPEN, whole_days_end) - count] - 1)
    return last_moment(plain(whole_days_end, -count, unit))


def lapse(start, count, unit):
    """The last moment before the same time of day on the later date."""
    local = start + ahead(start)
    return to_utc(plain(local // DAY, count, unit), local % DAY) - 1


MODES = {"within": within, "in full": in_full, "before": before, "lapse": lapse, "until": within}


def skipped(start, due, mode, unit):
    """The closed days that a rule in business time passes over."""
    if not unit.startswith("business"):
        return []
    first, last = local_day(start) + (unit == "business days"), local_day(due - (mode == "in full"))
    if mode == "before":
        first, last = local_day(due) + 1, local_day(start + 1) - 1
    return [day for day in range(first, last + 1) if weekday(day) > 4 or day in CLOSED]


# ---- the rows


def moment(text):
    """Read "2026-02-06 23:59" as local time; "2026-08-31 end" is the last moment of that day."""
    date, _, clock = text.partition(" ")
    day = number(*(int(part) for part in date.split("-")))
    if clock == "end":
        return last_moment(day)
    hours, minutes = (int(part) for part in clock.split(":"))
    return to_utc(day, hours * HOUR + minutes * MINUTE)


def write(day, clock=None):
    year, month, of_month = civil(day)
    date = f"{year:04}-{month:02}-{of_month:02}"
    if clock is None:
        return date
    seconds, micro = divmod(clock, 1_000_000)
    return f"{date}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{micro:06}"


def by_hand():
    """What was counted on a paper calendar."""
    with BY_HAND.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            yield row["start"], row["mode"], int(row["count"]), row["unit"], row["due"], row["why"]


def shown(at):
    """Local time, written out."""
    return write(*divmod(at + ahead(at), DAY))


def rows():
    """Every question asked, with the reason for asking it."""
    for start, mode, count, unit, due, why in by_hand():
        found = MODES[mode](moment(start), count, unit)
        if shown(found) != due:
            raise SystemExit(f"By hand {due}, worked out {shown(found)}: {start} {mode} {count} {unit}")
        yield start, mode, count, unit, f"by hand: {why}"
    for year in range(2026, 2031):
        for name, day in legal_holidays(year).items():
            eve = write(day - 1)
            yield f"{eve} 09:00", "within", 1, "business days", f"eve of {name} {year}"
            yield f"{eve} 15:30", "within", 12, "business hours", f"office hours over {name} {year}"
            yield f"{write(day - 6)} 12:00", "in full", 10, "business days", f"lead time over {name} {year}"
        for name, change in (("spring", summer_begins(year)), ("autumn", summer_ends(year))):
            eve = write(local_day(change) - 1)
            yield f"{eve} 16:55", "within", 24, "hours", f"24 hours over the {name} clock change {year}"
            yield f"{eve} 16:55", "within", 1, "days", f"end of the day the clocks change, {name} {year}"
            yield f"{eve} 12:00", "in full", 24, "hours", f"notice over the {name} clock change {year}"
            yield f"{eve} 10:00", "within", 5, "business days", f"business days over the {name} change {year}"
        for day in ("02-28", "02-29"):
            if day == "02-28" or length(year, 2) == 29:
                yield f"{year}-{day} 10:15", "lapse", 1, "years", f"a year from {day} {year}"
                yield f"{year}-{day} 10:15", "within", 1, "months", f"a month from {day} {year}"
                yield f"{year}-{day} 10:15", "within", 12, "months", f"twelve months from {day} {year}"
        for month in (1, 3, 5, 8, 10, 12):
            yield f"{year}-{month:02}-31 12:00", "within", 1, "months", f"from the last day of month {month}"
        for month in (1, 5, 11):
            friday = write(nth(year, month, 4, 3))
            saturday = write(nth(year, month, 4, 3) + 1)
            for count, unit in ((10, "business days"), (1, "days"), (24, "hours")):
                yield f"{friday} 23:59", "within", count, unit, "Friday one minute before midnight"
                yield f"{saturday} 00:01", "within", count, unit, "Saturday one minute after midnight"
        yield f"{year}-12-31 end", "before", 30, "days", f"asked before the end of {year}"
        yield (
            f"{year}-08-31 end",
            "before",
            10,
            "business days",
            f"ten business days before the end of August {year}",
        )
        yield f"{year}-04-01 00:00", "before", 12, "months", "a signing round before a term ends"
        yield f"{year}-06-15 14:00", "until", 14, "days", "downloads"
        yield f"{year}-06-15 14:00", "until", 3, "years", "the memorandum's term"
        yield f"{year}-12-15 09:00", "in full", 60, "days", "termination over the turn of the year"
        yield f"{year}-12-20 11:00", "within", 10, "business days", "over Christmas and New Year"


def table():
    """Return the whole table as text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        [
            "start_utc",
            "start_local",
            "weekday",
            "mode",
            "count",
            "unit",
            "due_utc",
            "due_local",
            "skipped",
            "why",
        ]
    )
    for text, mode, count, unit, why in rows():
        start = moment(text)
        due = MODES[mode](start, count, unit)
        asked = [
            write(*divmod(start, DAY)),
            shown(start),
            NAMES[weekday(local_day(start))],
            mode,
            count,
            unit,
        ]
        days = " ".join(write(day) for day in skipped(start, due, mode, unit))
        writer.writerow([*asked, write(*divmod(due, DAY)), shown(due), days, why])
    return out.getvalue()


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        stored = TABLE.read_text(encoding="utf-8")
        sys.exit(0 if stored == table() else "deadline_table.csv is not what this script writes")
    TABLE.write_text(table(), encoding="utf-8")
