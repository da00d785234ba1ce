"""The resources that a token can be for, and their addresses.

A token is bound to a *row*: a set of addresses that are one resource. Rows are kept as text: ``mcp`` (``/mcp`` on any
host and the MCP host's root), ``mcp/o/<slug>`` (one organization's MCP server), ``api`` (REST and GraphQL). An empty
row is a token whose client named no resource: it is for ``mcp`` and ``api``.

Everything here decides by the form of an address alone, without a look at which organizations exist.
"""

import re
from urllib.parse import urlsplit

from django.conf import settings

from orgs.models import SLUG_LENGTH

MCP = "mcp"
API = "api"
UNBOUND = ""
METADATA_PATH = "/.well-known/oauth-protected-resource"
_SLUG = rf"[a-z0-9](?:-?[a-z0-9]){{0,{SLUG_LENGTH - 1}}}"
_ORGANIZATION_PATH = re.compile(rf"/(?:mcp/)?o/({_SLUG})\Z")
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}


def row_of_path(host: str, path: str) -> str | None:
    """Return the row of a path on one of our hosts, or None where it is no resource.

    ``host`` is in lower case, without a default port. One slash at the end does not count.
    """
    on_mcp_host = bool(settings.MCP_HOST) and host == settings.MCP_HOST
    path = path.removesuffix("/")
    if path == "/mcp" or (on_mcp_host and not path):
        return MCP
    match = _ORGANIZATION_PATH.match(path)
    if match and len(match[1]) <= SLUG_LENGTH and (path.startswith("/mcp/") or on_mcp_host):
        return f"mcp/o/{match[1]}"
    if path == "/api" and not on_mcp_host:
        return API
    if settings.API_HOST and host == settings.API_HOST and not path:
        return API
    return None


def api_root(host: str) -> str:
    """Return the path of the API's resource on one of our hosts."""
    return "/" if settings.API_HOST and host == settings.API_HOST else "/api"


def row_of(resource: str) -> str | None:
    """Return the row of a ``resource`` parameter, or None where it is none of ours.

    Scheme and host are compared in lower case, and one slash at the end is dropped.
    """
    try:
        parts = urlsplit(resource)
        host = parts.netloc.lower()
        _ = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if parts.query or parts.fragment or resource.endswith(("?", "#")) or "@" in host or not host:
        return None
    host = host.removesuffix(_DEFAULT_PORTS.get(scheme, ""))
    if not is_our_origin(scheme, host):
        return None
    return row_of_path(host, parts.path)


def is_our_origin(scheme: str, host: str) -> bool:
    """Return whether an address on this host and scheme is served here."""
    if scheme == settings.BASE_SCHEME and host in settings.SERVED_HOSTS:
        return True
    return bool(settings.DEV) and scheme == "http" and _without_port(host) in settings.LOOPBACK_HOSTS


def narrows(asked: str, granted: str) -> bool:
    """Return whether a token for the row ``asked`` is within what was granted for the row ``granted``."""
    return asked == granted or (granted == UNBOUND and asked in {MCP, API})


def admits(token_row: str, row: str) -> bool:
    """Return whether a token for ``token_row`` works at an address of ``row``."""
    return narrows(row, token_row)


def organization_of(row: str) -> str | None:
    """Return the slug of the one organization that a row is of, or None."""
    return row.removeprefix("mcp/o/") if row.startswith("mcp/o/") else None


def metadata_url(scheme: str, host: str, path: str) -> str:
    """Return the address of the metadata document of a resource at this address (RFC 9728, section 3.1)."""
    return f"{scheme}://{host}{METADATA_PATH}{path.removesuffix('/')}"


def _without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name if port.isdecimal() else host


def organization_mcp_url(slug: str) -> str:
    """Return the address of one organization's MCP server."""
    return f"{settings.MCP_URL.removesuffix('/')}/o/{slug}"
