"""The form’s outline: its sections in order, with the fields and rows of each, by the form’s numbers."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Section:
    """One section: a page of the form. `needed` are the fields without which it is not complete."""

    slug: str
    number: str
    title: str
    lead: str
    fields: tuple[tuple[str, str], ...]  # form number, field of DataRequest
    needed: frozenset[str]
    rows: tuple[str, ...] = ()


SECTIONS: Final = (
    Section(
        "basics",
        "1",
        "Basic information",
        "What the request is called, and whose data it asks for.",
        (("1.d", "title"), ("1.f", "discussed")),
        frozenset({"title", "discussed"}),
        ("discussions",),
    ),
    Section(
        "requestor",
        "2",
        "Requestor and people",
        "Who asks, and everyone who would work with the data.",
        (
            ("2.b", "requestor_position"),
            ("2.d", "requestor_address"),
            ("2.f", "requestor_phone"),
            ("2.f", "requestor_fax"),
            ("", "contact_name"),
            ("", "contact_position"),
            ("", "contact_organisation"),
            ("", "contact_phone"),
            ("", "contact_email"),
        ),
        frozenset({"requestor_position", "requestor_address", "requestor_phone"}),
        ("people",),
    ),
    Section(
        "purpose",
        "3",
        "Purpose and scope",
        "Which data about whom, why, how it is analysed, and what will be published.",
        (
            ("3.a", "summary"),
            ("3.b", "legal_bases"),
            ("3.b", "legal_argument"),
            ("3.c", "beneficiaries"),
            ("3.c", "benefit"),
            ("3.d", "method"),
            ("3.d", "software"),
            ("3.f", "protections"),
            ("3.f", "protections_text"),
        ),
        frozenset(
            {
                "summary",
                "legal_bases",
                "legal_argument",
                "beneficiaries",
                "benefit",
                "method",
                "protections",
            }
        ),
        ("populations", "tables", "outputs"),
    ),
    Section(
        "data",
        "A",
        "Questions and data elements",
        "The research questions, and every column that is needed to answer them.",
        (),
        frozenset(),
        ("questions", "elements"),
    ),
    Section(
        "confidentiality",
        "4",
        "Confidentiality",
        "When the data are destroyed, and the twelve statements you stand by.",
        (("4.a", "destruction_date"), ("4.a", "at_end")),
        frozenset({"destruction_date", "at_end"}),
    ),
    Section(
        "other",
        "5",
        "Anything else",
        "Review board, partners, and what else the reviewers should know.",
        (
            ("5.a", "other_information"),
            ("", "review_board"),
            ("", "review_board_name"),
            ("", "review_board_expires"),
        ),
        frozenset({"review_board"}),
    ),
    Section(
        "plans",
        "",
        "Security, dissemination and timeline",
        "What the agreement will be drawn up from, beyond the form.",
        (
            ("", "place"),
            ("", "place_text"),
            ("", "security_plan"),
            ("", "dissemination_plan"),
            ("", "timeline"),
            ("", "contacts"),
            ("", "recurrence"),
            ("", "level"),
            ("", "bias_handling"),
            ("", "check_ins"),
            ("", "learning_agenda"),
        ),
        frozenset(
            {
                "place",
                "place_text",
                "security_plan",
                "dissemination_plan",
                "timeline",
                "contacts",
                "recurrence",
                "level",
            }
        ),
    ),
)
BY_SLUG: Final = {section.slug: section for section in SECTIONS}
SECTION_OF_ROWS: Final = {rows: section.slug for section in SECTIONS for rows in section.rows}
SECTION_OF_FIELD: Final = {
    **{name: section.slug for section in SECTIONS for _, name in section.fields},
    "agencies": "basics",
    "affirmations": "confidentiality",
}
ROW_TITLES: Final = {
    "discussions": "People of the agencies you talked to (1.f)",
    "people": "People who would work with the data (2.g, 2.h)",
    "populations": "Populations (3.a)",
    "tables": "Files of identifiers from schools and districts (3.a)",
    "outputs": "Planned documents (3.e)",
    "questions": "Research questions (3.b)",
    "elements": "Data elements (attachment)",
}
