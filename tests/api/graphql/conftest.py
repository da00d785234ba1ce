"""What tests of the GraphQL API share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import Server, running_server


@pytest.fixture(scope="module")
def installed(django_db_setup: None, static_files: None, server_log: Path) -> Iterator[Server]:
    """A server as an installation has it, with all of its hosts."""
    with running_server(
        server_log,
        RASTER_DEV="0",
        SECRET_KEY="s" * 50,
        RASTER_KEY_PEPPERS=f"1:{'p' * 32}",
        RASTER_BASE_URL="https://raster.example.com",
        RASTER_MCP_HOST="mcp.example.com",
        RASTER_API_HOST="api.example.com",
        RASTER_MEDIA_HOST="media.example.com",
        RASTER_TRUSTED_PROXIES="127.0.0.1",
    ) as server:
        yield server
