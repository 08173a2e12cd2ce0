"""A hint for each field of the form, in our own words."""

from typing import Final

HELP: Final = {
    "title": "Short and telling: it stands on every page and on the agreement.",
    "discussed": "Talking to the agencies first saves a round. Name the people in the list below.",
    "requestor_address": "Where letters about the request reach you.",
    "requestor_fax": "Only if you have one.",
    "contact_name": "Only if somebody else than you answers questions about the request.",
    "summary": "Categories of data, years, cohorts: so exact that an agency can pull the data.",
    "legal_bases": "Tick all that apply. Unemployment-compensation records always need their own rules.",
    "legal_argument": "Say what is audited, evaluated or studied, for whom, and why the law covers it.",
    "beneficiaries": "At least one education authority, or the State.",
    "benefit": "What will be known that is not known now, and what can be done with it.",
    "method": "How the questions are answered from the data.",
    "protections": "Two or more: one alone rarely protects people, as others can undo it.",
    "protections_text": "For example: counts are rounded, and categories are merged before that.",
    "destruction_date": "Twelve months after the data arrive at the latest, if the board sets no other date.",
    "other_information": "Partners, funder, earlier work. Files can be named here.",
    "review_board": "A review board’s approval and the agencies’ decision do not replace each other.",
    "place": "Access is approved for this place alone.",
    "place_text": "Building, room, network, who administers it. Notebooks count as mobile devices.",
    "security_plan": "By family of NIST SP 800-171: met, partly met (and until when), not met.",
    "dissemination_plan": "From agency to hub to you, and what the public will see.",
    "timeline": "Files, match, analysis, review, publication: a month for each is enough.",
    "contacts": "Whom to ask at each agency and on your side.",
    "recurrence": "A standing project is matched again with new files.",
    "level": "If tables are enough, the agencies can say yes more easily.",
    "bias_handling": "Records of some groups link less well. Say how you will notice and what you will do.",
    "learning_agenda": "Requests that serve the State’s learning agenda come first.",
}
