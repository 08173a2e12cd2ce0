"""Why not: rules about files, runs, the parties' word, the extract, and questions about it."""

import datetime as dt
from typing import TYPE_CHECKING

from agreements import public as agreements
from matching import standing
from matching.models import (
    Delivery,
    DeliveryStatus,
    DestructionOrder,
    Download,
    ExpectedFile,
    Fetch,
    Match,
    MatchRun,
    MatchSignoff,
    MatchStatus,
    Question,
    Repeat,
    RepeatStatus,
    RunStatus,
)
from p20win import access, clock
from p20win.accounts.public import Role, why_not_role
from p20win.custody import public as custody
from p20win.projects import public as projects
from requests_app import public as requests

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation, User
    from p20win.projects.models import Project


def why_not_open(project: "Project", actor: "User", at: dt.datetime) -> list[str]:
    """Say why the upload of a project's files cannot be opened now; an empty list means it can."""
    reasons = []
    if not (actor.is_system or arranges(actor)):  # the portal opens what a schedule says (O-71)
        reasons.append("Only the hub's staff or the operating group can open the upload.")
    if why := projects.is_open(project):
        reasons.append(why)
    if agreements.in_force(project, at) is None:
        reasons.append("No data sharing agreement is in force.")
    if len(standing.agencies(project)) < 2:
        reasons.append("The approved request asks fewer than two agencies for data.")
    return reasons


def arranges(actor: "User") -> bool:
    """Say whether this person opens matches and sets their schedule."""
    return actor.has_role(Role.HUB_STAFF) or actor.has_role(Role.OPERATING_GROUP)


def may_arrange(subject: "Project | Repeat", actor: "User") -> str | None:
    """The hub's staff, the operating group, or the portal when a project is closed."""
    if actor.is_system or arranges(actor):
        return None
    return "Only the hub's staff or the operating group sets the schedule."


def why_not_repeat(project: "Project", actor: "User", at: dt.datetime) -> list[str]:
    """Say why no schedule can be set for a project's matches; an empty list means it can (O-71)."""
    reasons = [why for why in (may_arrange(project, actor), projects.is_open(project)) if why]
    if agreements.in_force(project, at) is None:
        reasons.append("No data sharing agreement is in force.")
    if not standing.recurs(project):
        reasons.append("The approved request asks for the data once. A change of the request comes first.")
    if project.repeats.filter(status=RepeatStatus.RUNNING).exists():
        reasons.append("There is a schedule already. End it to set another.")
    return reasons


def why_not_agreed_until(project: "Project", day: dt.date, at: dt.datetime) -> str | None:
    """Say why nothing is matched on a day: the agreement ends before."""
    agreement = agreements.in_force(project, at)
    if agreement is None or day <= agreement.ends_on:
        return None
    ends = agreement.ends_on
    return f"The agreement ends before that day, on {ends:%B} {ends.day}, {ends.year}."


def why_not_encoded(project: "Project", encoding: str, at: dt.datetime) -> list[str]:
    """Say why the agencies cannot send encodings; an empty list means they can (O-72)."""
    reasons = []
    if not agreements.approved_methods(at).filter(engine=encoding).exists():
        reasons.append("The governing board has approved no method that matches these encodings.")
    if requests.identifier_tables(project):
        reasons.append("This request joins lists of identifiers, which tokens cannot be compared with.")
    return reasons


def files_are_there(match: Match, actor: "User") -> str | None:
    """All files are accepted; no file at all is not all of them."""
    missing = standing.missing(match)
    if not missing and match.expected_files.exists():
        return None
    named = ", ".join(f"{row.agency.short_name} ({_kind(row)})" for row in missing)
    return f"Waiting for {named or 'the upload to be opened'}."


def _kind(row: ExpectedFile) -> str:
    if row.is_consent:
        return "consents"
    return str(custody.DataClass(row.kind).label).lower()


def runs_matches(match: Match, actor: "User") -> str | None:
    """Only the hub's staff run matches."""
    return None if actor.has_role(Role.HUB_STAFF) else "Only staff of the data integration hub can do this."


