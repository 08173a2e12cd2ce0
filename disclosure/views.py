"""Pages of the disclosure desk."""

import uuid
from functools import partial

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from disclosure import checks, copies, lifecycle, package, pages, selectors, services, submissions
from disclosure.acknowledging import NotAcknowledged
from disclosure.acting import output_of as _output
from disclosure.forms import ClearForm, CopyForm, FileForm, OutputForm, ReturnForm
from disclosure.models import Output, OutputStatus
from p20win import clock
from p20win.access import SignedInRequest, members_only, roles_only
from p20win.accounts.public import Role
from p20win.acting import tell as _tell
from p20win.acting import tried as _tried
from p20win.listing import Listing
from p20win.once import one_reading
from p20win.projects import public as projects
from p20win.refusal import Blocked
from p20win.workflow import blockers
from requests_app import public as requests

_LIST = Listing(
    sorts={"number": "project__number", "title": "title", "status": "status", "since": "status_since"},
    searched=("project__number", "title"),
)
_REVIEWERS = (Role.DATA_STEWARD, Role.BOARD_MEMBER, Role.OPERATING_GROUP)


@members_only
@require_GET
def index(request: SignedInRequest) -> HttpResponse:
    """List the outputs one may see, and the projects one may submit an output of."""
    outputs = selectors.visible_to(request.user)
    context = _LIST.shown(outputs.filter(is_trial=False), request) | {
        "tried": outputs.filter(is_trial=True).exclude(status=OutputStatus.WITHDRAWN),
        "mine": selectors.open_to_author(request.user),
    }
    return render(request, "disclosure/index.html", context)


@members_only
@require_http_methods(["GET", "POST"])
def submit(request: SignedInRequest, project_pk: uuid.UUID) -> HttpResponse:
    """Submit an output of a project, by itself or with others."""
    project = get_object_or_404(projects.visible_to(request.user), pk=project_pk)
    planned = requests.planned_outputs(project)
    goes_with = _goes_with(request, project)
    form = OutputForm(
        request.POST or None,
        request.FILES or None,
        planned=planned,
        project=project,
        user=request.user,
        goes_with=goes_with,
    )
    why_not = checks.why_not_submit(project, request.user, clock.now())
    if goes_with is not None:
        why_not += submissions.why_not_join(goes_with, request.user)
    if request.method == "POST" and form.is_valid():
        made: list[Output] = []
        if _tried(form, lambda: made.append(_submitted(request, project, form, goes_with))):
            messages.success(request, "The file has arrived sealed. The vault is checking it.")
            return redirect("disclosure:detail", pk=made[0].pk)
    context = {"form": form, "project": project, "goes_with": goes_with, "why_not": why_not}
    return render(request, "disclosure/submit.html", context)


def _goes_with(request: SignedInRequest, project: projects.Project) -> Output | None:
    """Return the output that the address says the new one goes with."""
    if "with" not in request.GET:
        return None
    try:
        named = uuid.UUID(request.GET["with"])
    except ValueError:
        raise Http404 from None
    return get_object_or_404(selectors.visible_to(request.user), pk=named, project=project)


def _submitted(
    request: SignedInRequest, project: projects.Project, form: OutputForm, goes_with: Output | None
) -> Output:
    said = form.said() | {"goes_with": goes_with}
    file = said.pop("file")
    return services.submit(
        project, name=file.name, content=file.chunks(), by=request.user, at=clock.now(), **said
    )


