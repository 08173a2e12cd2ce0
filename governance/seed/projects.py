"""The demo's requests, one for every place where a request can be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fixtures.generate import generate
from fixtures.schools import SCHOOLS, School
from governance import closing, services
from governance.models import ClosingStatus
from governance.seed.cast import Cast
from governance.seed.files import Collection
from governance.seed.line import Line, begin, wait_until
from governance.seed.outputs import Review, table_from
from matching import public as matching
from p20win import clock
from p20win.deadlines import public as deadlines
from requests_app import public as requests

SMALL: Final = 300  # rows of a demo project's school file
FEW: Final = tuple(s for s in SCHOOLS if s.name.startswith("Three Rivers"))
YEARLY: Final = "Call of the agencies with the recipient before the agreement was signed"
END: Final = "Everything is released, fetched and certified."
TEN_DAYS: Final = frozenset({"input-destruction", "prepublication-review"})


@dataclass(frozen=True)
class Story:
    """One project of the demo: who asks for what, and how far it goes."""

    title: str
    recipient: str
    agencies: tuple[str, ...]
    goes: Callable[[Line], None]
    questions: frozenset[str] | None = None
    schools: tuple[School, ...] = ()
    without: frozenset[str] = frozenset()
    recurrence: str = ""

    @property
    def moves_the_clock(self) -> bool:
        """Say whether it must be told before the others, as the demo clock moves for all."""
        return self.goes is is_complete

    @property
    def is_among_few(self) -> bool:
        """Say whether it is told in a demo of a few: one each that collects, is linked, is in review."""
        return self.goes in (is_sent_back, sends_files, is_matched_every_year, is_in_review)

    @property
    def needs_papers(self) -> bool:
        """Say whether it goes beyond the point where the agreement is drawn up."""
        return self.goes in (is_signed_by_some, sends_files, is_matched_every_year, is_in_review, is_complete)

    def exists(self) -> bool:
        """Say whether the demo has this project."""
        return requests.DataRequest.objects.filter(title=self.title).exists()

    def tell(self) -> Line:
        """Write the request and walk it to where the story ends."""
        line = begin(
            Cast(self.recipient, self.agencies),
            title=self.title,
            schools=self.schools,
            questions=self.questions,
            without=self.without,
            recurrence=self.recurrence,
        )
        self.goes(line)
        return line


def stays_a_draft(line: Line) -> None:
    """The requestor is still writing."""


def is_checked(line: Line) -> None:
    """Submitted; the operating group has not looked at it."""
    line.submit()


def is_sent_back(line: Line) -> None:
    """Sent back with two comments."""
    line.submit()
    line.comment("security_plan", "Say on which desktops the data is kept, and who looks after them.")
    line.send_back(
        "populations", "Name the years of the comparison group; the agencies cannot pull data without."
    )


def is_decided_on(line: Line) -> None:
    """With the agencies; the first has approved, the other has not decided."""
    line.submit()
    line.send_to_agencies()
    line.decide(line.cast.agencies[0])


def is_conditional(line: Line) -> None:
    """One agency asks for more, the others approve: back with the requestor."""
    line.submit()
    line.send_to_agencies()
    first, *others = line.cast.agencies
    line.decide(first, outcome="conditional", conditions="Add how match rates are compared between groups.")
    for agency in others:
        line.decide(agency)


def is_disapproved(line: Line) -> None:
    """Too few agencies remain: it has ended."""
    line.submit()
    line.send_to_agencies()
    first, *others = line.cast.agencies
    reasons = "The data of these years was collected for another purpose and may not be used for this one."
    line.decide(first, outcome="disapproval", reasons=reasons)
    for agency in others:
        line.decide(agency)


def is_approved(line: Line) -> None:
    """Approved by all; the agreement is to be drawn up."""
    line.submit()
    line.send_to_agencies()
    line.approve_by_all()
    line.approve_people()


def is_signed_by_some(line: Line) -> None:
    """The agreement is out; two signatures are missing."""
    is_approved(line)
    line.draw_up()
    line.issue()
    line.sign(all_but=2)


def has_files(line: Line) -> Collection:
    """The agreement is in force; every file is in, and the match can be run."""
    is_approved(line)
    line.draw_up()
    line.issue()
    line.sign()
    line.sign_statements()
    files = Collection(line, generate(SMALL, seed=len(line.request.title)))
    files.open_upload()
    files.send()
    files.wait_until_complete()
    return files


def sends_files(line: Line) -> None:
    """The agreement is in force; the first files are in, others are waited for, and the districts' lists."""
    is_approved(line)
    line.draw_up()
    line.issue()
    line.sign()
    line.sign_statements()
    files = Collection(line, generate(SMALL, seed=7))
    files.open_upload()
    files.send(only=2)
    files.wait_until_accepted()


