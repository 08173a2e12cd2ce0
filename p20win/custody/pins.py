"""Pinning: an agency keeps a checkpoint, so that the portal cannot forget what it said."""

import datetime as dt
from typing import TYPE_CHECKING

from p20win.accounts.public import Role
from p20win.custody.checkpoints import tree_of
from p20win.custody.models import Checkpoint, CheckpointPin
from p20win.refusal import Blocked
from p20win.workflow import create

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation, SigningKey, User


def pin(
    *,
    by: "User",
    at: dt.datetime,
    key: "SigningKey | None" = None,
    organisation: "Organisation | None" = None,
) -> CheckpointPin:
    """Write down that an agency has the latest checkpoint now, and return it.

    :raises Blocked: if there is none, or the person is no data steward
    """
    agency = organisation or by.organisation
    if agency is None or not (key or by.has_role(Role.DATA_STEWARD)):
        raise Blocked("A data steward keeps checkpoints for an agency.")
    latest = Checkpoint.objects.first()
    if latest is None:
        raise Blocked("No checkpoint is signed yet. One is made every hour; try again later.")
    row = CheckpointPin(organisation=agency, checkpoint=latest, person=by, key=key, at=at)
    details = {"organisation": agency.slug, "size": latest.size, "checkpoint": latest.pk}
    return create("checkpoint.pinned", row, by=by, at=at, details=details)


def latest_of(organisation: "Organisation") -> CheckpointPin | None:
    """Return the checkpoint that this agency fetched last."""
    rows = CheckpointPin.objects.filter(organisation=organisation)
    return rows.select_related("checkpoint", "person", "key").first()


def growth(since: object, latest: Checkpoint) -> list[bytes]:
    """Return the proof that the ledger of this checkpoint begins with its first lines, `since` many.

    :raises Blocked: if the ledger never had as many
    """
    if not since:
        return []
    if type(since) is not int or not 0 < since <= latest.size:
        raise Blocked(
            f"The latest checkpoint holds {latest.size} lines. You keep one over more: tell the hub."
        )
    return tree_of(latest.size).consistency(since, latest.size)
