"""The Celery application. It carries ids of jobs; the jobs themselves are rows."""

import gc
import logging
import os
from typing import Any

from celery import Celery, signals
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "p20win.settings")

logging.captureWarnings(True)  # they are lines of the log like all others
app = Celery("p20win", log="p20win.logs:WorkersLog")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.celeryd_after_setup.connect
def settle(**_: Any) -> None:
    """Leave what is loaded by now out of every later collection.

    A worker collects before each child that it makes, and the vault makes one for each job.
    """
    gc.collect()
    gc.freeze()


@signals.worker_ready.connect
def load(**_: Any) -> None:
    """Load in the vault's worker what its next children need, now that it answers."""
    if settings.P20WIN_IS_VAULT:
        from p20win.jobs.public import load_for

        load_for("vault")
        settle()
