"""Serving originals and sizes as files, outside Django, whose own file responses hold a whole file in memory."""

import logging
import os
import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import anyio.to_thread
from django.db import DatabaseError, InterfaceError
from django.utils.http import content_disposition_header
from starlette.datastructures import Headers
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from assets import storage
from assets.models import Asset
from assets.signatures import BY_CONTENT_TYPE
from raster.errors import ServiceUnavailable
from raster.workers import workers

POLICY = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
    # Canvas, WebGL and fetch on any site: the link alone decides who reads a file, and no cookie counts here.
    "Access-Control-Allow-Origin": "*",
}
#: A browser's own player is a page of the video's origin: without that it may not load the video. It has no scripts.
VIDEO_POLICY = "default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; sandbox allow-same-origin"
#: Types that browsers show by a program that they do not start in a sandbox: the page would stay empty.
ALWAYS_ATTACHED = frozenset({"application/pdf"})
ORIGINAL_CACHING = "no-cache"
# Browsers keep a size, whose name changes with it; shared caches soon forget it, so that the trash takes effect.
SIZE_CACHING = "public, max-age=31536000, s-maxage=300, immutable"
ETAG_LENGTH = 32
RETRY_AFTER_SECONDS = "5"
#: Of a file on another machine, how much is read at once: all that is in memory for one reader.
PART_SIZE = 1024 * 1024

logger = logging.getLogger("raster.media")


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file to serve, with what its answer says of it."""

    stored: storage.StoredFile
    content_type: str
    etag: str
    caching: str
    download_name: str


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file that an asset names, before anybody looked whether it is there."""

    asset_id: str
    name: str
    content_type: str
    etag: str
    caching: str
    download_name: str

    def look(self) -> MediaFile | None:
        """Look for it in the storage."""
        stored = storage.stat(self.name)
        if stored is None:
            logger.error("An asset's file is missing", extra={"fields": {"asset": self.asset_id, "file": self.name}})
            return None
        return MediaFile(stored, self.content_type, self.etag, self.caching, self.download_name)


class _Part:
    """Reads a file on another machine from any place on, by one request for each part: none stays open between two.

    A slow reader, or one who goes away, holds nothing there.
    """

    def __init__(self, away: storage.Remote, file: storage.StoredFile) -> None:
        self._away = away
        self._file = file
        self._place = 0
        self._part = b""

    async def seek(self, place: int) -> None:
        self._place, self._part = place, b""

    async def read(self, length: int) -> bytes:
        if not self._part and self._place < self._file.size:
            # Without all of a chunk to read, it is the end of a range.
            wanted = PART_SIZE if length == FarFileResponse.chunk_size else length
            read = partial(self._away.read, self._file.name, self._place, min(wanted, self._file.size - self._place))
            self._part = await anyio.to_thread.run_sync(read)
        chunk, self._part = self._part[:length], self._part[length:]
        self._place += len(chunk)
        return chunk


class FarFileResponse(FileResponse):
    """Starlette's answer with a file, ranges and all, for a file on another machine."""

    def __init__(
        self, away: storage.Remote, file: storage.StoredFile, headers: dict[str, str], media_type: str
    ) -> None:
        super().__init__(file.name, headers=headers, media_type=media_type, stat_result=_stat_result(file))
        self._reader = _Part(away, file)

    @asynccontextmanager
    async def _open_file(self) -> AsyncIterator[Any]:
        yield self._reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The server must not look for a file of this name here.
        await super().__call__({**scope, "extensions": {}}, receive, send)


