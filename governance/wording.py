"""What happened, in words: the titles of the ledger's events, and which are the portal's own notes."""

from __future__ import annotations

from typing import Final

TITLES: Final = {
    # ---- request
    "project.opened": "Project opened",
    "project.numbered": "Number assigned",
    "project.renamed": "Title changed",
    "project.part_taken": "An organisation takes part",
    "project.closed": "Project closed",
    "project.stopped": "Nothing new starts, as the project is being closed",
    "project.goes_on": "The project goes on",
    "closing.asked": "It was asked to close the project",
    "closing.set": "A second person confirmed that the project is closed in an hour",
    "closing.withdrawn": "The closing was withdrawn",
    "closing.begun": "The hour before the end is over",
    "closing.done": "All that was left of the project is destroyed",
    "request.drafted": "Request begun",
    "request.saved": "A section was saved",
    "request.submitted": "Request signed and submitted",
    "request.resubmitted": "Request signed and submitted again",
    "request.commented": "A change was asked for",
    "request.returned": "Sent back to the requestor",
    "request.sent_to_agencies": "Found complete and sent to the agencies",
    "request.approved": "Approved by every agency",
    "request.conditional": "Approved on conditions",
    "request.disapproved": "Disapproved",
    "request.withdrawn": "Withdrawn by the requestor",
    "decision.made": "An agency decided",
    "elements.imported": "Data elements imported",
    # ---- people
    "person.named": "A person was named",
    "person.approved": "An agency approved a person",
    "person.refused": "An agency refused a person",
    "person.approval_withdrawn": "An agency took its approval of a person back",
    "person.access_opened": "Access opened to a person",
    "person.access_closed": "Access closed to a person",
    "job.retried": "Work that was given up is tried again",
    "agency.access_closed": "Access closed to an agency that is no longer asked",
    "person.taken_off": "A person was taken off the list",
    "statement.signed": "Confidentiality statement signed",
    # ---- agreement
    "agreement.drawn_up": "Agreement drawn up",
    "agreement.document_made": "Agreement’s document made",
    "agreement.issued": "Agreement sent out for signature",
    "agreement.signed": "A party signed the agreement",
    "agreement.in_force": "Agreement in force",
    "agreement.executed": "Executed copy sealed",
    "agreement.voided": "A version of the agreement was voided",
    "agreement.ended": "Agreement ended",
    "document.signed": "Document signed",
    # ---- files
    "slot.opened": "Upload opened for a file",
    "slot.closed": "Upload of a file closed",
    "invitation.sent": "The supplier of a list was invited",
    "invitation.affirmed": "The supplier of a list affirmed that it may be shared",
    "invitation.withdrawn": "The invitation of a supplier was withdrawn",
    "invitation.lapsed": "The invitation of a supplier lapsed",
    "match.list_handed_over": "Another sender is asked for a list",
    "file.arrived": "A file arrived and was sealed",
    "file.accepted": "A file was checked and accepted",
    "file.refused": "A file was refused",
    "announcement.refused": "A file was announced with a statement that does not fit, and was not taken",
    "file.sealed": "A result was sealed",
    "file.destroyed": "A file was destroyed",
    "file.damaged": "A file was found damaged",
    "damage.gone": "A file that was damaged opens whole again",
    "damage.evidence_erased": "What had arrived damaged was erased",
    "match.opened": "Upload of the files opened",
    "match.files_complete": "All files are in",
    "repeat.set": "It was settled when the match is repeated",
    "repeat.opened": "The next match was opened by the schedule",
    "repeat.waits": "The next match cannot be opened yet",
    "repeat.ended": "The match is not repeated any more",
    "capability.refused": "The vault refused to open something",
    # ---- match and delivery
    "match.started": "Match started",
    "run.started": "A run started",
    "run.finished": "A run came to a result",
    "run.failed": "A run did not work",
    "match.linked": "Files linked",
    "match.failed": "The match did not work",
    "match.agreed": "A party agreed to the match",
    "match.rejected": "A party asked for another match",
    "match.signed_off": "Match signed off by every party",
    "match.destruction_rule_set": "The clock for destroying this match’s inputs was set",
    "match.delivered": "Extract ready",
    "abandonment.asked": "It was asked to abandon the match",
    "abandonment.confirmed": "A second person confirmed that the match is abandoned",
    "abandonment.withdrawn": "The match was not abandoned",
    "keeping.proposed": "It was proposed to keep the inputs longer",
    "keeping.signed": "A party signed to keep the inputs longer",
    "keeping.agreed": "Every party signed: the inputs are kept longer",
    "keeping.refused": "A party refused to keep the inputs longer",
    "keeping.withdrawn": "The proposal to keep the inputs longer was withdrawn",
    "keeping.lapsed": "The proposal to keep the inputs longer came too late",
    "match.abandoned": "Match ended without a result",
    "extract.asked": "Extract asked for",
    "extract.available": "Extract can be downloaded",
    "match.limitations_written": "The hub described the limits of the result",
    "extract.downloaded": "A download of the extract was begun",
    "extract.received": "All of the extract was downloaded",
    "extract.receipt_confirmed": "The recipient confirmed what was received",
    "extract.closed": "Time to download is over",
    "extract.window_moved": "The time to download was moved",
    "extract.given_up": "The extract could not be made",
    "extract.recalled": "A version of the extract was recalled",
    "extract.replaced": "A later version replaced the extract",
    "extract.copy_deleted": "The deletion of recalled copies was confirmed",
    "link.attested": "The destruction of a link was attested",
    "question.asked": "A question about the data was asked",
    "question.forwarded": "A question was forwarded",
    "question.replied": "A question got its reply",
    "question.answered": "A question was answered",
    # ---- outputs
    "safe_table.asked": "A table was asked for that the vault counts",
    "safe_table.refused": "The vault could not count a table as it was asked for",
    "output.tried": "A table was checked by its author alone",
    "output.submitted": "An output was submitted",
    "output.resubmitted": "A corrected output was submitted",
    "output.checked": "The output is protected",
    "output.in_doubt": "The output is protected, but not every question is settled",
    "output.ways_asked": "Its author had other ways to tell it tried",
    "output.refused": "The output could not be protected as it is",
    "submission.begun": "Outputs were submitted as a package",
    "output.joined": "The output became part of a package",
    "output.sent": "The output was sent to the agencies",
    "clearance.given": "A reader cleared the output",
    "clearance.refused": "A reader returned the output",
    "output.returned": "The output went back to its author",
    "output.may_be_released": "The review time of an output is over",
    "output.released": "Output released",
    "output.withdrawn": "Output withdrawn",
    "copy.filed": "Copy of the publication filed",
    "known.loaded": "A hierarchy, public table or the meaning of names was loaded",
    "people.said": "It was said how populations or periods stand to each other",
    "output.data_parted": "An output's data are no longer taken for those of another",
    "known.removed": "A hierarchy, public table or the meaning of names was removed",
    "prior_review.asked": "An agency asked to read a kind of material before",
    "prior_review.ended": "An agency no longer asks to read a kind of material before",
    "ruling.asked": "It was asked to let pass what the check of an output left open",
    "ruling.confirmed": "Two people let pass what the check of an output left open",
    "ruling.declined": "What the check of an output left open was not let pass",
    # ---- destruction
    "destruction.asked": "Destruction asked for",
    "destruction.asked_again": "Destruction asked for again",
    "destruction.refused": "The vault refused a destruction that nobody ordered",
    "destruction.begun": "The vault began to destroy an organisation’s keys",
    "keys.destroyed": "Keys destroyed",
    "data.destroyed": "Keys and sealed files destroyed",
    "hold.asked": "A legal hold was asked for",
    "hold.in_force": "A legal hold came into force",
    "hold.withdrawn": "A legal hold was taken back before it was in force",
    "hold.lift_asked": "It was asked to lift the legal hold",
    "hold.kept": "The legal hold was kept",
    "hold.lifted": "The legal hold was lifted",
    "hold.lapsed": "The legal hold ended on its day",
    "match.inputs_destroyed": "All inputs are destroyed",
    "certificate.filed": "Certificate of destruction filed",
    "certificate.issued": "The hub certified the destruction",
    "certificate.made": "Certificate’s document made",
    # ---- clocks
    "deadline.started": "Clock started",
    "deadline.held": "Clock stopped by a legal hold",
    "deadline.resumed": "Clock runs on",
    "deadline.met": "Done in time",
    "deadline.passed": "Waiting time over",
    "deadline.missed": "Deadline missed",
    "deadline.cancelled": "Clock stopped",
    "deadline.extended": "Deadline extended",
    "deadline.recalculated": "Deadline worked out anew",
}
# What the portal notes for itself; on the page of a project it would only be noise.
QUIET: Final = frozenset(
    """
    abandonment.confirmed agency.asked agreement.document_made agreement.party_named
    capability.broken_off capability.issued capability.served capability.used certificate.made
    clearance.asked clearance.given closing.begun deadline.cancelled deadline.met deadline.passed
    deadline.started destruction.begun document.signed element.added element.changed element.removed
    extract.asked extract.range_asked extract.range_given extract.ticket_given file.announced
    file.sealed identifier_table.added keeping.word_asked keeping.word_refused keys.destroyed
    match.file_expected match.form_settled match.started match.word_asked output.examined
    output.table_sealed output.tried output.way_offered person.access_opened person.account_found
    planned_output.added population.added project.goes_on project.part_taken project.stopped
    question.added request.saved run.finished run.started slot.filled slot.opened statement.affirmed
    output.joined submission.begun
    """.split()
)


def title(event: str) -> str:
    """Return an event's title; one that has none is written out from its name."""
    if event in TITLES:
        return TITLES[event]
    thing, _, happened = event.partition(".")
    return f"{thing} {happened}".replace("_", " ").strip().capitalize()
