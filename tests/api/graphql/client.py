"""How tests ask the GraphQL API."""

from typing import Any

import httpx2

from tests.server import Server

SECONDS = 60
#: How a proxy that speaks HTTPS hands a request on.
OVER_HTTPS = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}


def ask(
    server: Server,
    key: str | None,
    query: Any,
    variables: Any = None,
    *,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> httpx2.Response:
    """Return the answer to a request; ``more`` are further members of it."""
    credential = {"Authorization": f"Bearer {key}"} if key else {}
    body = {"query": query, **({} if variables is None else {"variables": variables}), **more}
    return httpx2.post(f"{server.url}/graphql", json=body, headers={**credential, **(headers or {})}, timeout=SECONDS)


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    """Return the status of an answer and the code of its first error, which says the same status."""
    extensions = answer.json()["errors"][0]["extensions"]
    assert extensions["http"] == {"status": answer.status_code}
    return answer.status_code, extensions["code"]
