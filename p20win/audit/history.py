"""Row history: every version of every business row is kept (O-95).

django-simple-history writes a row's version beside each save. The tables refuse update and delete by
trigger, see guards.py. `recorded()` is how a model asks for it.
"""

from typing import Any

from django.db import models
from simple_history.models import HistoricalRecords


def recorded(**options: Any) -> HistoricalRecords:
    """Return the history of a model: `history = recorded()` in its body."""
    options.setdefault("history_id_field", models.BigAutoField(primary_key=True))
    options.setdefault("user_db_constraint", False)
    return HistoricalRecords(**options)


def is_recorded(model: type[models.Model]) -> bool:
    """Say whether this model keeps its history."""
    return hasattr(model, "history") and hasattr(getattr(model, "history", None), "model")
