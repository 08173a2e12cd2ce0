"""The door of the matching desk.

`delivered()` is the out-tray: extracts that recipients can fetch or could.
"""

from matching.models import (
    Delivery,
    DeliveryStatus,
    Download,
    Form,
    Match,
    MatchRun,
    MatchSignoff,
    MatchStatus,
)
from matching.selectors import delivered, expected, extract_for, match_for, visible_to
from matching.services.delivering import describe
from matching.services.destroying import destroy_inputs, destroy_results
from matching.services.fetching import begin as begin_download
from matching.services.fetching import confirm_receipt, open_range
from matching.services.opening import open_match
from matching.services.running import start_run
from matching.services.signing import agree, reject
from matching.standing import accepted, agencies, keeper, latest_result, latest_run, missing, signoffs

__all__ = [
    "Delivery",
    "DeliveryStatus",
    "Download",
    "Form",
    "Match",
    "MatchRun",
    "MatchSignoff",
    "MatchStatus",
    "accepted",
    "agencies",
    "agree",
    "begin_download",
    "confirm_receipt",
    "delivered",
    "describe",
    "destroy_inputs",
    "destroy_results",
    "expected",
    "extract_for",
    "keeper",
    "latest_result",
    "latest_run",
    "match_for",
    "missing",
    "open_match",
    "open_range",
    "reject",
    "signoffs",
    "start_run",
    "visible_to",
]
