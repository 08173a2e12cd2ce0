"""Destroying the inputs of a match when their time has come, and saying so."""

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db import transaction

from agreements import public as agreements
from matching import checks, lifecycle, selectors, standing
from matching.models import KeepingStatus, Match, OrderStatus
from matching.services import promising, removing
from matching.services.signing import DESTRUCTION
from p20win import clock, policy
from p20win.accounts.public import system_user
from p20win.audit.public import events_of, first_in_line
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.workflow import take

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation, User


@transaction.atomic
def destroy_inputs(match: Match, *, by: "User", at: dt.datetime) -> Match:
    """Have the vault destroy what every agency sent for this match: keys first (O-65, O-107).

    Results lie under another key and stay. The caller holds an order whose hour is over.

    :raises Blocked: if a legal hold is in force
    """
    first_in_line()
    for organisation in _suppliers(match):
        custody.ask_destruction(match.project, organisation, by=by, at=at, on_done="matching.inputs_gone")
    return match


def _suppliers(match: Match) -> list["Organisation"]:
    files = match.expected_files.select_related("slot__supplier").order_by("slot__supplier__slug")
    return list({row.slot.supplier_id: row.slot.supplier for row in files}.values())


@transaction.atomic
def note_destroyed(destruction: custody.Destruction, *, at: dt.datetime) -> Match | None:
    """Note that one supplier's inputs are gone; with the last, the hub certifies it. Safe to do twice."""
    match = selectors.match_for(destruction.project)
    if match is None:
        return None
    first_in_line()
    match = Match.objects.select_for_update().get(pk=match.pk)
    if match.status not in standing.DESTROYABLE or checks.inputs_are_gone(match, system_user()):
        return match
    by = system_user()
    match = take(lifecycle.DESTROY_INPUTS, match, by=by, at=at, inputs_destroyed_at=at)
    deadlines.meet(DESTRUCTION, subject=match, at=at, by=by)
    promising.give_up(match, at=at)
    if match.abandoned_at:
        removing.remove_results(match, by=by)
    agreements.issue_hub_certificate(
        match.project, method=destruction.method, facts=_facts(match), by=by, at=at
    )
    return match


def _facts(match: Match) -> dict[str, Any]:
    """Return what the hub certifies: who ordered it, files with roots, keys, and until when copies live.

    Of the ledger's lines that tell of it, number and hash: what an inclusion proof is about.
    """
    ended_at = match.signed_off_at or match.abandoned_at
    done = [
        row
        for row in custody.destructions(match.project)
        if row.status == custody.DestructionStatus.DONE and ended_at is not None and row.asked_at >= ended_at
    ]
    gone = [row.snapshots_gone_at for row in done if row.snapshots_gone_at is not None]
    return {
        **_ordered(match),
        "files": [file | {"organisation": row.organisation.slug} for row in done for file in row.files],
        "keys": [
            key | {"organisation": row.organisation.slug, "destroyed_at": _moment(row.keys_destroyed_at)}
            for row in done
            for key in row.keys
        ],
        "snapshots_gone_at": _moment(max(gone, default=None)),
        # Backups hold the sealed files, never a key; the last one that can was taken before this moment.
        "backups_gone_at": _moment(clock.real_now() + dt.timedelta(days=policy.BACKUP_DAYS)),
        "ledger_name": custody.ledger_name(),
        "ledger": [
            {"organisation": row.organisation.slug, "line": line.seq, "leaf": custody.ledger_leaf(line)}
            for row in done
            for line in events_of(row).filter(event="data.destroyed")
        ],
    }


def _ordered(match: Match) -> dict[str, Any]:
    """Return who ordered the destruction, the clock or two people, and until when the parties had agreed."""
    found: dict[str, Any] = {}
    rows = match.destruction_orders.filter(status=OrderStatus.BEGUN)
    if order := rows.select_related("asked_by", "confirmed_by").first():
        people = [person.name for person in (order.asked_by, order.confirmed_by) if person is not None]
        found["ordered"] = {"by": "clock"} if order.is_automatic else {"by": "people", "people": people}
    if kept := match.keepings.filter(status=KeepingStatus.AGREED).first():
        found["kept_until"] = kept.until.isoformat()
    return found


def _moment(at: dt.datetime | None) -> str | None:
    return at.isoformat() if at else None
