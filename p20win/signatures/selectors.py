"""Questions about signatures."""

from django.db.models import QuerySet

from p20win.signatures.models import Signature


def signatures_on(
    document_kind: str, document_id: object, *, digest: str | None = None
) -> QuerySet[Signature]:
    """Return the signatures under a document; with a digest, only those under that exact text."""
    rows = Signature.objects.filter(document_kind=document_kind, document_id=str(document_id))
    if digest is not None:
        rows = rows.filter(document_digest=digest)
    return rows.select_related("signer", "organisation")
