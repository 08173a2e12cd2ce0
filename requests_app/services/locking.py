"""Holding a request while something about it changes, so that two clicks at once wait for each other."""

import datetime as dt
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import models

from p20win.audit.public import first_in_line, record
from p20win.refusal import Blocked
from requests_app import checks
from requests_app.models import DataRequest

if TYPE_CHECKING:
    from p20win.accounts.models import User


def hold(request: DataRequest) -> DataRequest:
    """Lock the request's row until the transaction ends, and read it anew."""
    first_in_line()
    return DataRequest.objects.select_for_update().get(pk=request.pk)


def hold_to_edit(request: DataRequest, by: "User") -> DataRequest:
    """Lock the request for a change of what it says.

    :raises Blocked: if it is not in the requestor's hands, or this is not the requestor
    """
    held = hold(request)
    if why := checks.why_not_edit(held, by):
        raise Blocked(why)
    return held


def refuse_unless_valid(row: models.Model, *, exclude: tuple[str, ...] = ()) -> None:
    """Refuse a row whose fields or constraints do not hold, naming each field. :raises Blocked: if so"""
    try:
        row.clean_fields(exclude=exclude)
        row.validate_constraints()  # with the fields left out above: most constraints name the request
    except ValidationError as error:
        raise Blocked(_reasons(row, error)) from None


def _reasons(row: models.Model, error: ValidationError) -> list[str]:
    reasons = []
    for name, messages in error.message_dict.items():
        where = "" if name == "__all__" else f"{row._meta.get_field(name).verbose_name}: "  # type: ignore[union-attr]
        reasons += [f"{where}{message}" for message in messages]
    return reasons


def remove(event: str, row: models.Model, *, by: "User", at: dt.datetime) -> None:
    """Delete a row, its history kept, and write it in the ledger. The caller holds the request."""
    row._history_user = by  # type: ignore[attr-defined]
    row._change_reason = event  # type: ignore[attr-defined]
    record(event, row, by=by, at=at)
    row.delete()
