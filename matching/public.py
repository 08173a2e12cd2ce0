"""The door of the matching desk.

`delivered()` is the out-tray: extracts that recipients can fetch or could.
"""

from matching.checks import why_not_fetch
from matching.models import (
    Delivery,
    DeliveryStatus,
    DestructionOrder,
    Download,
    Form,
    Match,
    MatchRun,
    MatchSignoff,
    MatchStatus,
    OrderStatus,
)
from matching.selectors import delivered, expected, extract_for, match_for, visible_to
from matching.services.delivering import describe
from matching.services.fetching import begin as begin_download
from matching.services.fetching import confirm_receipt, open_range
from matching.services.inviting import invite as invite_supplier
from matching.services.opening import open_match
from matching.services.ordering import ask as order_destruction
from matching.services.ordering import confirm as confirm_destruction
from matching.services.ordering import order_of, orders_itself_at
from matching.services.repeating import set_up as set_up_repeat
from matching.services.running import start_run
from matching.services.signing import agree, reject
from matching.standing import accepted, agencies, keeper, latest_result, latest_run, missing, signoffs

__all__ = [
    "Delivery",
    "DeliveryStatus",
    "DestructionOrder",
    "Download",
    "Form",
    "Match",
    "MatchRun",
    "MatchSignoff",
    "MatchStatus",
    "OrderStatus",
    "accepted",
    "agencies",
    "agree",
    "begin_download",
    "confirm_destruction",
    "confirm_receipt",
    "delivered",
    "describe",
    "expected",
    "extract_for",
    "invite_supplier",
    "keeper",
    "latest_result",
    "latest_run",
    "match_for",
    "missing",
    "open_match",
    "open_range",
    "order_destruction",
    "order_of",
    "orders_itself_at",
    "reject",
    "set_up_repeat",
    "signoffs",
    "start_run",
    "visible_to",
    "why_not_fetch",
]