def is_matched_every_year(line: Line) -> None:
    """Linked; all but two of the parties agree that the match is optimal. The next one is on the schedule."""
    files = has_files(line)
    files.link()
    files.agree(all_but=2)
    first = clock.state_date(line.now()) + dt.timedelta(days=300)
    matching.set_up_repeat(
        line.project, every="year", first_on=first, agreed_in=YEARLY, by=line.cast.hub_staff, at=line.now()
    )


def is_in_review(line: Line) -> None:
    """A table is with the agencies; one of the readers has not cleared it yet."""
    files = has_files(line)
    files.link()
    files.agree()
    review = Review(line)
    review.submit(table_from(files.fetch()))
    review.send_to_agencies()
    review.clear(all_but=1)


def is_complete(line: Line) -> None:
    """The whole line: released, inputs destroyed, certified, closed. The demo clock is moved for it."""
    files = has_files(line)
    files.link()
    files.agree()
    review = Review(line)
    review.submit(table_from(files.fetch()))
    review.send_to_agencies()
    review.clear()
    files.order_destruction()
    move_clock(dt.timedelta(hours=1))
    files.wait_until_destroyed()
    pass_review_time(line)
    review.release()
    review.file_copy()
    line.certify()
    end(line)
    wait_until(lambda: is_ended(line), what="The destruction of what is left")


def end(line: Line) -> None:
    """One of the operating group asks to close the project, one of the hub confirms; an hour passes."""
    row = closing.ask(line.project, reason=END, by=line.cast.coordinator, at=line.now())
    closing.confirm(row, by=line.cast.hub_staff, at=line.now())
    move_clock(closing.HOUR)


def is_ended(line: Line) -> bool:
    """Say whether the project is closed and all that was left is destroyed."""
    row = closing.of(line.project)
    return row is not None and row.status == ClosingStatus.DONE


def pass_review_time(line: Line) -> None:
    """Move the demo clock past the ten business days, and wait until everyone reads it."""
    due = [d.due_at for d in deadlines.open_of_project(line.project) if d.slug in TEN_DAYS]
    ahead = max(due) - clock.now()
    move_clock(dt.timedelta(days=ahead // dt.timedelta(days=1) + 1))


def move_clock(step: dt.timedelta) -> None:
    """Move the demo clock, and wait until everyone reads it."""
    target = services.move_clock(step)
    wait_until(lambda: clock.offset() == target, what="The moved clock", patience=10)


STORIES: Final = (
    Story("Manufacturing at a regional high school", "salt-meadow", ("sde", "cscu", "dol"), is_complete,
          frozenset({"RQ1", "RQ2", "RQ3", "RQ4"}), schools=FEW),
    Story(
        "Early college: who takes courses, and who stays",
        "copperfield",
        ("sde", "cscu"),
        stays_a_draft,
        questions=frozenset({"RQ1", "RQ3"}),
        without=frozenset({"plans", "confidentiality"}),
    ),
    Story("English learners on their way to college", "copperfield", ("sde", "cscu"), is_checked,
          frozenset({"RQ0", "RQ3"})),
    Story("Lunch eligibility and graduation", "copperfield", ("sde", "cscu"), is_sent_back,
          frozenset({"RQ2", "RQ3"})),
    Story("From school straight to work", "salt-meadow", ("sde", "cscu", "dol"), is_decided_on,
          frozenset({"RQ2", "RQ3", "RQ4"})),
    Story("Part-time study and wages", "salt-meadow", ("cscu", "dol", "sde"), is_conditional,
          frozenset({"RQ2", "RQ3", "RQ4"})),
    Story("Discipline records and employment", "copperfield", ("sde", "cscu"), is_disapproved,
          frozenset({"RQ2", "RQ3"})),
    Story("Certificates: which ones pay", "salt-meadow", ("cscu", "dol", "sde"), is_approved,
          frozenset({"RQ2", "RQ3", "RQ4"})),
    Story("Nursing pathways", "salt-meadow", ("sde", "cscu"), is_signed_by_some,
          frozenset({"RQ2", "RQ3"})),
    Story("Career academies and college", "copperfield", ("sde", "cscu"), sends_files,
          frozenset({"RQ1", "RQ2", "RQ3"}), schools=FEW),
    Story("Programmes of one region: college and work", "salt-meadow", ("sde", "cscu", "dol"),
          is_matched_every_year, frozenset({"RQ1", "RQ2", "RQ3", "RQ4"}), schools=FEW,
          recurrence="recurring"),
    Story("From one region to the colleges", "salt-meadow", ("sde", "cscu", "dol"), is_in_review,
          frozenset({"RQ1", "RQ2", "RQ3", "RQ4"}), schools=FEW),
)  # fmt: skip
