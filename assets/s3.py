"""Files on an S3-compatible service, by django-storages: the storage that ``RASTER_STORAGE=s3://…`` asks for.

A request waits for the service for less than ten seconds, whatever the service does. Its answer to a call must begin
within :data:`READ_SECONDS`, and every pause in what is sent or received is shorter, so that a large file may take as
long as it needs while it moves. What fails at once is tried again; what was not answered in time is not, and the calls
after it fail at once until one of them is answered (:class:`_Silence`).
"""

import logging
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError
from storages.backends.s3 import S3Storage

from assets.storage import Remote, StoredFile
from raster.errors import ServiceUnavailable

PART_SIZE = 8 * 1024 * 1024
#: Of one transfer, each holding a part in memory.
PARTS_AT_ONCE = 3
CONNECTIONS = 40
CONNECT_SECONDS = 5
READ_SECONDS = 6
TRIES = 3
#: A call is tried again only so soon after it began: with the pause before it and the next answer, under ten seconds.
TRIED_AGAIN_WITHIN = 1.0
#: After a call without an answer, before another one asks whether the service answers again.
SILENT_SECONDS = 5.0
#: One slow answer among others that come in time is no silence.
HEARD_WITHIN = READ_SECONDS - 1.0
_BEGUN = "raster_begun"

logger = logging.getLogger("raster.storage")


class _NoAnswer(BotoCoreError):  # type: ignore[misc]  # botocore ships no types
    fmt = "The service did not answer a moment ago"


class _Silence:
    """Lets calls fail at once while the service answers none, but for one at a time that finds out whether it does.

    Without it each call would hold a thread of the server for as long as it waits, and those that need a thread would
    wait for all of them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heard = -HEARD_WITHIN
        self._silent_until: float | None = None

    def watch(self, client: Any) -> None:
        """Hear of every call of a client."""
        client.meta.events.register("before-call.s3", self._begin)
        client.meta.events.register("before-send.s3", self._send)
        # The first answer of a handler counts: botocore's own rules are asked where this has none.
        client.meta.events.register_first("needs-retry.s3", self._end)

    def _begin(self, context: dict[str, Any], **kwargs: Any) -> None:
        context[_BEGUN] = time.monotonic()

    def _send(self, **kwargs: Any) -> None:
        now = time.monotonic()
        with self._lock:
            if self._silent_until is None:
                return
            if now < self._silent_until:
                raise _NoAnswer
            self._silent_until = now + READ_SECONDS + SILENT_SECONDS

    def _end(
        self, request_dict: dict[str, Any], caught_exception: Exception | None = None, **kwargs: Any
    ) -> bool | None:
        """Return False where the call is not to be tried again, and None where that is botocore's business."""
        if isinstance(caught_exception, _NoAnswer):
            return False
        now = time.monotonic()
        with self._lock:
            if isinstance(caught_exception, (ConnectTimeoutError, ReadTimeoutError)):
                if self._heard < now - HEARD_WITHIN:
                    self._silent_until = now + SILENT_SECONDS
                return False
            self._silent_until = None
            if caught_exception is None:
                self._heard = now
        return None if now - request_dict["context"][_BEGUN] < TRIED_AGAIN_WITHIN else False


@contextmanager
def _answered() -> Iterator[None]:
    """Tell the caller that the service is out of reach, and the log why."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        # The error says it all, and comes with every request until somebody acts on it.
        logger.error("The file storage is out of reach", extra={"fields": {"error": str(error)}})
        raise ServiceUnavailable from None


class S3Files(S3Storage, Remote):  # type: ignore[misc]  # it ships no types
    """A bucket, or the part of one below a prefix."""

    def __init__(self, *, bucket: str, prefix: str, endpoint: str, region: str, addressing: str) -> None:
        super().__init__(
            bucket_name=bucket,
            location=prefix,
            endpoint_url=endpoint or None,
            region_name=region or None,
            # Names hold random ids or digests: none is given twice, so none has to be asked for first.
            file_overwrite=True,
            transfer_config=TransferConfig(
                multipart_threshold=PART_SIZE,
                multipart_chunksize=PART_SIZE,
                max_concurrency=PARTS_AT_ONCE,
                max_io_queue=PARTS_AT_ONCE,
                # A part that stops coming is not asked for again while somebody waits.
                num_download_attempts=1,
            ),
            client_config=Config(
                signature_version="s3v4",
                s3={"addressing_style": addressing},
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": TRIES},
                max_pool_connections=CONNECTIONS,
                # Services other than Amazon's know no trailing checksums.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        self._making = threading.Lock()
        self._client: Any = None

    @property
    def client(self) -> Any:
        """The one client of the process: unlike django-storages' resources, threads may share it."""
        with self._making:
            if self._client is None:
                self._client = self.connection.meta.client
                _Silence().watch(self._client)
            return self._client

    @_answered()
    def stat(self, name: str) -> StoredFile | None:
        try:
            head = self.client.head_object(Bucket=self.bucket_name, Key=self._key(name))
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise
        return StoredFile(name, head["ContentLength"], head["LastModified"].astimezone(UTC))

    @_answered()
    def read(self, name: str, start: int, length: int) -> bytes:
        part = f"bytes={start}-{start + length - 1}"
        answer = self.client.get_object(Bucket=self.bucket_name, Key=self._key(name), Range=part)
        content: bytes = answer["Body"].read()
        return content

    @_answered()
    def download(self, name: str, path: Path) -> None:
        self.client.download_file(self.bucket_name, self._key(name), str(path), Config=self.transfer_config)

    @_answered()
    def read_small(self, name: str) -> bytes | None:
        try:
            answer = self.client.get_object(Bucket=self.bucket_name, Key=self._key(name))
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise
        content: bytes = answer["Body"].read()
        return content

    @_answered()
    def write_small(self, name: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.bucket_name, Key=self._key(name), Body=content)

    def list_files(self, prefix: str) -> Iterator[StoredFile]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket_name, Prefix=self._key(prefix))
        above = len(self._key("x")) - 1
        with _answered():
            for page in pages:
                for entry in page.get("Contents", ()):
                    yield StoredFile(entry["Key"][above:], entry["Size"], entry["LastModified"].astimezone(UTC))

    def check(self) -> str | None:
        place = {"Bucket": self.bucket_name, "Key": self._key(f"checks/{secrets.token_hex(16)}")}
        try:
            self.client.put_object(**place, Body=b"written by a check")
            self.client.get_object(**place)["Body"].read()
            self.client.list_objects_v2(Bucket=self.bucket_name, Prefix=place["Key"])
            self.client.delete_object(**place)
        except (BotoCoreError, ClientError) as error:
            return str(error).rstrip(".")
        return None

    def __str__(self) -> str:
        return f"s3://{self.bucket_name}/{self.location}".rstrip("/")

    @_answered()
    def _save(self, name: str, content: Any) -> str:
        content.seek(0)
        written = self._get_write_parameters(name, content)
        self.client.upload_fileobj(
            content, self.bucket_name, self._key(name), ExtraArgs=written, Config=self.transfer_config
        )
        return name

    @_answered()
    def delete(self, name: str) -> None:
        self.client.delete_object(Bucket=self.bucket_name, Key=self._key(name))

    def _key(self, name: str) -> str:
        key: str = self._normalize_name(name)
        return key
