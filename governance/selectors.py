"""Questions above the desks: where a project is, who holds it, what waits for a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from django.urls import reverse

from agreements import public as agreements
from disclosure import public as disclosure
from governance import log_kinds, way, wording
from matching import public as matching
from p20win.accounts.public import Organisation, Role, User
from p20win.audit.public import timeline
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.projects import public as projects
from requests_app import public as requests

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from p20win.audit.public import Event
    from p20win.deadlines.models import Deadline
    from p20win.projects.models import Project

ON_HOME: Final = 12
FAR_ENOUGH: Final = 500  # lines of the ledger read for one page
ENOUGH: Final = 40  # entries shown, unless all are asked for


@dataclass(frozen=True)
class Whereabouts:
    """A project's way, the place it has reached, and the sentence that says so."""

    project: Project
    places: Sequence[way.Place]
    now: way.Place | None
    ended: str
    holders: Sequence[str]
    due: Deadline | None

    @property
    def sentence(self) -> str:
        """Say where the project is and who holds it."""
        if self.ended:
            return self.ended
        if self.now is None:
            return "The whole way is done: the project is closed."
        return f"Now: {self.now.stage.label.lower()}. It is with {_listed(self.holders)}."


def whereabouts(project: Project) -> Whereabouts:
    """Return where a project is, read from its ledger and its open deadlines."""
    names = list(timeline(project).values_list("event", "at"))
    places = way.whole_way(names)
    now = way.current(places)
    ended = next((way.ENDED[name] for name, _ in reversed(names) if name in way.ENDED), "")
    if any(name in way.RESUMED for name, _ in names[_last(names, way.ENDED) :]):
        ended = ""
    ended = next((way.CLOSING[name] for name, _ in reversed(names) if name in way.CLOSING), "") or ended
    pending = [d for d in deadlines.open_of_project(project) if d.kind == "by"]
    of_stage = [d for d in pending if now is not None and d.slug in now.stage.clocks]
    holders = _holders(of_stage)
    if now is not None and not holders:
        holders = [now.stage.held_by]
    return Whereabouts(project, places, now, ended, holders, next(iter(of_stage or pending), None))


def _holders(waiting: Iterable[Deadline]) -> list[str]:
    """Return who is waited for in words: people by name, others as “SDE and DOL (data steward)”."""
    people: list[str] = []
    by_role: dict[str, list[str]] = {}
    for deadline in waiting:
        if deadline.waiting_on_person is not None:
            people.append(deadline.waiting_on_person.name)
        elif deadline.waiting_on_organisation is not None:
            role = str(deadline.get_waiting_on_role_display()) if deadline.waiting_on_role else ""
            by_role.setdefault(role, []).append(deadline.waiting_on_organisation.short_name)
    bodies = [
        _listed(sorted(set(names))) + (f" ({role.lower()})" if role else "")
        for role, names in by_role.items()
    ]
    return list(dict.fromkeys([*bodies, *people]))


def _last(names: Sequence[tuple[str, dt.datetime]], wanted: Iterable[str]) -> int:
    found = set(wanted)
    return max((i for i, (name, _) in enumerate(names) if name in found), default=len(names))


def _listed(words: Sequence[str]) -> str:
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def happened(project: Project, person: User, *, quiet: bool = False) -> list[dict[str, Any]]:
    """Return what happened in a project, newest first; the portal's own notes only if asked.

    Asked for all, each line that this person may have word for word names its proof.
    """
    rows: QuerySet[Event] = timeline(project).order_by("-seq")
    if not quiet:
        rows = rows.exclude(event__in=wording.QUIET)
    rows = rows.exclude(subject_id__in=_of_invited_suppliers(project, person))
    shown = list(rows[:FAR_ENOUGH])
    people = {p.pk: p.name for p in User.objects.filter(pk__in={e.actor_id for e in shown})}
    bodies = Organisation.objects.filter(pk__in={e.organisation_id for e in shown})
    organisations = {o.pk: o.short_name for o in bodies}
    entries = [
        {
            "at": event.at,
            "title": wording.title(event.event),
            "who": people.get(event.actor_id, "") if event.actor_id else "",
            "organisation": organisations.get(event.organisation_id, "") if event.organisation_id else "",
            "note": event.note,
            "proof": reverse("ledger:proof", args=[event.pk])
            if quiet and custody.may_prove(person, event)
            else "",
        }
        for event in shown
    ]
    return entries if quiet else _together(entries)[:ENOUGH]


