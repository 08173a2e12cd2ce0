"""Questions about messages and mail."""

from typing import TYPE_CHECKING

from django.db.models import QuerySet

from p20win.notifications.models import Mail, MailChoice, MailState, Message, Preference

if TYPE_CHECKING:
    from p20win.accounts.models import User


def inbox(person: "User") -> QuerySet[Message]:
    """Return what this person was told, newest first."""
    return Message.objects.filter(person=person).select_related("project")


def unread_count(person: "User") -> int:
    """Return how many messages the person has not opened."""
    return Message.objects.filter(person=person, read_at__isnull=True).count()


def mail_choice(person: "User") -> str:
    """Return which mail the person wants."""
    chosen = Preference.objects.filter(person=person).values_list("mail", flat=True).first()
    return chosen or MailChoice.EACH


def undelivered() -> QuerySet[Mail]:
    """Return the mails that were given up, for the health page."""
    return Mail.objects.filter(state=MailState.FAILED).order_by("-queued_at")
