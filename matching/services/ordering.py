"""Ordering that the inputs be destroyed: by two people of the hub, or by the portal when the time has come.

Once an order is set, everyone hears of it and an hour passes before the vault begins.
"""

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction

from matching import checks, lifecycle, standing, timing
from matching.models import DestructionOrder, Match, MatchStatus, OrderStatus
from matching.services import destroying, keeping_ends, opening
from matching.services.signing import DESTRUCTION
from p20win.accounts.public import Role, hub, system_user
from p20win.audit.public import events_of, first_in_line
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.jobs import public as jobs
from p20win.refusal import Blocked
from p20win.workflow import blockers, create, take

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.audit.models import Event

HOUR: Final = "destruction-hour"
SECOND: Final = "destruction-confirmation"
WAITS: Final = "destruction-waits"
# by which the vault's clock, or the ledger's, may differ from the worker's
LAG: Final = dt.timedelta(minutes=1)
TOOK_OVER: Final = "The clock has run out, and the portal orders the destruction itself."


def order_of(match: Match) -> DestructionOrder | None:
    """Return the order that is under way, if there is one."""
    rows = match.destruction_orders.exclude(status=OrderStatus.WITHDRAWN)
    return rows.select_related("asked_by", "confirmed_by", "match__project").first()


def orders_itself_at(match: Match) -> dt.datetime | None:
    """Return when the clock orders the destruction if nobody does before; None while no clock runs."""
    clock = next(iter(deadlines.alive(DESTRUCTION, match)), None)
    if clock is None or clock.status == deadlines.Status.PAUSED:
        return None
    return timing.sets_at(clock, deadlines.calendar_of(clock))


def why_not_ask(match: Match, actor: "User") -> list[str]:
    """Say why this person cannot ask for the destruction of the inputs now; an empty list means they can."""
    if match.status == MatchStatus.INPUTS_DESTROYED:
        return ["The inputs are destroyed."]
    reasons = [] if match.status in standing.DESTROYABLE else ["The match is not signed off, nor abandoned."]
    order = DestructionOrder(match=match)
    found = (checks.extract_is_made(order, actor) if not reasons else None, checks.is_not_held(order, actor))
    reasons += [why for why in (*found, checks.runs_matches(match, actor)) if why]
    if order_of(match):
        reasons.append("The destruction has been ordered already.")
    return reasons


@transaction.atomic
def ask(match: Match, *, reason: str, by: "User", at: dt.datetime) -> DestructionOrder:
    """Ask that the inputs be destroyed before their clock has run out. A second person must confirm it.

    :raises Blocked: if the person is not of the hub, gives no reason, or a rule speaks against it
    """
    match = _locked(match)
    reasons = why_not_ask(match, by)
    if not reason.strip():
        reasons.append("Say why the inputs are to be destroyed before their time.")
    if reasons:
        raise Blocked(reasons)
    row = DestructionOrder(match=match, reason=reason.strip(), asked_by=by, status_since=at)
    row = create("destruction_order.asked", row, by=by, at=at, note=row.reason)
    _wait_for_the_hub(SECOND, row, by=by, at=at)
    return row


@transaction.atomic
def confirm(order: DestructionOrder, *, by: "User", at: dt.datetime) -> DestructionOrder:
    """Confirm an order that another person of the hub asked for; the hour begins.

    :raises Blocked: if it is one's own, the person is not of the hub, or a legal hold is in force
    """
    _locked(order.match)
    acts_at = at + timing.HOUR
    details = {"acts_at": acts_at.isoformat(), "automatic": False}
    changes: dict[str, Any] = {"confirmed_by": by, "acts_at": acts_at}
    order = take(lifecycle.CONFIRM_ORDER, order, by=by, at=at, details=details, **changes)
    deadlines.meet(SECOND, subject=order, at=at, by=by)
    _start_hour(order, by=by, at=at)
    return order


