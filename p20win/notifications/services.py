"""Telling people: inbox, outbox, reading."""

import datetime as dt
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse

from p20win import clock
from p20win.audit.public import Event
from p20win.notifications.models import Mail, MailChoice, Message, Preference
from p20win.notifications.registry import Notice, notices_for
from p20win.projects.public import Project
from p20win.refusal import Blocked
from p20win.workflow import amend, create

if TYPE_CHECKING:
    from p20win.accounts.models import User

logger = logging.getLogger(__name__)


@transaction.atomic
def tell(event: Event) -> int:
    """Put a message into the inbox of everyone who hears of this event, and its mail into the outbox.

    Return how many were told now; those told before are not told again.
    """
    told = set(Message.objects.filter(event_seq=event.seq).values_list("person_id", flat=True))
    before = len(told)
    for notice in notices_for(event.event):
        for person in _listeners(notice, event):
            if person.pk not in told:
                told.add(person.pk)
                _tell(notice, event, person)
    return len(told) - before


def _listeners(notice: Notice, event: Event) -> "Iterator[User]":
    for person in notice.audience(event):
        if person.is_active and not person.is_system and person.has_good_standing:
            yield person


def _tell(notice: Notice, event: Event, person: "User") -> None:
    project = Project.objects.filter(pk=event.project_id).first() if event.project_id else None
    words: dict[str, Any] = {
        "event": event,
        "project": project,
        "number": _number(project),
        "where": notice.where(event) if notice.where else "",
        **(notice.context(event) if notice.context else {}),
    }
    subject = notice.subject.format(title=project.title if project else "", **words)
    message, new = Message.objects.get_or_create(
        event_seq=event.seq,
        person=person,
        defaults={
            "event": event.event,
            "project": project,
            "subject": _one_line(subject),
            "text": render_to_string(notice.template, words | {"bare": True}).strip(),
            "where": words["where"],
            "at": event.at,
        },
    )
    if new and _is_mailed(notice, person):
        _queue(message, render_to_string(notice.template, words | {"link": link_to(message)}))


def _queue(message: Message, body: str) -> None:
    now = clock.real_now()
    Mail.objects.create(
        message=message,
        address=message.person.email,
        subject=message.subject,
        body=body.strip() + "\n",
        queued_at=now,
        try_at=now,
    )


def link_to(message: Message) -> str:
    """Return the address at which the person, once signed in, reads the message."""
    return settings.PORTAL_ADDRESS.rstrip("/") + reverse("notifications:message", args=[message.pk])


def _is_mailed(notice: Notice, person: "User") -> bool:
    if not notice.optional:
        return True
    chosen = Preference.objects.filter(person=person).values_list("mail", flat=True).first()
    return chosen != MailChoice.NECESSARY


def _number(project: Project | None) -> str:
    if project is None:
        return "P20 WIN"
    return project.number or "A request without a number yet"


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]


def mark_read(message: Message, *, by: "User", at: dt.datetime) -> Message:
    """Note that the person opened the message; the first time counts.

    :raises Blocked: if it is somebody else's
    """
    if message.person_id != by.pk:
        raise Blocked("This message was sent to somebody else.")
    if message.read_at is None:
        message.read_at = at
        message.save(update_fields=["read_at"])
    return message


@transaction.atomic
def mark_all_read(person: "User", *, at: dt.datetime) -> int:
    """Note that the person has seen all messages, and return how many were new."""
    unread = list(Message.objects.select_for_update().filter(person=person, read_at__isnull=True))
    for message in unread:
        mark_read(message, by=person, at=at)
    return len(unread)


@transaction.atomic
def choose_mail(person: "User", mail: str, *, at: dt.datetime) -> Preference:
    """Keep which mail the person wants."""
    preference = Preference.objects.filter(person=person).first()
    if preference is None:
        row = Preference(person=person, mail=MailChoice(mail))
        return create("mail_preference.chosen", row, by=person, at=at, details={"mail": mail})
    return amend(
        "mail_preference.chosen",
        preference,
        by=person,
        at=at,
        details={"mail": mail},
        mail=MailChoice(mail),
    )
