"""Acts on agreements."""

import datetime as dt
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.urls import reverse

from agreements import checks, lifecycle, seal, selectors, terms
from agreements.documents import agreement_pdf, executed_pdf, keep
from agreements.models import Agreement, AgreementStatus, Capacity, Document, Party, TextKind
from p20win.accounts.public import Role, hub, is_operating_group, people_with_role
from p20win.audit.public import first_in_line
from p20win.deadlines import public as deadlines
from p20win.jobs import public as jobs
from p20win.projects import public as projects
from p20win.refusal import Blocked
from p20win.signatures.public import sign
from p20win.workflow import amend, create, take

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.jobs.public import RunningJob
    from p20win.projects.models import Project

SIGNING_INTENT: Final = (
    "By typing my name I sign this agreement for {organisation},"
    " and affirm that I have the authority to bind it."
)


@transaction.atomic
def draw_up(project: "Project", *, ends_on: dt.date, by: "User", at: dt.datetime) -> Agreement:
    """Draw up an agreement on the project's approved request, and have its document made (O-52).

    A draft that was there is voided by the new version.

    :raises Blocked: if the person is not of the operating group, an agreement is in force, or the dates do
    not fit
    """
    if why := is_operating_group(project, by):
        raise Blocked(why)
    earlier = selectors.agreement_for(project)
    if earlier and earlier.status == AgreementStatus.IN_FORCE:
        raise Blocked("An agreement is in force. It changes by an amendment.")
    stated = terms.from_request(project)
    destruction_date = dt.date.fromisoformat(stated["destruction_date"])
    if destruction_date > ends_on:
        raise Blocked(
            f"The request destroys the data on {destruction_date}. Let the agreement end then or later."
        )
    if earlier and earlier.status in (AgreementStatus.DRAFT, AgreementStatus.SIGNING):
        void(earlier, by=by, at=at, note="Replaced by a new version.")
    agreement = Agreement(
        project=project,
        version=(earlier.version if earlier else 0) + 1,
        template=selectors.text(TextKind.AGREEMENT),
        status_since=at,
        terms=stated,
        ends_on=ends_on,
        destruction_date=destruction_date,
    )
    create("agreement.drawn_up", agreement, by=by, at=at, details={"version": agreement.version})
    recipient = projects.recipient(project)
    signing = [(agency, Capacity.AGENCY) for agency in projects.suppliers(project)] + [(hub(), Capacity.HUB)]
    signing += [(recipient, Capacity.RECIPIENT)] if recipient else []
    for organisation, capacity in signing:
        party = Party(agreement=agreement, organisation=organisation, capacity=capacity)
        details = {"organisation": organisation.slug, "capacity": str(capacity)}
        create("agreement.party_named", party, by=by, at=at, details=details)
    jobs.after_commit(
        "agreements.make_document", project_id=project.pk, asked_by_id=by.pk, agreement_id=agreement.pk
    )
    return agreement


def make_document(agreement: Agreement, job: "RunningJob", *, by: "User", at: dt.datetime) -> Agreement:
    """Make the document that the parties will sign, unless it is there already."""
    if agreement.document_id or agreement.status != AgreementStatus.DRAFT:
        return agreement
    job.progress(10, "Making the document")
    content = agreement_pdf(agreement)
    job.progress(90, "Keeping the document")
    with transaction.atomic():
        job.hold()
        name = f"agreement-{agreement.project.number}-v{agreement.version}-to-sign.pdf"
        document = keep(content, kind="agreement", name=name, project=agreement.project, at=at)
        return amend(
            "agreement.document_made",
            agreement,
            by=by,
            at=at,
            document=document,
            details={"digest": document.digest},
        )


@transaction.atomic
def issue(agreement: Agreement, *, by: "User", at: dt.datetime) -> Agreement:
    """Send the agreement to the parties for signature; each has its deadline.

    :raises Blocked: if the document is not made, a legal content is missing, or a memorandum is not in force
    """
    agreement = take(lifecycle.ISSUE, agreement, by=by, at=at)
    for party in selectors.waiting_parties(agreement):
        # All signatories of a party must be able to see what they are asked to sign.
        for signatory in people_with_role(Role.SIGNATORY, party.organisation):
            projects.open_to_person(agreement.project, signatory, ["view_project"])
        deadlines.start(
            "signature",
            subject=party,
            project=agreement.project,
            at=at,
            by=by,
            waiting_on_role=Role.SIGNATORY,
            waiting_on_organisation=party.organisation,
            where=reverse("agreements:detail", args=[agreement.pk]),
        )
    return agreement


