"""Running a match: asked for by the hub, done in the vault in a process of its own."""

import datetime as dt
import json
from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from agreements import public as agreements
from matching import layouts, lifecycle, standing
from matching.engine import child, suppress
from matching.engine import spec as specs
from matching.engine.errors import BadInput, LinkageError, NeedsMoreMemory
from matching.models import Match, MatchRun, MatchSignoff, RunStatus
from p20win.accounts.public import Role, hub, system_user
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.jobs import public as jobs
from p20win.projects import public as projects
from p20win.refusal import Blocked
from p20win.workflow import create, take
from requests_app import public as requests

if TYPE_CHECKING:
    from agreements.models import MatchMethod
    from p20win.accounts.models import User
    from p20win.jobs.public import RunningJob

ATTEMPTS: Final = 3
AGREEMENT: Final = "match-agreement"
LIMITS: Final = "limitations"


@transaction.atomic
def start_run(match: Match, method: "MatchMethod", *, by: "User", at: dt.datetime) -> MatchRun:
    """Have the files linked by an approved method (O-48).

    :raises Blocked: if a file is missing, the method may not run, or the person may not match
    """
    if not agreements.approved_methods(at).filter(pk=method.pk).exists():
        raise Blocked("The governing board has not approved this method, or it was retired.")
    if not standing.methods(match, at).filter(pk=method.pk).exists():
        held = "encoded" if standing.encoding(match) else "not encoded"
        raise Blocked(f"This method cannot link these files: they are {held}.")
    match = take(
        lifecycle.START, match, by=by, at=at, details={"method": method.slug, "version": method.version}
    )
    spec = _spec(match, method)
    number = match.runs.count() + 1
    run = MatchRun(
        match=match,
        number=number,
        method=method,
        status_since=at,
        started_at=at,
        started_by=by,
        spec=json.loads(specs.to_json(spec)),
    )
    create("run.started", run, by=by, at=at, details={"spec": specs.digest(spec), "engine": spec.engine})
    jobs.after_commit("matching.run_match", project_id=match.project_id, asked_by_id=by.pk, run_id=run.pk)
    return run


def _spec(match: Match, method: "MatchMethod") -> specs.Spec:
    if standing.encoding(match):
        rows = match.expected_files.filter(kind=custody.DataClass.MATCHING).select_related("slot", "agency")
        encoded = {
            layouts.file_name(row.agency): layouts.encoded_engine_file(row.agency, row.slot.spec)
            for row in sorted(rows, key=lambda row: row.agency.slug)
        }
        return specs.default(encoded, engine=method.engine)
    files = {}
    for agency in standing.agencies(match.project):
        elements = requests.approved_elements(match.project, agency)
        files[layouts.file_name(agency)] = layouts.engine_file(
            agency, [e for e in elements if e.is_matching_identifier]
        )
    return specs.default(files, engine=method.engine)


def link(run: MatchRun, *, job: "RunningJob", at: dt.datetime) -> MatchRun:
    """Link the files of a run. In the vault alone; done twice, it gives the same people and one result.

    :raises Blocked: if the files cannot be linked as they are; the match is ready for another run then
    :raises LinkageError: if the process that links was lost; the job is tried again
    """
    if run.status != RunStatus.RUNNING:
        return run
    try:
        outcome = _outcome(run, job)
    except (BadInput, NeedsMoreMemory) as refusal:
        _fail(run, str(refusal), job=job, at=at)
        raise Blocked(str(refusal)) from None
    except LinkageError as failure:
        if job.attempts >= ATTEMPTS:
            _fail(run, str(failure), job=job, at=at)
            raise Blocked(str(failure)) from None
        raise
    job.progress(96, "Sealing the results")
    return _store(run, outcome, job=job, at=at)


