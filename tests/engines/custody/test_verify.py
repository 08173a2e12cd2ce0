"""`p20 verify`: tells the kind of file itself; any change shows; exit 0, 1 and 2."""

import datetime as dt
import hashlib
import io
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter
from pyhanko.sign import signers as pdf_signers

from client.main import main
from p20win.custody.engine import container, ledger, manifest, signing
from p20win.custody.engine.container import Binding
from p20win.custody.engine.errors import Unreadable
from p20win.custody.engine.trust import Trust, read_trust
from p20win.custody.engine.verify import BROKEN, MANIFEST_ENDING, UNKNOWN, VALID, verify_file

HUB, STRANGER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
TRUST = Trust(keys=frozenset([signing.public_text(HUB.public_key())]))
DISTRUST = Trust(keys=frozenset([signing.public_text(STRANGER.public_key())]))


def write(path, document):
    path.write_text(json.dumps(document, indent=2))
    return path


def a_receipt():
    return manifest.receipt(
        file_id="f", slot="s", project_number="DR-0034", source="SDE", destination="DOL", name="n",
        plain_bytes=3, plain_sha256="0" * 64, rows=1, columns=["ID"], received="2026-03-02",
        accepted="2026-03-02", sent_by="u", root="r",
        shown_by=manifest.BY_PERSON, statement_signed=None,
    )  # fmt: skip


@pytest.fixture
def receipt(tmp_path):
    return write(tmp_path / "receipt.json", signing.sign(a_receipt(), key=HUB, role="hub", at="2026-03-02"))


@pytest.fixture
def sealed(tmp_path):
    path, binding, key = tmp_path / "0192.p20", Binding("f", "p", "s", "d", "matching", 1), bytes(32)
    with path.open("wb") as target:
        seal = container.seal([b"ID\n1\n"], target, key=key, binding=binding)
    document = manifest.manifest(binding, seal, created="2026", statement_signed=None)
    write(tmp_path / ("0192.p20" + MANIFEST_ENDING), signing.sign(document, key=HUB, role="hub", at="2026"))
    return path


def export(count=4, *, signed=True, start=1):
    before, lines = hashlib.sha256(b"start").digest(), []
    lines.append({"format": ledger.LEDGER_FORMAT, "before": before.hex()})
    for seq in range(start, start + count):
        canonical = json.dumps([seq, "thing.happened", "x", "1", None, None, None, "t", "t", "", {}])
        before = hashlib.sha256(before + canonical.encode()).digest()
        lines.append({"canonical": canonical, "hash": before.hex()})
    if signed:
        document = ledger.checkpoint(seq=start + count - 1, head=before.hex(), at="2026")
        lines.append({"checkpoint": signing.sign(document, key=HUB, role="hub", at="2026")})
    return lines


def write_lines(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture(scope="module")
def authority():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test sealing authority")])
    start = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    usage = dict.fromkeys(
        (
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
            "crl_sign",
        ),
        False,
    )
    usage |= {"digital_signature": True, "content_commitment": True, "key_cert_sign": True}
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
        .not_valid_before(start).not_valid_after(start + dt.timedelta(days=30))
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    return key, certificate


@pytest.fixture(scope="module")
def agreement(authority, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pdf")
    key, certificate = authority
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    writer = PdfFileWriter()
    content = writer.add_object(generic.StreamObject(stream_data=b"BT ET"))
    writer.insert_page(
        PageObject(contents=content, media_box=generic.ArrayObject(map(generic.NumberObject, (0, 0, 9, 9))))
    )
    keywords = {generic.pdf_name("/Keywords"): generic.pdf_string("p20win-agreement")}
    writer.set_info(generic.DictionaryObject(keywords))
    plain = io.BytesIO()
    writer.write(plain)
    signer = pdf_signers.SimpleSigner.load(
        str(folder / "key.pem"), str(folder / "cert.pem"), ca_chain_files=()
    )
    sealed = pdf_signers.sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(plain.getvalue())),
        pdf_signers.PdfSignatureMetadata(field_name="Seal"),
        signer=signer,
    )
    return plain.getvalue(), sealed.getvalue()


