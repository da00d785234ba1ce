"""Files on an S3-compatible service, by django-storages: the storage that ``RASTER_STORAGE=s3://…`` asks for."""

import logging
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

from assets.storage import Remote, StoredFile
from raster.errors import ServiceUnavailable

PART_SIZE = 8 * 1024 * 1024
#: Of one transfer, each holding a part in memory.
PARTS_AT_ONCE = 3
CONNECTIONS = 40
CONNECT_SECONDS = 5
READ_SECONDS = 30
TRIES = 3

logger = logging.getLogger("raster.storage")


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
        saved: str = super()._save(name, content)
        return saved

    @_answered()
    def delete(self, name: str) -> None:
        self.client.delete_object(Bucket=self.bucket_name, Key=self._key(name))

    def _key(self, name: str) -> str:
        key: str = self._normalize_name(name)
        return key
