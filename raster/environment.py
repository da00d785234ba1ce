"""Typed readers of environment variables, each of which fails with a sentence that says what to set."""

import importlib.util
import ipaddress
import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import dj_database_url
from dj_database_url import DBConfig
from django.core.exceptions import ImproperlyConfigured

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_PEPPER = 32_767
MAX_PORT = 65_535
MIN_SECRET_LENGTH = 32
MAX_LIMIT = 2**31 - 1
UNITS: dict[str, int] = {unit: 1024**power for power, unit in enumerate(("B", "KB", "MB", "GB", "TB"))}
HOST_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
#: Schemes whose addresses a browser opens, runs or saves itself: none is one program's own.
BROWSER_SCHEMES = frozenset(
    {
        "about", "blob", "chrome", "chrome-extension", "data", "file", "filesystem", "ftp", "http", "https", "intent",
        "javascript", "mailto", "moz-extension", "resource", "sms", "tel", "vbscript", "view-source", "ws", "wss",
    }
)  # fmt: skip

#: Every variable with one of these prefixes is a setting.
PREFIXES = ("RASTER_", "EMAIL_")
KNOWN = frozenset(
    {
        "EMAIL_HOST",
        "EMAIL_HOST_PASSWORD",
        "EMAIL_HOST_USER",
        "EMAIL_PORT",
        "EMAIL_USE_SSL",
        "EMAIL_USE_TLS",
        "RASTER_ADDRESS_RATE",
        "RASTER_ALLOWED_ORIGINS",
        "RASTER_ANONYMOUS",
        "RASTER_API_HOST",
        "RASTER_BASE_URL",
        "RASTER_CREDENTIAL_RATE",
        "RASTER_DATABASE_MCP_POOL",
        "RASTER_DATABASE_POOL",
        "RASTER_DATA_DIR",
        "RASTER_DEV",
        "RASTER_FETCH_ALLOW",
        "RASTER_FREE_SPACE",
        "RASTER_KEY_PEPPERS",
        "RASTER_LIBRARY_QUOTA",
        "RASTER_MAX_FILE_SIZE",
        "RASTER_MCP_HOST",
        "RASTER_MEDIA_HOST",
        "RASTER_REDIRECT_SCHEMES",
        "RASTER_SIGNUP",
        "RASTER_STORAGE",
        "RASTER_STORAGE_QUOTA",
        "RASTER_TRUSTED_PROXIES",
        "RASTER_WORKER",
    }
)


def check_names(environ: Mapping[str, str] = os.environ) -> None:
    """Refuse a ``RASTER_*`` or ``EMAIL_*`` variable that nothing reads: a typing mistake, or of another version.

    Raises:
        ImproperlyConfigured: naming every unknown variable.
    """
    unknown = sorted(name for name in environ if name.startswith(PREFIXES) and name not in KNOWN)
    if unknown:
        raise ImproperlyConfigured(
            f"Unknown setting {', '.join(unknown)}. docs/configuration.md lists every setting that Raster reads."
        )


def text(name: str, default: str | None = None) -> str:
    """Return the variable's text, or ``default``; without a default it must be set."""
    value = os.environ.get(name, "").strip()
    if value:
        return value
    if default is None:
        raise ImproperlyConfigured(f"{name} must be set. See docs/configuration.md.")
    return default


def flag(name: str, *, default: bool = False) -> bool:
    """Return whether the variable is ``1`` and not ``0``; anything else is an error, and unset or empty ``default``."""
    value = os.environ.get(name, "").strip()
    if value not in {"", "0", "1"}:
        raise ImproperlyConfigured(f"{name} is {value!r}; it takes 1 or 0.")
    return value == "1" if value else default


def port(name: str, default: int) -> int:
    """Return the variable as the number of a port, or ``default``."""
    value = text(name, str(default))
    if not (value.isdecimal() and 1 <= int(value) <= MAX_PORT):
        raise ImproperlyConfigured(f"{name} is {value!r}; it takes a port, a number from 1 to {MAX_PORT}.")
    return int(value)


