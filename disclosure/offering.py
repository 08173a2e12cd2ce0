"""Other ways to tell an output's tables: worked out by the vault; one of them may take the file's place."""

import datetime as dt
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from disclosure import checking, checks, lifecycle, services, standing
from disclosure.models import Offer, Output, OutputCheck, OutputStatus, Verdict
from p20win.accounts.public import system_user
from p20win.audit.public import first_in_line
from p20win.custody import public as custody
from p20win.jobs import public as jobs
from p20win.refusal import Blocked
from p20win.workflow import amend, blockers, create

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.jobs.models import Job
    from p20win.jobs.public import RunningJob

JOB: Final = "disclosure.other_ways"
TAKE: Final = "disclosure.take_way"
SECONDS: Final = 6.0  # of solver work for each way that is tried
IN_ALL: Final = 240.0  # of wall time, for all of them
_NOT_OF_TABLES: Final = (Verdict.UNREADABLE, Verdict.IN_TEXT)  # telling the tables otherwise does not help


def job_for(found: OutputCheck) -> "Job | None":
    """Return the work on other ways than this check's, if it was asked for."""
    return jobs.latest(JOB, found_id=found.pk)


def why_not_ask(found: OutputCheck, actor: "User", at: dt.datetime) -> list[str]:
    """Say why this person cannot have other ways tried now."""
    output = found.output
    reasons = [why for why in (checks.is_author(output, actor),) if why]
    if output.status not in (OutputStatus.CHECKED, OutputStatus.RETURNED):
        reasons.append(f"Not possible while the status is “{output.get_status_display()}”.")
    if standing.latest_check(output) != found:
        reasons.append("The file was checked again since.")
    if why := checks.is_no_safe_table(output, actor):
        reasons.append(why)
    if found.verdict in _NOT_OF_TABLES:
        reasons.append("It is not its tables that stand in the way.")
    if found.verdict == Verdict.SAFE and not found.withheld:
        reasons.append("Nothing is withheld.")
    job = job_for(found)
    if job is not None and not job.is_over:
        reasons.append("The vault is trying other ways.")
    elif job is not None and job.state == jobs.State.DONE:
        reasons.append("Other ways were tried already; they would come out the same.")
    return reasons


@transaction.atomic
def ask(found: OutputCheck, *, by: "User", at: dt.datetime) -> Output:
    """Have other ways tried.

    :raises Blocked: if it is not the author, or there is nothing to gain
    """
    first_in_line()
    output = Output.objects.select_for_update(no_key=True, of=("self",)).get(pk=found.output_id)
    found.output = output
    if reasons := why_not_ask(found, by, at):
        raise Blocked(reasons)
    jobs.after_commit(JOB, project_id=output.project_id, asked_by_id=by.pk, found_id=found.pk)
    return amend("output.ways_asked", output, by=by, at=at, details={"check": found.number})


def make(found: OutputCheck, *, job: "RunningJob", at: dt.datetime) -> None:
    """Try other ways, in the vault; what is there already is left as it is."""
    # The solvers are loaded where they are used: every process would start half a second later.
    from disclosure.engine.alternatives import alternatives

    output = found.output
    if found.offers.exists() or standing.latest_check(output) != found:
        return
    job.progress(2, "Opening the file.")
    end = time.monotonic() + IN_ALL
    case = checking.opened(output, output.slot.files.get(status=custody.FileStatus.ACCEPTED))
    now = case.examined(left=lambda: end - time.monotonic(), told=lambda percent, words: None)
    ways = alternatives(
        now.tables,
        case.beside.outside(),
        now.protection,
        policy=case.rules,
        seconds=SECONDS,
        groups={dim: case.beside.hierarchies[dim] for dim in now.hierarchies},
        among=case.beside.among,
        left=lambda: end - time.monotonic(),
        told=job.progress,
    )
    with transaction.atomic():
        job.hold()
        for number, way in enumerate(ways, start=1):
            ending, content = way.file()
            row = Offer(
                project=output.project,
                found=found,
                number=number,
                what=way.what[:400],
                numbers=way.price.numbers,
                withheld=way.price.withheld,
                share=way.price.share,
                file=checking.seal(output, f"alternative-{number}{ending}", content, at=at),
                made_at=at,
            )
            details = {"numbers": row.numbers, "withheld": row.withheld}
            create("output.way_offered", row, by=system_user(), at=at, details=details)


def shown(found: OutputCheck | None, person: "User", at: dt.datetime) -> dict[str, Any] | None:
    """Return what an author's page shows of other ways; None where there is nothing to gain."""
    if found is None or found.output.author_id != person.pk or found.verdict in _NOT_OF_TABLES:
        return None
    if checks.is_no_safe_table(found.output, person):
        return None
    if found.verdict == Verdict.SAFE and not found.withheld:
        return None
    if found.output.status not in (OutputStatus.CHECKED, OutputStatus.RETURNED):
        return None
    job = job_for(found)
    return {
        "job": job,
        "is_done": job is not None and job.state == jobs.State.DONE,
        "rows": list(found.offers.all()),
        "why_not": why_not_ask(found, person, at),
        "why_not_take": blockers(lifecycle.SEND_NEW_FILE, found.output, person),
    }


def why_not_take(offer: Offer, actor: "User", at: dt.datetime) -> list[str]:
    """Say why this person cannot send this way in the file's place."""
    output = Output.objects.get(pk=offer.found.output_id)  # as it stands now
    asked = (checks.is_author, checks.is_no_safe_table)
    reasons = [why for check in asked if (why := check(output, actor))]
    if standing.latest_check(output) != offer.found:
        reasons.append("The file was replaced or checked again since.")
    return reasons


def give(offer: Offer, person: "User") -> Iterator[bytes]:
    """Give the tables of one way, to be sent in the file's place. In the vault alone."""
    return custody.open_bytes(offer.file)


def take(offer: Offer, *, by: "User", at: dt.datetime) -> Output:
    """Send one way in the file's place: a new round, checked like any file.

    :raises Blocked: if it is not the author, the file was replaced since, or the vault does not answer
    """
    if reasons := why_not_take(offer, by, at):
        raise Blocked(reasons)
    content = b"".join(custody.relay(custody.capability(by, TAKE, offer, at)))
    output = offer.found.output
    return services.send_new_file(output, name=offer.file.name, content=[content], by=by, at=at)
