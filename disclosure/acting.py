"""What the pages of this desk share: the row asked for."""

import uuid

from django.shortcuts import get_object_or_404

from disclosure import selectors
from disclosure.models import Output
from p20win.access import SignedInRequest
from p20win.projects import public as projects


def output_of(request: SignedInRequest, pk: uuid.UUID) -> Output:
    """Return an output that this person may see."""
    return get_object_or_404(selectors.visible_to(request.user), pk=pk)


def project_of(request: SignedInRequest, pk: uuid.UUID) -> projects.Project:
    """Return a project that this person may see."""
    return get_object_or_404(projects.visible_to(request.user), pk=pk)
