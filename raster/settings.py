"""Settings: everything that differs between installations comes from the environment (docs/configuration.md)."""

import contextlib
import warnings
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from raster import __version__, data_folder, environment
from raster.development import development_secrets
from raster.postgresql.connections import Connection

environment.check_names()

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = __version__

# --- This installation -------------------------------------------------------------------------------------------

DEV = environment.flag("RASTER_DEV")
DATA_DIR = Path(environment.text("RASTER_DATA_DIR", "var")).resolve()
data_folder.prepare(DATA_DIR)
if DEV:
    _secrets = development_secrets(DATA_DIR)
    SECRET_KEY = environment.secret("SECRET_KEY", _secrets["secret_key"])
    KEY_PEPPERS = environment.peppers(environment.text("RASTER_KEY_PEPPERS", _secrets["key_peppers"]))
    BASE_URL = environment.url("RASTER_BASE_URL", f"http://localhost:{environment.port('PORT', 8000)}")
else:
    SECRET_KEY = environment.secret("SECRET_KEY")
    KEY_PEPPERS = environment.peppers(environment.text("RASTER_KEY_PEPPERS"))
    BASE_URL = environment.url("RASTER_BASE_URL")
    if not BASE_URL.startswith("https://"):
        raise ImproperlyConfigured("RASTER_BASE_URL must be an https URL: Raster is served over HTTPS only.")

_base = urlsplit(BASE_URL)
BASE_HOST = _base.netloc.lower()
BASE_SCHEME = _base.scheme
MCP_HOST = environment.host("RASTER_MCP_HOST")
API_HOST = environment.host("RASTER_API_HOST")
MEDIA_HOST = environment.host("RASTER_MEDIA_HOST")
MCP_URL = f"{_base.scheme}://{MCP_HOST}/" if MCP_HOST else f"{BASE_URL}/mcp"
API_URL = f"{_base.scheme}://{API_HOST}" if API_HOST else f"{BASE_URL}/api"
MEDIA_BASE_URL = f"{_base.scheme}://{MEDIA_HOST}" if MEDIA_HOST else f"{BASE_URL}/media"
TRUSTED_PROXIES = environment.networks("RASTER_TRUSTED_PROXIES")
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
SERVED_HOSTS = frozenset(filter(None, (BASE_HOST, MCP_HOST, API_HOST, MEDIA_HOST)))
ALLOWED_ORIGINS = frozenset(
    # Not the media host, which serves files that users uploaded.
    [f"{_base.scheme}://{host}" for host in (BASE_HOST, MCP_HOST) if host]
    + environment.origins("RASTER_ALLOWED_ORIGINS")
)
# What this server may fetch although it is on a private network, and on ports other than 443.
FETCH_ALLOWED_HOSTS, FETCH_ALLOWED_NETWORKS = environment.hosts_and_networks("RASTER_FETCH_ALLOW")
REDIRECT_SCHEMES = environment.schemes("RASTER_REDIRECT_SCHEMES")
MAX_FILE_SIZE = environment.size("RASTER_MAX_FILE_SIZE", "1 GB")
FREE_SPACE = environment.size("RASTER_FREE_SPACE", "256 MB")
STORAGE_QUOTA = environment.size_limit("RASTER_STORAGE_QUOTA")
LIBRARY_QUOTA = environment.limit("RASTER_LIBRARY_QUOTA", 1000)
# Requests a minute to the APIs: of one credential, and of one address without an accepted one.
CREDENTIAL_RATE = environment.limit("RASTER_CREDENTIAL_RATE", 3000)
ADDRESS_RATE = environment.limit("RASTER_ADDRESS_RATE", 300)
WORKER = environment.choice("RASTER_WORKER", ("server", "apart"), "server")
# Whether organizations may be started without an account.
ANONYMOUS = environment.flag("RASTER_ANONYMOUS", default=DEV)
SIGNUP = environment.choice("RASTER_SIGNUP", ("invite", "open", "closed"), "open" if DEV else "invite")

