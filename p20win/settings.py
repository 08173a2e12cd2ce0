"""Settings. Secrets and addresses come from the environment, are read once, and are read here.

P20WIN_MODE is demo, test or production. Demo sign-in, the demo clock and the embedded servers exist in demo
and test mode only; production refuses to start with any of them.
"""

import os
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from p20win.programs import SFTP_LISTENS

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- mode

P20WIN_MODE = env.str("P20WIN_MODE", "production")
if P20WIN_MODE not in ("demo", "test", "production"):
    raise ImproperlyConfigured(f"P20WIN_MODE is {P20WIN_MODE!r}; it must be demo, test or production.")
PRODUCTION = P20WIN_MODE == "production"
DEMO_SIGN_IN = env.bool("P20WIN_DEMO_SIGN_IN", P20WIN_MODE == "demo")
DEMO_CLOCK = env.bool("P20WIN_DEMO_CLOCK", not PRODUCTION)
EMBEDDED = env.bool("P20WIN_EMBEDDED", False)  # set by whoever started the embedded servers
if PRODUCTION:
    for name, forbidden in {
        "P20WIN_DEMO_SIGN_IN": DEMO_SIGN_IN,
        "P20WIN_DEMO_CLOCK": DEMO_CLOCK,
        "P20WIN_EMBEDDED": EMBEDDED,
    }.items():
        if forbidden:
            raise ImproperlyConfigured(
                f"{name} is for demo and test mode; in production the portal does not start."
            )

# --- secrets and addresses

SECRET_KEY = env.str("SECRET_KEY")
DEBUG = False
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]", "testserver"]
)
PORTAL_ADDRESS = env.str("PORTAL_ADDRESS", "http://localhost:8000")
if not PORTAL_ADDRESS.startswith(("http://", "https://")):
    raise ImproperlyConfigured(
        f"PORTAL_ADDRESS is {PORTAL_ADDRESS!r}; write it in full, as in https://portal.example.org."
    )
CSRF_TRUSTED_ORIGINS = [PORTAL_ADDRESS]

# --- database and broker

# The portal connects as a role that owns no table; only migrations run as the owner.
DATABASES = {
    "default": env.db_url("OWNER_DATABASE_URL" if env.bool("P20WIN_AS_OWNER", False) else "DATABASE_URL")
}
DATABASES["default"].setdefault("CONN_MAX_AGE", env.int("CONN_MAX_AGE", 60))
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
if PRODUCTION:
    _options = DATABASES["default"].setdefault("OPTIONS", {})
    if _options.setdefault("sslmode", "verify-full") != "verify-full":
        raise ImproperlyConfigured(
            f"The database's address says sslmode={_options['sslmode']}; in production its certificate and"
            " its name are checked. Leave sslmode out, and name the authority in PGSSLROOTCERT."
        )
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CELERY_BROKER_URL = env.str("BROKER_URL")
_broker = urlsplit(CELERY_BROKER_URL)
_is_checked = parse_qs(_broker.query).get("ssl_cert_reqs") in (["required"], ["CERT_REQUIRED"])
if PRODUCTION and not (_broker.scheme == "redis+socket" or (_broker.scheme == "rediss" and _is_checked)):
    raise ImproperlyConfigured(  # the address holds a password, so it is not told
        f"BROKER_URL begins with {_broker.scheme}://; in production the broker is reached by TLS with its"
        " certificate checked (rediss://…?ssl_cert_reqs=required&ssl_ca_certs=/path) or by a socket of this"
        " machine (redis+socket:///path)."
    )
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# Jobs are leased in the database, so a message delivered twice does nothing; the timeout only bounds lost
# ones.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 6 * 3600,
    "unacked_restore_throttle": 1,
    # A person who presses a button does not wait for a broker that is away.
    "max_retries": 1,
    "interval_start": 0.1,
    "interval_max": 0.1,
    "socket_connect_timeout": 2,
}

# --- apps

INSTALLED_APPS = [
    "p20win.apps.P20WinConfig",
    "p20win.audit.apps.AuditConfig",  # before Django's own: its migrate sets the guards too
    "p20win.jobs.apps.JobsConfig",
    "p20win.accounts.apps.AccountsConfig",
    "p20win.projects.apps.ProjectsConfig",
    "p20win.signatures.apps.SignaturesConfig",
    "p20win.deadlines.apps.DeadlinesConfig",
    "p20win.notifications.apps.NotificationsConfig",
    "p20win.custody.apps.CustodyConfig",
    "requests_app.apps.RequestsConfig",
    "agreements.apps.AgreementsConfig",
    "matching.apps.MatchingConfig",
    "disclosure.apps.DisclosureConfig",
    "governance.apps.GovernanceConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "guardian",
    "simple_history",
    "csp",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
]

