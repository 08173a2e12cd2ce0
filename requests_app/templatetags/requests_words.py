"""Words and addresses for the parts of a request."""

from django import template
from django.urls import reverse

from requests_app import content, outline
from requests_app.models import DataRequest
from requests_app.vocabulary import Outcome

register = template.Library()

TONES = {Outcome.APPROVAL: "good", Outcome.CONDITIONAL: "action", Outcome.DISAPPROVAL: "bad"}


@register.filter
def part_label(about: str) -> str:
    """Return the words for a field or list of the form."""
    return content.label(about)


@register.filter
def part_url(about: str, row: DataRequest) -> str:
    """Return the page on which a field or list of the form is written."""
    if about in outline.ROW_TITLES:
        return reverse("requests_app:rows", args=[row.pk, about])
    section = outline.SECTION_OF_FIELD.get(about, "basics")
    return f"{reverse('requests_app:section', args=[row.pk, section])}#id_{about}"


@register.filter
def outcome_tone(outcome: str) -> str:
    """Return the tone in which a decision is shown."""
    return TONES.get(Outcome(outcome), "plain")