def may_match(match: Match, actor: "User") -> str | None:
    """The person runs matches at the hub, and every paper is in order."""
    if not actor.has_role(Role.HUB_STAFF):
        return "Only staff of the data integration hub can run a match."
    return " ".join(access.why_not(actor, "match", match.project, "matching", clock.now())) or None


def has_approved_method(match: Match, actor: "User") -> str | None:
    """The governing board approved a method that may run now (O-48)."""
    if standing.methods(match, clock.now()).exists():
        return None
    if standing.encoding(match):
        return "The files are encoded, and the governing board has approved no method for that."
    return "The governing board has approved no matching method."


def every_party_agrees(match: Match, actor: "User") -> str | None:
    """Every party's representative said that the match is optimal; no party at all is no agreement (O-70)."""
    run = standing.latest_result(match)
    rows = list(standing.signoffs(run)) if run else []
    waiting = sorted({row.organisation.short_name for row in rows if row.signature_id is None})
    if rows and not waiting:
        return None
    return f"Waiting for {', '.join(waiting) or 'a result'}."


def signoffs_of(match: Match, actor: "User") -> list[MatchSignoff]:
    """Return the rows in which this person speaks for a party."""
    run = standing.latest_result(match)
    rows = standing.signoffs(run) if run and match.status == "linked" else ()
    return [row for row in rows if why_not_speak(row, actor) is None]


def why_not_speak(row: MatchSignoff, actor: "User") -> str | None:
    """Say why this person does not speak for this party; an agency speaks through a steward (O-169)."""
    if row.is_recipient:
        if actor.organisation_id == row.organisation_id and actor.has_role(Role.REQUESTOR, row.organisation):
            return None
        return f"Only the requestor speaks for {row.organisation.short_name}."
    return why_not_role(actor, Role.DATA_STEWARD, row.organisation)


def why_not_agree(match: Match, actor: "User", at: dt.datetime) -> list[str]:
    """Say why this person cannot say now whether the match is optimal; an empty list means they can."""
    if match.status != "linked":
        return [f"Not possible while the status is “{match.get_status_display()}”."]
    mine = signoffs_of(match, actor)
    if not mine:
        return ["Only a representative of a party can say whether the match is optimal."]
    if all(row.signature_id for row in mine):
        return ["Your organisation has agreed."]
    if not standing.terms(match).limitations:
        return ["The hub has not described the limits of the result yet. You read them before you agree."]
    return access.why_not(actor, "sign_off", match.project, "key", at)


def why_not_choose(run: MatchRun, match: Match) -> list[str]:
    """Say why a run cannot be put before the parties; an empty list means it can."""
    reasons = []
    if run.status != RunStatus.DONE:
        reasons.append("This run has no result.")
    if run.outdated_by_id:
        reasons.append("This run was made on an earlier file, which is closed. Link again instead.")
    if match.status == MatchStatus.LINKED and match.proposed_id == run.pk:
        reasons.append("This run is before the parties.")
    if names := sorted({row.organisation.short_name for row in standing.signoffs(run) if row.rejected_at}):
        reasons.append(f"{', '.join(names)} said that this run is not optimal. Link again instead.")
    return reasons


def extract_is_there(delivery: Delivery, actor: "User") -> str | None:
    """An extract was sealed."""
    return None if delivery.extract_id else "The extract is not ready."


def why_not_fetch(delivery: Delivery, person: "User", at: dt.datetime) -> list[str]:
    """Say why a version of the extract cannot be fetched now."""
    if delivery.status == DeliveryStatus.GIVEN_UP:
        return ["This version was never made: the match was abandoned."]
    if delivery.status == DeliveryStatus.PREPARING:
        return ["The extract is being prepared."]
    if delivery.status == DeliveryStatus.RECALLED:
        return ["This version was recalled. Do not use it; delete the copies you have."]
    if delivery.status == DeliveryStatus.REPLACED:
        return ["A later version replaces this one. Download that one."]
    if not standing.is_within_window(delivery, at):
        return [
            "The time to download the extract is over, and the hub’s copy is removed. Ask the operating group"
            " if you still need it."
        ]
    return _why_not_without_word(delivery.match, person)


