"""The one signing act: identity proved again, exact text, once, for ever."""

import datetime as dt

import pytest
from django.db import ProgrammingError, transaction

from p20win import clock
from p20win.accounts.public import Standing
from p20win.audit.public import events_of
from p20win.refusal import Blocked
from p20win.signatures.public import Signature, sign, signatures_on
from tests import factories

pytestmark = pytest.mark.django_db
DIGEST = "ab" * 32


def _sign(person, **changes):
    arguments = {
        "signer": person,
        "organisation": person.organisation,
        "capacity": "for oneself",
        "project": None,
        "document_kind": "paper",
        "document_id": "1",
        "document_digest": DIGEST,
        "text_version": "v1",
        "intent": "I sign.",
        "typed_name": person.name,
        "password": factories.PASSWORD,
        "at": factories.START,
    }
    return sign(**(arguments | changes))


@pytest.mark.obligation("O-53", "O-27")
class TestSign:
    def test_keeps_who_what_when_and_why(self, demo_clock):
        demo_clock(dt.timedelta(days=10))
        person = factories.person()

        signature = _sign(person)

        assert (signature.document_digest, signature.text_version, signature.intent) == (
            DIGEST,
            "v1",
            "I sign.",
        )
        assert abs(clock.real_now() - signature.signed_at) < dt.timedelta(minutes=1)
        assert list(signatures_on("paper", "1", digest=DIGEST)) == [signature]
        assert not signatures_on("paper", "1", digest="cd" * 32)
        assert events_of(signature).get().event == "document.signed"

    def test_c31_after_five_wrong_passwords_the_right_one_must_wait(self):
        person = factories.person()
        for _ in range(5):
            with pytest.raises(Blocked, match="password is not right"):
                _sign(person, password="wrong")

        with pytest.raises(Blocked, match="Too many wrong passwords"):
            _sign(person)
        assert _sign(factories.person())

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"password": "wrong"}, "password is not right"),
            ({"typed_name": "Somebody Else"}, "Type your name as it stands"),
        ],
    )
    def test_needs_the_signers_own_proof(self, changes, why):
        with pytest.raises(Blocked, match=why):
            _sign(factories.person(), **changes)

        assert not Signature.objects.exists()

    def test_the_same_text_is_signed_once(self):
        person = factories.person()
        _sign(person)

        with pytest.raises(Blocked, match="signed this already"):
            _sign(person)

    def test_a_suspended_person_cannot_sign(self):
        with pytest.raises(Blocked, match="does not take part"):
            _sign(factories.person(standing=Standing.SUSPENDED))

    def test_nobody_changes_or_removes_a_signature(self):
        signature = _sign(factories.person())

        with pytest.raises(ProgrammingError, match="it only grows"), transaction.atomic():
            Signature.objects.filter(pk=signature.pk).delete()
        with pytest.raises(ProgrammingError, match="it only grows"), transaction.atomic():
            Signature.objects.filter(pk=signature.pk).update(intent="Something else")
