"""The papers of the desk: what is in them, and keeping their exact bytes."""

import datetime as dt
import json
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from agreements import papers, terms
from agreements.models import OF_THE_RECIPIENT, Agreement, Certificate, Document
from p20win.custody.public import CERTIFICATE_FORMAT, CERTIFICATE_NAME
from p20win.signatures.public import Signature, signatures_on

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.projects.models import Project


def keep(content: bytes, *, kind: str, name: str, project: "Project | None", at: dt.datetime) -> Document:
    """Keep the exact bytes of a paper."""
    return Document.objects.create(
        kind=kind, name=name, project=project, digest=sha256(content).hexdigest(), content=content, made_at=at
    )


def agreement_pdf(agreement: Agreement) -> bytes:
    """Return the document that the parties sign."""
    return papers.pdf("documents/agreement.html", _agreement_context(agreement))


def executed_pdf(agreement: Agreement) -> bytes:
    """Return the text with its signatures; the signed bytes and the signature records are attached."""
    signatures = list(signatures_on("agreement", agreement.pk))
    assert agreement.document is not None  # noqa: S101  # it was signed
    records = json.dumps([signature_record(s) for s in signatures], indent=2, ensure_ascii=False).encode()
    context = _agreement_context(agreement) | {"signatures": signatures, "document": agreement.document}
    return papers.pdf(
        "documents/agreement.html",
        context,
        attachments=[
            (
                agreement.document.name,
                bytes(agreement.document.content),
                "The exact document that was signed",
            ),
            ("signatures.json", records, "The signature records"),
        ],
    )


def _agreement_context(agreement: Agreement) -> dict[str, Any]:
    values = terms.placeholders(agreement)
    return {
        "agreement": agreement,
        "terms": agreement.terms,
        "text": papers.text_as_html(agreement.template.kind, agreement.template.body, values),
    }


def signature_record(signature: Signature) -> dict[str, str]:
    """Return what is on record about a signature, for a reader outside the portal."""
    return {
        "signer": signature.typed_name,
        "organisation": signature.organisation.legal_name if signature.organisation else "",
        "capacity": signature.capacity,
        "intent": signature.intent,
        "signed_at": signature.signed_at.isoformat(),
        "document_sha256": signature.document_digest,
        "text_version": signature.text_version,
        "record": str(signature.pk),
    }


def statement_values(kind: str, person: "User", project: "Project | None") -> dict[str, str]:
    """Return the values that a personal statement's text is filled with."""
    values = {
        "person": person.name,
        "position": person.position or "no position stated",
        "organisation": person.organisation.legal_name if person.organisation else "no organisation",
    }
    if project is not None:
        values |= {"number": project.number, "title": project.title}
    return values


def statement_html(statement_kind: str, body: str, person: "User", project: "Project | None") -> str:
    """Return a personal statement as it is shown and signed."""
    return papers.text_as_html(statement_kind, body, statement_values(statement_kind, person, project))


def certificate_values(certificate: Certificate, agreement: Agreement | None) -> dict[str, str]:
    """Return the values that a certificate's text is filled with."""
    values = {
        "number": certificate.project.number,
        "title": certificate.project.title,
        "organisation": certificate.organisation.legal_name,
        "happened_on": certificate.happened_on.isoformat(),
        "method": str(certificate.facts["method"]),
    }
    if agreement is not None and certificate.kind in OF_THE_RECIPIENT:
        values |= {
            "effective_on": agreement.effective_at.date().isoformat() if agreement.effective_at else "",
            "ends_on": agreement.ends_on.isoformat(),
            "person": certificate.filed_by.name,
            "position": certificate.filed_by.position or "no position stated",
        }
    return values


def certificate_pdf(
    certificate: Certificate,
    agreement: Agreement | None,
    body: str,
    *,
    proofs: Mapping[int, dict[str, Any]],
) -> bytes:
    """Return a certificate as a paper; what it says of the ledger is attached for programs, and proven."""
    html = papers.text_as_html(certificate.kind, body, certificate_values(certificate, agreement))
    facts = certificate.facts
    context = {"certificate": certificate, "text": html, "facts": facts, "proven": bool(proofs)}
    attachments = [
        (f"proof-line-{line}.json", _as_json(proof), f"The proof that line {line} is in the ledger")
        for line, proof in proofs.items()
    ]
    if facts.get("ledger"):
        said = {"format": CERTIFICATE_FORMAT, "number": certificate.project.number, **facts}
        attachments.insert(0, (CERTIFICATE_NAME, _as_json(said), "What this certificate says, for programs"))
    return papers.pdf("documents/certificate.html", context, attachments=attachments)


def _as_json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, indent=2, ensure_ascii=False).encode()
