"""Acts at the end: certificates of destruction and retention."""

import datetime as dt
import json
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from agreements import checks, seal, selectors
from agreements.documents import certificate_pdf, certificate_values, keep
from agreements.models import OF_THE_HUB, OF_THE_RECIPIENT, Certificate, TextKind
from agreements.papers import text_as_html
from p20win import clock
from p20win.accounts.public import hub
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.jobs import public as jobs
from p20win.projects import public as projects
from p20win.refusal import Blocked
from p20win.signatures.public import sign
from p20win.workflow import amend, create

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.jobs.public import RunningJob
    from p20win.projects.models import Project

FOR_THE_CHECKPOINT: Final = dt.timedelta(seconds=2)
PATIENCE: Final = 12  # times that the paper is taken up before it is made without proofs; over an hour
CERTIFICATE_INTENT: Final = "By typing my name I certify what stands above."


def why_not_file(project: "Project", actor: "User") -> list[str]:
    """Say why this person cannot file the recipient's certificate now."""
    reasons = [why for why in (projects.is_open(project), checks.is_of_recipient(project, actor)) if why]
    agreement = selectors.agreement_for(project)
    if agreement is None or agreement.effective_at is None:
        reasons.append("No agreement has been in force.")
    if project.certificates.filter(kind__in=OF_THE_RECIPIENT).exists():
        reasons.append("The certificate has been filed.")
    return reasons


@transaction.atomic
def file_certificate(
    project: "Project",
    *,
    kind: str,
    method: str,
    happened_on: dt.date,
    by: "User",
    typed_name: str,
    password: str,
    at: dt.datetime,
) -> Certificate:
    """File the recipient's certificate (Exhibit F, O-85); its paper is made by a job.

    :raises Blocked: if the person is not of the recipient, it was filed before, or the day is yet to come
    """
    reasons = why_not_file(project, by)
    if happened_on > clock.state_date(at):
        reasons.append("The day of destruction is yet to come.")
    if not method.strip():
        reasons.append("Say by which method the data was destroyed.")
    if reasons:
        raise Blocked(reasons)
    recipient = by.organisation
    agreement = selectors.agreement_for(project)
    assert recipient is not None  # noqa: S101  # why_not_file
    assert agreement is not None  # noqa: S101  # likewise
    certificate = Certificate(
        project=project,
        kind=TextKind(kind),
        organisation=recipient,
        facts={"method": method},
        happened_on=happened_on,
        filed_by=by,
        filed_at=at,
    )
    template = selectors.text(kind)
    shown = text_as_html(kind, template.body, certificate_values(certificate, agreement))
    certificate.signature = sign(
        signer=by,
        organisation=recipient,
        capacity="data recipient",
        project=project,
        document_kind=f"certificate_{kind}",
        document_id=certificate.pk,
        document_digest=sha256(shown.encode()).hexdigest(),
        text_version=template.version,
        intent=CERTIFICATE_INTENT,
        typed_name=typed_name,
        password=password,
        at=at,
    )
    create("certificate.filed", certificate, by=by, at=at, details={"kind": kind})
    deadlines.meet("data-destruction", subject=project, at=at, by=by)
    deadlines.meet("destruction-certificate", subject=project, at=at, by=by)
    jobs.after_commit("agreements.make_certificate", project_id=project.pk, certificate_id=certificate.pk)
    return certificate


@transaction.atomic
def issue_hub_certificate(
    project: "Project",
    *,
    method: str,
    facts: Mapping[str, Any],
    by: "User",
    at: dt.datetime,
    kind: str = TextKind.HUB_DESTRUCTION,
) -> Certificate:
    """Issue the hub's certificate that the inputs are destroyed, or all that was left of a project (O-65).

    `facts` lists the files (ids, sizes, roots, proofs), the destroyed keys, when the last copy of a key is
    gone, and the ledger's lines that tell of it. The paper is made a moment later, so that the vault has
    signed a checkpoint over those lines and their proofs can go into it.
    """
    certificate = Certificate(
        project=project,
        kind=TextKind(kind),
        organisation=hub(),
        facts=json.loads(json.dumps({"method": method, **facts}, default=str)),
        happened_on=clock.state_date(at),
        filed_by=by,
        filed_at=at,
    )
    create("certificate.issued", certificate, by=by, at=at, details={"kind": kind})
    custody.ask_checkpoint()
    jobs.after_commit(
        "agreements.make_certificate",
        project_id=project.pk,
        not_before=clock.real_now() + FOR_THE_CHECKPOINT,
        certificate_id=certificate.pk,
    )
    return certificate


def _proofs(certificate: Certificate, job: "RunningJob") -> dict[int, dict[str, Any]]:
    """Return the proofs of the ledger's lines that a certificate names, by line.

    If the vault signs nothing for long, the paper is made without; they are then had beside it, one by one.

    :raises MustWait: while no signed checkpoint holds the lines, for an hour or so
    """
    lines = [int(entry["line"]) for entry in certificate.facts.get("ledger", ()) if "leaf" in entry]
    try:
        return {line: custody.ledger_proof_of_line(line) for line in lines}
    except Blocked as not_yet:
        if job.token < PATIENCE:
            raise jobs.MustWait("The ledger's next checkpoint is waited for; its proof goes in.") from not_yet
        return {}


def make_certificate(
    certificate: Certificate, job: "RunningJob", *, by: "User", at: dt.datetime
) -> Certificate:
    """Make the certificate's paper, sealed, unless it is there already.

    :raises MustWait: while the ledger's proofs that go into it cannot be had yet
    """
    if certificate.document_id:
        return certificate
    agreement = selectors.agreement_for(certificate.project)
    if agreement is None and certificate.kind not in OF_THE_HUB:
        raise Blocked("The project has no agreement.")
    proofs = _proofs(certificate, job)
    job.progress(10, "Making the certificate")
    template = selectors.text(certificate.kind)
    number = certificate.project.number
    content = seal.seal(
        certificate_pdf(certificate, agreement, template.body, proofs=proofs),
        reason=f"Certificate of {number}",
    )
    job.progress(90, "Keeping the certificate")
    with transaction.atomic():
        job.hold()
        name = f"certificate-{number or 'draft'}-{certificate.kind.replace('_', '-')}.pdf"
        document = keep(content, kind="certificate", name=name, project=certificate.project, at=at)
        return amend(
            "certificate.made",
            certificate,
            by=by,
            at=at,
            document=document,
            details={"digest": document.digest},
        )
