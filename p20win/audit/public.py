"""The ledger's door."""

from p20win.audit.history import is_recorded, recorded
from p20win.audit.models import Event
from p20win.audit.selectors import ChainReport, events_of, timeline, verify_chain
from p20win.audit.services import NotInTransaction, first_in_line, record

__all__ = [
    "ChainReport",
    "Event",
    "NotInTransaction",
    "events_of",
    "first_in_line",
    "is_recorded",
    "record",
    "recorded",
    "timeline",
    "verify_chain",
]
