"""Fetching what somebody else named: from the public internet alone, in bounded time and size.

A URL that a stranger gives may point into the network that this server stands in. So the name is resolved once, every
address it has is judged, and the connection goes to one that was judged, whatever the name says a moment later; and so
again for each redirect. Names and networks of ``RASTER_FETCH_ALLOW`` are the exceptions. Proxies, cookies and netrc of
the environment play no part.
"""

import ipaddress
import logging
import re
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import NoReturn
from urllib.parse import urldefrag, urljoin, urlsplit

import httpcore2
from django.conf import settings

from raster import __version__

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

HTTPS = frozenset({"https"})
HTTP_OR_HTTPS = frozenset({"http", "https"})
PORTS = {"http": 80, "https": 443}
LONGEST_URL = 2000
REDIRECTS = frozenset({301, 302, 303, 307, 308})
CONNECT_SECONDS = 3.0
CHUNK = 64 * 1024
MOST_AT_ONCE = 32
MOST_ADDRESSES = 4
#: Printable ASCII but for what the parsers of different programs read differently.
_URL = re.compile(r"(https?)://[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]+")
_NAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LOCAL_DOMAINS = (".local", ".localhost", ".internal", ".intranet", ".lan", ".home.arpa", ".onion")

# Public by the registries' reckoning, or by Python's, yet no place of the public internet.
_REFUSED_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "168.63.129.16/32",  # Azure's own services, from within its machines
        "192.0.0.0/24",  # protocol assignments
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT relays
        "192.88.99.0/24",  # 6to4 relays
        "192.175.48.0/24",  # AS112
    )
)
# What global unicast (2000::/3) is not for: tunnels and translations, which lead to IPv4 addresses, and documentation.
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_REFUSED_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})  # the upper half of an interface identifier that holds an IPv4 address

logger = logging.getLogger("raster.outbound")
# As many as there may be fetches: a name server that never answers keeps its thread for as long as the system waits.
_resolvers = ThreadPoolExecutor(max_workers=MOST_AT_ONCE, thread_name_prefix="resolver")
_slots = BoundedSemaphore(MOST_AT_ONCE)


class OutboundRefused(Exception):
    """Nothing was fetched. It never says why: the answer must not draw a map of the network."""

    def __init__(self) -> None:
        super().__init__("This address could not be fetched.")


class _Refusal(Exception):
    """Why an address is not fetched, for the log alone."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A body, and the headers that came with it, by names in lower case."""

    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Download:
    """A body that is on its way, from ``url``, where redirects led. Its headers have names in lower case."""

    url: str
    headers: dict[str, str]
    _response: httpcore2.Response

    @property
    def declared_size(self) -> int | None:
        """The bytes of the body, where they were declared; no more of them are read than that."""
        declared = self.headers.get("content-length", "")
        return int(declared) if declared.isascii() and declared.isdecimal() else None

    def chunks(self) -> Iterator[bytes]:
        """Yield the body.

        Raises:
            OutboundRefused: it ends early, or is not complete in time.
        """
        with _refusing(self.url):
            yield from self._response.iter_stream()


def fetch(url: str, *, most_bytes: int, seconds: float, accept: str = "*/*") -> Fetched:
    """Return what is at an https URL.

    Redirects are not followed. ``seconds`` is for everything together, from the look-up of the name to the last byte.

    Raises:
        OutboundRefused: the URL or its address is not allowed, or it does not answer 200 within these bounds.
    """
    with download(url, seconds=seconds, accept=accept) as found:
        body = bytearray()
        with _refusing(url):
            if (found.declared_size or 0) > most_bytes:
                raise _Refusal("a body that is too large")
            for chunk in found.chunks():
                body += chunk
                if len(body) > most_bytes:
                    raise _Refusal("a body that is too large")
    return Fetched(bytes(body), found.headers)


@contextmanager
def download(
    url: str, *, seconds: float, schemes: frozenset[str] = HTTPS, redirects: int = 0, accept: str = "*/*"
) -> Iterator[Download]:
    """Open what is at a URL, for reading within the block and within ``seconds`` in all.

    Each redirect is judged as the URL was, and none leads from https to http.

    Raises:
        OutboundRefused: a URL or its address is not allowed, or it does not answer 200 within these bounds.
    """
    deadline = time.monotonic() + seconds
    if not _slots.acquire(blocking=False):
        logger.warning("Nothing more is fetched while %s fetches are under way", MOST_AT_ONCE)
        raise OutboundRefused
    try:
        with ExitStack() as opened:
            yield _follow(url, schemes, redirects, deadline, accept, opened)
    finally:
        _slots.release()


def is_public(address: Address) -> bool:
    """Return whether an address is one machine of the public internet, and leads to no other address."""
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    return (
        address in _GLOBAL_V6
        and not any(address in network for network in _REFUSED_V6)
        and (int(address) >> 32) & 0xFFFFFFFF not in _ISATAP
    )


@contextmanager
def _refusing(url: str) -> Iterator[None]:
    """Tell whoever asked that it was refused, and the log alone why."""
    try:
        yield
    except (_Refusal, OSError, httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError) as error:
        _refuse(url, str(error) or type(error).__name__)


def _refuse(url: str, reason: str) -> NoReturn:
    logger.info("An address was not fetched", extra={"fields": {"host": _loggable_host(url), "reason": reason}})
    raise OutboundRefused from None