MIDDLEWARE = [
    "p20win.transport.RefusePlainPrograms",  # before the redirect that browsers get
    "p20win.transport.KeepNoPage",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "p20win.accounts.sign_in.SessionLimits",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]

ROOT_URLCONF = "p20win.urls"
WSGI_APPLICATION = "p20win.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "p20win.context.portal",
            ],
        },
    }
]

# --- people and sign-in

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None  # guardian: nobody without an account has a permission
GUARDIAN_MONKEY_PATCH_USER = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_ADAPTER = "p20win.accounts.sign_in.AccountAdapter"
ACCOUNT_SESSION_REMEMBER = False  # a session ends with its idle time, for everyone
ACCOUNT_EMAIL_VERIFICATION = "none"  # accounts are opened by the operating group
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "P20 WIN"

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 15 * 60  # idle
P20WIN_LONGEST_SESSION = 12 * 60 * 60  # whatever is done in it
SESSION_SAVE_EVERY_REQUEST = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
if PRODUCTION:
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
    SECURE_SSL_REDIRECT = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 2 * 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "script-src": [SELF],
        "style-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# --- files

P20WIN_DATA = Path(env.str("P20WIN_DATA", str(Path.home() / ".p20win")))
STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("P20WIN_STATIC_ROOT", str(BASE_DIR / "build" / "collected")))
STATICFILES_DIRS = [path for path in (BASE_DIR / "static", BASE_DIR / "build" / "static") if path.is_dir()]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},  # uploads go through custody alone
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if P20WIN_MODE == "test"
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
# No upload may touch a disk in plaintext: small form files stay in memory, agencies' files go through
# custody.
FILE_UPLOAD_HANDLERS = ["p20win.uploading.InMemory"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

# --- custody

# Public: sealed files, and the keys that seal for the vault and check the hub's signatures.
P20WIN_MEDIA = Path(env.str("P20WIN_MEDIA", str(P20WIN_DATA / "media")))
P20WIN_VAULT_PUBLIC = Path(env.str("P20WIN_VAULT_PUBLIC", str(P20WIN_DATA / "vault-public")))
P20WIN_VAULT_SOCKET = Path(env.str("P20WIN_VAULT_SOCKET", str(P20WIN_DATA / "vault.sock")))
# The vault's alone: key store, master key, vault key, signing key. Nobody else mounts them.
P20WIN_IS_VAULT = env.bool("P20WIN_IS_VAULT", False)  # set by `manage.py vault` for itself and its worker
P20WIN_KEYSTORE = Path(env.str("P20WIN_KEYSTORE", str(P20WIN_DATA / "keystore")))
P20WIN_VAULT_KEYS = Path(env.str("P20WIN_VAULT_KEYS", str(P20WIN_DATA / "vault-keys")))
# Who holds the master key: "file" (beside the vault's keys), "vault" (HashiCorp's, transit) or "aws" (KMS).
# In production somebody has to say it: nobody should find out later that it lies in a file.
P20WIN_KEY_SERVICE = env.str("P20WIN_KEY_SERVICE", "" if PRODUCTION else "file")
P20WIN_TRANSIT_ADDRESS = env.str("P20WIN_TRANSIT_ADDRESS", "")
P20WIN_TRANSIT_TOKEN = env.str("P20WIN_TRANSIT_TOKEN", "")
P20WIN_TRANSIT_KEY = env.str("P20WIN_TRANSIT_KEY", "p20win")
P20WIN_TRANSIT_MOUNT = env.str("P20WIN_TRANSIT_MOUNT", "transit")
P20WIN_KMS_KEYS = env.list("P20WIN_KMS_KEYS", default=[])  # ids or addresses of keys, the newest last
P20WIN_KMS_REGION = env.str("P20WIN_KMS_REGION", "")
P20WIN_KMS_ENDPOINT = env.str("P20WIN_KMS_ENDPOINT", "")
if P20WIN_KEY_SERVICE not in ("file", "vault", "aws"):
    raise ImproperlyConfigured(
        f"P20WIN_KEY_SERVICE is {P20WIN_KEY_SERVICE!r}: say who holds the master key, vault (HashiCorp's),"
        " aws (KMS) or file. See docs/runbooks/keys-and-backups.md."
    )
# Snapshots of the key store lie on a volume of their own, never with the backups of the database.
P20WIN_KEY_SNAPSHOTS = Path(env.str("P20WIN_KEY_SNAPSHOTS", str(P20WIN_DATA / "key-snapshots")))
# Where clamd listens, for the vault: unix:/path/of/its/socket or tcp:host:port.
CLAMD_ADDRESS = env.str("CLAMD_ADDRESS", "")
# SFTP, off unless named: the host and port that agencies' machines use, as in sftp.p20win.example.org:22.
SFTP_ADDRESS = env.str("SFTP_ADDRESS", "")
SFTP_LISTEN = env.str("SFTP_LISTEN", SFTP_LISTENS)  # where the program `sftp` itself listens
P20WIN_SFTP_HOST_KEY = Path(env.str("P20WIN_SFTP_HOST_KEY", str(P20WIN_DATA / "sftp" / "host-key.pem")))
P20WIN_SFTP_PUBLIC = Path(env.str("P20WIN_SFTP_PUBLIC", str(P20WIN_DATA / "sftp-public")))  # for the pages
P20WIN_VAULT_CONCURRENCY = env.int("P20WIN_VAULT_CONCURRENCY", 2)
# What one organisation's files may take up here at a time, where the operating group gave it no other room.
P20WIN_ORGANISATION_ROOM_GB = env.int("P20WIN_ORGANISATION_ROOM_GB", 1024)
if P20WIN_ORGANISATION_ROOM_GB < 1:
    raise ImproperlyConfigured(
        "P20WIN_ORGANISATION_ROOM_GB is the gigabytes of one organisation: at least 1."
    )
# The name in the ledger's checkpoints. Never changed: checkpoints of another name are of another ledger.
P20WIN_LEDGER_NAME = env.str("P20WIN_LEDGER_NAME", "p20win.example.org/ledger")
# What one match may use; its need is known beforehand, and one that needs more is refused with the figure.
P20WIN_MATCH_MEMORY = env.str("P20WIN_MATCH_MEMORY", "3GB")
P20WIN_MATCH_THREADS = env.int("P20WIN_MATCH_THREADS", 4)

# --- mail

EMAIL_BACKEND = env.str(
    "EMAIL_BACKEND",
    "django.core.mail.backends.smtp.EmailBackend"
    if PRODUCTION
    else "django.core.mail.backends.filebased.EmailBackend",
)
EMAIL_FILE_PATH = str(P20WIN_DATA / "mail")
EMAIL_HOST = env.str("EMAIL_HOST", "localhost")
EMAIL_PORT = env.int("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", PRODUCTION)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "P20 WIN portal <portal@p20win.example.org>")