@transaction.atomic
def sign_agreement(
    agreement: Agreement,
    *,
    by: "User",
    typed_name: str,
    password: str,
    affirms_authority: bool,
    at: dt.datetime,
) -> Agreement:
    """Sign for one's organisation. The last signature puts the agreement in force (O-53).

    :raises Blocked: if it is not out for signature, the person may not bind a party, or did not prove who
    they are
    """
    first_in_line()
    agreement = Agreement.objects.select_for_update().get(pk=agreement.pk)
    reasons = checks.why_not_sign(agreement, by)
    if not affirms_authority:
        reasons.append("Affirm that you have the authority to bind your organisation.")
    if reasons:
        raise Blocked(reasons)
    document = agreement.document
    assert document is not None  # noqa: S101  # the database says so for every status past draft
    for party in checks.parties_of(agreement, by):
        if party.signature_id:
            continue
        signature = sign(
            signer=by,
            organisation=party.organisation,
            capacity=f"authorised signatory, {party.get_capacity_display().lower()}",
            project=agreement.project,
            document_kind="agreement",
            document_id=agreement.pk,
            document_digest=document.digest,
            text_version=agreement.template.version,
            intent=SIGNING_INTENT.format(organisation=party.organisation.legal_name),
            typed_name=typed_name,
            password=password,
            at=at,
        )
        amend(
            "agreement.signed", party, by=by, at=at, signature=signature, details={"digest": document.digest}
        )
        deadlines.meet("signature", subject=party, at=at, by=by)
    if not selectors.waiting_parties(agreement).exists():
        agreement = take(lifecycle.ENTER_INTO_FORCE, agreement, by=by, at=at, effective_at=at)
        jobs.after_commit("agreements.execute", project_id=agreement.project_id, agreement_id=agreement.pk)
    return agreement


def execute(agreement: Agreement, job: "RunningJob", *, by: "User", at: dt.datetime) -> Agreement:
    """Make the executed copy.

    The signed text with its signatures, the exact signed bytes attached, sealed.
    """
    if agreement.executed_id:
        return agreement
    job.progress(10, "Making the executed copy")
    content = seal.seal(
        executed_pdf(agreement), reason=f"Executed copy of the agreement on {agreement.project.number}"
    )
    job.progress(90, "Keeping the executed copy")
    with transaction.atomic():
        job.hold()
        name = f"agreement-{agreement.project.number}.pdf"
        document = keep(content, kind="executed_agreement", name=name, project=agreement.project, at=at)
        return amend(
            "agreement.executed",
            agreement,
            by=by,
            at=at,
            executed=document,
            details={"digest": document.digest},
        )


def void(agreement: Agreement, *, by: "User", at: dt.datetime, note: str) -> Agreement:
    """Void a version that is not in force. :raises Blocked: if it is, or by anyone but the operating group"""
    agreement = take(lifecycle.VOID, agreement, by=by, at=at, note=note)
    for party in agreement.parties.all():
        deadlines.cancel("signature", subject=party, at=at, by=by)
    return agreement


def end(agreement: Agreement, *, by: "User", at: dt.datetime, note: str = "") -> Agreement:
    """End the agreement; from now on nothing moves under it. :raises Blocked: if it is not in force"""
    return take(lifecycle.END, agreement, by=by, at=at, note=note)


def digest_of(content: bytes) -> str:
    """Return the SHA-256 of some bytes, in hex."""
    return sha256(content).hexdigest()


def document_bytes(document: Document) -> bytes:
    """Return a document's exact bytes, checked against its digest.

    :raises RuntimeError: if they are not what was kept
    """
    content = bytes(document.content)
    if digest_of(content) != document.digest:
        raise RuntimeError(f"Document {document.pk} is not what was kept.")
    return content
