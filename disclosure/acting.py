"""What the pages of this desk share: the row asked for, an act tried, and how it came out."""

import uuid
from collections.abc import Callable

from django.contrib import messages
from django.forms import Form
from django.shortcuts import get_object_or_404

from disclosure import selectors
from disclosure.models import Output
from p20win.access import SignedInRequest
from p20win.projects import public as projects
from p20win.refusal import Blocked


def output_of(request: SignedInRequest, pk: uuid.UUID) -> Output:
    """Return an output that this person may see."""
    return get_object_or_404(selectors.visible_to(request.user), pk=pk)


def project_of(request: SignedInRequest, pk: uuid.UUID) -> projects.Project:
    """Return a project that this person may see."""
    return get_object_or_404(projects.visible_to(request.user), pk=pk)


def tell(request: SignedInRequest, act: Callable[[], object], success: str) -> None:
    """Do an act and say how it came out."""
    try:
        act()
    except Blocked as refusal:
        for reason in refusal.reasons:
            messages.error(request, reason)
    else:
        messages.success(request, success)


def tried(form: Form, act: Callable[[], object]) -> bool:
    """Do an act that a form asked for; say whether it was done, else why not beside the form."""
    try:
        act()
    except Blocked as refusal:
        for reason in refusal.reasons:
            form.add_error(None, reason)
        return False
    return True
