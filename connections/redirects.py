"""Return addresses: which ones a client may have, and which of them a request names.

An allow-list. ``https``; ``http`` to the person's own machine alone, on any port, since a program takes the one that is
free (RFC 8252, section 7.3); schemes that belong to one program (RFC 8252, section 7.1). A browser runs, reads or saves
what some other schemes name, and an address of one of them would be no place to return to.
"""

import re
from urllib.parse import urlsplit

from django.conf import settings

from connections.models import Client

LONGEST_URI = 2000
MOST_URIS = 20
#: Schemes without a dot that known programs registered; operators add theirs by ``RASTER_REDIRECT_SCHEMES``.
PROGRAM_SCHEMES = frozenset(
    {
        "chatgpt", "claude", "code-oss", "cursor", "goose", "kiro", "raycast", "vscode", "vscode-insiders", "vscodium",
        "windsurf", "zed",
    }
)  # fmt: skip
_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]+")
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
_LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?")
_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_DOTTED = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+")


def is_allowed_redirect_uri(uri: str) -> bool:
    """Return whether a client may have a return address at all, whoever it is."""
    if len(uri) > LONGEST_URI or not _CHARACTERS.fullmatch(uri):
        return False
    try:
        parts = urlsplit(uri)
        _ = parts.port  # raises for what is no port
    except ValueError:
        return False
    if is_our_own(uri):
        return False
    scheme, _, rest = uri.partition(":")
    if scheme == "https":
        return _HOST.fullmatch(parts.netloc.lower()) is not None
    if scheme == "http":
        return _LOOPBACK.fullmatch(parts.netloc) is not None
    is_programs_own = scheme in PROGRAM_SCHEMES or scheme in settings.REDIRECT_SCHEMES or _DOTTED.fullmatch(scheme)
    return bool(is_programs_own and rest) and "@" not in parts.netloc


def matches_redirect_uri(client: Client, uri: str) -> bool:
    """Return whether ``uri`` is one of a client's return addresses: the same text, or on loopback but for the port."""
    if not is_allowed_redirect_uri(uri):
        return False
    wanted = _without_loopback_port(uri)
    return any(_without_loopback_port(registered) == wanted for registered in client.redirect_uris)


def is_loopback_uri(uri: str) -> bool:
    """Return whether an allowed return address is a program on the person's own machine, found by a port."""
    return uri.startswith("http://")


def is_our_own(address: str) -> bool:
    """Return whether a well-formed address is on a host of this installation, where nobody else is, on any port.

    On loopback, where other programs are, too, it is on the same port.
    """
    parts = urlsplit(address)
    host = (parts.hostname or "").removesuffix(".")
    served = [urlsplit(f"//{name}") for name in settings.SERVED_HOSTS]
    return any(own.hostname == host and (own.port == parts.port or host not in _LOOPBACK_HOSTS) for own in served)


def _without_loopback_port(uri: str) -> str:
    if not is_loopback_uri(uri):
        return uri
    parts = urlsplit(uri)
    loopback = _LOOPBACK.fullmatch(parts.netloc)
    return parts._replace(netloc=loopback[1], path=parts.path or "/").geturl() if loopback else uri