@members_only
@require_GET
@never_cache
def detail(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show an output: verdict, tables, the parties' word, clocks, and what one can do."""
    with one_reading():
        context = pages.detail(_output(request, pk), request.user, clock.now())
        return render(request, "disclosure/detail.html", context)


@members_only
@require_POST
def send(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Send an output to the agencies."""
    output = _output(request, pk)
    act = partial(services.send_to_agencies, output, by=request.user, at=clock.now())
    _tell(request, act, "Sent to the agencies and the operating group.")
    return redirect("disclosure:detail", pk=pk)


@members_only
@require_POST
def check_again(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Have the same file checked beside what went ahead meanwhile."""
    output = _output(request, pk)
    act = partial(services.check_again, output, by=request.user, at=clock.now())
    _tell(request, act, "The vault is checking it again.")
    return redirect("disclosure:detail", pk=pk)


@members_only
@require_http_methods(["GET", "POST"])
def new_file(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Send a corrected file."""
    output = _output(request, pk)
    form = FileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        act = partial(
            services.send_new_file,
            output,
            name=file.name,
            content=file.chunks(),
            by=request.user,
            at=clock.now(),
        )
        if _tried(form, act):
            messages.success(request, "The file has arrived sealed. The vault is checking it.")
            return redirect("disclosure:detail", pk=pk)
    why_not = blockers(lifecycle.SEND_NEW_FILE, output, request.user)
    return render(request, "disclosure/new_file.html", {"form": form, "output": output, "why_not": why_not})


@roles_only(*_REVIEWERS)
@require_http_methods(["GET", "POST"])
def clear(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Confirm an output in writing."""
    output = _output(request, pk)
    form = ClearForm(request.POST or None, others=submissions.open_to(output, request.user, clock.now()))
    if request.method == "POST" and form.is_valid():
        points, comment = form.points(), form.cleaned_data["comment"]
        all_of_them = [output, *form.cleaned_data.get("same_for", ())]
        act = partial(
            services.clear_all, all_of_them, points=points, comment=comment, by=request.user, at=clock.now()
        )
        if _tried(form, act):
            messages.success(request, "Confirmed for your organisation.")
            return redirect("disclosure:detail", pk=pk)
    why_not = checks.why_not_clear(output, request.user, clock.now())
    return _review_page(request, "disclosure/clear.html", output, form, why_not)


@roles_only(*_REVIEWERS)
@require_http_methods(["GET", "POST"])
def give_back(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Return an output to its author with a comment."""
    output = _output(request, pk)
    form = ReturnForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        comment = form.cleaned_data["comment"]
        act = partial(services.return_to_author, output, comment=comment, by=request.user, at=clock.now())
        if _tried(form, act):
            messages.success(request, "Returned to its author.")
            return redirect("disclosure:detail", pk=pk)
    why_not = checks.why_not_return(output, request.user, clock.now())
    return _review_page(request, "disclosure/return.html", output, form, why_not)


def _review_page(
    request: SignedInRequest, template: str, output: Output, form: Form, why_not: list[str]
) -> HttpResponse:
    found = selectors.latest_check(output)
    context = {
        "output": output,
        "form": form,
        "why_not": why_not,
        "verdict": pages.verdict(output, found),
    }
    return render(request, template, context)


@roles_only(Role.OPERATING_GROUP)
@require_POST
def release(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Release an output."""
    output = _output(request, pk)
    act = partial(services.release, output, by=request.user, at=clock.now())
    _tell(request, act, "Released. The package can be fetched.")
    return redirect("disclosure:detail", pk=pk)


@members_only
@require_POST
def withdraw(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Withdraw an output."""
    output = _output(request, pk)
    act = partial(services.withdraw, output, by=request.user, at=clock.now())
    _tell(request, act, "Withdrawn.")
    return redirect("disclosure:detail", pk=pk)


@members_only
@require_POST
def fetch(request: SignedInRequest, pk: uuid.UUID) -> HttpResponseBase:
    """Hand out the release package as the vault gives it."""
    output = _output(request, pk)
    try:
        content = services.fetch_package(output, by=request.user, at=clock.now())
    except Blocked as refusal:
        for reason in refusal.reasons:
            messages.error(request, reason)
        return redirect("disclosure:detail", pk=pk)
    response = StreamingHttpResponse(content, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{package.name_of(output)}"'
    response["Cache-Control"] = "no-store"
    return response


def _filed(request: SignedInRequest, output: Output, form: CopyForm) -> None:
    file, where = form.cleaned_data["copy"], form.cleaned_data["where"]
    said = {"name": file.name[:200], "content": file.read(), "where": where}
    try:
        copies.file_copy(output, by=request.user, at=clock.now(), **said)
    except NotAcknowledged as refusal:
        form.difference = refusal.difference
        raise


@members_only
@require_http_methods(["GET", "POST"])
def file_copy(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Take in the copy of what was published."""
    output = _output(request, pk)
    form = CopyForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid() and _tried(form, lambda: _filed(request, output, form)):
        messages.success(request, "The copy is filed.")
        return redirect("disclosure:detail", pk=pk)
    context = {"form": form, "output": output, "acknowledgement": package.ACKNOWLEDGEMENT}
    return render(request, "disclosure/copy.html", context)
