"""An installation that is not the documentation's example, so that none of the example's addresses may be left."""

import pytest
from pytest_django import Settings

from tests.documentation.reading import BASE, HOST


@pytest.fixture(autouse=True)
def installation(settings: Settings) -> None:
    settings.BASE_URL = BASE
    settings.MCP_URL = f"{BASE}/mcp"
    settings.API_URL = f"{BASE}/api"
    settings.API_HOST = settings.MCP_HOST = None
    settings.BASE_HOST = HOST
    settings.BASE_SCHEME = "https"
    settings.SERVED_HOSTS = frozenset({HOST})
    settings.ALLOWED_HOSTS = [HOST]