def _wait_for_the_hub(slug: str, order: DestructionOrder, *, by: "User", at: dt.datetime) -> None:
    """Let it stand on the home page of the hub's staff until it is done."""
    deadlines.start(
        slug,
        subject=order,
        project=order.match.project,
        at=at,
        by=by,
        waiting_on_role=Role.HUB_STAFF,
        waiting_on_organisation=hub(),
        where=f"{order.match.get_absolute_url()}#destruction",
    )


def _start_hour(order: DestructionOrder, *, by: "User", at: dt.datetime) -> None:
    opening.close_uploads(order.match, at=at, note="The destruction of the inputs was ordered.")
    project, where = order.match.project, order.match.get_absolute_url()
    deadlines.start(HOUR, subject=order, project=project, at=at, by=by, where=where)


def why_not_withdraw(order: DestructionOrder, actor: "User", at: dt.datetime) -> list[str]:
    """Say why this person cannot withdraw an order now; an empty list means they can."""
    reasons = blockers(lifecycle.WITHDRAW_ORDER, order, actor)
    when = None if reasons or actor.is_system else orders_itself_at(order.match)
    if when is not None and at >= when:
        return ["The clock has run out. Only a legal hold or the signatures of all parties stop it now."]
    return reasons


@transaction.atomic
def withdraw(order: DestructionOrder, *, reason: str, by: "User", at: dt.datetime) -> DestructionOrder:
    """Withdraw an order before the vault begins. The clock runs on and orders the destruction in its time.

    :raises Blocked: if the person may not, gives no reason, or the clock has run out meanwhile
    """
    _locked(order.match)
    order = DestructionOrder.objects.select_related("match__project").get(pk=order.pk)
    reasons = why_not_withdraw(order, by, at)
    if not reason.strip():
        reasons.append("Say why it is withdrawn.")
    if reasons:
        raise Blocked(reasons)
    said = reason.strip()
    changes: dict[str, Any] = {"withdrawn_by": by, "withdrawal": said[:500]}
    order = take(lifecycle.WITHDRAW_ORDER, order, by=by, at=at, note=said, **changes)
    for slug in (SECOND, HOUR, WAITS):
        deadlines.cancel(slug, subject=order, at=at, by=by, note="The order was withdrawn.")
    return order


def order_when_due(match: Match, *, at: dt.datetime) -> DestructionOrder | None:
    """Set the order that the clock asks for, unless it was moved since it asked: then it asks anew in time.

    :raises Blocked: as `order_in_time` says
    """
    due_at = orders_itself_at(match)
    return None if due_at is not None and at < due_at else order_in_time(match, at=at)


@transaction.atomic
def order_in_time(match: Match, *, at: dt.datetime) -> DestructionOrder:
    """Set the order that nobody has to ask for, as the clock says; safe to do twice (O-65, O-107).

    :raises Blocked: if the inputs are destroyed, the match has not ended, or a legal hold is in force
    """
    match, by = _locked(match), system_user()
    if match.status not in standing.DESTROYABLE:
        raise Blocked(f"Not possible while the status is “{match.get_status_display()}”.")
    if why := custody.why_held(match.project):
        raise Blocked(why)
    there = order_of(match)
    if there is not None and there.status != OrderStatus.ASKED:
        return there
    if there is not None:
        withdraw(there, reason=TOOK_OVER, by=by, at=at)
    acts_at = at + timing.HOUR
    row = DestructionOrder(
        match=match,
        is_automatic=True,
        status=OrderStatus.SET,
        asked_by=by,
        acts_at=acts_at,
        status_since=at,
    )
    details = {"acts_at": acts_at.isoformat(), "automatic": True}
    row = create("destruction_order.set", row, by=by, at=at, details=details)
    _start_hour(row, by=by, at=at)
    return row


def carry_out(order: DestructionOrder, *, at: dt.datetime) -> DestructionOrder:
    """Have the vault begin, as the hour is over; safe to do twice.

    A legal hold withdraws the order; after it the clock orders anew. Without an extract the inputs stay: it
    is asked for once more and waited for, and that stands on the hub's home page and on Health.

    :raises MustWait: while the extract is not made
    """
    order = _whole(order)
    if order.status != OrderStatus.SET or order.acts_at is None or at < order.acts_at:
        return order
    if why := custody.why_held(order.match.project):
        return withdraw(order, reason=why, by=system_user(), at=at)
    if why := checks.extract_is_made(order, system_user()):
        _produce_extract(order, at=at)
        raise jobs.MustWait(why)
    return _begin(order, at=at)