DEBUG = False
ALLOWED_HOSTS = [urlsplit(f"//{host}").hostname or host for host in SERVED_HOSTS]
if DEV:
    ALLOWED_HOSTS += sorted(LOOPBACK_HOSTS)

# --- Applications ------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "raster.tasks",
    "accounts",
    "orgs",
    "assets",
    "apikeys",
    "connections",
    "api",
    "mcp_gateway",
    "allauth",
    "allauth.account",
    "csp",
    "django.forms",  # its templates, which raster.pages.FormRenderer falls back to
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "raster.middleware.BrowserPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "raster.middleware.RequestRecordMiddleware",
    "raster.middleware.ErrorPageMiddleware",
]

ROOT_URLCONF = "raster.urls"
ASGI_APPLICATION = "raster.asgi.application"
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

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
                "raster.pages.site",
            ],
        },
    },
]
FORM_RENDERER = "raster.pages.FormRenderer"

# --- Data --------------------------------------------------------------------------------------------------------

DATABASES = {"default": environment.database("DATABASE_URL", f"sqlite:///{DATA_DIR}/raster.sqlite3")}
_database = DATABASES["default"]
# Connections to PostgreSQL that a process opens at most, and those that the MCP gate has beside them.
DATABASE_POOL = environment.count("RASTER_DATABASE_POOL", 40)
DATABASE_MCP_POOL = environment.count("RASTER_DATABASE_MCP_POOL", 8)
if _database["ENGINE"] == "django.db.backends.sqlite3":
    with contextlib.suppress(OSError):  # then the health checks say that the database cannot be opened
        Path(_database["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    _database["OPTIONS"] = {
        # A write that starts as a read cannot be retried by SQLite's busy handler, so each transaction is a writer
        # from its first statement.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32000",
    }
    _database["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
elif _database["ENGINE"] == "django.db.backends.postgresql":
    _database["ENGINE"] = "raster.postgresql"  # which checks connections itself
    _database["OPTIONS"] = {
        "connect_timeout": 5,
        **_database.get("OPTIONS", {}),
        # Seconds: for a free connection, and for how long the pool goes on trying when the server is away.
        "pool": {
            "connection_class": Connection,
            "min_size": 0,
            "max_size": DATABASE_POOL,
            "timeout": 3,
            "reconnect_timeout": 5,
        },
    }
    # PgBouncer may give each transaction another session.
    _database["DISABLE_SERVER_SIDE_CURSORS"] = True
else:
    raise ImproperlyConfigured("DATABASE_URL takes sqlite:/// or postgresql://.")

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        # Beyond it Django drops entries that still count: forms that were sent. Limits are in a table of their own.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# Each organization may be a queue, so the names of queues are not listed.
TASKS = {"default": {"BACKEND": "raster.tasks.backend.QueueBackend", "QUEUES": []}}

MEDIA_ROOT = DATA_DIR / "media"
STATIC_ROOT = DATA_DIR / "static"
STATIC_URL = "/static/"
warnings.filterwarnings("ignore", "No directory at: ")  # WhiteNoise's words for what the health checks say in theirs
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": environment.storage("RASTER_STORAGE"),
    "staticfiles": {"BACKEND": "raster.static_files.HashedStaticFiles"},
}
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_NUMBER_FIELDS = 25_000  # the access table of a key posts one field a library
MAX_PAGE_BODY = 2 * 1024 * 1024

# --- Signing in --------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
RECENT_SIGN_IN_SECONDS = 15 * 60

MAIL_CONFIGURED = bool(environment.text("EMAIL_HOST", ""))
EMAIL_HOST = environment.text("EMAIL_HOST", "localhost")
EMAIL_USE_SSL = environment.flag("EMAIL_USE_SSL")
EMAIL_USE_TLS = environment.flag("EMAIL_USE_TLS", default=not EMAIL_USE_SSL)
if EMAIL_USE_SSL and EMAIL_USE_TLS:
    raise ImproperlyConfigured("EMAIL_USE_SSL and EMAIL_USE_TLS exclude each other: set one of them to 1.")
EMAIL_PORT = environment.port("EMAIL_PORT", 465 if EMAIL_USE_SSL else 587)
EMAIL_HOST_USER = environment.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = environment.text("EMAIL_HOST_PASSWORD", "")
EMAIL_BACKEND = "raster.smtp.EmailBackend"
EMAIL_TIMEOUT = 10  # seconds, for all of an attempt
DEFAULT_FROM_EMAIL = environment.text("DEFAULT_FROM_EMAIL", f"Raster <raster@{_base.hostname}>")
if DEV and not MAIL_CONFIGURED:
    MAIL_CONFIGURED = True
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = DATA_DIR / "mail"
if SIGNUP == "open" and not MAIL_CONFIGURED:
    raise ImproperlyConfigured("RASTER_SIGNUP=open needs mail, to verify addresses: set EMAIL_HOST.")

ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
# accounts/limits.py counts instead: django-allauth's counts are in the cache, which drops entries when it is full.
ACCOUNT_RATE_LIMITS = False
ACCOUNT_FORMS = {
    "login": "accounts.forms.SignInForm",
    "signup": "accounts.forms.SignUpForm",
    "reauthenticate": "accounts.forms.SignInAgainForm",
    "reset_password": "accounts.forms.AskForResetForm",
    "reset_password_from_key": "accounts.forms.NewPasswordForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "optional" if DEV else "mandatory"
# Only in the browser in which they signed up, so that they come back to what they came for.
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_NOTIFICATIONS = MAIL_CONFIGURED
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_REAUTHENTICATION_TIMEOUT = RECENT_SIGN_IN_SECONDS
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _base.scheme

SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = not DEV
SESSION_COOKIE_NAME = "raster_session" if DEV else "__Host-raster_session"
KNOWN_BROWSER_COOKIE_PREFIX = "raster_known_" if DEV else "__Host-raster_known_"
CSRF_COOKIE_SECURE = not DEV
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_NAME = "raster_csrf" if DEV else "__Host-raster_csrf"
CSRF_FAILURE_VIEW = "raster.pages.csrf_failure"

# The toolkit is no installed app: connections/toolkit.py uses its bridge to oauthlib, with rows of our own.
OAUTH2_PROVIDER = {
    "OAUTH2_VALIDATOR_CLASS": "connections.toolkit.Validator",
    "OIDC_ISS_ENDPOINT": BASE_URL,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
}

# --- Browsers ----------------------------------------------------------------------------------------------------

SECURE_SSL_REDIRECT = not DEV
SECURE_SSL_HOST = BASE_HOST
# What programs call is refused over plain http instead: they would not learn that what they sent was seen.
SECURE_REDIRECT_EXEMPT = [r"^\.well-known/", r"^(register|token|revoke|device_authorization|mcp/server-card)\Z"]
SECURE_HSTS_SECONDS = 0 if DEV else 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = not DEV
SECURE_HSTS_PRELOAD = not DEV
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", *([MEDIA_BASE_URL] if MEDIA_HOST else [])],
        "media-src": [SELF, *([MEDIA_BASE_URL] if MEDIA_HOST else [])],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- Language, time, logs ----------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
USE_I18N = False
TIME_ZONE = "UTC"
USE_TZ = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "raster.logs.JSONFormatter"},
        "faults": {"()": "raster.logs.FaultFormatter"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "json"},
        "faults": {"class": "logging.StreamHandler", "formatter": "faults", "level": "ERROR"},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "raster": {"level": "INFO"},
        # Its lines hold whole URLs, query strings included; raster.access writes a line without them.
        "uvicorn.access": {"handlers": ["nowhere"], "propagate": False},
        # So do theirs, links to reset a password among them; the access line has route and status.
        "django.request": {"handlers": ["faults"], "propagate": False},
        "django.security": {"handlers": ["nowhere"], "propagate": False},
        # What is wrong with a form is told to whoever sent it.
        "python_multipart": {"handlers": ["nowhere"], "propagate": False},
        "uvicorn.error": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
    },
}

# --- REST --------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    # Who asks, the API's door found out (api/rest/door.py).
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "UNAUTHENTICATED_USER": None,
}
