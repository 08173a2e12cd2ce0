"""Running a match: asked for by the hub, done in the vault in a process of its own."""

import datetime as dt
import json
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction

from agreements import public as agreements
from matching import layouts, lifecycle, logged, standing
from matching.engine import child, suppress
from matching.engine.errors import BadInput, LinkageError, NeedsMoreMemory
from matching.list_models import name_of
from matching.models import ExpectedFile, LinkSpec, Match, MatchRun, MatchStatus, RunStatus
from matching.services import choosing, consenting, counting, grouping, reviewing, specifying, weighing
from p20win.accounts.public import system_user
from p20win.audit.public import first_in_line
from p20win.custody import public as custody
from p20win.jobs import public as jobs
from p20win.refusal import Blocked
from p20win.workflow import create, take

if TYPE_CHECKING:
    from agreements.models import MatchMethod
    from p20win.accounts.models import User
    from p20win.jobs.public import RunningJob

ATTEMPTS: Final = 3


@transaction.atomic
def start_run(
    match: Match,
    method: "MatchMethod",
    *,
    by: "User",
    at: dt.datetime,
    link_spec: LinkSpec | None = None,
    reason: str = "",
) -> MatchRun:
    """Have the files linked by an approved method (O-48), by its usual settings or a version made of it.

    :raises Blocked: if a file is missing, the method may not run, the person may not match, or it is not said
        why a match that has a result is linked again
    """
    first_in_line()
    if not agreements.approved_methods(at).filter(pk=method.pk).exists():
        raise Blocked("The governing board has not approved this method, or it was retired.")
    if not standing.methods(match, at).filter(pk=method.pk).exists():
        held = "encoded" if standing.encoding(match) else "not encoded"
        raise Blocked(f"This method cannot link these files: they are {held}.")
    if standing.results(match).exists() and not reason.strip():
        raise Blocked("Say why it is linked again, and what is different this time.")
    was_before_the_parties = Match.objects.filter(pk=match.pk, status=MatchStatus.LINKED).exists()
    match = take(
        lifecycle.START, match, by=by, at=at, details={"method": method.slug, "version": method.version}
    )
    chosen = link_spec or specifying.usual_version(match, method, by=by, at=at)
    if reasons := specifying.why_not_run(chosen, match, at):
        raise Blocked(reasons)
    if was_before_the_parties:
        choosing.ask_no_more(match, by=by, at=at, note="The match is linked again.")
    run = MatchRun(
        match=match,
        number=match.runs.count() + 1,
        method=method,
        link_spec=chosen,
        reason=reason.strip()[:500],
        status_since=at,
        started_at=at,
        started_by=by,
        spec=chosen.spec,
    )
    details = {"spec": chosen.digest, "engine": chosen.spec["engine"], "version": chosen.number}
    details |= logged.described(run)
    create("run.started", run, by=by, at=at, details=details)
    jobs.after_commit("matching.run_match", project_id=match.project_id, asked_by_id=by.pk, run_id=run.pk)
    return run


def link(run: MatchRun, *, job: "RunningJob", at: dt.datetime) -> MatchRun:
    """Link the files of a run. In the vault alone; done twice, it gives the same people and one result.

    :raises Blocked: if the files cannot be linked as they are; `give_up` ends the run then
    :raises LinkageError: if the process that links was lost; the job is tried again
    """
    if run.status != RunStatus.RUNNING:
        return run
    try:
        lists = standing.accepted(run.match, custody.DataClass.IDENTIFIER_LIST)
        outcome = _outcome(run, lists, job)
    except (BadInput, NeedsMoreMemory) as refusal:
        raise Blocked(str(refusal)) from None
    except LinkageError as failure:
        if job.attempts >= ATTEMPTS:
            raise Blocked(str(failure)) from None
        raise
    job.progress(96, "Sealing the results")
    return _store(run, outcome, [row for row, _ in lists], job=job, at=at)


def _outcome(
    run: MatchRun, lists: list[tuple[ExpectedFile, custody.SealedFile]], job: "RunningJob"
) -> child.Outcome:
    weighing.check(run.match, run.spec)
    files, joined = {}, []
    for row, file in standing.accepted(run.match, custody.DataClass.MATCHING):
        files[layouts.file_name(row.agency)] = custody.open_lazily(file)
    for number, (row, file) in enumerate(lists):
        name = name_of(number)
        files[name] = custody.open_lazily(file)
        named = {"name": name, "file": layouts.file_name(row.agency)}
        field = layouts.field_of(row.identifier) or ""
        places = [row.place] if row.place else []
        flag = {"flags": [row.flag], "value": layouts.flag_value(row.slot.spec, row.flag)}
        joined.append({**named, **flag, "identifier": row.identifier, "field": field, "places": places})
    consents, consent_lists = consenting.told(run.match, on=run.started_at)
    files |= consent_lists
    setup = {
        "consents": consents,
        "spec": run.spec,
        "memory": settings.P20WIN_MATCH_MEMORY,
        "threads": settings.P20WIN_MATCH_THREADS,
        "lists": joined,
        "review": reviewing.setup(run.match),
    }
    outcome = child.link(setup, files, progress=job.progress)
    report = grouping.with_groups(outcome.report, run.match, outcome.crosswalk)
    return replace(outcome, report=report)


def _store(
    run: MatchRun,
    outcome: child.Outcome,
    lists: list[ExpectedFile],
    *,
    job: "RunningJob",
    at: dt.datetime,
) -> MatchRun:
    project, by = run.match.project, system_user()
    least = standing.min_cell_count(project)
    told = suppress.suppressed(outcome.report, least)
    differences = choosing.differences_from(run, outcome.crosswalk, least)
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
            differences=differences,
            flags=sealed["flags"],
        )
        details = {"run": str(run.pk), "report": digest}
        run.match = take(lifecycle.LINK, run.match, by=by, at=at, details=details, proposed=run)
        counting.keep(run, lists, outcome.lists, least=least)
        reviewing.keep(run, outcome, at=at)
        choosing.ask_the_parties(run, by=by, at=at)
    return run


def give_up(run: MatchRun, why: str, *, job: "RunningJob", at: dt.datetime) -> None:
    """End a run that came to no result, whatever stopped it; the match is ready for another then."""
    if run.status == RunStatus.RUNNING:
        _fail(run, why, job=job, at=at)


def report_digest(report: dict[str, Any]) -> str:
    """Return the digest by which a report is signed."""
    return sha256(json.dumps(report, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _fail(run: MatchRun, why: str, *, job: "RunningJob", at: dt.datetime) -> None:
    by = system_user()
    with transaction.atomic():
        job.hold()
        take(lifecycle.FAIL_RUN, run, by=by, at=at, failure=why[:400])
        take(lifecycle.FAIL, run.match, by=by, at=at, note=why[:400])
