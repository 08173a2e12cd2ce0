"""How a match is linked: sensible settings, versions that never change, try-outs on a share of the rows."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction

from agreements import public as agreements
from matching import checks, layouts, lifecycle, ssn, standing
from matching.engine import child, defaults, suppress
from matching.engine import spec as specs
from matching.engine.errors import BadInput, LinkageError, NeedsMoreMemory
from matching.models import LinkSpec, Match, TryOut, TryOutStatus
from matching.services import consenting, weighing
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


def files_of(match: Match) -> dict[str, specs.File]:
    """Return which column of each agency's file is which field, as it was approved, or which token.

    Without the SSN of agencies that no link to wage records needs it of (O-105).
    """
    if standing.encoding(match):
        rows = match.expected_files.filter(kind=custody.DataClass.MATCHING).select_related("slot", "agency")
        return {
            layouts.file_name(row.agency): layouts.encoded_engine_file(row.agency, row.slot.spec)
            for row in sorted(rows, key=lambda row: row.agency.slug)
        }
    files = ssn.approved_files(match.project)
    asked = ssn.asked_of(files)
    return {name: file if name in asked else ssn.without(file) for name, file in files.items()}


def usual(match: Match, engine: str) -> specs.Spec:
    """Return the usual settings for the files of a match."""
    return specs.default(files_of(match), engine=engine)


def meetings(spec: specs.Spec) -> list[dict[str, Any]]:
    """Return for every two files by which fields they are compared, or that they share too little for it."""
    return [
        {
            "files": (one, other),
            "fields": [defaults.WORDS[field] for field in spec.common(one, other)],
            "directly": spec.tells_apart(one, other),
        }
        for one, other in combinations(spec.files, 2)
    ]


def spec_before(match: Match) -> LinkSpec | None:
    """Return the settings by which the project's last match with a result before this one was linked."""
    for earlier in Match.objects.filter(project=match.project_id, number__lt=match.number).order_by(
        "-number"
    ):
        run = standing.latest_result(earlier)
        if run is not None and run.link_spec is not None:
            return run.link_spec
    return None


def usual_version(match: Match, method: "MatchMethod", *, by: "User", at: dt.datetime) -> LinkSpec:
    """Return the version with the usual settings, made if nobody used them yet.

    :raises Blocked: if the approved identifiers cannot be linked by
    """
    try:
        spec = usual(match, method.engine)
    except BadInput as problem:
        raise Blocked(str(problem)) from None
    return _keep(match, method, spec, note="The usual settings", by=by, at=at)


@transaction.atomic
def make(
    match: Match,
    method: "MatchMethod",
    *,
    fields: Sequence[str],
    blocks: Sequence[str],
    accept: str,
    auto_precision: float,
    grey_floor: float,
    note: str,
    by: "User",
    at: dt.datetime,
) -> LinkSpec:
    """Make a version of a match's specification. The same settings again are the same version.

    :raises Blocked: if the person may not, the method is not approved, or the settings cannot work
    """
    first_in_line()
    files = files_of(match)
    refused = why_not_make(match, by)
    if not standing.methods(match, at).filter(pk=method.pk).exists():
        refused.append("The governing board has not approved this method for such files, or it was retired.")
    if "ssn" in fields and not any("ssn" in file.columns for file in files.values()):
        refused.append("The SSN is compared only where a link to wage records needs it; none here does.")
    if not note.strip():
        refused.append("Say what is different, and why.")
    if refused:
        raise Blocked(refused)
    try:
        if "ssn" not in fields:  # what is not compared decides nothing else either
            files = {name: ssn.without(file) for name, file in files.items()}
        known = specs.default(files, engine=method.engine)
        compared = tuple(c for c in known.comparisons if c.field in fields)
        held = {c.field for c in compared}
        kept = tuple(
            block
            for block in known.blocks
            if block.name in blocks and {defaults.COLUMNS[column] for column in block.on} <= held
        )
        if not compared or not kept:
            raise Blocked("Choose fields to compare, and a way to find candidates that uses them.")
        chosen = replace(known, comparisons=compared, blocks=kept, accept=accept)  # type: ignore[arg-type]
        chosen = replace(chosen, auto_precision=auto_precision, grey_floor=grey_floor)
        spec = specs.from_json(specs.to_json(chosen))
    except BadInput as problem:
        raise Blocked(str(problem)) from None
    return _keep(match, method, spec, note=note.strip(), by=by, at=at)


def why_not_make(match: Match, person: "User") -> list[str]:
    """Say why no version can be made now; an empty list means one can."""
    reasons = [why] if (why := checks.runs_matches(match, person)) else []
    if match.abandoned_at:
        reasons.append("The match has ended without a result.")
    elif match.status in standing.AFTER_SIGN_OFF:
        reasons.append("Every party has agreed to the match. How it was linked does not change any more.")
    return reasons


