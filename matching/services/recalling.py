"""Recalling a version: downloads stop, and who has a copy deletes it and says so."""

import datetime as dt
from typing import TYPE_CHECKING

from django.db import transaction

from matching import lifecycle
from matching.models import Delivery
from matching.services import fetching, removing
from matching.services.delivering import WINDOW
from p20win.audit.public import first_in_line
from p20win.deadlines import public as deadlines
from p20win.refusal import Blocked
from p20win.workflow import take

if TYPE_CHECKING:
    from p20win.accounts.models import User


@transaction.atomic
def recall(delivery: Delivery, *, reason: str, by: "User", at: dt.datetime) -> Delivery:
    """Recall a version. From now on nobody begins or goes on with a download of it; its bytes are removed.

    Downloads that run are cut, since access is asked again every second. Everybody who began one has to
    confirm that their copies are deleted.

    :raises Blocked: if it was recalled, the person is not of hub or operating group, or gives no reason
    """
    first_in_line()
    if not reason.strip():
        raise Blocked("Say why it is recalled. The recipient reads this.")
    delivery = take(
        lifecycle.RECALL,
        delivery,
        by=by,
        at=at,
        note=reason.strip(),
        details={"version": delivery.version},
        recalled_at=at,
        recalled_because=reason.strip(),
    )
    removing.remove_extract(delivery, by=by)
    deadlines.cancel(WINDOW, subject=delivery, at=at, by=by, note="It was recalled.")
    for row in delivery.downloads.select_related("person"):
        deadlines.cancel(fetching.RECEIPT, subject=row, at=at, by=by, note="It was recalled.")
    for person in {row.person for row in delivery.downloads.select_related("person")}:
        deadlines.start(
            fetching.RECALL,
            subject=delivery,
            project=delivery.project,
            at=at,
            by=by,
            waiting_on_person=person,
            where=delivery.get_absolute_url(),
        )
    return delivery
