"""The hub's list of keys: by the pinned key, in time, and never an older one."""

import copy
import datetime as dt

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from p20win.custody.engine import age, hubkeys, pieces, signing
from p20win.custody.engine.encoding import canonical, parse
from p20win.custody.engine.errors import CustodyError, Unreadable
from p20win.custody.engine.hubkeys import (
    AGE,
    SEAL,
    SIGN,
    HubKey,
    NotOfTheHub,
    OutOfTime,
    RolledBack,
    Seen,
)

NOW = dt.datetime(2026, 3, 2, 15, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
HUB, NEXT, THIRD, STRANGER = (Ed25519PrivateKey.generate() for _ in range(4))
VAULT = X25519PrivateKey.generate().public_key()


def text(key):
    return signing.public_text(key.public_key())


NAMED = [
    HubKey(SIGN, 1, text(HUB), (NOW - DAY).isoformat()),
    HubKey(SEAL, 1, pieces.vault_public_text(VAULT), (NOW - DAY).isoformat()),
    HubKey(AGE, 1, age.recipient(VAULT), (NOW - DAY).isoformat()),
]


def a_list(keys=NAMED, *, key=HUB, version=5, made=NOW, life=7 * DAY, successions=()):
    return hubkeys.sign_list(
        keys, key=key, version=version, made=made, expires=made + life, successions=successions
    )


def read(signed, *, pinned=HUB, at=NOW, seen=None):
    return hubkeys.read_list(parse(canonical(signed)), pinned=text(pinned), at=at, seen=seen)


def succession(new, former, *, version=2, until=NOW + 30 * DAY):
    return hubkeys.sign_succession(text(new), version=version, former=former, made=NOW, until=until)


class TestReading:
    @pytest.mark.obligation("O-58")
    def test_names_what_to_seal_for(self):
        keys = read(a_list())
        assert keys.current(SEAL, NOW).key == pieces.vault_public_text(VAULT)
        assert keys.current(AGE, NOW).key.startswith("age1")
        assert keys.names(SEAL, pieces.vault_public_text(VAULT), NOW)
        assert not keys.names(AGE, pieces.vault_public_text(VAULT), NOW)
        assert (keys.signer, keys.seen()) == (text(HUB), Seen(5, keys.digest))

    @pytest.mark.obligation("O-58")
    @pytest.mark.parametrize(
        ("signed", "asked", "problem"),
        [
            (a_list(key=STRANGER), {}, NotOfTheHub),
            (a_list(), {"pinned": STRANGER}, NotOfTheHub),
            (a_list(), {"at": NOW + 7 * DAY}, OutOfTime),
            (a_list(), {"at": NOW - dt.timedelta(minutes=11)}, OutOfTime),
            (a_list(version=4), {"seen": Seen(5, "0" * 64)}, RolledBack),
            (a_list(), {"seen": Seen(5, "0" * 64)}, RolledBack),
            ({"document": {}, "signatures": []}, {}, Unreadable),
            (signing.sign({"format": "other"}, key=HUB, role="hub", at="2026"), {}, Unreadable),
            (signing.sign(a_list()["document"], key=HUB, role="source", at="2026"), {}, NotOfTheHub),
        ],
        ids=["stranger", "other pin", "over", "early", "older", "twin", "empty", "other paper", "other role"],
    )
    def test_what_does_not_hold_is_refused_each_for_its_reason(self, signed, asked, problem):
        with pytest.raises(problem):
            read(signed, **asked)

    def test_the_same_list_and_a_newer_one_are_taken(self):
        seen = read(a_list()).seen()
        assert read(a_list(), seen=seen).seen() == seen
        assert read(a_list(version=6), seen=seen).version == 6
        assert read(a_list(), at=NOW - dt.timedelta(minutes=9)).version == 5  # clocks differ

    def test_of_two_keys_the_newer_that_holds_is_taken(self):
        new = pieces.vault_public_text(X25519PrivateKey.generate().public_key())
        old = HubKey(SEAL, 1, NAMED[1].key, NAMED[1].begins, (NOW + 2 * DAY).isoformat())
        keys = read(a_list([NAMED[0], old, HubKey(SEAL, 2, new, (NOW + DAY).isoformat())]))
        assert keys.current(SEAL, NOW).version == 1
        assert keys.current(SEAL, NOW + DAY).version == 2
        assert keys.names(SEAL, old.key, NOW + DAY)
        assert not keys.names(SEAL, old.key, NOW + 2 * DAY)
        with pytest.raises(OutOfTime):
            keys.current(AGE, NOW)

    @given(st.data())
    def test_any_change_of_the_document_is_refused(self, data):
        signed = copy.deepcopy(a_list())
        key = data.draw(st.sampled_from(signed["document"]["keys"]))
        field = data.draw(st.sampled_from(["purpose", "key", "begins", "ends"]))
        value = data.draw(st.one_of(st.text(max_size=60), st.none(), st.integers(0, 9)))
        if key[field] == value:
            return
        key[field] = value
        with pytest.raises(CustodyError):
            read(signed)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=9),
            lambda inner: (
                st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
            ),
            max_leaves=12,
        )
    )
    def test_whatever_the_hub_signed_wrongly_ends_in_a_refusal_and_nothing_else(self, rubbish):
        for field in ("version", "made", "expires", "keys", "successions"):
            document = a_list()["document"] | {field: rubbish}
            signed = signing.sign(document, key=HUB, role=signing.HUB, at=NOW.isoformat())
            try:
                read(signed)
            except CustodyError:
                continue
            assert field in ("version", "successions", "keys")
            if field == "version":
                assert isinstance(rubbish, int)
                assert rubbish > 0
            else:
                assert all(isinstance(each, dict) for each in rubbish)  # such a succession leads nowhere