def _keep(
    match: Match, method: "MatchMethod", spec: specs.Spec, *, note: str, by: "User", at: dt.datetime
) -> LinkSpec:
    digest = specs.digest(spec)
    if known := match.specs.filter(method=method, digest=digest).first():
        return known
    latest = match.specs.order_by("-number").first()
    row = LinkSpec(
        match=match,
        number=(latest.number if latest else 0) + 1,
        method=method,
        spec=json.loads(specs.to_json(spec)),
        digest=digest,
        note=note[:500],
        made_by=by,
        made_at=at,
    )
    details = {"number": row.number, "method": method.slug, "version": method.version, "spec": digest}
    return create("spec.made", row, by=by, at=at, details=details)


def why_not_run(row: LinkSpec, match: Match, at: dt.datetime) -> list[str]:
    """Say why a version cannot link now: the method must be approved and be the one it names (O-48)."""
    reasons = []
    if row.match_id != match.pk:
        reasons.append("This version belongs to another match.")
    if not agreements.approved_methods(at).filter(pk=row.method_id).exists():
        reasons.append("The governing board has not approved this method, or it was retired.")
    if row.spec["engine"] != row.method.engine:
        reasons.append("This version names another engine than its method.")
    return reasons


# --- try-outs


@transaction.atomic
def try_out(row: LinkSpec, *, by: "User", at: dt.datetime) -> TryOut:
    """Have a version tried on a share of the rows. Nothing but its report is kept.

    :raises Blocked: if a file is missing, the person may not match, or it is being tried
    """
    first_in_line()
    match = Match.objects.select_related("project").get(pk=row.match_id)
    refused = why_not_try(row, match, by, at)
    if refused:
        raise Blocked(refused)
    trial = TryOut(link_spec=row, status_since=at, started_by=by, started_at=at)
    create("try_out.started", trial, by=by, at=at, details={"spec": row.digest})
    jobs.after_commit(
        "matching.try_spec", project_id=match.project_id, asked_by_id=by.pk, try_out_id=trial.pk
    )
    return trial


def why_not_try(row: LinkSpec, match: Match, person: "User", at: dt.datetime) -> list[str]:
    """Say why a version cannot be tried now; an empty list means it can."""
    reasons = [*why_not_make(match, person), *why_not_run(row, match, at)]
    both = (checks.may_match, checks.files_are_there)
    reasons += [why for check in both if (why := check(match, person))]
    if row.try_outs.filter(status=TryOutStatus.RUNNING).exists():
        reasons.append("It is being tried.")
    return reasons


def carry_out(trial: TryOut, *, job: "RunningJob", at: dt.datetime) -> TryOut:
    """Try a version. In the vault alone; what was linked is thrown away, the report stays.

    :raises Blocked: if the files cannot be linked as they are; `give_up` ends the try-out then
    :raises LinkageError: if the process that links was lost; the job is tried again
    """
    if trial.status != TryOutStatus.RUNNING:
        return trial
    match = trial.link_spec.match
    try:
        outcome = _outcome(trial, job)
    except (BadInput, NeedsMoreMemory) as refusal:
        raise Blocked(str(refusal)) from None
    except LinkageError as failure:
        if job.attempts >= ATTEMPTS:
            raise Blocked(str(failure)) from None
        raise
    told = suppress.suppressed(outcome.report, standing.min_cell_count(match.project))
    with transaction.atomic():
        job.hold()
        return take(lifecycle.FINISH_TRY_OUT, trial, by=system_user(), at=at, report=told)


def _outcome(trial: TryOut, job: "RunningJob") -> child.Outcome:
    match = trial.link_spec.match
    weighing.check(match, trial.link_spec.spec, every_row=False)
    consents, lists = consenting.told(match, on=trial.started_at)
    setup = {
        "consents": consents,
        "spec": trial.link_spec.spec,
        "memory": settings.P20WIN_MATCH_MEMORY,
        "threads": settings.P20WIN_MATCH_THREADS,
        "try_out": True,
    }
    files = {
        layouts.file_name(row.agency): custody.open_lazily(file)
        for row, file in standing.accepted(match, custody.DataClass.MATCHING)
    }
    return child.link(setup, files | lists, progress=job.progress)


def give_up(trial: TryOut, why: str, *, job: "RunningJob", at: dt.datetime) -> None:
    """End a try-out that came to nothing, whatever stopped it."""
    if trial.status == TryOutStatus.RUNNING:
        with transaction.atomic():
            job.hold()
            take(lifecycle.FAIL_TRY_OUT, trial, by=system_user(), at=at, failure=why[:400])


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Say in words how one specification differs from another."""
    said = []
    for key, words in _WORDS.items():
        if before.get(key) != after.get(key):
            said.append(f"{words}: {before.get(key)} → {after.get(key)}")
    for key, name, words in (("comparisons", "field", "Compared"), ("blocks", "name", "Candidates by")):
        one, other = ([str(entry[name]) for entry in spec[key]] for spec in (before, after))
        gone = [each for each in one if each not in other]
        new = [each for each in other if each not in one]
        if key == "comparisons":
            gone, new = ([defaults.WORDS[each] for each in part] for part in (gone, new))
        if gone:
            said.append(f"{words}: without {', '.join(gone)}")
        if new:
            said.append(f"{words}: with {', '.join(new)}")
    return said


_WORDS = {
    "engine": "Engine",
    "accept": "Point of acceptance",
    "auto_precision": "Automatic band",
    "grey_floor": "Grey floor",
}
