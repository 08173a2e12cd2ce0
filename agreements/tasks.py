"""Lines of work: making papers."""

from agreements import certificates, services
from agreements.models import Agreement, Certificate
from p20win import clock
from p20win.accounts.public import system_user
from p20win.jobs.public import RunningJob, line_of_work


@line_of_work("agreements.make_document")
def make_document(job: RunningJob, *, agreement_id: str) -> None:
    """Make the document that the parties sign."""
    agreement = Agreement.objects.select_related("project", "template").get(pk=agreement_id)
    services.make_document(agreement, job, by=system_user(), at=clock.now())


@line_of_work("agreements.execute")
def execute(job: RunningJob, *, agreement_id: str) -> None:
    """Make the executed copy."""
    agreement = Agreement.objects.select_related("project", "template", "document").get(pk=agreement_id)
    services.execute(agreement, job, by=system_user(), at=clock.now())


@line_of_work("agreements.make_certificate")
def make_certificate(job: RunningJob, *, certificate_id: str) -> None:
    """Make a certificate's paper."""
    certificate = Certificate.objects.select_related("project", "organisation", "filed_by").get(
        pk=certificate_id
    )
    certificates.make_certificate(certificate, job, by=system_user(), at=clock.now())
