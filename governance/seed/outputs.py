"""The review of an output: submitted, checked, read by every party, released. Continues the line."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from disclosure import public as disclosure
from fixtures import outputs as tables
from governance.seed.line import Line, NotDone, wait_until
from governance.seed.presence import signed_in
from p20win import clock
from p20win.jobs import public as jobs
from requests_app import public as requests

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

POPULATION: Final = "Students of the schools with a manufacturing programme, 2015-16 to 2020-21"
PERIOD: Final = "July 2020 to June 2021"
TITLE: Final = "Programme and outcome by school"


@dataclass
class Review:
    """One output of a project on its way to release."""

    line: Line
    output: disclosure.Output | None = None

    @property
    def submitted(self) -> disclosure.Output:
        """Return the output, read anew.

        :raises NotDone: if nothing was submitted
        """
        if self.output is None:
            raise NotDone("No output was submitted.")
        self.output.refresh_from_db()
        return self.output

    @property
    def found(self) -> disclosure.OutputCheck:
        """Return what the latest check found.

        :raises NotDone: if there was none
        """
        check = disclosure.latest_check(self.submitted)
        if check is None:
            raise NotDone("The output was not checked.")
        return check

    def submit(self, content: bytes, *, name: str = "programme-by-outcome.csv") -> None:
        """The requestor submits a table, or a corrected one; the vault checks it."""
        by, at = self.line.cast.requestor, self.line.now()
        if self.output is None:
            self.output = disclosure.submit(
                self.line.project,
                title=TITLE,
                population=POPULATION,
                period=PERIOD,
                extracted_on=clock.state_date(at),
                planned=requests.planned_outputs(self.line.project).first(),
                name=name,
                content=[content],
                by=by,
                at=at,
            )
        else:
            self.output = disclosure.send_new_file(self.submitted, name=name, content=[content], by=by, at=at)
        wait_until(self._is_checked, what="The check of the output")

    def _is_checked(self) -> bool:
        if self.submitted.status != disclosure.OutputStatus.UPLOADED:
            return True
        job = jobs.latest("disclosure.check_output", file_id=self._file_id())
        if job is not None and job.state in (jobs.State.FAILED, jobs.State.REFUSED):
            raise NotDone(f"The check of the output failed: {job.message}")
        return False

    def _file_id(self) -> object:
        return self.submitted.slot.files.order_by("-id").values_list("pk", flat=True).first()

    def send_to_agencies(self) -> None:
        """The author sends it to the agencies; their ten business days begin."""
        disclosure.send_to_agencies(self.submitted, by=self.line.cast.requestor, at=self.line.now())

    def clear(self, *, all_but: int = 0) -> None:
        """Every agency and the operating group confirm all five points."""
        cast = self.line.cast
        reading = [*(cast.steward(agency) for agency in cast.agencies), cast.coordinator]
        for person in reading[: len(reading) - all_but]:
            points = dict.fromkeys(disclosure.POINTS, True)
            disclosure.clear(self.submitted, points=points, by=person, at=self.line.now())

    def release(self) -> None:
        """The operating group releases it."""
        disclosure.release(self.submitted, by=self.line.cast.coordinator, at=self.line.now())

    def package(self) -> dict[str, bytes]:
        """The author fetches the release package; return its files by name."""
        by = self.line.cast.requestor
        with signed_in(by):
            content = b"".join(disclosure.fetch_package(self.submitted, by=by, at=self.line.now()))
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    def file_copy(self) -> None:
        """The author sends in the copy of what was published."""
        text = f"{TITLE}\n\n{disclosure.ACKNOWLEDGEMENT}\n".encode()
        disclosure.file_copy(
            self.submitted,
            name="report.txt",
            content=text,
            where="https://salt-meadow.example.org/reports/manufacturing",
            by=self.line.cast.requestor,
            at=self.line.now(),
        )


def table_from(extract: Mapping[str, bytes]) -> bytes:
    """Return the table a researcher makes of the delivered files, margins included."""
    school, college, wage = (_frame(extract[f"{name}.csv"]) for name in ("sde", "cscu", "dol"))
    return tables.as_csv(tables.with_totals(tables.cross_table(school, college, wage, by="link_id")))


def _frame(content: bytes) -> pd.DataFrame:
    import pandas as pd

    return pd.read_csv(io.BytesIO(content), dtype=str)
