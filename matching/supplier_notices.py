"""What invited suppliers of lists hear of a match: that a list is asked for again, or kept longer (O-124).

The pages of the match are none of theirs: each notice leads to their own files.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from django.urls import reverse

from matching import standing
from matching.models import Keeping, Reopening
from p20win.custody import public as custody
from p20win.notifications.public import Notice

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.audit.models import Event


def _reopening(event: "Event") -> Reopening:
    rows = Reopening.objects.select_related("expected__slot__invitation__contact", "expected__slot__project")
    return rows.get(pk=event.subject_id)


def _asked_again(event: "Event") -> Iterable["User"]:
    invitation = _reopening(event).expected.slot.invitation
    return [] if invitation is None else [invitation.contact]


def _keeping(event: "Event") -> Keeping:
    return Keeping.objects.select_related("match__project").get(pk=event.subject_id)


def _whose_lists_are_kept(event: "Event") -> Iterable["User"]:
    rows = standing.invited(_keeping(event).match).filter(slots__status=custody.SlotStatus.FILLED)
    return [row.contact for row in rows]


NOTICES: Final = {
    "match.file_reopened": Notice(
        "emails/list_asked_again.txt",
        _asked_again,
        "{number}: a list is asked for again",
        where=lambda event: reverse("custody:slot", args=[_reopening(event).expected.slot_id]),
        context=lambda event: {"reopening": _reopening(event)},
    ),
    "keeping.agreed": Notice(
        "emails/list_kept_longer.txt",
        _whose_lists_are_kept,
        "{number}: your list is kept longer",
        where=lambda event: reverse("custody:slots"),
        context=lambda event: {"keeping": _keeping(event)},
    ),
}
