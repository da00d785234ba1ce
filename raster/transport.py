"""How a request reached the server: over HTTPS or not, from which address, for which host.

uvicorn runs with ``--no-proxy-headers``, so the scope says what the socket says. Forwarded headers are believed only
from ``RASTER_TRUSTED_PROXIES``, and read from the right, where the nearest proxy writes.
"""

import ipaddress
from dataclasses import dataclass

from django.conf import settings
from starlette.types import Scope

FORWARDED_HEADERS = frozenset({b"forwarded", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"})
DEFAULT_PORTS = (":443", ":80")
# Read once: every request comes through here.
DEV, LOOPBACK_HOSTS, TRUSTED_PROXIES = settings.DEV, settings.LOOPBACK_HOSTS, settings.TRUSTED_PROXIES


@dataclass(frozen=True, slots=True)
class Transport:
    """What is known of the way a request came.

    ``accepted`` is False for plain HTTP outside development; ``headers`` holds the last value of each header.
    """

    secure: bool
    accepted: bool
    address: str
    host: str
    headers: dict[bytes, bytes]


def transport_of(scope: Scope) -> Transport:
    """Return how this request came, from its ASGI scope."""
    peer = scope["client"][0] if scope.get("client") else ""
    headers = dict(scope["headers"])
    host = headers.get(b"host", b"").decode("latin-1").lower()
    if host.endswith(DEFAULT_PORTS):
        host = host.rpartition(":")[0]
    forwarded = not FORWARDED_HEADERS.isdisjoint(headers)
    if forwarded and _is_trusted(peer):
        secure = (_values(scope, b"x-forwarded-proto") or [scope["scheme"]])[-1].lower() == "https"
        return Transport(secure, secure, _client_behind(peer, _values(scope, b"x-forwarded-for")), host, headers)
    secure = scope["scheme"] == "https" and not forwarded
    on_loopback = DEV and not forwarded and is_loopback_host(host) and _is_loopback(peer)
    return Transport(secure, secure or on_loopback, peer, host, headers)


def is_served_host(host: str) -> bool:
    """Return whether a Host header names this installation: a page elsewhere may have its own name lead here."""
    return host in settings.SERVED_HOSTS or (DEV and is_loopback_host(host))


def is_loopback_host(host: str) -> bool:
    """Return whether a Host header names this machine, whatever the port."""
    name, _, port = host.rpartition(":")
    return (name if port.isdecimal() else host) in LOOPBACK_HOSTS


def _values(scope: Scope, wanted: bytes) -> list[str]:
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == wanted]
    return [part.strip() for line in lines for part in line.split(",") if part.strip()]


def _client_behind(peer: str, hops: list[str]) -> str:
    address = peer
    for hop in reversed(hops):
        try:
            ipaddress.ip_address(hop)
        except ValueError:
            break
        address = hop
        if not _is_trusted(hop):
            break
    return address


def _is_trusted(address: str) -> bool:
    if not TRUSTED_PROXIES:
        return False
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in TRUSTED_PROXIES)


def _is_loopback(address: str) -> bool:
    return address == "::1" or address.startswith("127.")
