"""Pages of the agreements desk."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from agreements import certificates, checks, lifecycle, selectors, services, statements
from agreements.documents import statement_html
from agreements.forms import CertificateForm, DrawUpForm, SignAgreementForm, SignForm
from agreements.models import Document, StatementKind
from p20win import clock
from p20win.access import SignedInRequest, members_only, roles_only
from p20win.accounts.public import Role
from p20win.jobs import public as jobs
from p20win.listing import Listing
from p20win.projects import public as projects
from p20win.refusal import Blocked
from p20win.workflow import blockers
from requests_app import public as requests

_LIST = Listing(
    sorts={
        "number": "project__number",
        "title": "project__title",
        "status": "status",
        "since": "status_since",
    },
    searched=("project__number", "project__title"),
)


@members_only
@require_GET
def index(request: SignedInRequest) -> HttpResponse:
    """List the agreements one may see, and the approved requests that have none yet."""
    waiting = []
    if request.user.has_role(Role.OPERATING_GROUP):
        waiting = [r for r in requests.approved() if not r.project.agreements.exclude(status="void").exists()]
    context = _LIST.shown(selectors.visible_to(request.user), request) | {
        "waiting": waiting,
        "is_operating_group": request.user.has_role(Role.OPERATING_GROUP),
    }
    return render(request, "agreements/index.html", context)


@members_only
@require_GET
def detail(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show an agreement: where it stands, who has signed, what one can do."""
    agreement = get_object_or_404(selectors.visible_to(request.user), pk=pk)
    is_og = request.user.has_role(Role.OPERATING_GROUP)
    given = selectors.certificates(agreement.project)
    context: dict[str, Any] = {
        "agreement": agreement,
        "parties": selectors.expected_parties(agreement),
        "waiting": selectors.waiting_parties(agreement).count(),
        "may_sign": bool(checks.parties_of(agreement, request.user)),
        "why_not_sign": checks.why_not_sign(agreement, request.user),
        "is_operating_group": is_og,
        "why_not_issue": blockers(lifecycle.ISSUE, agreement, request.user),
        "document_job": jobs.latest("agreements.make_document", agreement_id=agreement.pk),
        "execute_job": jobs.latest("agreements.execute", agreement_id=agreement.pk),
        "certificates": given,
        "proven": selectors.proven(given),
        "is_recipient": checks.is_of_recipient(agreement.project, request.user) is None,
        "why_not_file": certificates.why_not_file(agreement.project, request.user),
    }
    return render(request, "agreements/detail.html", context)


@roles_only(Role.OPERATING_GROUP)
@require_http_methods(["GET", "POST"])
def draw_up(request: SignedInRequest, project_pk: uuid.UUID) -> HttpResponse:
    """Draw up an agreement on an approved request."""
    project = get_object_or_404(projects.visible_to(request.user), pk=project_pk)
    form = DrawUpForm(request.POST or None, initial={"ends_on": requests.destruction_date(project)})
    if request.method == "POST" and form.is_valid():
        try:
            agreement = services.draw_up(
                project, ends_on=form.cleaned_data["ends_on"], by=request.user, at=clock.now()
            )
        except Blocked as refusal:
            for reason in refusal.reasons:
                form.add_error(None, reason)
        else:
            messages.success(request, "Drawn up. The document is being made.")
            return redirect("agreements:detail", pk=agreement.pk)
    return render(request, "agreements/draw_up.html", {"form": form, "project": project})


