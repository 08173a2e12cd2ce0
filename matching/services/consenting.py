"""Lists of consents, where an agency relies on them: opened anew for every run and every try-out (O-51)."""

import datetime as dt
from collections.abc import Iterator

from matching import layouts, standing
from matching.models import Match
from p20win.clock import state_date
from p20win.custody import public as custody


def told(match: Match, *, on: dt.datetime) -> tuple[list[dict[str, str]], dict[str, Iterator[bytes]]]:
    """Return what a run is told of the lists, and their contents. In the vault alone.

    What counts is the State's day on which the run was started: consents lapse between two runs.
    """
    entries, files = [], {}
    for number, (row, file) in enumerate(standing.consents(match)):
        name = f"consents_{number}"
        day = f"{state_date(on):%Y%m%d}"
        entries.append({"name": name, "file": layouts.file_name(row.agency), "on": day})
        files[name] = custody.open_lazily(file)
    return entries, files
