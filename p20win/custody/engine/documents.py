"""Checks the PAdES seal of a PDF: an executed agreement, or a certificate of destruction."""

from dataclasses import dataclass, field
from typing import Any, BinaryIO

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from p20win.custody.engine.errors import Broken, Unreadable
from p20win.custody.engine.trust import Trust

# What a document says it is, in its keywords, and how we call that.
DOCUMENT_KINDS = {"p20win-agreement": "agreement", "p20win-certificate": "certificate"}


@dataclass(frozen=True)
class SealedDocument:
    """What the seals of a PDF show."""

    kind: str
    seals: int
    sealed_by: list[str]
    sealed_at: list[str]
    trusted: bool | None
    attached: dict[str, bytes] = field(default_factory=dict)


def verify_document(source: BinaryIO, trust: Trust | None) -> SealedDocument:
    """This will check every seal of a PDF; with trust anchors, also by whose authority they were made.

    :raises Unreadable: if it is not a PDF, or carries no seal
    :raises Broken: if it was changed after sealing, or was sealed by somebody not trusted
    """
    was_sealed = _mentions_a_seal(source)
    try:
        return _verify(source, trust)
    except Broken:
        raise
    except Exception as problem:  # a damaged PDF makes its parsers stumble in every way there is
        if was_sealed:
            raise Broken("The document or its seal is damaged.") from problem
        raise Unreadable("This PDF cannot be read, or carries no seal.") from problem


def _mentions_a_seal(source: BinaryIO) -> bool:
    """This will look for a seal's own mark, which even a damaged PDF still shows."""
    kept, found = b"", False
    while not found and (block := source.read(1 << 20)):
        found = b"/ByteRange" in kept + block
        kept = block[-10:]
    source.seek(0)
    return found


def _verify(source: BinaryIO, trust: Trust | None) -> SealedDocument:
    reader = PdfFileReader(source)
    seals = reader.embedded_regular_signatures
    kind = _kind(reader)
    if not seals:
        raise Unreadable("This PDF carries no seal.")
    judges = trust is not None and not trust.of_hub_alone  # a pinned key says nothing of certificates
    context = ValidationContext(
        trust_roots=[_to_asn1(certificate) for certificate in trust.certificates] if trust else [],
        allow_fetching=False,
    )
    names, times = [], []
    for place, seal in enumerate(seals):
        newest = place == len(seals) - 1
        # Comparing revisions is slow and needed only where something follows the last seal.
        whole = newest and seal.evaluate_signature_coverage() == SignatureCoverageLevel.ENTIRE_FILE
        status = validate_pdf_signature(seal, signer_validation_context=context, skip_diff=whole)
        if not (status.intact and status.valid) or not (whole or status.docmdp_ok):
            raise Broken("The document was changed after it was sealed.")
        if judges and not status.trusted:
            raise Broken("The document was sealed by somebody whose certificate you do not trust.")
        names.append(status.signing_cert.subject.human_friendly)
        times.append(status.signer_reported_dt.isoformat() if status.signer_reported_dt else "")
    trusted = True if judges else None
    return SealedDocument(kind, len(seals), names, times, trusted, attached=_attached(reader))


def _attached(reader: PdfFileReader) -> dict[str, bytes]:
    """This will read the files that a PDF carries, by name."""
    listed: Any = reader.root
    for name in ("/Names", "/EmbeddedFiles", "/Names"):
        if name not in listed:
            return {}
        listed = listed[name]  # by brackets: only they follow references
    entries = [listed[place] for place in range(1, len(listed), 2)]
    return {str(entry["/F"]): bytes(entry["/EF"]["/F"].data) for entry in entries}


def _kind(reader: PdfFileReader) -> str:
    # Sealing rewrites the XMP record without keywords; the older dictionary keeps what the writer put in.
    reference = reader.trailer_view.get("/Info")
    written = str(reference.get_object().get("/Keywords", "")) if reference else ""
    words = {word.strip() for word in written.replace(";", ",").split(",")}
    words |= {str(word).strip() for word in reader.document_meta_view.keywords or ()}
    return next((kind for word, kind in DOCUMENT_KINDS.items() if word in words), "sealed document")


def _to_asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
