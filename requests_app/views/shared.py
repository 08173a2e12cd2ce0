"""What several pages do alike."""

import uuid
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse

from p20win.access import SignedInRequest
from p20win.refusal import Blocked
from requests_app import selectors
from requests_app.models import DataRequest


def find(request: SignedInRequest, pk: uuid.UUID) -> DataRequest:
    """Return a request this person may see; to all others it does not exist."""
    row: DataRequest = get_object_or_404(selectors.visible_to(request.user), pk=pk)
    return row


def find_own(request: SignedInRequest, pk: uuid.UUID) -> DataRequest:
    """Return this person's own request."""
    row: DataRequest = get_object_or_404(selectors.visible_to(request.user), pk=pk, requestor=request.user)
    return row


def attempt(request: HttpRequest, act: Callable[[], Any], done: str) -> bool:
    """Do one thing and say so; if it is refused, say why."""
    try:
        act()
    except Blocked as refusal:
        for reason in refusal.reasons:
            messages.error(request, reason)
        return False
    messages.success(request, done)
    return True


def attempt_in(form: forms.BaseForm, act: Callable[[], Any]) -> bool:
    """Do one thing; if it is refused, say why in the form."""
    try:
        act()
    except Blocked as refusal:
        for reason in refusal.reasons:
            form.add_error(None, reason)
        return False
    return True


def trail(row: DataRequest) -> list[tuple[str, str]]:
    """Return the pages on the way to a request, each with its address."""
    return [
        ("Requests", reverse("requests_app:index")),
        (row.project.number or row.title, row.get_absolute_url()),
    ]
