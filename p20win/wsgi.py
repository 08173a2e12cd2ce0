"""The door for gunicorn. WSGI on purpose: under ASGI Django writes every upload to disk in plaintext."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "p20win.settings")
application = get_wsgi_application()
