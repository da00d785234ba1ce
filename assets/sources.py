"""Bringing the files that a call names to this machine: from their URLs, or out of the call itself."""

import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import PurePosixPath
from threading import Lock
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.utils.http import parse_header_parameters

from assets.contracts import Base64Source, URLSource
from assets.quota import Room
from assets.staging import LeftOut, Staged, stage, too_large
from raster.errors import BadUserInput, PayloadTooLarge, RateLimited
from raster.outbound import HTTP_OR_HTTPS, Download, OutboundRefused, download

REDIRECTS = 3
#: For all URLs of a call together: a client waits no longer.
FETCH_SECONDS = 120.0
#: Calls that fetch at once in this process, fewer than it has threads for what comes in: no slow site keeps an upload
#: waiting that fetches nothing, and no organization keeps the others from fetching.
MOST_FETCHING = 16
MOST_FETCHING_OF_ONE = 8
RETRY_SECONDS = 10

_ENCODED_NAME = re.compile(r"filename\*\s*=\s*\"?([^'\";]*)'", re.IGNORECASE)
_fetching: Counter[str] = Counter()
_fetching_lock = Lock()


def stage_sources(sources: Sequence[URLSource | Base64Source], room: Room, opened: ExitStack) -> list[Staged | LeftOut]:
    """Return each source as a staged file, which ``opened`` removes, or as left out because it is too large.

    Raises:
        BadUserInput: a URL cannot be fetched. Why is not told: the answer must not draw a map of the network.
        StorageLimitExceeded: together they have more bytes than there is room for.
    """
    deadline = time.monotonic() + FETCH_SECONDS
    arrived: list[Staged | LeftOut] = []
    size = 0
    for number, source in enumerate(sources):
        try:
            staged = _staged(source, deadline)
        except OutboundRefused:
            raise BadUserInput(
                f"Source {number + 1} of {len(sources)}: nothing could be fetched from this URL. It must lead, on the "
                "public internet, to the file itself, without signing in. Nothing was uploaded."
            ) from None
        if isinstance(staged, Staged):
            opened.enter_context(staged)
            size += staged.size
        arrived.append(staged)
        room.check(size)
    return arrived


@contextmanager
def turn_to_fetch(organization_id: str, sources: Sequence[URLSource | Base64Source]) -> Iterator[None]:
    """Let so many calls fetch at once, and those of one organization so many.

    Raises:
        RateLimited: this one has to come back later.
    """
    if not any(isinstance(source, URLSource) for source in sources):
        yield
        return
    with _fetching_lock:
        if _fetching.total() >= MOST_FETCHING or _fetching[organization_id] >= MOST_FETCHING_OF_ONE:
            raise RateLimited(retry_after=RETRY_SECONDS)
        _fetching[organization_id] += 1
    try:
        yield
    finally:
        with _fetching_lock:
            _fetching[organization_id] -= 1
            if not _fetching[organization_id]:
                del _fetching[organization_id]


def _staged(source: URLSource | Base64Source, deadline: float) -> Staged | LeftOut:
    if isinstance(source, Base64Source):
        name = source.filename
        try:
            return stage(name, [source.data])
        except PayloadTooLarge:
            return LeftOut(name, too_large())
    seconds = deadline - time.monotonic()
    with download(source.url, seconds=seconds, schemes=HTTP_OR_HTTPS, redirects=REDIRECTS) as found:
        name = _name(source.url, found)
        if (found.declared_size or 0) > settings.MAX_FILE_SIZE:
            return LeftOut(name, too_large())
        try:
            return stage(name, found.chunks())
        except PayloadTooLarge:
            return LeftOut(name, too_large())


def _name(url: str, found: Download) -> str:
    """Return what a fetched file is called: by its server, by the URL that was given, or by where that led."""
    return (
        _disposition_name(found.headers.get("content-disposition", ""))
        or _last_segment(url)
        or _last_segment(found.url)
        or (urlsplit(found.url).hostname or "")
    )


def _disposition_name(header: str) -> str:
    """Return the file name of a Content-Disposition header (RFC 6266), or nothing."""
    encoding = _ENCODED_NAME.search(header)
    if encoding and encoding[1].lower() not in {"utf-8", "iso-8859-1"}:  # those of RFC 8187: Python knows many more
        return ""
    try:
        _, parameters = parse_header_parameters(header)
        name: str = parameters.get("filename", "")
    except (ValueError, LookupError):
        return ""
    with suppress(UnicodeError):  # many a server sends UTF-8 as it is
        name = name.encode("latin-1").decode()
    return PurePosixPath(name.replace("\\", "/")).name


def _last_segment(url: str) -> str:
    return unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])
