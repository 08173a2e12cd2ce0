"""What the words of a notice may be made of. Nothing else may: a new one is judged here first (O-66).

Every name stands for what a template may say, by what it is. None of them is a value of a record: not a cell,
an id or an identifier of a person in a file, not a file's name, not what a check found, not an output's cell.
"""

import datetime as dt

# Said by the portal or typed as a label: numbers, titles, people who work here, organisations, methods.
WORDS = {
    "number",
    "link",
    "what",
    "title",
    "deadline.title",
    "deadline.waits_for",
    "deadline.derivation.rule",
    "slot.title",
    "slots.title",
    "reopening.expected.slot.title",
    "reopening.expected.slot.supplier.short_name",
    "invitation.supplier.legal_name",
    "invitation.project.number",
    "organisation.short_name",
    "organisation.input_rule",
    "refused.organisation.short_name",
    "method",
    "method.reference",
    "match.own_rule",
    "repeat.get_every_display",
    "keeping.get_status_display",
    "key.label",
    "key.organisation.short_name",
    "key.enrolled_by.name",
    "key.revoked_by.name",
    "keeping.proposed_by.name",
    "reopening.opened_by.name",
    "order.asked_by.name",
    "order.confirmed_by.name",
    "order.withdrawn_by.name",
    "hold.asked_by.name",
    "hold.confirmed_by.name",
    "hold.lift_asked_by.name",
    "hold.lifted_by.name",
    "closing.asked_by.name",
    "closing.confirmed_by.name",
    "closing.withdrawn_by.name",
    "abandonment.asked_by.name",
    "abandonment.confirmed_by.name",
    "damage.file_id",
    "damage.what",
    "damage.file.owner.short_name",
}
TIMES = {
    "event.at",
    "event.details.due",
    "event.details.was_due",
    "deadline.due_at",
    "slot.opens_at",
    "slot.closes_at",
    "slots.closes_at",
    "reopening.expected.slot.closes_at",
    "closing.acts_at",
    "order.acts_at",
    "damage.kept_until",
    "hold.until",
    "keeping.until",
    "repeat.next_on",
    "method.retired_on",
}
COUNTS = {"file.rows"}
LISTS = {"slots", "refused"}
QUESTIONS = {"bare", "order.is_automatic", "order.withdrawn_by.is_system", "closing.withdrawn_by.is_system"}
# Typed by a person as the reason of an act: read in the portal after signing in, and never sent by mail.
REASONS = {
    "event.note",
    "keeping.reason",
    "keeping.why_ended",
    "closing.reason",
    "closing.withdrawal",
    "order.withdrawal",
    "hold.authority",
    "repeat.agreed_in",
    "method.retired_reason",
}
ALL = WORDS | TIMES | COUNTS | LISTS | QUESTIONS | REASONS
# One of each kind of value that stands in records or is made of them.
RECORDS = ("323451111", "Lindqvistzz", "SDE-k3v9q2xw7z", "1941-02-03", "1234567890", "Okonkwo_323451111.txt")
CANARY = " ".join(RECORDS)
REASON = "canary-of-a-reason"
flags = dict.fromkeys(QUESTIONS, False)  # how a template's questions are answered


class Planted:
    """What a template is given: harmless where it may look, and a record's values wherever else it looks."""

    def __init__(self, path):
        self._path = path

    def __getattr__(self, name):
        """Give what stands there."""
        if name.startswith("_"):
            raise AttributeError(name)
        return value(f"{self._path}.{name}")

    def __str__(self):
        """Give words, if the whole may be said."""
        return f"({self._path})" if self._path in WORDS else CANARY

    def __format__(self, form):
        """Give the same words."""
        return str(self)


def value(path):
    """Give what a template finds at this place."""
    if path in TIMES:
        return dt.datetime(2026, 3, 2, 15, tzinfo=dt.UTC)
    if path in LISTS:
        return [Planted(path), Planted(path)]
    if path in COUNTS:
        return 3
    if path in QUESTIONS:
        return flags[path]
    if path in REASONS:
        return REASON
    is_whole = path in WORDS and not any(each.startswith(f"{path}.") for each in ALL)
    return f"({path})" if is_whole else Planted(path)
