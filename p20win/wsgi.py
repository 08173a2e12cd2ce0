"""The door for gunicorn. WSGI on purpose: under ASGI Django writes every upload to disk in plaintext."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "p20win.settings")
application = get_wsgi_application()
list(get_resolver().url_patterns)  # loads the pages of every desk now
# What is loaded stays. Who reads a large sheet sets a collection off, which would go through all of it for
# nothing: each fourth look at a table of 5,000 cells took a tenth of a second longer.
gc.collect()
gc.freeze()