def _of_invited_suppliers(project: Project, person: User) -> list[str]:
    """Return whose lines only hub, operating group and the agency of the identifier read (O-124).

    Invited suppliers' invitations, the slots they fill and the files they sent.
    """
    if log_kinds.sees_all(person):
        return []
    slots = custody.slots(project).filter(invitation__isnull=False)
    if person.organisation_id:
        slots = slots.exclude(expected_by__agency=person.organisation_id)
    found = slots.values_list("pk", "invitation", "files")
    return [str(pk) for pk in {each for row in found for each in row if each}]


def _together(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the entries with those that repeat the one before as one of them, counted."""
    told: list[dict[str, Any]] = []
    for same, group in groupby(entries, lambda e: (e["title"], e["who"], e["organisation"], e["note"])):
        first, *more = group
        told.append(first | {"title": f"{same[0]} ({len(more) + 1} times)"} if more else first)
    return told


def doors(project: Project, person: User) -> list[tuple[str, str]]:
    """Return the desks' pages of a project that this person may open, in the order of the way."""
    request = requests.visible_to(person).filter(project=project).order_by("-revision").first()
    agreement = agreements.agreement_for(project)
    match = matching.visible_to(person).filter(project=project).order_by("-number").first()
    outputs = disclosure.visible_to(person).filter(project=project).order_by("sent_at", "pk")
    found = [("The request", reverse("requests_app:home", args=[request.pk]))] if request else []
    found += [("The agreement", reverse("agreements:detail", args=[agreement.pk]))] if agreement else []
    found += [("Files, match and extract", match.get_absolute_url())] if match else []
    if outputs:
        found.append(("What is released", reverse("disclosure:released", args=[project.pk])))
    return found + [(f"Output: {output.title}", output.get_absolute_url()) for output in outputs]


def waiting_for(person: User) -> list[tuple[Deadline, str]]:
    """Return what waits for a person, due next first; of a file to send, which one it is."""
    rows = list(deadlines.waiting_for(person)[:ON_HOME])
    slots = [row.subject_id for row in rows if row.subject_type == "custody.uploadslot"]
    titles = dict(custody.visible_slots(person).filter(pk__in=slots).values_list("pk", "title"))
    named = {str(pk): title for pk, title in titles.items()}
    return [(row, named.get(row.subject_id, "")) for row in rows]


def of_person(person: User) -> list[Whereabouts]:
    """Return the projects not closed that a person may see and where each is, the latest first."""
    rows = projects.visible_to(person).exclude(status="closed").order_by("-status_since")[:ON_HOME]
    return [whereabouts(project) for project in rows]


def demo_people() -> list[tuple[str, list[User]]]:
    """Return everyone one may become in the demo, by role, in the order of the way."""
    groups = []
    for role in (
        Role.REQUESTOR,
        Role.OPERATING_GROUP,
        Role.BOARD_MEMBER,
        Role.DATA_STEWARD,
        Role.SIGNATORY,
        Role.HUB_STAFF,
    ):
        rows = (
            User.objects.filter(is_active=True, is_system=False, role_holdings__role=role)
            .select_related("organisation")
            .order_by("organisation__short_name", "name")
            .distinct()
        )
        groups.append((str(role.label), list(rows)))
    others = User.objects.filter(is_active=True, is_system=False, role_holdings__isnull=True)
    groups.append(("Supplier of a list", list(others.select_related("organisation").order_by("name"))))
    return [(label, rows) for label, rows in groups if rows]
