"""Acts on personal statements, memorandum signatures and matching methods."""

import datetime as dt
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from django.db import transaction

from agreements import selectors
from agreements.documents import statement_html
from agreements.engines import engines
from agreements.models import EmouSignature, MatchMethod, Statement, StatementKind
from p20win import clock, policy
from p20win.accounts.public import is_operating_group
from p20win.deadlines import public as deadlines
from p20win.refusal import Blocked
from p20win.signatures.public import sign
from p20win.workflow import amend, create

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation, User
    from p20win.projects.models import Project

STATEMENT_INTENT: Final = "By typing my name I sign this statement and will keep to it."


@transaction.atomic
def sign_statement(
    kind: str, *, person: "User", project: "Project | None", typed_name: str, password: str, at: dt.datetime
) -> Statement:
    """Sign Exhibit C for a project, or Exhibit B. Exhibit C lapses one year after its signature (O-06).

    :raises Blocked: if one holds already, or the person did not prove who they are
    """
    kind = StatementKind(kind)
    if (kind == StatementKind.CONFIDENTIALITY) != (project is not None):
        raise ValueError("Exhibit C is signed for a project, Exhibit B for none.")
    held = selectors.statement_in_force(person, kind, at, project)
    if held is not None and not may_renew(held, at):
        raise Blocked("You have signed this, and it still holds.")
    template = selectors.text(kind)
    shown = statement_html(kind, template.body, person, project)
    lapses_at = deadlines.due(policy.CONFIDENTIALITY_LAPSE, start=at).at if project else None
    statement = Statement(
        person=person, kind=kind, project=project, template=template, signed_at=at, lapses_at=lapses_at
    )
    statement.signature = sign(
        signer=person,
        organisation=person.organisation,
        capacity="for oneself",
        project=project,
        document_kind=f"statement_{kind}",
        document_id=statement.pk,
        document_digest=sha256(shown.encode()).hexdigest(),
        text_version=template.version,
        intent=STATEMENT_INTENT,
        typed_name=typed_name,
        password=password,
        at=at,
    )
    return create("statement.signed", statement, by=person, at=at, details={"kind": str(kind)})


def may_renew(statement: Statement, at: dt.datetime) -> bool:
    """Say whether a statement is near its lapse, so that it can be signed anew without a gap."""
    return statement.lapses_at is not None and statement.lapses_at - at <= dt.timedelta(days=60)


@transaction.atomic
def record_emou(
    organisation: "Organisation", *, starts_on: dt.date, ends_on: dt.date, by: "User", at: dt.datetime
) -> EmouSignature:
    """Record that an organisation signed the enterprise memorandum (O-39).

    :raises Blocked: if one holds in that time, or by anyone but the operating group
    """
    if why := is_operating_group(organisation, by):
        raise Blocked(why)
    if selectors.emou_in_force(organisation, starts_on):
        raise Blocked(f"The memorandum is in force for {organisation.short_name} on {starts_on}.")
    row = EmouSignature(organisation=organisation, starts_on=starts_on, ends_on=ends_on)
    return create("emou.signed", row, by=by, at=at, details={"organisation": organisation.slug})


@transaction.atomic
def record_method(
    slug: str,
    *,
    version: int,
    name: str,
    engine: str,
    description: str,
    approved_on: dt.date,
    reference: str,
    by: "User",
    at: dt.datetime,
) -> MatchMethod:
    """Record a matching method that the governing board approved (O-48).

    :raises Blocked: if this version is on record, no engine links by it, the day has not come, the board's
        minute is not named, or by anyone but the operating group
    """
    refused = [why] if (why := is_operating_group(None, by)) else []
    if MatchMethod.objects.filter(slug=slug, version=version).exists():
        refused.append("This version of the method is on record. Give the change a new version.")
    if engine not in engines():
        refused.append(f"There is no engine “{engine}”. There are: {', '.join(sorted(engines()))}.")
    if approved_on > clock.state_date(at):
        refused.append("That day has not come. Record the method when the board has approved it.")
    if not reference.strip():
        refused.append("Name the minute or paper in which the board approved it.")
    if refused:
        raise Blocked(refused)
    row = MatchMethod(
        slug=slug,
        version=version,
        name=name,
        engine=engine,
        description=description,
        approved_on=approved_on,
        reference=reference.strip(),
    )
    details = {"slug": slug, "version": version, "engine": engine}
    return create("method.approved", row, by=by, at=at, note=row.reference, details=details)


def why_not_retire(method: MatchMethod, actor: "User") -> list[str]:
    """Say why this person cannot retire a method; an empty list means they can."""
    reasons = [why] if (why := is_operating_group(method, actor)) else []
    if method.retired_on is not None:
        reasons.append("This version is retired already. Record a new version to use it again.")
    return reasons


@transaction.atomic
def retire_method(
    method: MatchMethod, *, retired_on: dt.date, reason: str, by: "User", at: dt.datetime
) -> MatchMethod:
    """Retire a version of a method: from this day on nobody can choose it. What it linked stays (O-48).

    :raises Blocked: if it is retired, the day lies before its approval, without a reason, or by anyone but
        the operating group
    """
    method = MatchMethod.objects.select_for_update().get(pk=method.pk)
    refused = why_not_retire(method, by)
    if retired_on < method.approved_on:
        refused.append("Name a day on or after the day of its approval.")
    if not reason.strip():
        refused.append("Say why, or where the board decided so.")
    if refused:
        raise Blocked(refused)
    details = {"slug": method.slug, "version": method.version, "from": retired_on.isoformat()}
    return amend(
        "method.retired",
        method,
        by=by,
        at=at,
        note=reason.strip(),
        details=details,
        retired_on=retired_on,
        retired_reason=reason.strip()[:500],
    )
