"""Requests to the REST API as plain HTTP clients send them."""

from typing import Any

import httpx2

from tests.server import Server

CURRENT, MAY = "2026-07-08", "2026-05-20"
SECONDS = 60
BARCELONA = "/organizations/acme/libraries/barcelona"
#: What differs between two answers that are alike.
PERISHABLE = {"date", "x-request-id", "ratelimit-remaining", "ratelimit-reset"}


def ask(
    server: Server, key: str | None, method: str, path: str, *, version: str | None = CURRENT, **more: Any
) -> httpx2.Response:
    """Send a request to a path within the API."""
    headers = dict(more.pop("headers", {}))
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    if version is not None:
        headers["Api-Version"] = version
    return httpx2.request(method, f"{server.url}/api{path}", headers=headers, timeout=SECONDS, **more)


def code_of(response: httpx2.Response) -> tuple[int, str]:
    """Return status and code of a refusal, which is nothing but the catalogue's."""
    body = response.json()
    assert body.keys() == {"error"} and {"code", "message"} <= body["error"].keys() <= {
        "code",
        "message",
        "ids",
        "libraryId",
    }, body
    assert response.headers["Content-Type"] == "application/json"
    code: str = body["error"]["code"]
    return response.status_code, code


def comparable(response: httpx2.Response) -> tuple[int, dict[str, str], str]:
    """Return what two answers must share to be equal."""
    headers = {name: value for name, value in response.headers.items() if name not in PERISHABLE}
    return response.status_code, headers, response.text
