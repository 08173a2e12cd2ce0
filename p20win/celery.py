"""The Celery application. It carries ids of jobs; the jobs themselves are rows."""

import gc
import logging
import os
from typing import Any

from celery import Celery, signals

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