def count(name: str, default: int) -> int:
    """Return the variable as a whole number from 1, or ``default``."""
    value = text(name, str(default))
    if not _is_count(value):
        raise ImproperlyConfigured(f"{name} is {value!r}; it takes a whole number from 1.")
    return int(value)


def _is_count(value: str) -> bool:
    return value.isascii() and value.isdecimal() and 1 <= int(value) <= MAX_LIMIT


def limit(name: str, default: int | None = None) -> int | None:
    """Return the variable as a whole number from 1, or ``default``; None, no limit, where it is ``off``."""
    value = text(name, "")
    if value.lower() == "off":
        return None
    if value and not _is_count(value):
        raise ImproperlyConfigured(f"{name} is {value!r}; it takes a whole number from 1, or off for no limit.")
    return int(value) if value else default


def size(name: str, default: str) -> int:
    """Return the variable as a number of bytes, or ``default``."""
    return read_size(name, text(name, default))


def read_size(name: str, value: str) -> int:
    """Read a number of bytes, with a unit or without.

    Raises:
        ImproperlyConfigured: it is none, with ``name`` in front.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,11}) ?(B|KB|MB|GB|TB)?", value.upper())
    if found is None:
        raise ImproperlyConfigured(f"{name} is {value!r}; it takes a size such as 500 MB, 2 GB or a number of bytes.")
    return int(found[1]) * UNITS[found[2] or "B"]


def size_limit(name: str) -> int | None:
    """Return the variable as a number of bytes, or None where it is not set: no limit."""
    return size(name, "") if text(name, "") else None


def secret(name: str, default: str | None = None) -> str:
    """Return the variable's text if it is long enough to be a secret."""
    value = text(name, default)
    if len(value) < MIN_SECRET_LENGTH:
        raise ImproperlyConfigured(f"{name} is shorter than {MIN_SECRET_LENGTH} characters: use a random one.")
    return value


def words(name: str) -> list[str]:
    """Return a comma-separated list, without empty entries."""
    return [word.strip() for word in os.environ.get(name, "").split(",") if word.strip()]


def choice(name: str, options: tuple[str, ...], default: str) -> str:
    """Return one of ``options``."""
    value = text(name, default)
    if value not in options:
        raise ImproperlyConfigured(f"{name} is {value!r}; it takes one of {', '.join(options)}.")
    return value


def url(name: str, default: str | None = None) -> str:
    """Return an http or https URL that is a bare origin, without a slash at its end."""
    value = text(name, default).rstrip("/")
    if not _is_origin(value):
        raise ImproperlyConfigured(f"{name} is {value!r}; it takes an origin such as https://raster.example.com.")
    return value.removesuffix(":443" if value.startswith("https:") else ":80")


def origins(name: str) -> list[str]:
    """Return a comma-separated list of origins, in lower case."""
    values = [word.rstrip("/").lower() for word in words(name)]
    for value in values:
        if not _is_origin(value):
            raise ImproperlyConfigured(f"{name} has {value!r}; it takes origins such as https://app.example.com.")
    return values


def _is_origin(value: str) -> bool:
    try:
        parts = urlsplit(value)
        _ = parts.port  # raises for what is no port
    except ValueError:
        return False
    return (
        parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and "@" not in parts.netloc
        and value == f"{parts.scheme}://{parts.netloc}"
    )


def host(name: str) -> str:
    """Return a host name with an optional port, in lower case; empty where it is not set."""
    value = text(name, "").lower()
    if value and not re.fullmatch(r"[a-z0-9.-]+(:[0-9]{1,5})?|\[[0-9a-f:]+\](:[0-9]{1,5})?", value):
        raise ImproperlyConfigured(f"{name} is {value!r}; it takes a host such as mcp.example.com.")
    return value.removesuffix(":443")


def networks(name: str) -> tuple[Network, ...]:
    """Return a comma-separated list of addresses and networks."""
    try:
        return tuple(ipaddress.ip_network(word) for word in words(name))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}. It takes addresses or networks such as 10.0.0.0/8.") from None


