"""The door of notifications."""

from p20win.notifications.models import MailChoice, Message
from p20win.notifications.registry import Notice, register, registered
from p20win.notifications.selectors import inbox, undelivered, unread_count
from p20win.notifications.services import tell

__all__ = [
    "MailChoice",
    "Message",
    "Notice",
    "inbox",
    "register",
    "registered",
    "tell",
    "undelivered",
    "unread_count",
]