async def serve_media(path: str, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request for ``<asset id>/<file name>`` or ``<asset id>/<width>/<size's name>``.

    Whoever holds the link may read the file. What is unknown, in the trash or gone is one and the same 404.
    """

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            set_already = {name for name, _ in message["headers"]}
            policy = ((name.lower().encode(), value.encode()) for name, value in POLICY.items())
            missing = [(name, value) for name, value in policy if name not in set_already]
            message = {**message, "headers": [*message["headers"], *missing]}
        await send(message)

    response = await _response(path, scope)
    await response(_with_known_range(scope), receive, sending)


async def _response(path: str, scope: Scope) -> Response:
    if scope["method"] not in {"GET", "HEAD"}:
        return PlainTextResponse("Only GET and HEAD work here.\n", 405, {"Allow": "GET, HEAD"})
    try:
        file = await _find_file(path)
    except (DatabaseError, InterfaceError, ServiceUnavailable) as error:
        logger.error("The database or the storage is out of reach", exc_info=error)
        headers = {"Retry-After": RETRY_AFTER_SECONDS, "Cache-Control": "no-store"}
        return PlainTextResponse("Briefly out of reach. Try again in a few seconds.\n", 503, headers)
    if file is None:
        return PlainTextResponse("There is no such file.\n", 404, {"Cache-Control": "no-store"})
    headers = {
        "ETag": file.etag,
        "Last-Modified": format_datetime(_modified(file), usegmt=True),
        "Cache-Control": file.caching,
    }
    if file.content_type.startswith("video/"):
        headers["Content-Security-Policy"] = VIDEO_POLICY
    if _is_unchanged(file, Headers(scope=scope)):
        return Response(status_code=304, headers=headers)
    asked = "download" in parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    if asked or file.content_type in ALWAYS_ATTACHED:
        disposition = content_disposition_header(as_attachment=True, filename=file.download_name)
        headers["Content-Disposition"] = disposition or "attachment"
    away = storage.remote()
    if away is not None:
        return FarFileResponse(away, file.stored, headers, file.content_type)
    path_here, stat_result = storage.local_path(file.stored.name), _stat_result(file.stored)
    return FileResponse(path_here, headers=headers, media_type=file.content_type, stat_result=stat_result)


def _stat_result(file: storage.StoredFile) -> os.stat_result:
    modified = int(file.modified.timestamp())
    return os.stat_result((stat.S_IFREG, 0, 0, 0, 0, 0, file.size, modified, modified, modified))


async def _find_file(path: str) -> MediaFile | None:
    if storage.remote() is None:
        return await workers.run(partial(find_file, path))
    # Another machine may keep its threads waiting; those that ask the database go on.
    named = await workers.run(partial(find_name, path))
    return None if named is None else await anyio.to_thread.run_sync(named.look)


def find_file(path: str) -> MediaFile | None:
    """Return the file at a path as :func:`serve_media` takes it: one query, and one look into the storage."""
    named = find_name(path)
    return None if named is None else named.look()


def find_name(path: str) -> NamedFile | None:
    """Return which file is at a path, whether it is there or not: one query."""
    asset_id, _, rest = path.partition("/")
    asset = Asset.objects.filter(pk=asset_id).live().first() if "\x00" not in path else None
    if asset is None:
        return None
    width, slash, size_name = rest.partition("/")
    if not slash and rest == asset.file_name:
        name, content_type, caching = asset.file, asset.content_type, ORIGINAL_CACHING
        tag, extension = asset.digest[:ETAG_LENGTH], f".{BY_CONTENT_TYPE[content_type].extension}"
    elif slash and size_name and asset.sizes.get(width) == size_name:
        name, content_type, caching = storage.size_name(size_name), "image/webp", SIZE_CACHING
        tag, extension = Path(size_name).stem, Path(size_name).suffix
    else:
        return None
    return NamedFile(asset.pk, name, content_type, f'"{tag}"', caching, asset.name + extension)


def _modified(file: MediaFile) -> datetime:
    return file.stored.modified.replace(microsecond=0)


def _is_unchanged(file: MediaFile, headers: Mapping[str, str]) -> bool:
    """Return whether the client's copy is the present one (RFC 9110, 13.2.2)."""
    if "if-none-match" in headers:
        tags = [tag.strip().removeprefix("W/") for tag in headers["if-none-match"].split(",")]
        return file.etag in tags or tags == ["*"]
    try:
        since = parsedate_to_datetime(headers["if-modified-since"])
        # An older file may have come in its place, when a variant was promoted.
        return since.tzinfo is not None and _modified(file) == since
    except (KeyError, ValueError, OverflowError):
        return False


def _with_known_range(scope: Scope) -> Scope:
    """Leave a Range in another unit than bytes out, as RFC 9110 (14.2) asks; Starlette would refuse it."""
    headers = [
        (name, value)
        for name, value in scope["headers"]
        if name != b"range" or value.strip().lower().startswith(b"bytes=")
    ]
    return {**scope, "headers": headers}