def _follow(
    url: str, schemes: frozenset[str], redirects: int, deadline: float, accept: str, opened: ExitStack
) -> Download:
    """Return what is at a URL, or where it redirects to; ``opened`` closes the connection."""
    for _ in range(redirects + 1):
        with _refusing(url):
            place = _read_url(url, schemes)
            response = opened.enter_context(_asked(place, deadline, accept))
            if response.status not in REDIRECTS:
                return Download(url, _accepted_headers(response), response)
            opened.close()
            if place.scheme == "https":
                schemes = HTTPS
            url = _next_url(url, response)
    _refuse(url, "a redirect too many")


@dataclass(frozen=True, slots=True)
class _Place:
    """The parts of a URL that may be fetched."""

    scheme: str
    host: str
    port: int
    target: str


@contextmanager
def _asked(place: _Place, deadline: float, accept: str) -> Iterator[httpcore2.Response]:
    headers = [
        ("Host", _host_header(place)),
        ("User-Agent", f"Raster/{__version__}"),
        ("Accept", accept),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
    ]
    address = httpcore2.URL(
        scheme=place.scheme.encode(), host=place.host.encode(), port=place.port, target=place.target.encode()
    )
    pool = httpcore2.ConnectionPool(ssl_context=_tls(), network_backend=_CheckedBackend(deadline))
    with pool, pool.stream("GET", address, headers=headers) as response:
        yield response


def _accepted_headers(response: httpcore2.Response) -> dict[str, str]:
    """Return the headers of an answer that brings what was asked for, as it is."""
    if response.status != 200:
        raise _Refusal(f"status {response.status}")
    received = {name.decode("latin-1").lower(): value.decode("latin-1").strip() for name, value in response.headers}
    if received.get("content-encoding", "identity").lower() != "identity":
        raise _Refusal("a compressed body")
    return received


def _next_url(url: str, response: httpcore2.Response) -> str:
    targets = [value.decode("latin-1") for name, value in response.headers if name.lower() == b"location"]
    if len(targets) != 1:
        raise _Refusal("a redirect to nowhere")
    try:
        return urldefrag(urljoin(url, targets[0])).url
    except ValueError:
        raise _Refusal("a redirect to no URL") from None


def _read_url(url: str, schemes: frozenset[str]) -> _Place:
    found = _URL.fullmatch(url) if len(url) <= LONGEST_URL else None
    if found is None or found[1] not in schemes:
        raise _Refusal("not a URL of an accepted scheme in plain characters")
    scheme = found[1]
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", PORTS[scheme] if parts.port is None else parts.port
    except ValueError:
        raise _Refusal("not a URL") from None
    if "@" in parts.netloc:
        raise _Refusal("a name or password in the URL")
    if host not in settings.FETCH_ALLOWED_HOSTS:
        if port != PORTS[scheme]:
            raise _Refusal(f"port {port}")
        if _literal(host) is None and (not _NAME.fullmatch(host) or host.endswith(_LOCAL_DOMAINS)):
            raise _Refusal("not a host name of the public internet")
    return _Place(scheme, host, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host) if "%" not in host else None
    except ValueError:
        return None


def _host_header(place: _Place) -> str:
    name = f"[{place.host}]" if ":" in place.host else place.host
    return name if place.port == PORTS[place.scheme] else f"{name}:{place.port}"


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _checked_addresses(host: str, port: int, seconds: float) -> list[str]:
    """Return the addresses of a name, each of which may be connected to."""
    looked_up = _resolvers.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        answers = looked_up.result(timeout=seconds)
    except (OSError, UnicodeError, TimeoutError):
        looked_up.cancel()
        raise _Refusal("no address") from None
    texts = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    for text in texts:
        address = _literal(text)
        if address is None or not _may_connect(host, address):
            raise _Refusal(f"the address {text}")
    if not texts:
        raise _Refusal("no address")
    return texts


def _may_connect(host: str, address: Address) -> bool:
    if host in settings.FETCH_ALLOWED_HOSTS or is_public(address):
        return True
    return any(address in network for network in settings.FETCH_ALLOWED_NETWORKS)


def _loggable_host(url: str) -> str:
    """Return the host of a URL, of which everything else may hold a secret."""
    host = url.partition("//")[2].partition("/")[0].rpartition("@")[2]
    return "".join(character for character in host[:253] if character.isprintable())


class _CheckedBackend(httpcore2.NetworkBackend):
    """Connects to addresses that were checked, whose name the TLS layer above still asks the certificate for."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        addresses = _checked_addresses(host, port, _left(self._deadline))
        failure: Exception = _Refusal("no connection")
        for address in addresses[:MOST_ADDRESSES]:
            try:
                seconds = min(CONNECT_SECONDS, _left(self._deadline))
                stream = httpcore2.SyncBackend().connect_tcp(address, port, timeout=seconds)
            except (httpcore2.NetworkError, httpcore2.TimeoutException) as error:
                failure = error
            else:
                return _TimedStream(stream, self._deadline)
        raise failure


class _TimedStream(httpcore2.NetworkStream):
    """A connection that ends at a deadline, however slowly and steadily its other end goes on."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(min(max_bytes, CHUNK), _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline))
        return _TimedStream(stream, self._deadline)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise _Refusal("it took too long")
    return left
