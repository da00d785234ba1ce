"""What a REST request passes before its operation, in order."""

import httpx2
import pytest

from tests.factories import Cast
from tests.server import Server


@pytest.mark.parametrize("path", ["/api/me", "/api/nothing", "/api"])
def test_without_a_version_nothing_else_is_looked_at(server: Server, path: str) -> None:
    answer = httpx2.get(f"{server.url}{path}", headers={"Authorization": "Bearer rstk_nonsense"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "API_VERSION_REQUIRED")
    assert answer.headers["Vary"] == "Api-Version"


def test_without_a_credential_no_path_is_told(server: Server) -> None:
    for path in ("/api/me", "/api/nothing"):
        answer = httpx2.get(f"{server.url}{path}", headers={"Api-Version": "2026-07-08"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED")
        assert 'resource_metadata="http://localhost' in answer.headers["WWW-Authenticate"]