@pytest.mark.obligation("O-53", "O-58")
class TestWhatHolds:
    def test_a_receipt(self, receipt):
        verdict = verify_file(receipt, TRUST)
        assert (verdict.kind, verdict.state, verdict.details["trusted"]) == ("receipt", VALID, True)
        assert verify_file(receipt).details["trusted"] is None

    def test_a_sealed_file_with_its_manifest_beside_it(self, sealed):
        verdict = verify_file(sealed, TRUST)
        assert (verdict.kind, verdict.state) == ("sealed file", VALID)

    def test_a_manifest_and_a_statement_by_themselves(self, sealed, tmp_path):
        assert verify_file(sealed.with_name(sealed.name + MANIFEST_ENDING)).kind == "manifest"
        fields = dict.fromkeys(
            "slot project source destination data_class name nonce created expires".split(), "x"
        )
        document = manifest.statement(**fields, plain_bytes=1, plain_sha256="0" * 64)
        path = write(tmp_path / "s.json", signing.sign(document, key=HUB, role="source", at="2026"))
        assert (verify_file(path).kind, verify_file(path).state) == ("statement", VALID)

    def test_a_ledger(self, tmp_path):
        verdict = verify_file(write_lines(tmp_path / "ledger.jsonl", export()), TRUST)
        assert (verdict.kind, verdict.state, verdict.details["lines"]) == ("ledger", VALID, 4)
        assert verify_file(write_lines(tmp_path / "part.jsonl", export(signed=False, start=7))).state == VALID

    def test_an_executed_agreement(self, agreement, authority, tmp_path):
        path = tmp_path / "agreement.pdf"
        path.write_bytes(agreement[1])
        verdict = verify_file(path, Trust(certificates=(authority[1],)))
        assert (verdict.kind, verdict.state, verdict.details["trusted"]) == ("agreement", VALID, True)
        assert verify_file(path).details["trusted"] is None


