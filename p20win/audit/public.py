"""The ledger's door."""

from p20win.audit.history import is_recorded, recorded
from p20win.audit.models import Event
from p20win.audit.selectors import ChainReport, events_of, timeline, verify_chain
from p20win.audit.services import NotInTransaction, NotRecorded, first_in_line, record, why_not_recorded

__all__ = [
    "ChainReport",
    "Event",
    "NotInTransaction",
    "NotRecorded",
    "events_of",
    "first_in_line",
    "is_recorded",
    "record",
    "recorded",
    "timeline",
    "verify_chain",
    "why_not_recorded",
]
