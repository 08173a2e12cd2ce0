"""Walks a project along the straight line, step by step, by the same acts as the pages.

The demo's seed stops at different steps; the scenario goes to the end. Each act is done by the person whose
act it is, and work that belongs to a worker is waited for, never done here.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from agreements import public as agreements
from governance.seed import writing
from governance.seed.cast import Cast
from governance.seed.directory import DEMO_PASSWORD
from p20win import clock
from p20win.accounts.public import Organisation, User
from p20win.jobs import public as jobs
from requests_app import public as requests

if TYPE_CHECKING:
    from agreements.models import Agreement, Certificate
    from p20win.projects.models import Project
    from requests_app.models import DataRequest

METHOD: Final = "Secure erase of the disks on which the data lay; no paper copies were made"
PATIENCE: Final = 600.0
LOOK_EVERY: Final = 0.05


class NotDone(Exception):
    """Work that was asked for did not come to a good end; the message says which and why."""


def proof(person: User) -> dict[str, Any]:
    """Return what a person types to prove who they are when signing."""
    return {"typed_name": person.name, "password": DEMO_PASSWORD}


def wait_until(ready: Callable[[], Any], *, what: str, patience: float = PATIENCE) -> Any:
    """Wait for a worker to finish something, and return what is there then.

    :raises NotDone: if it fails or takes too long
    """
    until = time.monotonic() + patience
    while not (found := ready()):
        if time.monotonic() > until:
            raise NotDone(f"{what} did not come about within {patience:.0f} s.")
        time.sleep(LOOK_EVERY)
    return found


def wait_for_job(name: str, **ids: Any) -> None:
    """Wait until the latest job of this name for these ids is done.

    :raises NotDone: if there is none, it failed, or takes too long
    """
    job = jobs.latest(name, **ids)
    if job is None:
        raise NotDone(f"No job {name} was asked for.")

    def over() -> bool:
        job.refresh_from_db()
        return bool(job.is_over)

    wait_until(over, what=name)
    if job.state != jobs.State.DONE:
        raise NotDone(f"{name} failed: {job.message or job.state}")


@dataclass
class Line:
    """One project on its way, with its cast. `now` tells the time at which the next act is done."""

    cast: Cast
    request: DataRequest
    now: Callable[[], dt.datetime] = clock.now

    @property
    def agreement(self) -> Agreement:
        """Return the project's agreement.

        :raises NotDone: if none was drawn up
        """
        found = agreements.agreement_for(self.project)
        if found is None:
            raise NotDone("No agreement was drawn up.")
        return found

    @property
    def project(self) -> Project:
        """Return the project."""
        return self.request.project

    def refresh(self) -> None:
        """Read the request anew."""
        self.request.refresh_from_db()
        self.request.project.refresh_from_db()

    # ---------------------------------------------------------------- request and decision

    def submit(self) -> None:
        """The requestor signs both texts and hands the request in."""
        by = self.cast.requestor
        requests.submit(
            self.request,
            by=by,
            at=self.now(),
            password=DEMO_PASSWORD,
            name_under_statements=by.name,
            name_under_certification=by.name,
        )
        self.refresh()

    def comment(self, about: str, text: str) -> None:
        """The operating group asks for a change."""
        requests.comment(self.request, about, text, by=self.cast.coordinator, at=self.now())

    def send_back(self, about: str, text: str) -> None:
        """The operating group asks for a last change and returns the request."""
        self.comment(about, text)
        requests.return_with_comments(self.request, by=self.cast.coordinator, at=self.now())
        self.refresh()

    def send_to_agencies(self) -> None:
        """The operating group finds the request complete."""
        requests.send_to_agencies(self.request, by=self.cast.coordinator, at=self.now())
        self.refresh()

    def decide(self, agency: Organisation, *, outcome: str = "approval", **said: Any) -> None:
        """An agency's board member decides, signed."""
        by = self.cast.board_member(agency)
        said = {"data_available": outcome == "approval", **said}
        requests.decide(self.request, outcome=outcome, by=by, at=self.now(), **proof(by), **said)
        self.refresh()

    def approve_by_all(self) -> None:
        """Every agency approves; the last approval makes the request approved."""
        for agency in self.cast.agencies:
            self.decide(agency)

    def approve_people(self) -> None:
        """Every agency approves everyone on the user list."""
        for agency in self.cast.agencies:
            by = self.cast.board_member(agency)
            people = list(requests.named_people(self.project))
            requests.approve_people(people, agency=agency, by=by, at=self.now())

    # ---------------------------------------------------------------- agreement and statements

    def draw_up(self) -> Agreement:
        """The operating group draws the agreement up; a worker makes its document."""
        ends_on = self.request.destruction_date
        if ends_on is None:
            raise NotDone("The request names no destruction date.")
        agreement = agreements.draw_up(self.project, ends_on=ends_on, by=self.cast.coordinator, at=self.now())
        wait_for_job("agreements.make_document", agreement_id=agreement.pk)
        agreement.refresh_from_db()
        return agreement

    def issue(self) -> Agreement:
        """The operating group sends the agreement out."""
        return agreements.issue(self.agreement, by=self.cast.coordinator, at=self.now())

    def sign(self, *, all_but: int = 0) -> Agreement:
        """The parties sign, all or all but some; the last signature puts the agreement in force."""
        agreement = self.agreement
        waiting = list(dict.fromkeys(party.organisation for party in agreement.parties.all()))
        for organisation in waiting[: len(waiting) - all_but]:
            by = self.cast.signatory(organisation)
            agreement = agreements.sign_agreement(
                agreement, by=by, affirms_authority=True, at=self.now(), **proof(by)
            )
        if not all_but:
            wait_for_job("agreements.execute", agreement_id=agreement.pk)
            agreement.refresh_from_db()
        return agreement

    def sign_statements(self) -> None:
        """Recipient and hub sign Exhibit C for the project; agencies and operating group sign Exhibit B."""
        for person in [*self.cast.team, self.cast.hub_staff]:
            agreements.sign_statement(
                "confidentiality", person=person, project=self.project, at=self.now(), **proof(person)
            )
        serving = [self.cast.steward(agency) for agency in self.cast.agencies] + [self.cast.coordinator]
        for person in serving:
            if not agreements.statement_in_force(person, "acknowledgement", self.now()):
                agreements.sign_statement(
                    "acknowledgement", person=person, project=None, at=self.now(), **proof(person)
                )

    def certify(self) -> Certificate:
        """The recipient certifies the destruction of its data, signed; a worker makes the papers."""
        by, at = self.cast.requestor, self.now()
        certificate = agreements.file_certificate(
            self.project,
            kind="destruction",
            method=METHOD,
            happened_on=clock.state_date(at),
            by=by,
            at=at,
            **proof(by),
        )
        for each in agreements.certificates(self.project):
            wait_for_job("agreements.make_certificate", certificate_id=each.pk)
        certificate.refresh_from_db()
        return certificate


def begin(cast: Cast, *, now: Callable[[], dt.datetime] = clock.now, **written: Any) -> Line:
    """Write a request and return its line; see `writing.write` for what may be said."""
    at = now()
    return Line(cast, writing.write(cast, at=at, destroy_on=writing.a_year_on(at), **written), now)
