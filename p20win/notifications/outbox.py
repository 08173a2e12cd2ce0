"""The outbox: each mail is handed to the mail server once, and again only if that failed.

A mail is claimed in one transaction, sent outside of any, and noted in another, so that a slow mail server
holds no lock. If the process dies in between, the mail is sent again after a while with the same Message-ID,
by which mail programs show it once.
"""

import datetime as dt
import logging
from email.utils import parseaddr
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPSenderRefused
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q

from p20win import clock
from p20win.notifications.models import Mail, MailState

logger = logging.getLogger(__name__)

ATTEMPTS: Final = 36  # with the waits below a mail server may be away for more than a day
FIRST_WAIT: Final = dt.timedelta(minutes=1)
LONGEST_WAIT: Final = dt.timedelta(hours=1)
GIVEN_UP_AFTER: Final = dt.timedelta(minutes=10)  # a mail that a dead process was sending
PERMANENT: Final = 500  # from here on a mail server's answer will not change


def deliver(*, limit: int = 100) -> int:
    """Send what waits, and return how many mails went out."""
    sent = 0
    for _ in range(limit):
        mail = _claim()
        if mail is None:
            break
        sent += _send(mail)
    return sent


@transaction.atomic
def _claim() -> Mail | None:
    now = clock.real_now()
    open_ = Q(state=MailState.QUEUED, try_at__lte=now) | Q(
        state=MailState.SENDING, try_at__lte=now - GIVEN_UP_AFTER
    )
    mail = Mail.objects.select_for_update(skip_locked=True).filter(open_).order_by("try_at").first()
    if mail:
        mail.state, mail.try_at, mail.attempts = MailState.SENDING, now, mail.attempts + 1
        mail.save(update_fields=["state", "try_at", "attempts"])
    return mail


def _send(mail: Mail) -> bool:
    try:
        letter(mail).send()
    except (SMTPException, OSError) as error:
        _put_back(mail, error)
        return False
    mail.state, mail.sent_at, mail.trouble = MailState.SENT, clock.real_now(), ""
    mail.save(update_fields=["state", "sent_at", "trouble"])
    return True


def letter(mail: Mail) -> EmailMessage:
    """Return the mail as it is sent: plain text, marked as automatic, no tracking."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    headers = {"Message-ID": f"<{mail.pk}@{domain}>", "Auto-Submitted": "auto-generated"}
    return EmailMessage(mail.subject, mail.body, to=[mail.address], headers=headers)


def _put_back(mail: Mail, error: Exception) -> None:
    """Try later, twice as late each time; give up when the server says no for good, or after a day."""
    mail.trouble = type(error).__name__
    if _is_final(error) or mail.attempts >= ATTEMPTS:
        mail.state = MailState.FAILED
        logger.error("mail %s given up after %s attempts: %s", mail.pk, mail.attempts, mail.trouble)
    else:
        mail.state = MailState.QUEUED
        mail.try_at = clock.real_now() + wait_after(mail.attempts)
        logger.warning("mail %s not sent, attempt %s: %s", mail.pk, mail.attempts, mail.trouble)
    mail.save(update_fields=["state", "try_at", "trouble"])


def wait_after(attempts: int) -> dt.timedelta:
    """Return how long to wait after so many attempts."""
    return min(FIRST_WAIT * 2 ** min(attempts - 1, 12), LONGEST_WAIT)


def _is_final(error: Exception) -> bool:
    if isinstance(error, SMTPRecipientsRefused):
        return all(code >= PERMANENT for code, _ in error.recipients.values())
    return isinstance(error, SMTPSenderRefused) and error.smtp_code >= PERMANENT