# --- language and time

LANGUAGE_CODE = "en-us"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "America/New_York"  # what people see; stored and reckoned in UTC

# --- logs: ids only, never contents; one line of JSON each

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "p20win.logs.OneLine"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", "INFO")},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "weasyprint": {"level": "ERROR"},
        "fontTools": {"level": "ERROR"},
        "pyhanko": {"level": "ERROR"},
        "celery": {"level": "WARNING"},
    },
}
DEFAULT_EXCEPTION_REPORTER_FILTER = "django.views.debug.SafeExceptionReporterFilter"

# --- beat

CELERY_BEAT_SCHEDULE = {
    "jobs": {"task": "jobs.sweep", "schedule": env.float("P20WIN_SWEEP_SECONDS", 5.0)},
    "deadlines": {"task": "deadlines.tick", "schedule": env.float("P20WIN_TICK_SECONDS", 15.0)},
    "windows": {"task": "custody.tell_of_windows", "schedule": 60.0},
    "repeats": {"task": "matching.open_repeats", "schedule": 60.0},
    "mail": {"task": "notifications.deliver", "schedule": 15.0},
    "checkpoints": {"task": "custody.checkpoint_when_due", "schedule": 60.0},
    "rereading": {"task": "custody.reread_when_due", "schedule": 300.0},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(P20WIN_DATA / "beat-schedule")
CELERY_BEAT_SCHEDULER = "celery.beat:PersistentScheduler"

SILENCED_SYSTEM_CHECKS = ["guardian.W001"]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "p20win.settings")

# --- papers

P20WIN_SEAL_KEY = env.str("P20WIN_SEAL_KEY", str(P20WIN_DATA / "seal" / "key.pem"))
P20WIN_SEAL_CERTIFICATE = env.str("P20WIN_SEAL_CERTIFICATE", str(P20WIN_DATA / "seal" / "certificate.pem"))