def why_not_continue(download: Download, person: "User", at: dt.datetime) -> list[str]:
    """Say why a download cannot begin or go on now; an empty list means it can."""
    if download.person_id != person.pk:
        return ["This is another person's download. Begin one of your own."]
    if at >= download.expires_at:
        return ["This download has expired. Begin another on the page of the extract."]
    return why_not_fetch(download.delivery, person, at)


def why_not_range(fetch: Fetch, person: "User", at: dt.datetime) -> list[str]:
    """Say why a range cannot be fetched now; custody asks, and again while it streams."""
    if fetch.project_id != fetch.download.delivery.project_id:
        return ["This range and its download are of different projects."]
    return why_not_continue(fetch.download, person, at)


def _why_not_without_word(match: Match, person: "User") -> list[str]:
    """Say whose word is missing before this person gets the key: of all who get it with them (O-108)."""
    given = set(match.attestations.values_list("organisation_id", flat=True))
    missing = [each for each in _link_holders(match, person) if each.pk not in given]
    names = [
        "your organisation" if each.pk == person.organisation_id else each.short_name for each in missing
    ]
    return [
        f"First {name} attests that its own link from real to synthetic ids is destroyed." for name in names
    ]


def _link_holders(match: Match, person: "User") -> "list[Organisation]":
    """Return who gets the key with this person and holds a link of its own: it supplies, or is the hub.

    A person of another house who works for a recipient fetches for that recipient, too.
    """
    supplying = {agency.pk for agency in standing.agencies(match.project)}
    get = {each.pk: each for each in (person.organisation, projects.recipient(match.project)) if each}
    return [each for each in get.values() if each.is_hub or each.pk in supplying]


def must_attest(match: Match, person: "User") -> bool:
    """Say whether this person's own organisation holds a link of its own (O-108)."""
    return any(each.pk == person.organisation_id for each in _link_holders(match, person))


def has_attested(match: Match, person: "User") -> bool:
    """Say whether this person's organisation attested that its own link is destroyed."""
    return match.attestations.filter(organisation=person.organisation_id).exists()


def why_not_attest(match: Match, person: "User", at: dt.datetime) -> list[str]:
    """Say why this person cannot attest it for their organisation now; an empty list means they can."""
    if not must_attest(match, person):
        return ["Your organisation holds no link of its own to this match."]
    if has_attested(match, person):
        return ["Your organisation has attested it."]
    if match.status not in standing.AFTER_SIGN_OFF:
        return ["The match is not complete. The link may still be needed."]
    return access.why_not(person, "download", match.project, "extract", at)


def runs_deliveries(subject: object, actor: "User") -> str | None:
    """Only the hub's staff and the operating group see to deliveries."""
    if actor.is_system or actor.has_role(Role.HUB_STAFF) or actor.has_role(Role.OPERATING_GROUP):
        return None
    return "Only the hub's staff or the operating group can do this."


def may_recall(delivery: Delivery, actor: "User") -> str | None:
    """The hub's staff and the operating group recall."""
    return runs_deliveries(delivery, actor)


def why_not_more_time(delivery: Delivery, actor: "User") -> list[str]:
    """Say why this person cannot move the end of a download; an empty list means they can."""
    reasons = [] if actor.has_role(Role.OPERATING_GROUP) else ["Only the operating group can do this."]
    if delivery.status != DeliveryStatus.AVAILABLE:
        reasons.append(f"Not possible while the status is “{delivery.get_status_display()}”.")
    return reasons


def why_not_describe(match: Match, actor: "User") -> list[str]:
    """Say why the limitations cannot be written now; an empty list means they can."""
    reasons = [why] if (why := runs_matches(match, actor)) else []
    if standing.latest_result(match) is None:
        reasons.append("There is no match result to describe yet.")
    if match.abandoned_at:
        reasons.append("The match has ended without a result.")
    return reasons