class TestFollowing:
    @pytest.mark.obligation("O-58")
    def test_the_pin_follows_from_key_to_key(self):
        signed = a_list(key=THIRD, successions=[succession(THIRD, NEXT), succession(NEXT, HUB)])
        assert read(signed).signer == text(THIRD)
        assert read(signed, pinned=NEXT).signer == text(THIRD)
        with pytest.raises(NotOfTheHub):
            read(signed, pinned=STRANGER)

    @pytest.mark.parametrize(
        "forged",
        [
            succession(NEXT, STRANGER),
            succession(NEXT, HUB, until=NOW),
            succession(THIRD, HUB) | {"signatures": []},
            signing.sign(succession(NEXT, HUB)["document"], key=STRANGER, role="hub", at="2026"),
            signing.sign(
                succession(NEXT, STRANGER)["document"] | {"follows": text(HUB)}, key=STRANGER, role="hub",
                at="2026",
            ),
        ],
        ids=["stranger", "over", "unsigned", "signed by another", "in another's name"],
    )  # fmt: skip
    def test_no_other_key_leads_on(self, forged):
        with pytest.raises(NotOfTheHub):
            read(a_list(key=NEXT, successions=[forged]))

    def test_a_pin_that_moved_on_does_not_go_back(self):
        with pytest.raises(NotOfTheHub):
            read(a_list(key=HUB, version=9, successions=[succession(NEXT, HUB)]), pinned=NEXT)

    def test_a_ring_ends(self):
        ring = [succession(NEXT, HUB), succession(HUB, NEXT)]
        assert read(a_list(successions=ring)).signer == text(HUB)


class TestFingerprint:
    @given(st.sampled_from(["", " ", ":", "-"]), st.booleans())
    def test_may_be_spelt_in_many_ways_but_is_whole(self, between, upper):
        mark = hubkeys.fingerprint(text(HUB))
        told = between.join(mark[at : at + 4] for at in range(0, 64, 4))
        assert hubkeys.is_fingerprint_of(told.upper() if upper else told, text(HUB))
        assert not hubkeys.is_fingerprint_of(told[:-1], text(HUB))
        assert not hubkeys.is_fingerprint_of("", text(HUB))
        assert not hubkeys.is_fingerprint_of(told, text(STRANGER))
        assert hubkeys.in_groups(mark).replace(" ", "") == mark

    def test_who_signed_is_told_before_it_is_trusted(self):
        assert hubkeys.signers_of(a_list(key=STRANGER)) == [text(STRANGER)]
        with pytest.raises(CustodyError):
            hubkeys.signers_of(succession(NEXT, HUB))