@roles_only(Role.OPERATING_GROUP)
@require_POST
def issue(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Send an agreement out for signature."""
    agreement = get_object_or_404(selectors.visible_to(request.user), pk=pk)
    try:
        services.issue(agreement, by=request.user, at=clock.now())
    except Blocked as refusal:
        for reason in refusal.reasons:
            messages.error(request, reason)
    else:
        messages.success(request, "Sent out for signature.")
    return redirect("agreements:detail", pk=pk)


@members_only
@require_http_methods(["GET", "POST"])
def sign(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Sign an agreement for one's organisation."""
    agreement = get_object_or_404(selectors.visible_to(request.user), pk=pk)
    if not checks.parties_of(agreement, request.user):
        raise Http404
    form = SignAgreementForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            agreement = services.sign_agreement(
                agreement, by=request.user, at=clock.now(), **form.cleaned_data
            )
        except Blocked as refusal:
            for reason in refusal.reasons:
                form.add_error(None, reason)
        else:
            done = "Signed. The agreement is in force." if agreement.status == "in_force" else "Signed."
            messages.success(request, done)
            return redirect("agreements:detail", pk=pk)
    context = {"agreement": agreement, "form": form, "why_not": checks.why_not_sign(agreement, request.user)}
    return render(request, "agreements/sign.html", context)


@members_only
@require_GET
def document(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Hand out a paper of a project that one may see."""
    row = get_object_or_404(Document.objects.filter(project__in=projects.visible_to(request.user)), pk=pk)
    response = HttpResponse(services.document_bytes(row), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{row.name}"'
    response["Cache-Control"] = "no-store"
    return response


@members_only
@require_GET
def my_statements(request: SignedInRequest) -> HttpResponse:
    """List what one has signed for oneself, and what is asked for."""
    at = clock.now()
    mine = [
        (project, selectors.statement_in_force(request.user, StatementKind.CONFIDENTIALITY, at, project))
        for project in projects.visible_to(request.user).exclude(number="")
    ]
    context = {
        "acknowledgement": selectors.statement_in_force(request.user, StatementKind.ACKNOWLEDGEMENT, at),
        "projects": mine,
        "signed": request.user.statements.select_related("project", "template"),
    }
    return render(request, "agreements/statements.html", context)


@members_only
@require_http_methods(["GET", "POST"])
def sign_statement(request: SignedInRequest, project_pk: uuid.UUID | None = None) -> HttpResponse:
    """Sign Exhibit C for a project, or Exhibit B."""
    project = None
    if project_pk is not None:
        project = get_object_or_404(projects.visible_to(request.user).exclude(number=""), pk=project_pk)
    kind = StatementKind.CONFIDENTIALITY if project else StatementKind.ACKNOWLEDGEMENT
    form = SignForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            statements.sign_statement(
                kind, person=request.user, project=project, at=clock.now(), **form.cleaned_data
            )
        except Blocked as refusal:
            for reason in refusal.reasons:
                form.add_error(None, reason)
        else:
            messages.success(request, "Signed.")
            return redirect("agreements:statements")
    context = {
        "form": form,
        "kind": kind,
        "project": project,
        "text": statement_html(kind, selectors.text(kind).body, request.user, project),
        "intent": statements.STATEMENT_INTENT,
    }
    return render(request, "agreements/sign_statement.html", context)


@members_only
@require_http_methods(["GET", "POST"])
def file_certificate(request: SignedInRequest, project_pk: uuid.UUID) -> HttpResponse:
    """File Exhibit F for one's organisation."""
    project = get_object_or_404(projects.visible_to(request.user), pk=project_pk)
    if checks.is_of_recipient(project, request.user):
        raise Http404
    agreement = selectors.agreement_for(project)
    form = CertificateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            certificates.file_certificate(project, by=request.user, at=clock.now(), **form.cleaned_data)
        except Blocked as refusal:
            for reason in refusal.reasons:
                form.add_error(None, reason)
        else:
            messages.success(request, "The certificate is filed. Keep the original for a year.")
            return redirect(
                reverse("agreements:detail", args=[agreement.pk]) if agreement else "agreements:index"
            )
    context = {
        "form": form,
        "project": project,
        "agreement": agreement,
        "why_not": certificates.why_not_file(project, request.user),
        "intent": certificates.CERTIFICATE_INTENT,
    }
    return render(request, "agreements/certificate.html", context)
