"""The inbox."""

import uuid

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from p20win import clock
from p20win.access import SignedInRequest, members_only
from p20win.notifications import selectors, services
from p20win.notifications.forms import MailForm

ON_A_PAGE = 25


@members_only
@require_GET
@never_cache
def inbox(request: SignedInRequest) -> HttpResponse:
    """Show what the person was told, newest first."""
    rows = selectors.inbox(request.user)
    if only_unread := request.GET.get("show") == "unread":
        rows = rows.filter(read_at__isnull=True)
    page = Paginator(rows, ON_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "notifications/inbox.html", {"page": page, "only_unread": only_unread})


@members_only
@require_GET
@never_cache
def message(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one message and note that it was opened."""
    row = get_object_or_404(selectors.inbox(request.user), pk=pk)
    services.mark_read(row, by=request.user, at=clock.now())
    return render(request, "notifications/message.html", {"message_row": row})


@members_only
@require_POST
def read_all(request: SignedInRequest) -> HttpResponse:
    """Note that everything was seen."""
    count = services.mark_all_read(request.user, at=clock.now())
    messages.success(request, f"{count} marked as read." if count else "There was nothing new.")
    return redirect("notifications:inbox")


@members_only
def mail(request: SignedInRequest) -> HttpResponse:
    """Choose which notices come by mail."""
    form = MailForm(request.POST or None, initial={"mail": selectors.mail_choice(request.user)})
    if request.method == "POST" and form.is_valid():
        services.choose_mail(request.user, form.cleaned_data["mail"], at=clock.now())
        messages.success(request, "Your choice is kept.")
        return redirect("notifications:inbox")
    return render(request, "notifications/mail.html", {"form": form})
