"""Mail: each once, later if the server fails, never for good unless it says so."""

import datetime as dt
import smtplib

import pytest
from django.core import mail as django_mail

from p20win import clock
from p20win.accounts.public import system_user
from p20win.audit.public import Event
from p20win.notifications import outbox, registry, services
from p20win.notifications.models import Mail, MailState
from p20win.notifications.public import Notice, register, undelivered
from p20win.notifications.tasks import deliver
from p20win.workflow import amend
from tests import factories
from tests.conftest import MONDAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def mail(monkeypatch):
    """One mail in the outbox."""
    monkeypatch.setattr(registry, "_notices", {})
    person = factories.person(email="reader@example.org")
    register({"test.happened": Notice("emails/generic.txt", lambda event: [person], "News")})
    amend("test.happened", factories.project(), by=system_user(), at=MONDAY)
    services.tell(Event.objects.latest("seq"))
    return Mail.objects.get()


@pytest.fixture
def server(monkeypatch):
    """Return a function that lets the mail server answer with this failure."""

    def fail_with(error):
        def send(self, fail_silently=False):
            raise error

        monkeypatch.setattr("django.core.mail.EmailMessage.send", send)

    return fail_with


def later(mail, **passed):
    """Let time pass for the outbox, by moving the mail back."""
    mail.refresh_from_db()
    mail.try_at -= dt.timedelta(**passed)
    mail.save()


class TestSending:
    def test_a_mail_goes_out_once(self, mail):
        assert outbox.deliver(limit=0) == 0
        deliver()
        deliver()

        [sent] = django_mail.outbox
        mail.refresh_from_db()
        assert (mail.state, mail.attempts) == (MailState.SENT, 1)
        assert mail.sent_at is not None
        assert sent.to == ["reader@example.org"]

    def test_is_plain_text_marked_as_automatic_with_a_lasting_id(self, mail):
        letter = outbox.letter(mail).message()

        assert letter.get_content_type() == "text/plain"
        assert letter["Auto-Submitted"] == "auto-generated"
        assert letter["Message-ID"] == f"<{mail.pk}@p20win.example.org>"
        assert outbox.letter(mail).message()["Message-ID"] == letter["Message-ID"]


class TestFailure:
    @pytest.mark.parametrize(
        "error", [ConnectionRefusedError(), smtplib.SMTPServerDisconnected("x"), TimeoutError()]
    )
    def test_is_tried_again_later(self, mail, server, error):
        server(error)
        assert outbox.deliver() == 0

        mail.refresh_from_db()
        assert (mail.state, mail.trouble) == (MailState.QUEUED, type(error).__name__)
        assert mail.try_at > clock.real_now() + dt.timedelta(seconds=50)

    def test_goes_out_once_the_server_is_back(self, mail, monkeypatch, server):
        with monkeypatch.context():
            server(ConnectionRefusedError())
            outbox.deliver()
        monkeypatch.undo()
        later(mail, hours=2)

        assert outbox.deliver() == 1
        assert len(django_mail.outbox) == 1

    def test_the_servers_words_are_not_kept(self, mail, server, caplog):
        server(smtplib.SMTPDataError(450, b"greylisted reader@example.org"))
        outbox.deliver()

        mail.refresh_from_db()
        assert mail.trouble == "SMTPDataError"
        assert "reader@example.org" not in caplog.text

    @pytest.mark.parametrize(
        ("error", "state"),
        [
            (smtplib.SMTPRecipientsRefused({"reader@example.org": (550, b"no such user")}), MailState.FAILED),
            (smtplib.SMTPRecipientsRefused({"reader@example.org": (451, b"later")}), MailState.QUEUED),
            (smtplib.SMTPSenderRefused(550, b"not from you", "portal@example.org"), MailState.FAILED),
        ],
    )
    def test_a_final_no_ends_it(self, mail, server, error, state):
        server(error)
        outbox.deliver()

        mail.refresh_from_db()
        assert mail.state == state
        assert undelivered().count() == (state == MailState.FAILED)

    def test_waits_grow_to_an_hour_and_last_more_than_a_day(self, mail, server):
        server(ConnectionRefusedError())
        for _ in range(outbox.ATTEMPTS):
            outbox.deliver()
            later(mail, hours=2)

        mail.refresh_from_db()
        waits = [outbox.wait_after(n) for n in range(1, outbox.ATTEMPTS)]
        assert mail.state == MailState.FAILED
        assert waits[:3] == [dt.timedelta(minutes=n) for n in (1, 2, 4)]
        assert max(waits) == dt.timedelta(hours=1)
        assert sum(waits, dt.timedelta()) > dt.timedelta(hours=24)

    def test_what_a_dead_process_was_sending_is_taken_up_after_a_while(self, mail):
        mail.state, mail.try_at = MailState.SENDING, clock.real_now()
        mail.save()
        assert outbox.deliver() == 0

        later(mail, minutes=11)

        assert outbox.deliver() == 1