class TestWhatDoesNot:
    def test_signed_by_somebody_else(self, receipt, sealed, tmp_path):
        assert verify_file(receipt, DISTRUST).state == BROKEN
        assert verify_file(sealed, DISTRUST).state == BROKEN
        unsigned = write_lines(tmp_path / "l.jsonl", export(signed=False))
        assert verify_file(unsigned, TRUST).state == BROKEN
        assert verify_file(receipt, Trust()).state == BROKEN

    @pytest.mark.parametrize(
        "change", [lambda raw: raw[:-1], lambda raw: raw + b"x", lambda raw: raw[:60] + b"?"]
    )
    def test_a_changed_sealed_file(self, sealed, change):
        sealed.write_bytes(change(sealed.read_bytes()))
        assert verify_file(sealed, TRUST).state == BROKEN

    def test_another_sealed_files_manifest(self, sealed):
        other = sealed.with_name(sealed.name + MANIFEST_ENDING)
        signed = json.loads(other.read_text())
        signed["document"]["file_id"] = "another"
        write(other, signed)
        assert verify_file(sealed, TRUST).state == BROKEN

    def test_an_altered_agreement(self, agreement, authority, tmp_path):
        path = tmp_path / "agreement.pdf"
        raw = bytearray(agreement[1])
        raw[raw.index(b"BT ET")] ^= 1
        path.write_bytes(raw)
        assert verify_file(path, Trust(certificates=(authority[1],))).state == BROKEN

    def test_an_agreement_with_something_added_after_the_seal(self, agreement, authority, tmp_path):
        writer = IncrementalPdfFileWriter(io.BytesIO(agreement[1]))
        writer.root["/Added"] = generic.pdf_string("later")
        writer.update_root()
        added = io.BytesIO()
        writer.write(added)
        path = tmp_path / "agreement.pdf"
        path.write_bytes(added.getvalue())
        assert verify_file(path, Trust(certificates=(authority[1],))).state == BROKEN

    def test_an_agreement_sealed_by_somebody_else(self, agreement, tmp_path):
        path = tmp_path / "agreement.pdf"
        path.write_bytes(agreement[1])
        assert verify_file(path, TRUST).state == BROKEN

    @pytest.mark.parametrize(
        "change",
        [
            lambda lines: lines.pop(2),
            lambda lines: lines.insert(2, lines.pop(3)),
            lambda lines: lines[2].update(canonical=lines[2]["canonical"].replace("thing", "other")),
            lambda lines: lines.pop(-2),
            lambda lines: lines[0].update(before="00" * 32),
            lambda lines: lines[-1]["checkpoint"]["document"].update(seq=3),
            lambda lines: lines.append(lines[1]),
        ],
        ids=["removed", "moved", "edited", "cut", "other start", "checkpoint", "goes on"],
    )
    def test_a_changed_ledger(self, tmp_path, change):
        lines = export()
        change(lines)
        assert verify_file(write_lines(tmp_path / "l.jsonl", lines), TRUST).state == BROKEN


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"{}",
        b'{"document": {}, "signatures": []}',
        b"%PDF-1.7 nonsense",
        b"\x28" * 100,
        b"[1]",
    ],
)
def test_what_is_of_no_known_kind_is_said_to_be_so(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    assert verify_file(tmp_path / "x").state == UNKNOWN


def test_an_unsealed_pdf_is_not_called_valid(agreement, tmp_path):
    (tmp_path / "x.pdf").write_bytes(agreement[0])
    assert verify_file(tmp_path / "x.pdf").state == UNKNOWN


def test_signed_papers_of_unknown_format(tmp_path):
    path = write(tmp_path / "x", signing.sign({"format": "other"}, key=HUB, role="hub", at="2026"))
    assert verify_file(path).state == UNKNOWN


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_no_flipped_byte_of_a_sealed_pdf_passes(agreement, authority, tmp_path_factory, data):
    raw = bytearray(agreement[1])
    hole = range(raw.index(b"/Contents <"), raw.index(b"/ByteRange"))  # the signature itself, padded
    place = data.draw(st.integers(0, len(raw) - 1).filter(lambda place: place not in hole))
    raw[place] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path_factory.mktemp("flip") / "x.pdf"
    path.write_bytes(raw)
    verdict = verify_file(path, Trust(certificates=(authority[1],)))
    assert verdict.state != VALID


@given(st.binary(max_size=300))
@settings(max_examples=100)
def test_nothing_makes_it_stumble(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "x"
    for start in (
        b"",
        b"{",
        b"%PDF-",
        json.dumps(export()[0]).encode() + b"\n",
        b'{"document":{},"signatures":[',
    ):
        path.write_bytes(start + content)
        assert verify_file(path, TRUST).state in (BROKEN, UNKNOWN)


def test_the_trust_file(tmp_path, authority):
    path = tmp_path / "trust.pem"
    public, certificate = signing.public_pem(HUB.public_key()), authority[1].public_bytes(Encoding.PEM)
    path.write_bytes(public + certificate)
    trust = read_trust(path)
    assert (trust.keys, trust.certificates) == (TRUST.keys, (authority[1],))
    for bad in (b"", signing.private_pem(HUB), public.replace(b"M", b"?"), certificate.replace(b"M", b"?")):
        path.write_bytes(bad)
        with pytest.raises(Unreadable):
            read_trust(path)


class TestCommand:
    def test_exit_codes(self, receipt, tmp_path, capsys):
        (tmp_path / "trust.pem").write_bytes(signing.public_pem(HUB.public_key()))
        (tmp_path / "other.pem").write_bytes(signing.public_pem(STRANGER.public_key()))
        (tmp_path / "text").write_text("hello")

        assert main(["verify", str(receipt)]) == 0
        assert "--trust" in capsys.readouterr().out
        assert main(["verify", str(receipt), "--trust", str(tmp_path / "trust.pem")]) == 0
        assert main(["verify", str(receipt), "--trust", str(tmp_path / "other.pem")]) == 1
        assert main(["verify", str(tmp_path / "text")]) == 2
        assert main(["verify", str(tmp_path / "missing")]) == 2
        assert main(["verify", str(receipt), "--trust", str(tmp_path / "text")]) == 2

    def test_json(self, receipt, capsys):
        assert main(["verify", str(receipt), "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert (answer["kind"], answer["state"], answer["trusted"]) == ("receipt", "valid", None)
