"""A server that fetches from sites on this machine, for the tests of uploads."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import Server, running_server
from tests.sites import Authority, Site, running_site


@pytest.fixture(scope="module")
def module_environment(authority: Authority) -> dict[str, str]:
    # The worker apart: it is another test's, and on PostgreSQL it would hold rows when this one ends.
    return {
        "RASTER_FETCH_ALLOW": "localhost",
        "SSL_CERT_FILE": str(authority.certificates),
        "RASTER_MAX_FILE_SIZE": "1 MB",
        "RASTER_WORKER": "apart",
    }


@pytest.fixture(scope="module")
def module_server(
    django_db_setup: None, static_files: None, server_log: Path, module_environment: dict[str, str]
) -> Iterator[Server]:
    with running_server(server_log, **module_environment) as server:
        yield server


@pytest.fixture
def fetcher(transactional_db: None, module_server: Server) -> Server:
    """A server that fetches from sites on this machine, and takes files of up to 1 MB."""
    return module_server


@pytest.fixture
def site(authority: Authority) -> Iterator[Site]:
    with running_site(authority) as running:
        yield running
