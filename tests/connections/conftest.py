"""Servers as an installation runs them, for tests of what strangers can make them say."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import Server, running_server

PRODUCTION = {
    "RASTER_DEV": "0",
    "SECRET_KEY": "s" * 50,
    "RASTER_KEY_PEPPERS": f"1:{'p' * 32}",
    "RASTER_BASE_URL": "https://raster.example.com",
}


@pytest.fixture(scope="module")
def in_the_open(django_db_setup: None, static_files: None, server_log: Path) -> Iterator[Server]:
    """A server in production without a proxy that it trusts."""
    with running_server(server_log, **PRODUCTION) as server:
        yield server


@pytest.fixture(scope="module")
def behind_proxy(django_db_setup: None, static_files: None, server_log: Path) -> Iterator[Server]:
    """A server in production that believes a proxy on this machine."""
    with running_server(server_log, **PRODUCTION, RASTER_TRUSTED_PROXIES="127.0.0.1") as server:
        yield server