def why_not_replace(match: Match, actor: "User") -> list[str]:
    """Say why no new version can be made of this match now; an empty list means one can."""
    reasons = [why] if (why := runs_matches(match, actor)) else []
    if match.status == MatchStatus.INPUTS_DESTROYED:
        reasons.append("The input files are destroyed. Open another match instead; the agencies send again.")
    elif match.status != MatchStatus.DELIVERED:
        reasons.append("Nothing of this match was delivered yet.")
    if match.deliveries.filter(status=DeliveryStatus.PREPARING).exists():
        reasons.append("A version is being prepared already.")
    return reasons


def why_not_ask(delivery: Delivery, person: "User", at: dt.datetime) -> list[str]:
    """Say why this person cannot ask about a version now; an empty list means they can (O-75)."""
    if delivery.status == DeliveryStatus.PREPARING:
        return ["The extract is being prepared."]
    recipient = projects.recipient(delivery.project)
    if recipient is None or person.organisation_id != recipient.pk:
        return ["Only the data recipient asks about completeness or matching accuracy."]
    window = standing.questions_window(delivery)
    if window is not None and at > window.due_at:
        day = clock.state_date(window.due_at)
        return [
            f"The time to ask was over on {day:%B} {day.day}, {day.year}: 10 business days from receiving all"
            " sets. Write to the operating group if something is wrong nevertheless."
        ]
    if not person.has_perm("projects.download_extract", delivery.project):
        return ["You have no part in this project that allows this."]
    return []


def is_asked(question: Question, actor: "User") -> str | None:
    """Those reply to whose organisation a question was forwarded: its stewards, or the hub's staff."""
    own = question.with_organisation
    replies = actor.has_role(Role.DATA_STEWARD) or actor.has_role(Role.HUB_STAFF)
    if own is not None and actor.organisation_id == own.pk and replies:
        return None
    return f"Waiting for {own.short_name if own else 'the operating group'}."


def inputs_are_gone(match: Match, actor: "User") -> str | None:
    """Every agency's key in the project is destroyed, and its files with it, also what was on its way."""
    left = custody.living_files(match.project).filter(slot__expected_by__match=match)
    names = {file.owner.short_name for file in left}
    asked = custody.destructions(match.project).filter(
        status=custody.DestructionStatus.ASKED,
        organisation__in=match.expected_files.values("slot__supplier"),
    )
    names |= {row.organisation.short_name for row in asked}
    return f"Inputs of {', '.join(sorted(names))} are still there." if names else None


def is_of_the_hub(order: DestructionOrder, actor: "User") -> str | None:
    """Two people of the hub order a destruction."""
    return runs_matches(order.match, actor)


def is_not_who_asked(order: DestructionOrder, actor: "User") -> str | None:
    """A destruction needs a second person (C03)."""
    return None if actor.pk != order.asked_by_id else "You asked for it; another person must confirm it."


def may_withdraw(order: DestructionOrder, actor: "User") -> str | None:
    """People withdraw what people ordered; what the clock orders is stopped by a legal hold alone."""
    if actor.is_system:
        return None
    if order.is_automatic:
        return "The clock has run out. Only a legal hold or the signatures of all parties stop it now."
    if actor.has_role(Role.HUB_STAFF) or actor.has_role(Role.OPERATING_GROUP):
        return None
    return "Only the hub's staff and the operating group can withdraw it."


def extract_is_made(order: DestructionOrder, actor: "User") -> str | None:
    """The inputs stay until the extract is made of them (O-73); of an abandoned match none is made."""
    if order.match.status == MatchStatus.ABANDONED:
        return None
    if order.match.deliveries.filter(status=DeliveryStatus.PREPARING).exists():
        lacking = (
            "" if standing.terms(order.match).limitations else " The hub has not written its limits yet."
        )
        return f"The extract is not ready; the inputs stay until it is made of them.{lacking}"
    if order.match.status == MatchStatus.DELIVERED:
        return None
    return "The extract is not ready; the inputs stay until it is made of them."


def is_not_held(order: DestructionOrder, actor: "User") -> str | None:
    """No legal hold is in force."""
    return custody.why_held(order.match.project)


def looks_after_holds(person: "User") -> bool:
    """Say whether this person may ask for a legal hold."""
    return person.has_role(Role.HUB_STAFF) or person.has_role(Role.OPERATING_GROUP)
