"""From text to paper: tagged PDFs by WeasyPrint, which may open nothing but what is handed to it (C25)."""

import io
from typing import Any

from django.template.loader import render_to_string

from agreements import wording
from p20win.jobs.public import MustWait


def can_be_made() -> bool:
    """Say whether this machine has the system libraries that papers need."""
    try:
        import weasyprint  # noqa: F401
    except OSError:
        return False
    return True


def pdf(
    template: str, context: dict[str, Any], *, attachments: list[tuple[str, bytes, str]] | None = None
) -> bytes:
    """Return a tagged PDF/A-3 of an HTML template. Attachments are (name, bytes, description).

    :raises MustWait: if the system libraries that WeasyPrint needs are missing
    """
    if not can_be_made():
        raise MustWait("Papers wait: Pango is missing here. The health page names the line to run.")
    from weasyprint import HTML, Attachment
    from weasyprint.text.fonts import FontConfiguration
    from weasyprint.urls import URLFetcher

    class Nothing(URLFetcher):
        """Fetches nothing."""

        def fetch(self, url: str, headers: Any = None) -> Any:
            raise ValueError("A paper may not fetch anything.")

    html = render_to_string(template, context)
    nothing = Nothing(allowed_protocols=())
    document = HTML(string=html, url_fetcher=nothing)
    attached = [
        Attachment(
            file_obj=io.BytesIO(content), name=name, description=description, relationship="Supplement"
        )
        for name, content, description in attachments or []
    ]
    result: bytes = document.write_pdf(
        pdf_variant="pdf/a-3a" if attached else "pdf/a-2a",
        attachments=attached,
        font_config=FontConfiguration(),
    )
    return result


def text_as_html(kind: str, body: str, values: dict[str, str]) -> str:
    """Return a versioned text, filled in, as HTML that is safe to show."""
    return wording.as_html(wording.filled(kind, body, values))
