"""The Celery application. It carries ids of jobs; the jobs themselves are rows."""

import logging
import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "p20win.settings")

logging.captureWarnings(True)  # they are lines of the log like all others
app = Celery("p20win", log="p20win.logs:WorkersLog")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