def _outcome(run: MatchRun, job: "RunningJob") -> child.Outcome:
    files, joined = {}, []
    for row, file in standing.accepted(run.match, custody.DataClass.MATCHING):
        files[layouts.file_name(row.agency)] = _opened(file)
    for number, (row, file) in enumerate(standing.accepted(run.match, custody.DataClass.IDENTIFIER_LIST)):
        files[f"list_{number}"] = _opened(file)
        named = {"name": f"list_{number}", "file": layouts.file_name(row.agency)}
        field = layouts.field_of(row.identifier) or ""
        places = [row.place] if row.place else []
        joined.append(
            {**named, "identifier": row.identifier, "flags": [row.flag], "field": field, "places": places}
        )
    setup = {
        "spec": run.spec,
        "memory": settings.P20WIN_MATCH_MEMORY,
        "threads": settings.P20WIN_MATCH_THREADS,
        "lists": joined,
    }
    return child.link(setup, files, progress=job.progress)


def _opened(file: custody.SealedFile) -> Iterator[bytes]:
    """Yield a file's plaintext; it is opened when the first piece is asked for, not before."""
    yield from custody.open_bytes(file)


def _store(run: MatchRun, outcome: child.Outcome, *, job: "RunningJob", at: dt.datetime) -> MatchRun:
    project, by = run.match.project, system_user()
    told = suppress.suppressed(outcome.report, standing.min_cell_count(project))
    with transaction.atomic():
        job.hold()
        keeper = standing.keeper(project)
        sealed = {
            name: custody.seal_bytes(
                project=project,
                organisation=keeper,
                data_class=custody.DataClass.KEY,
                name=f"{name}-{project.number}-run-{run.number}.csv",
                chunks=[content],
                by=by,
                at=at,
                meta={"run": str(run.pk)},
            )
            for name, content in (
                ("crosswalk", outcome.crosswalk),
                ("pairs", outcome.edges),
                ("flags", outcome.flags),
            )
        }
        digest = report_digest(told)
        run = take(
            lifecycle.FINISH_RUN,
            run,
            by=by,
            at=at,
            details={"report": digest, "spec": told["spec_digest"]},
            report=told,
            report_digest=digest,
            crosswalk=sealed["crosswalk"],
            pairs=sealed["pairs"],
            flags=sealed["flags"],
        )
        take(lifecycle.LINK, run.match, by=by, at=at, details={"run": str(run.pk), "report": digest})
        _ask_the_parties(run, by=by, at=at)
    return run


def report_digest(report: dict[str, Any]) -> str:
    """Return the digest by which a report is signed."""
    return sha256(json.dumps(report, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _ask_the_parties(run: MatchRun, *, by: "User", at: dt.datetime) -> None:
    """The hub describes the limits; every agency, and the recipient, say if it is optimal (O-70, O-169)."""
    project = run.match.project
    parties = [(agency, False) for agency in standing.agencies(project)]
    if recipient := projects.recipient(project):
        parties.append((recipient, True))
    for organisation, is_recipient in parties:
        row = MatchSignoff(run=run, organisation=organisation, is_recipient=is_recipient)
        create("match.word_asked", row, by=by, at=at, details={"organisation": organisation.slug})
    if standing.terms(run.match).limitations:
        wait_for_the_parties(run, by=by, at=at)
        return
    deadlines.start(
        LIMITS,
        subject=run.match,
        project=project,
        at=at,
        by=by,
        waiting_on_role=Role.HUB_STAFF,
        waiting_on_organisation=hub(),
        where=reverse("matching:limitations", args=[run.match.pk]),
    )


def wait_for_the_parties(run: MatchRun, *, by: "User", at: dt.datetime) -> None:
    """Start the clock of each party, once it can read what the limits of the result are."""
    for row in standing.signoffs(run):
        if row.signature_id is None and not deadlines.alive(AGREEMENT, row):
            deadlines.start(
                AGREEMENT,
                subject=row,
                project=run.match.project,
                at=at,
                by=by,
                waiting_on_role=Role.REQUESTOR if row.is_recipient else Role.DATA_STEWARD,
                waiting_on_organisation=row.organisation,
                where=run.match.get_absolute_url(),
            )


def _fail(run: MatchRun, why: str, *, job: "RunningJob", at: dt.datetime) -> None:
    by = system_user()
    with transaction.atomic():
        job.hold()
        take(lifecycle.FAIL_RUN, run, by=by, at=at, failure=why[:400])
        take(lifecycle.FAIL, run.match, by=by, at=at, note=why[:400])
