"""The portal's seal: a PAdES signature that tells anyone with a PDF reader that a paper is as the portal
made it.

The key and its certificate are files (P20WIN_SEAL_KEY, P20WIN_SEAL_CERTIFICATE). `manage.py seal_key` makes a
self-signed pair for a demo; an operator puts a certificate of the State's authority in its place. The seal
is a convenience for readers; what binds the parties are the signature records over the exact bytes (O-53).
"""

import datetime as dt
import io
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.conf import settings


class NoSealKey(RuntimeError):
    """The portal's seal key is not there; the operator makes or installs one."""


def seal(pdf: bytes, *, reason: str) -> bytes:
    """Return the PDF with the portal's seal (PAdES baseline B). :raises NoSealKey: if there is no key"""
    # Loaded where it is used: every process of the portal would start a quarter of a second later.
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers

    key, certificate = Path(settings.P20WIN_SEAL_KEY), Path(settings.P20WIN_SEAL_CERTIFICATE)
    if not key.is_file() or not certificate.is_file():
        raise NoSealKey("Run `manage.py seal_key`, or set P20WIN_SEAL_KEY and P20WIN_SEAL_CERTIFICATE.")
    signer = signers.SimpleSigner.load(str(key), str(certificate), key_passphrase=None)  # type: ignore[no-untyped-call]
    metadata = signers.PdfSignatureMetadata(
        field_name="PortalSeal", subfilter=fields.SigSeedSubFilter.PADES, reason=reason, md_algorithm="sha256"
    )
    out = signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), metadata, signer=signer)
    return bytes(out.getvalue())


def make_key(key_path: Path, certificate_path: Path, *, now: dt.datetime) -> None:
    """Make a self-signed seal key, for a demo or until the State's certificate is there."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "P20 WIN data request portal"),
            x509.NameAttribute(NameOID.COMMON_NAME, "P20 WIN portal seal"),
        ]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=5 * 365))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=True,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=True,
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(key_path, pem, 0o600)
    _write(certificate_path, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _write(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
