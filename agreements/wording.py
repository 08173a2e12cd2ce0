"""From a versioned text and a fixed list of placeholders to HTML.

Text is data: nothing in it is executed (C26).
"""

from collections.abc import Mapping
from string import Template
from typing import Final

from markdown_it import MarkdownIt

_PERSONAL: Final = ("person", "position", "organisation")
_PROJECT: Final = ("number", "title")
_CERTIFICATE: Final = (*_PROJECT, "organisation", "happened_on", "method")
PLACEHOLDERS: Final[dict[str, frozenset[str]]] = {
    "agreement": frozenset(
        [
            *_PROJECT,
            *(
                "agencies",
                "hub",
                "recipient",
                "operating_group",
                "purpose",
                "legal_basis",
                "benefit",
                "storage",
            ),
            *("safeguards", "input_destruction", "completeness_questions", "min_cell", "min_base", "review"),
            *("breach", "destruction_date", "certificate", "ends_on", "termination"),
        ]
    ),
    "confidentiality": frozenset([*_PERSONAL, *_PROJECT]),
    "acknowledgement": frozenset(_PERSONAL),
    "destruction": frozenset([*_CERTIFICATE, "effective_on", "ends_on", "person", "position"]),
    "retention": frozenset([*_CERTIFICATE, "effective_on", "ends_on", "person", "position"]),
    "hub_destruction": frozenset(_CERTIFICATE),
    "project_end": frozenset(_CERTIFICATE),
}
_SPECIAL: Final = str.maketrans({c: "\\" + c for c in r"\`*_{}[]<>()#+-.!|&~$"})

# No raw HTML, no links, no images: what a person typed into a form ends up in here.
_markdown = MarkdownIt("zero").enable(["heading", "list", "emphasis", "table", "escape", "entity", "newline"])


class UnfitText(ValueError):
    """A text with a placeholder that its kind does not have, or that cannot be read."""


def check_body(kind: str, body: str) -> None:
    """Make sure that a text can be filled in.

    :raises UnfitText: naming the placeholder that its kind lacks
    """
    template = Template(body)
    if not template.is_valid():
        raise UnfitText("A dollar sign stands alone. Write $$ for a dollar sign.")
    if unknown := sorted(set(template.get_identifiers()) - PLACEHOLDERS[kind]):
        allowed = ", ".join(sorted(PLACEHOLDERS[kind]))
        raise UnfitText(f"${unknown[0]} is not known in this text. It may have: {allowed}.")


def filled(kind: str, body: str, values: Mapping[str, object]) -> str:
    """Return the text with its placeholders filled in, as Markdown; values are literal text.

    :raises UnfitText: if the text is unfit, or a value is missing
    """
    check_body(kind, body)
    literal = {name: _literal(str(value)) for name, value in values.items()}
    try:
        return Template(body).substitute(literal)
    except KeyError as missing:
        raise UnfitText(f"There is no value for ${missing.args[0]}.") from None


def _literal(value: str) -> str:
    """Escape a value so that Markdown shows it as typed; empty lines still part paragraphs."""
    paragraphs = [" ".join(part.split()) for part in value.split("\n\n")]
    return "\n\n".join(part.translate(_SPECIAL) for part in paragraphs if part)


def as_html(markdown: str) -> str:
    """Return the HTML of a filled text."""
    return str(_markdown.render(markdown))
