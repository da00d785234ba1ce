"""While the database is away, every face says so in its own way, and that it is worth trying again."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from apikeys import secrets
from tests.server import Server, free_port, running_server

SECONDS = 60


@pytest.fixture(scope="module")
def without_database(django_db_setup: None, static_files: None, server_log: Path) -> Iterator[Server]:
    """A server whose database nobody listens for."""
    with running_server(server_log, DATABASE_URL=f"postgresql://nobody@127.0.0.1:{free_port()}/none") as server:
        yield server


@pytest.mark.parametrize("path", ["/", "/acme", "/acme/settings/api-keys"])
def test_a_page_for_somebody_with_a_session_is_a_503(without_database: Server, path: str) -> None:
    cookies = {"Cookie": "raster_session=" + "a" * 32}
    page = httpx2.get(without_database.url + path, headers=cookies, timeout=SECONDS)
    assert page.status_code == 503
    assert page.headers["retry-after"]
    assert "Temporarily unavailable" in page.text
    assert "frame-ancestors" in page.headers["content-security-policy"]


def test_the_door_and_the_media_answer_503(without_database: Server) -> None:
    key = {"Authorization": f"Bearer {secrets.generate().text}"}
    refused = httpx2.post(without_database.mcp_url, headers=key, timeout=SECONDS)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert refused.headers["retry-after"]
    media = httpx2.get(f"{without_database.url}/media/{'a' * 22}/a.jpg", timeout=SECONDS)
    assert media.status_code == 503
    assert media.headers["retry-after"]
