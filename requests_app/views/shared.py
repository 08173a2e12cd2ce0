"""What several pages do alike."""

import uuid

from django.shortcuts import get_object_or_404
from django.urls import reverse

from p20win.access import SignedInRequest
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


def trail(row: DataRequest) -> list[tuple[str, str]]:
    """Return the pages on the way to a request, each with its address."""
    return [
        ("Requests", reverse("requests_app:index")),
        (row.project.number or row.title, row.get_absolute_url()),
    ]
