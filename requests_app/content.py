"""The exact content of a request: what is signed, kept for each round, and compared."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.db import models

from requests_app import outline, texts
from requests_app.models import DataRequest

# What is about the row, not about what it says.
_SKIPPED = {"id", "request", "position", "user", "named_at", "removed_at", "is_requestor"}


@dataclass(frozen=True)
class Change:
    """One difference between two versions of a request."""

    where: str
    what: str
    before: str
    after: str


def content(request: DataRequest, *, round: int | None = None) -> dict[str, Any]:
    """Return all that the request says, in plain values, rows under their natural keys."""
    said: dict[str, Any] = {
        name: _plain(getattr(request, name)) for section in outline.SECTIONS for _, name in section.fields
    }
    said |= {
        "kind": request.kind,
        "revision": request.revision,
        "round": request.round if round is None else round,
        "requestor": request.requestor.name,
        "requestor_email": request.requestor.email,
        "recipient": request.recipient.legal_name,
        "agencies": {
            row.agency.slug: row.agency.legal_name
            for row in request.requested_agencies.select_related("agency")
        },
        "affirmations": {
            f"4.b.{row.number}": row.text_version
            for row in request.affirmations.filter(text_version=texts.CURRENT["confidentiality"])
        },
        "contradictions": {row.key: row.reason for row in request.contradiction_reasons.all()},
    }
    said |= {
        "discussions": _rows(
            request.discussions.select_related("agency"), lambda r: f"{r.agency} {r.person_name}"
        ),
        "people": _rows(request.people.filter(removed_at__isnull=True), lambda r: r.email.lower()),
        "populations": _populations(request),
        "tables": _rows(
            request.identifier_tables.select_related("population"),
            lambda r: f"{r.population.name}: {r.flag_column} {r.school_year}",
            skip={"population"},
        ),
        "outputs": _rows(request.outputs.all(), lambda r: r.document),
        "questions": {
            row.code: {"text": row.text, "part_of": row.parent.code if row.parent else ""}
            for row in request.questions.select_related("parent")
        },
        "elements": _elements(request),
    }
    return said


def digest(said: Mapping[str, Any], *also: str) -> str:
    """Return the SHA-256, hex, of a content in canonical form, and of the digests that go with it."""
    canonical = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return sha256("\n".join([canonical, *also]).encode()).hexdigest()


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return what differs between two versions, in the order of the form (O-35)."""
    changes: list[Change] = []
    for name in after:
        if name in {"round", "revision"} or before.get(name) == after[name]:
            continue
        if isinstance(after[name], dict):
            changes += _row_changes(name, before.get(name) or {}, after[name])
        else:
            changes.append(Change(_section(name), label(name), _shown(before.get(name)), _shown(after[name])))
    return changes


def label(name: str) -> str:
    """Return the words for a field or list of the form."""
    if name in outline.ROW_TITLES:
        return outline.ROW_TITLES[name]
    return _OTHER_LABELS.get(name) or str(DataRequest._meta.get_field(name).verbose_name)  # type: ignore[union-attr]


_OTHER_LABELS = {
    "agencies": "Agencies (1.e)",
    "affirmations": "Statements affirmed (4.b)",
    "contradictions": "Reasons for contradictions",
    "requestor": "Requestor",
    "requestor_email": "Requestor’s e-mail",
    "recipient": "Recipient",
}


def _row_changes(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    changes = []
    for key in {**before, **after}:
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            differing = [part for part in new if old.get(part) != new[part]]
            old = {part: old.get(part) for part in differing}
            new = {part: new[part] for part in differing}
        changes.append(Change(_section(name), f"{label(name)}: {key}", _shown(old), _shown(new)))
    return changes


def _section(name: str) -> str:
    slug = outline.SECTION_OF_ROWS.get(name) or outline.SECTION_OF_FIELD.get(name)
    return outline.BY_SLUG[slug].title if slug else "Request"


def _rows(rows: Iterable[models.Model], key: Any, skip: Iterable[str] = ()) -> dict[str, Any]:
    hidden = _SKIPPED | set(skip)
    return {
        key(row): {name: _plain(value) for name, value in _all_fields(row).items() if name not in hidden}
        for row in rows
    }


def _all_fields(row: models.Model) -> dict[str, Any]:
    return {field.name: getattr(row, field.attname) for field in row._meta.concrete_fields}


def _populations(request: DataRequest) -> dict[str, Any]:
    rows = request.populations.prefetch_related("not_wanted_from")
    said = _rows(rows, lambda r: r.name)
    for row in rows:
        said[row.name]["not_wanted_from"] = sorted(agency.slug for agency in row.not_wanted_from.all())
    return said


def _elements(request: DataRequest) -> dict[str, Any]:
    rows = request.elements.select_related("source").prefetch_related("questions")
    said = _rows(rows, element_key, skip={"source"})
    for row in rows:
        said[element_key(row)]["questions"] = sorted(question.code for question in row.questions.all())
    return said


def element_key(row: Any) -> str:
    """Return how an element is called among all: its source and its name."""
    return f"{row.source.slug if row.source else 'suppliers'} {row.name}"


def _plain(value: Any) -> Any:
    if isinstance(value, dt.date):
        return value.isoformat()
    if value is None or isinstance(value, str | int | bool | list):
        return value
    return str(value)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{part.replace('_', ' ')}: {_shown(each)}" for part, each in value.items())
    if isinstance(value, list):
        return ", ".join(_shown(each) for each in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
