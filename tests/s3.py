"""An S3 service on this machine for tests: moto's server, a process of its own."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from tests.server import free_port

START_SECONDS = 60
REGION = "eu-test-1"
#: What a server needs in its environment to be let in.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "secret-of-tests"}


@dataclass
class Service:
    """A running service."""

    endpoint: str
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )


@dataclass
class Bucket:
    """A new bucket, as ``RASTER_STORAGE`` names it."""

    service: Service
    name: str = field(default_factory=lambda: f"bucket-{uuid4().hex}")
    prefix: str = "raster/files"

    def __post_init__(self) -> None:
        self.service.client.create_bucket(Bucket=self.name)

    @property
    def setting(self) -> str:
        return f"s3://{self.name}/{self.prefix}?endpoint={self.service.endpoint}&region={REGION}"

    def names(self) -> set[str]:
        """Return the names of everything in it."""
        return {entry["Key"] for entry in self.service.client.list_objects_v2(Bucket=self.name).get("Contents", ())}


@contextlib.contextmanager
def running_service() -> Iterator[Service]:
    """Run a service until the block ends."""
    port = free_port()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            # It looks for files of its own settings where it is started, and must not find the project's.
            cwd=tempfile.gettempdir(),
            env={**os.environ, **CREDENTIALS},
            stdout=log,
            stderr=log,
        )
        service = Service(f"http://127.0.0.1:{port}", process)
        try:
            _wait_until_it_answers(service)
            yield service
        finally:
            process.terminate()
            process.wait(timeout=START_SECONDS)


def _wait_until_it_answers(service: Service) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(BotoCoreError, ClientError):
            service.client.list_buckets()
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            service.process.wait(timeout=0.05)
            raise RuntimeError("The S3 service stopped at once.")
    raise RuntimeError(f"The S3 service does not answer after {START_SECONDS} s.")
