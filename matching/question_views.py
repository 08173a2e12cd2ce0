"""Pages of the questions about what was delivered."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from matching import checks, question_checks, selectors, standing
from matching.delivery_views import delivery_of
from matching.forms import AnswerForm, ForwardForm, QuestionForm, ReplyForm
from matching.models import Question
from matching.services import asking
from matching.views import sent
from p20win import clock
from p20win.access import SignedInRequest, members_only, roles_only
from p20win.accounts.public import Role
from p20win.acting import tried


def _question(request: SignedInRequest, pk: uuid.UUID) -> Question:
    rows = selectors.questions_for(request.user).select_related("delivery__match")
    return get_object_or_404(rows, pk=pk)


@members_only
@require_http_methods(["GET", "POST"])
def ask(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask about completeness or matching accuracy."""
    row = delivery_of(request, pk)
    if not request.user.has_perm("projects.download_extract", row.project):
        raise Http404
    form = QuestionForm(sent(request))
    act = lambda: asking.ask(row, by=request.user, at=clock.now(), **form.cleaned_data)  # noqa: E731
    if form.is_valid() and tried(form, act):
        messages.success(request, "Your question is with the operating group.")
        return redirect(row)
    context = {
        "delivery": row,
        "match": row.match,
        "form": form,
        "window": standing.questions_window(row),
        "why_not": checks.why_not_ask(row, request.user, clock.now()),
    }
    return render(request, "matching/ask.html", context)


@roles_only(Role.OPERATING_GROUP)
@require_http_methods(["GET", "POST"])
def forward(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Forward a question to who can tell."""
    row = _question(request, pk)
    form = ForwardForm(sent(request), organisations=asking.may_be_asked(row))
    act = lambda: asking.forward(row, by=request.user, at=clock.now(), **form.cleaned_data)  # noqa: E731
    return _done(request, row, form, act, "Forward the question", "Forward it", "Forwarded.")


@members_only
@require_http_methods(["GET", "POST"])
def reply(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Tell the operating group what one's organisation knows."""
    row = _question(request, pk)
    if row.with_organisation_id != request.user.organisation_id:
        raise Http404
    form = ReplyForm(sent(request))
    act = lambda: asking.reply(row, by=request.user, at=clock.now(), **form.cleaned_data)  # noqa: E731
    return _done(request, row, form, act, "Reply to the question", "Send the reply", "Sent. Thank you.")


@roles_only(Role.OPERATING_GROUP)
@require_http_methods(["GET", "POST"])
def answer(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Answer the recipient, and say what follows."""
    row = _question(request, pk)
    form = AnswerForm(sent(request), outcomes=question_checks.outcomes(row, clock.now()))
    act = lambda: asking.answer(row, by=request.user, at=clock.now(), **form.cleaned_data)  # noqa: E731
    told = "Answered. The recipient is told."
    not_any_more = question_checks.not_any_more(row, clock.now())
    return _done(request, row, form, act, "Answer the question", "Answer", told, not_any_more)


def _done(
    request: SignedInRequest,
    row: Question,
    form: Form,
    act: Callable[[], object],
    title: str,
    submit: str,
    success: str,
    notes: Sequence[str] = (),
) -> HttpResponse:
    if form.is_valid() and tried(form, act):
        messages.success(request, success)
        return redirect(row.delivery)
    context: dict[str, Any] = {
        "question": row,
        "delivery": row.delivery,
        "match": row.delivery.match,
        "form": form,
        "title": title,
        "submit": submit,
        "notes": notes,
    }
    return render(request, "matching/question.html", context)
