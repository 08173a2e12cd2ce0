"""Filters and tags that every page may use: the State's time, form fields, words for states."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, Final

from django import forms, template
from django.forms.boundfield import BoundField, BoundWidget
from django.middleware.csrf import get_token
from django.template.context import RequestContext
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from p20win.clock import STATE_ZONE

register = template.Library()

# A widget is drawn by the first line it is an instance of, so narrower classes come first.
FIELD_KINDS: Final[tuple[tuple[type[forms.Widget], str], ...]] = (
    (forms.HiddenInput, "hidden"),
    (forms.MultipleHiddenInput, "hidden"),
    (forms.CheckboxSelectMultiple, "checkboxes"),
    (forms.RadioSelect, "radios"),
    (forms.CheckboxInput, "checkbox"),
    (forms.Select, "select"),
    (forms.Textarea, "textarea"),
    (forms.FileInput, "file"),
    (forms.DateInput, "date"),
    (forms.DateTimeInput, "datetime"),
    (forms.NumberInput, "number"),
    (forms.PasswordInput, "password"),
    (forms.MultiWidget, "group"),
)
WIDGET_CLASSES: Final = {
    "checkbox": "usa-checkbox__input",
    "select": "usa-select",
    "textarea": "usa-textarea",
    "file": "usa-file-input",
    "number": "usa-input p20-input-number",
    "date": "usa-input p20-input-date",
    "datetime": "usa-input p20-input-date",
}
OPTION_CLASSES: Final = {
    "checkboxes": "usa-checkbox__input",
    "radios": "usa-radio__input",
}

# What a state looks like. The word is always shown, the colour only repeats it.
STATUS_TONES: Final = {
    "good": "accepted active affirmed allowed answered approval approved available checked cleared complete"
    " completed confirmed current delivered done executed filed filled in_force met released signed"
    " signed_off succeeded true valid verified",
    "bad": "breached broken declined denied disapproval disapproved expired failed lapsed missed overdue"
    " recalled refused rejected revoked suspended terminated",
    "action": "action_needed changes_requested conditional conditionally_approved due due_soon held"
    " needs_changes paused returned",
    "waiting": "arrived asked checking collecting forwarded in_progress in_review linked linking open pending"
    " preparing queued ready received replied requested running sending sent signing started submitted"
    " uploaded waiting with_agencies with_signatories",
}
TONE_ICONS: Final = {"good": "check_circle", "bad": "highlight_off", "action": "flag", "waiting": "schedule"}


@register.filter
def statetime(at: dt.datetime | str | None) -> str:
    """Write a moment as the State's clocks show it, like “Mar 4, 2026, 2:05 p.m. ET”.

    :raises ValueError: if the moment has no time zone
    """
    if not at:
        return ""
    local = _local(dt.datetime.fromisoformat(at) if isinstance(at, str) else at)
    half = "a.m." if local.hour < 12 else "p.m."
    return f"{statedate(local)}, {local.hour % 12 or 12}:{local:%M} {half} ET"


@register.filter
def statedate(day: dt.date | str | None) -> str:
    """Write a day as the State's calendar shows it, like “Mar 4, 2026”; a moment becomes its day there.

    :raises ValueError: if a moment without time zone is given
    """
    if not day:
        return ""
    if isinstance(day, str):
        day = dt.datetime.fromisoformat(day) if "T" in day else dt.date.fromisoformat(day)
    if isinstance(day, dt.datetime):
        day = _local(day).date()
    return f"{day:%b} {day.day}, {day.year}"


def _local(at: dt.datetime) -> dt.datetime:
    if at.tzinfo is None:
        raise ValueError("A moment without a time zone cannot be shown; store it as UTC.")
    return at.astimezone(STATE_ZONE)


@register.filter
def isotime(at: dt.date | str | None) -> str:
    """Write a day or moment for the datetime attribute of a <time> element."""
    if not at:
        return ""
    return at if isinstance(at, str) else at.isoformat()


@register.filter
def breakable(name: object) -> SafeString:
    """Let a long name, as of a file, break after its dots, dashes and underscores."""
    parts = re.split(r"(?<=[._-])(?=.)", str(name))
    return format_html_join(mark_safe("<wbr>"), "{}", ((part,) for part in parts))


@register.filter
def status_tone(status: object, given: str = "") -> str:
    """Return the tone of a state: the given one, else good, bad, action, waiting or plain by its slug."""
    if given:
        return given
    slug = str(status).lower().replace("-", "_").replace(" ", "_")
    return next((tone for tone, slugs in STATUS_TONES.items() if slug in slugs.split()), "plain")


@register.filter
def tone_icon(tone: str) -> str:
    """Return the name of the icon that repeats a tone, or nothing for a plain one."""
    return TONE_ICONS.get(tone, "")


@register.filter
def field_kind(field: BoundField) -> str:
    """Return how a form field is drawn: text, textarea, select, radios, checkboxes, date, file …"""
    widget = field.field.widget
    return next((kind for cls, kind in FIELD_KINDS if isinstance(widget, cls)), "text")


@register.filter
def field_anchor(field: BoundField) -> str:
    """Return the id of the element that takes the focus when an error of this field is followed."""
    if field_kind(field) in {"checkboxes", "radios", "group"}:
        return f"{field.auto_id}_0"
    return field.id_for_label


@register.filter
def counts_characters(field: BoundField) -> int:
    """Return the number of characters a long text may have, or 0 if nobody counts."""
    if field_kind(field) != "textarea":
        return 0
    return int(field.field.widget.attrs.get("maxlength") or 0)


@register.filter
def has_required(form: forms.BaseForm) -> bool:
    """Say whether a form has a visible field that must be filled in."""
    return any(field.field.required for field in form.visible_fields())


@register.simple_tag
def widget(field: BoundField, **attrs: str | bool) -> SafeString:
    """Draw the input of a field with the classes of the design system."""
    kind = field_kind(field)
    drawn = field.field.widget
    drawn.attrs.pop("placeholder", None)  # it vanishes when one types; hints stand above the field
    if kind == "date":
        drawn.input_type, drawn.format = "date", "%Y-%m-%d"
    elif kind == "datetime":
        drawn.input_type, drawn.format = "datetime-local", "%Y-%m-%dT%H:%M"
    classes = [drawn.attrs.get("class", ""), WIDGET_CLASSES.get(kind, "usa-input")]
    if counts_characters(field):
        classes.append("usa-character-count__field")
        attrs["aria-describedby"] = f"{field.aria_describedby or ''} {field.auto_id}_count".strip()
    if field.errors and kind not in {"checkbox", "file"}:
        classes.append("usa-input--error")
    attrs["class"] = " ".join(filter(None, classes))
    return field.as_widget(attrs=attrs)


@register.simple_tag
def option_input(option: BoundWidget, kind: str) -> SafeString:
    """Draw one radio button or checkbox of a group, without its label."""
    option.data["attrs"]["class"] = OPTION_CLASSES[kind]
    return option.tag()


@register.simple_tag(takes_context=True)
def form_token(context: RequestContext) -> SafeString:
    """Draw the hidden field against forged requests, also inside a part included with `only`."""
    token = get_token(context.request)
    return format_html('<input type="hidden" name="csrfmiddlewaretoken" value="{}">', token)


@register.simple_tag
def sort_link(key: str, sort: str | None) -> dict[str, Any]:
    """Return how a column heading sorts next, and how it sorts now."""
    if sort == key:
        return {"next": f"-{key}", "aria": "ascending", "icon": "arrow_upward"}
    if sort == f"-{key}":
        return {"next": key, "aria": "descending", "icon": "arrow_downward"}
    return {"next": key, "aria": "", "icon": "unfold_more"}
