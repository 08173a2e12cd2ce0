"""What pages of every desk share: an act tried, and how it came out."""

from collections.abc import Callable

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest

from p20win.refusal import Blocked


def tell(request: HttpRequest, act: Callable[[], object], success: str) -> bool:
    """Do an act and say how it came out; return whether it was done."""
    try:
        act()
    except Blocked as refusal:
        for reason in refusal.reasons:
            messages.error(request, reason)
        return False
    messages.success(request, success)
    return True


def tried(form: BaseForm, act: Callable[[], object]) -> bool:
    """Do an act that a form asked for; say whether it was done, else why not beside the form."""
    try:
        act()
    except Blocked as refusal:
        for reason in refusal.reasons:
            form.add_error(None, reason)
        return False
    return True
