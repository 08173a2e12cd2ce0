"""Messages in people's inboxes, and the mail that goes out with them."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from p20win.audit.public import recorded
from p20win.ids import uuid7


class Message(models.Model):
    """What one person was told about one event. Its text is kept as it was sent (O-142)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="notices")
    event_seq = models.BigIntegerField()  # the ledger's line; the ledger takes no foreign keys
    event = models.CharField(max_length=80)
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, null=True, related_name="+")
    subject = models.CharField(max_length=200)
    text = models.TextField()
    where = models.CharField(max_length=300, blank=True)  # path in the portal
    at = models.DateTimeField()  # the portal's clock
    read_at = models.DateTimeField(null=True, blank=True)

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-at", "-event_seq"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="told_once", fields=["event_seq", "person"]),
            models.CheckConstraint(
                name="message_leads_into_the_portal", condition=Q(where="") | Q(where__startswith="/")
            ),
        ]
        indexes: ClassVar = [
            models.Index(name="message_unread", fields=["person"], condition=Q(read_at__isnull=True))
        ]

    def __str__(self) -> str:
        """Return the subject."""
        return self.subject


class MailState(models.TextChoices):
    """Where a mail stands."""

    QUEUED = "queued", "Waiting to be sent"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    FAILED = "failed", "Not delivered"


class Mail(models.Model):
    """One mail of the outbox. All its times are real, since mail servers know no demo clock."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    message = models.OneToOneField(Message, on_delete=models.PROTECT, related_name="mail")
    address = models.EmailField()
    subject = models.CharField(max_length=200)
    body = models.TextField()
    state = models.CharField(max_length=8, choices=MailState.choices, default=MailState.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    queued_at = models.DateTimeField()
    try_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    trouble = models.CharField(max_length=80, blank=True)  # the kind of failure, never the server's words

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="mail_state_known", condition=Q(state__in=MailState.values)),
            models.CheckConstraint(
                name="mail_sent_has_time", condition=~Q(state=MailState.SENT) | Q(sent_at__isnull=False)
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                name="mail_open",
                fields=["try_at"],
                condition=Q(state__in=[MailState.QUEUED, MailState.SENDING]),
            )
        ]

    def __str__(self) -> str:
        """Return the state."""
        return f"mail {self.state}"


class MailChoice(models.TextChoices):
    """Which mail a person wants beside the inbox."""

    EACH = "each", "Every notice"
    NECESSARY = "necessary", "Only those that ask something of me or must be sent"


class Preference(models.Model):
    """What a person chose about mail; without a row every notice is mailed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.OneToOneField("accounts.User", on_delete=models.PROTECT, related_name="mail_preference")
    mail = models.CharField(max_length=10, choices=MailChoice.choices, default=MailChoice.EACH)

    history = recorded()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="mail_choice_known", condition=Q(mail__in=MailChoice.values))
        ]

    def __str__(self) -> str:
        """Return the choice's label."""
        return self.get_mail_display()
