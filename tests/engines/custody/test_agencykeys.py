"""What a source's signature was worth, by the hub's list of agencies' keys."""

import datetime as dt
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from p20win.custody.engine import agencykeys, manifest, signing
from p20win.custody.engine.agencykeys import AgencyKey
from p20win.custody.engine.errors import Broken, CustodyError, Unreadable
from p20win.custody.engine.trust import read_trust
from p20win.custody.engine.verify import BROKEN, UNKNOWN, VALID, verify_file

NOW = dt.datetime(2026, 3, 2, 15, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
HUB, AGENCY, STRANGER = (Ed25519PrivateKey.generate() for _ in range(3))


def text(key):
    return signing.public_text(key.public_key())


def enrolled(*, key=AGENCY, organisation="a", ends=None, revoked=None, usable=NOW - DAY):
    def told(moment):
        return moment.isoformat() if moment else ""

    return AgencyKey(
        text(key),
        organisation,
        "Office of Learning",
        told(NOW - 2 * DAY),
        told(usable),
        told(ends),
        told(revoked),
    )


def a_list(*keys, signer=HUB):
    return agencykeys.sign_list(keys, key=signer, made=NOW + 30 * DAY)


def a_statement(*, at=NOW, key=AGENCY, hub_at=NOW, hub=HUB):
    document = manifest.statement(
        slot="s", project="p", source="a", destination="h", data_class="matching", name="n", plain_bytes=3,
        plain_sha256="0" * 64, nonce="n", created=at.isoformat(), expires=(at + DAY).isoformat(),
    )  # fmt: skip
    signed = signing.sign(document, key=key, role=signing.SOURCE, at=at.isoformat())
    if hub_at is None:
        return signed
    return signing.countersign(signed, key=hub, role=signing.HUB, at=hub_at.isoformat())


def a_receipt(statement, *, at=NOW + DAY):
    document = manifest.receipt(
        file_id="f", slot="s", project_number="DR-0034", source="SDE", destination="DOL", name="n",
        plain_bytes=3, plain_sha256="0" * 64, rows=1, columns=["ID"], received="2026-03-02",
        accepted="2026-03-03", sent_by="u", root="r", shown_by=manifest.BY_STATEMENT,
        statement_signed=statement,
    )  # fmt: skip
    return signing.sign(document, key=HUB, role=signing.HUB, at=at.isoformat())


@pytest.fixture
def judged(tmp_path):
    """Return a function that verifies a paper with a trust file of the hub's key and a list."""

    def judge(paper, *keys, signer=HUB):
        pem, path = tmp_path / "trust.pem", tmp_path / "paper.json"
        block = agencykeys.as_block(a_list(*keys, signer=signer))
        pem.write_bytes(signing.public_pem(HUB.public_key()) + block)
        path.write_text(json.dumps(paper))
        return verify_file(path, read_trust(pem))

    return judge


class TestJudging:
    @pytest.mark.obligation("O-58", "O-64")
    @pytest.mark.parametrize(
        ("keys", "state", "words"),
        [
            ([enrolled()], VALID, "valid when it signed."),
            ([enrolled(revoked=NOW + DAY)], VALID, "revoked later"),
            ([enrolled(ends=NOW + DAY)], VALID, "took its place later"),
            ([enrolled(revoked=NOW)], BROKEN, "revoked before"),
            ([enrolled(ends=NOW - dt.timedelta(seconds=1))], BROKEN, "had ended before"),
            ([enrolled(usable=NOW + dt.timedelta(seconds=1))], BROKEN, "not valid yet"),
            ([enrolled(organisation="b")], BROKEN, "another agency's"),
            ([enrolled(key=STRANGER)], UNKNOWN, "does not have the key"),
            ([], UNKNOWN, "does not have the key"),
        ],
        ids=[
            "valid",
            "revoked later",
            "replaced later",
            "revoked",
            "ended",
            "early",
            "another",
            "other",
            "none",
        ],
    )
    def test_by_the_time_that_the_hub_vouches_for(self, judged, keys, state, words):
        for paper in (a_receipt(a_statement()), a_statement()):
            verdict = judged(paper, *keys)
            assert verdict.state == state
            assert words in (verdict.details["source_signature"] if state == VALID else verdict.says)

    @pytest.mark.obligation("O-58")
    def test_who_stole_a_key_cannot_sign_as_of_before_it_was_revoked(self, judged):
        revoked = enrolled(revoked=NOW + DAY)
        late = a_statement(at=NOW, hub_at=NOW + 2 * DAY)
        assert judged(late, revoked).state == BROKEN
        alone = judged(a_statement(at=NOW, hub_at=None), revoked)
        assert (alone.state, "own word" in alone.says) == (UNKNOWN, True)
        assert judged(a_statement(hub=STRANGER, hub_at=NOW), revoked).state == UNKNOWN
        assert judged(a_statement(hub_at=None), enrolled()).state == VALID

    def test_an_older_receipt_vouches_by_its_own_time(self, judged):
        older = a_receipt(a_statement(hub_at=None), at=NOW + DAY)
        verdict = judged(older, enrolled(revoked=NOW + 2 * DAY))
        assert (verdict.state, verdict.details["source_signed_at"]) == (VALID, (NOW + DAY).isoformat())
        assert judged(older, enrolled(revoked=NOW + DAY)).state == BROKEN

    def test_what_no_agency_signed_is_not_judged(self, judged):
        verdict = judged(a_receipt(None), enrolled())
        assert verdict.state == VALID
        assert "source_signature" not in verdict.details

    @pytest.mark.obligation("O-58")
    def test_an_agencys_key_does_not_sign_for_the_hub(self, judged, tmp_path):
        forged = signing.sign(
            a_receipt(a_statement())["document"], key=AGENCY, role=signing.HUB, at=NOW.isoformat()
        )
        assert judged(forged, enrolled()).state == BROKEN

    @given(
        st.sampled_from([None, -2, -1, 0, 1, 2]), st.sampled_from([None, -2, -1, 0, 1, 2]), st.integers(-2, 2)
    )
    def test_no_signature_counts_at_or_after_an_end(self, ends, revoked, at):
        def moment(days):
            return None if days is None else NOW + days * DAY

        keys = agencykeys.read_list(
            a_list(enrolled(ends=moment(ends), revoked=moment(revoked), usable=NOW - 2 * DAY)),
            hub=[text(HUB)],
        )
        signer = signing.Signer(signing.SOURCE, text(AGENCY), NOW.isoformat())
        state = keys.judge(signer, source="a", hub_at=(NOW + at * DAY).isoformat()).state
        over = any(each is not None and each <= at for each in (ends, revoked))
        assert (state in agencykeys.HOLDS) == (not over)


class TestTheList:
    def test_must_be_signed_by_a_key_of_the_same_file(self, judged):
        with pytest.raises(Unreadable, match="does not hold"):
            judged(a_receipt(None), enrolled(), signer=STRANGER)

    def test_a_change_in_it_shows(self):
        signed = a_list(enrolled(revoked=NOW))
        signed["document"]["keys"][0]["revoked"] = ""
        with pytest.raises(Broken):
            agencykeys.read_list(signed, hub=[text(HUB)])

    @pytest.mark.parametrize(
        "keys",
        [
            None,
            [3],
            [{}],
            [{"key": 3}],
            [vars(enrolled()) | {"revoked": "soon"}],
            [vars(enrolled()) | {"key": "x"}],
            [vars(enrolled()) | {"usable": "2026-03-02T15:00:00"}],
        ],
    )
    def test_what_is_no_list_is_refused(self, keys):
        document = a_list()["document"] | {"keys": keys}
        signed = signing.sign(document, key=HUB, role=signing.HUB, at="2026")
        with pytest.raises(CustodyError):
            agencykeys.read_list(signed, hub=[text(HUB)])

    def test_twice_or_damaged_it_is_refused(self, tmp_path):
        path, block = tmp_path / "trust.pem", agencykeys.as_block(a_list(enrolled()))
        path.write_bytes(signing.public_pem(HUB.public_key()) + block)
        assert read_trust(path).agencies.keys[0].name == "Office of Learning"
        assert read_trust(path).keys == {text(HUB)}
        for wrong in (block + block, block.replace(b"e", b"!", 1), block[:40] + b"\n" + block[-27:]):
            path.write_bytes(signing.public_pem(HUB.public_key()) + wrong)
            with pytest.raises(Unreadable):
                read_trust(path)
