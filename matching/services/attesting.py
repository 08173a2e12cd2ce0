"""Who supplied data and gets the key attests first that its own link from real to synthetic ids is gone."""

import datetime as dt
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from django.db import transaction

from agreements import public as agreements
from matching import checks
from matching.models import LinkAttestation, Match
from p20win.audit.public import first_in_line
from p20win.refusal import Blocked
from p20win.workflow import create

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation, User

TEXT_VERSION: Final = "1"
WORDS: Final = (
    "I attest for {organisation} that its own link from real identifiers to the synthetic ids that were sent"
    " for {number} is destroyed, with every copy of it."
)
TO_AGENCIES: Final = (
    " The hub gives this word to the participating agencies, since it analyses the data itself."
)


def words(match: Match, organisation: "Organisation") -> str:
    """Return what is attested; a hub that analyses gives its word to the agencies (O-108)."""
    said = WORDS.format(organisation=organisation.legal_name, number=match.project.number)
    return said + TO_AGENCIES if organisation.is_hub else said


@transaction.atomic
def attest(match: Match, *, by: "User", typed_name: str, password: str, at: dt.datetime) -> LinkAttestation:
    """Attest for one's organisation that its own link is destroyed; before that it gets no key (O-108).

    :raises Blocked: if it holds none, has attested, may not download, or the person is not proven
    """
    first_in_line()
    if reasons := checks.why_not_attest(match, by, at):
        raise Blocked(reasons)
    organisation = by.organisation
    if organisation is None:
        raise Blocked("You belong to no organisation.")
    said = words(match, organisation)
    row = LinkAttestation(match=match, organisation=organisation, at=at)
    row.signature = agreements.sign(
        signer=by,
        organisation=organisation,
        capacity="data integration hub" if organisation.is_hub else "supplier that receives the key",
        project=match.project,
        document_kind="link_attestation",
        document_id=row.pk,
        document_digest=sha256(said.encode()).hexdigest(),
        text_version=TEXT_VERSION,
        intent=said,
        typed_name=typed_name,
        password=password,
        at=at,
    )
    return create("link.attested", row, by=by, at=at, details={"organisation": organisation.slug})