def hosts_and_networks(name: str) -> tuple[frozenset[str], tuple[Network, ...]]:
    """Return a comma-separated list of host names, and of addresses and networks, each kind by itself."""
    hosts, ranges = set(), []
    for word in words(name):
        try:
            ranges.append(ipaddress.ip_network(word))
        except ValueError:
            # What ends in a number was to be an address.
            if not HOST_NAME.fullmatch(word.lower()) or word.rpartition(".")[2].isdecimal():
                raise ImproperlyConfigured(
                    f"{name} has {word!r}; it takes host names and networks such as files.example.com, 10.0.0.0/8."
                ) from None
            hosts.add(word.lower())
    return frozenset(hosts), tuple(ranges)


def schemes(name: str) -> frozenset[str]:
    """Return a comma-separated list of URL schemes that belong to one program each, in lower case."""
    values = frozenset(word.lower() for word in words(name))
    for value in sorted(values):
        if not re.fullmatch(r"[a-z][a-z0-9+.-]*", value) or value in BROWSER_SCHEMES:
            raise ImproperlyConfigured(f"{name} has {value!r}; it takes schemes that only one program opens: myeditor.")
    return values


def database(name: str, default: str) -> DBConfig:
    """Return Django's settings of the database that a URL names."""
    try:
        return dj_database_url.parse(text(name, default))
    except ValueError:
        # Neither the value nor the parser's message is shown: a password may be part of them.
        raise ImproperlyConfigured(
            f"{name} takes sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME."
        ) from None


def storage(name: str) -> dict[str, Any]:
    """Return Django's settings of the storage for files: ``local``, or ``s3://bucket/prefix?endpoint=…&region=…``."""
    value = text(name, "local")
    if value == "local":
        return {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    refused = ImproperlyConfigured(
        f"{name} takes local, or s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION&addressing=path; "
        "the credentials are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
    )
    parts = urlsplit(value)
    try:
        options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    except ValueError:
        raise refused from None
    endpoint = options.get("endpoint", "")
    # On a service of one's own, names of buckets are rarely names of hosts.
    addressing = options.get("addressing", "path" if endpoint else "auto")
    if (
        parts.scheme != "s3"
        or not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", parts.netloc)
        or not re.fullmatch(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._-]+)*/?", parts.path)
        or parts.fragment
        or not set(options) <= {"endpoint", "region", "addressing"}
        or (endpoint and not _is_origin(endpoint))
        or addressing not in {"path", "virtual", "auto"}
    ):
        raise refused
    if importlib.util.find_spec("storages") is None or importlib.util.find_spec("boto3") is None:
        raise ImproperlyConfigured(
            f"{name} needs more packages. Run: pip install --require-hashes -r requirements/extras.txt"
        )
    return {
        "BACKEND": "assets.s3.S3Files",
        "OPTIONS": {
            "bucket": parts.netloc,
            "prefix": parts.path.strip("/"),
            "endpoint": endpoint,
            "region": options.get("region", ""),
            "addressing": addressing,
        },
    }


def peppers(value: str) -> dict[int, bytes]:
    """Read ``number:secret`` pairs, separated by commas, into a table of pepper number to secret bytes.

    Raises:
        ImproperlyConfigured: a pair is malformed, a number occurs twice, or a secret is shorter than 32 characters.
    """
    table: dict[int, bytes] = {}
    for pair in filter(None, (pair.strip() for pair in value.split(","))):
        number_text, _, pepper = pair.partition(":")
        if not number_text.isdecimal() or not 1 <= int(number_text) <= MAX_PEPPER or int(number_text) in table:
            raise ImproperlyConfigured("RASTER_KEY_PEPPERS takes pairs such as 1:secret, each number (1-32767) once.")
        if len(pepper) < MIN_SECRET_LENGTH:
            raise ImproperlyConfigured(f"RASTER_KEY_PEPPERS: pepper {number_text} is shorter than 32 characters.")
        table[int(number_text)] = pepper.encode()
    if not table:
        raise ImproperlyConfigured("RASTER_KEY_PEPPERS must hold at least one pepper. See docs/configuration.md.")
    return table