@transaction.atomic
def _begin(order: DestructionOrder, *, at: dt.datetime) -> DestructionOrder:
    match, by = _locked(order.match), system_user()
    order = take(lifecycle.BEGIN_ORDER, _whole(order), by=by, at=at)
    keeping_ends.lapse(match, at=at)
    deadlines.meet(WAITS, subject=order, at=at, by=by)
    destroying.destroy_inputs(match, by=order.confirmed_by or by, at=at)
    return order


@transaction.atomic
def _produce_extract(order: DestructionOrder, *, at: dt.datetime) -> None:
    """Ask for the extract again if the work on it was given up; it is not begun while its limits lack."""
    match = _locked(order.match)
    if not deadlines.alive(WAITS, order):
        _wait_for_the_hub(WAITS, order, by=system_user(), at=at)
    if not standing.terms(match).limitations:
        return
    delivery = match.delivery
    job = jobs.latest("matching.build_extract", delivery_id=delivery.pk)
    if job is None or job.is_over:
        jobs.after_commit("matching.build_extract", project_id=match.project_id, delivery_id=delivery.pk)


# --- in the vault


def stands_behind(destruction: custody.Destruction, at: dt.datetime) -> bool:
    """Say whether an order whose hour is over covers this destruction: what the vault asks before it begins.

    The ledger must tell of the order, an hour ago at least, and of the two people of the hub who gave it; or
    the clock must have run out.

    :raises MustWait: while the hour is not over by the ledger's time, or the clock was moved meanwhile
    """
    orders = DestructionOrder.objects.filter(
        status=OrderStatus.BEGUN,
        # An order covers the files of its own match, not of the next.
        match__status__in=(MatchStatus.DELIVERED, MatchStatus.ABANDONED),
        match__project=destruction.project,
        match__expected_files__slot__supplier=destruction.organisation,
    )
    rows = orders.select_related("match__project", "asked_by", "confirmed_by").distinct()
    return any(_is_founded(order, at) for order in rows)


def _is_founded(order: DestructionOrder, at: dt.datetime) -> bool:
    was_set = events_of(order).filter(event="destruction_order.set").first()
    if was_set is None:
        return False
    runs_out = orders_itself_at(order.match) if order.is_automatic else None
    if runs_out is None and not _is_of_two(order, was_set):
        return False
    if at < _written(was_set) + timing.HOUR - LAG:
        raise jobs.MustWait("The hour of the order is not over yet.")
    if runs_out is not None and at < runs_out - LAG:
        raise jobs.MustWait("The clock has not run out yet.")
    return True


def _is_of_two(order: DestructionOrder, was_set: "Event") -> bool:
    asked = events_of(order).filter(event="destruction_order.asked").first()
    if asked is None or asked.actor_id == was_set.actor_id:
        return False
    if order.confirmed_by is None:
        return False
    given = ((asked, order.asked_by), (was_set, order.confirmed_by))
    return all(line.actor_id == person.pk and _of_the_hub(line, person) for line, person in given)


def _of_the_hub(line: "Event", person: "User") -> bool:
    """Say whether a person was of the hub then, or is: whoever leaves meanwhile stops nothing."""
    return line.organisation_id == hub().pk or person.has_role(Role.HUB_STAFF)


def _written(line: "Event") -> dt.datetime:
    """Return when a line was written: by the database's word, as `at` is that of who writes it.

    The demo's clock is another, and it is what the hour is measured by there.
    """
    return line.at if settings.DEMO_CLOCK else line.recorded_at


def _whole(order: DestructionOrder) -> DestructionOrder:
    return DestructionOrder.objects.select_related("match__project", "confirmed_by").get(pk=order.pk)


def _locked(match: Match) -> Match:
    first_in_line()
    return Match.objects.select_for_update(of=("self",)).select_related("project").get(pk=match.pk)
