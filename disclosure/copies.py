"""The copy of what was published: taken in if the acknowledgement stands in it (O-83, O-84)."""

import datetime as dt
import hashlib
from typing import TYPE_CHECKING

from django.db import transaction

from disclosure import acknowledging, checks
from disclosure.models import Output, PublishedCopy
from disclosure.services import COPY_CLOCK, LARGEST
from p20win.deadlines import public as deadlines
from p20win.refusal import Blocked
from p20win.workflow import create

if TYPE_CHECKING:
    from p20win.accounts.models import User


def file_copy(
    output: Output, *, name: str, content: bytes, where: str, by: "User", at: dt.datetime
) -> PublishedCopy:
    """Take in the copy of what was published (O-84), if the acknowledgement stands in it (O-83).

    :raises Blocked: if the output is not released, or it is not the author
    :raises NotAcknowledged: if the acknowledgement does not stand in it word for word, or nobody can tell
    """
    reasons = [why for why in (checks.is_author(output, by),) if why]
    reasons += checks.why_no_package(output, by, at)
    if not content or len(content) > LARGEST:
        reasons.append("Send a file of at most 5 MB.")
    if reasons:
        raise Blocked(reasons)
    acknowledging.look_for(name, content)
    return _keep_copy(output, name=name, content=content, where=where, by=by, at=at)


@transaction.atomic
def _keep_copy(
    output: Output, *, name: str, content: bytes, where: str, by: "User", at: dt.datetime
) -> PublishedCopy:
    digest = hashlib.sha256(content).hexdigest()
    row = PublishedCopy(
        output=output, name=name, content=content, digest=digest, where=where, received_at=at, by=by
    )
    create("copy.filed", row, by=by, at=at, details={"digest": digest})
    deadlines.meet(COPY_CLOCK, output, at=at, by=by)
    return row
