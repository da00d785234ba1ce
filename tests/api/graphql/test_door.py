"""What a GraphQL request passes before anything of it runs, and the answers that refuse it."""

import json
import socket
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.api.graphql.client import OVER_HTTPS, SECONDS, ask, refusal
from tests.connections.factories import connect, make_client, tokens_of
from tests.factories import AssetFactory, Cast
from tests.server import Server

VIEWER = "{ viewer { organizationId } }"
#: What clients in the field send from browsers.
HEADERS = {
    "apollo-require-preflight",
    "apollographql-client-name",
    "apollographql-client-version",
    "authorization",
    "content-type",
    "traceparent",
}


def send(server: Server, key: str, body: str | bytes, content_type: str = "application/json") -> httpx2.Response:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": content_type}
    return httpx2.post(f"{server.url}/graphql", content=body, headers=headers)


def test_without_a_credential_there_is_a_challenge_that_names_the_api(server: Server) -> None:
    answer = ask(server, None, VIEWER)
    assert refusal(answer) == (401, "UNAUTHENTICATED")
    assert (
        f'resource_metadata="{server.url}/.well-known/oauth-protected-resource/api"'
        in (answer.headers["WWW-Authenticate"])
    )
    assert answer.json()["errors"][0]["message"].startswith("Send a credential")


@pytest.mark.parametrize(
    ("credential", "code"), [("rstk_nonsense", "INVALID_API_KEY"), ("nonsense", "UNAUTHENTICATED")]
)
def test_what_is_no_credential_is_refused_whatever_the_body_is(server: Server, credential: str, code: str) -> None:
    for body in ("{", json.dumps({"query": VIEWER}), "x" * 2_000_000):
        assert refusal(send(server, credential, body)) == (401, code)


def test_a_refused_credential_reads_no_body(server: Server) -> None:
    """The answer comes before the body that was announced."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=SECONDS) as connection:
        head = ("POST /graphql HTTP/1.1", f"Host: {address.netloc}", "Authorization: Bearer rstk_nonsense")
        connection.sendall("\r\n".join((*head, "Content-Length: 100", "", "")).encode())
        assert connection.recv(1024).startswith(b"HTTP/1.1 401")


def test_a_token_for_mcp_alone_is_refused(server: Server, cast: Cast) -> None:
    connection = connect(cast.bob, make_client(), cast.acme)
    assert ask(server, tokens_of(connection, resource="mcp").access, VIEWER).status_code == 401
    assert ask(server, tokens_of(connection, resource="api").access, VIEWER).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_refused(server: Server, cast: Cast, method: str) -> None:
    key = cast.key(barcelona="read").secret
    url = f"{server.url}/graphql?query={{viewer{{plan}}}}"
    answer = httpx2.request(method, url, headers={"Authorization": f"Bearer {key}"})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST, GET, HEAD")


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/graphql", "application/x-www-form-urlencoded"])
def test_other_types_of_body_are_refused(server: Server, cast: Cast, content_type: str) -> None:
    key = cast.key(barcelona="read").secret
    assert refusal(send(server, key, json.dumps({"query": VIEWER}), content_type)) == (400, "BAD_USER_INPUT")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        json.dumps([{"query": VIEWER}]).encode(),
        json.dumps([{"query": VIEWER}, {"query": VIEWER}]).encode(),
        b"{}",
        b'{"query": null}',
        b'{"query": 1}',
        b'{"query": ["{viewer{plan}}"]}',
        b'{"query": "{viewer{plan}}", "variables": []}',
        b'{"query": "{viewer{plan}}", "variables": "{}"}',
        b'{"query": "{viewer{plan}}", "operationName": 1}',
        b'{"query": "{viewer{plan}}", "operationName": "Other"}',
        b'{"query": "query A{viewer{plan}} query B{viewer{plan}}"}',
        b'{"query": "{viewer{plan}}", "variables": {"x": NaN}}',
        b'{"query": "{viewer{plan}}", "variables": {"x": Infinity}}',
        b'{"query": "{viewer{plan}}", "variables": {"x": ' + b"9" * 5000 + b"}}",
        b'{"query": "{viewer{plan}}", "variables": {"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
        b'{"query": "{viewer{\xff}}"}',
        b'{"query": "{viewer{\\ud800}}"}',
        b'{"query": "subscription{viewer{plan}}"}',
        b'{"query": "fragment A on Viewer{plan}"}',
        b'{"query": ""}',
        b'{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "x"}}}',
    ],
)
def test_what_is_no_request_is_refused(server: Server, cast: Cast, body: bytes) -> None:
    answer = send(server, cast.key(barcelona="read").secret, body)
    assert refusal(answer) == (400, "BAD_USER_INPUT")
    assert "data" not in answer.json()


@pytest.mark.parametrize("value", [2**31, -1, 1e400, 1.5, "1", True, None, {}, 2**200])
def test_numbers_are_what_the_schema_says(server: Server, cast: Cast, value: object) -> None:
    text = 'query($n: Int) { libraries(organizationId: "acme", pageSize: $n) { id } }'
    body = json.dumps({"query": text, "variables": {"n": value}}).replace("Infinity", "1e400")
    assert refusal(send(server, cast.key(barcelona="read").secret, body)) == (400, "BAD_USER_INPUT")


def test_text_that_no_database_takes_is_refused(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    text = 'query($id: ID!) { asset(organizationId: "acme", libraryId: "barcelona", assetId: $id) { id } }'
    for odd in ("\x00", "\ud800"):
        body = json.dumps({"query": text, "variables": {"id": odd}})
        assert refusal(send(server, key, body)) == (400, "BAD_USER_INPUT")


def test_a_body_over_the_limit_is_too_large(server: Server, cast: Cast) -> None:
    body = json.dumps({"query": VIEWER, "variables": {"x": "x" * 1024 * 1024}})
    assert refusal(send(server, cast.key(barcelona="read").secret, body)) == (413, "PAYLOAD_TOO_LARGE")


def test_write_that_was_never_asked_for_is_challenged(server: Server, cast: Cast) -> None:
    connection = connect(cast.bob, make_client(), cast.acme, asked_write=False, may_write=False)
    text = 'mutation { renameLibrary(organizationId: "acme", libraryId: "barcelona", name: "X") { id } }'
    answer = ask(server, tokens_of(connection).access, text)
    assert refusal(answer) == (403, "INSUFFICIENT_SCOPE")
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


def test_write_that_was_withheld_is_not_challenged(server: Server, cast: Cast) -> None:
    connection = connect(cast.bob, make_client(), cast.acme, asked_write=True, may_write=False)
    text = 'mutation { renameLibrary(organizationId: "acme", libraryId: "barcelona", name: "X") { id } }'
    answer = ask(server, tokens_of(connection).access, text)
    assert refusal(answer) == (403, "INSUFFICIENT_SCOPE")
    assert "WWW-Authenticate" not in answer.headers


def test_any_origin_may_call_and_none_with_cookies(server: Server) -> None:
    asked = {
        "Origin": "https://cms.example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": ",".join(HEADERS),
    }
    answer = httpx2.options(f"{server.url}/graphql", headers=asked)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert "Access-Control-Allow-Credentials" not in answer.headers
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert set(allowed) >= HEADERS
    assert {"GET", "POST"} <= set(answer.headers["Access-Control-Allow-Methods"].split(", "))
    assert ask(server, None, VIEWER).headers["Access-Control-Allow-Origin"] == "*"


def test_the_answer_is_of_the_type_that_was_asked_for(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="read").secret
    for accept, kind in (("*/*", "application/json"), ("application/graphql-response+json",) * 2):
        answer = ask(server, key, VIEWER, headers={"Accept": accept})
        assert answer.headers["Content-Type"] == kind
        assert answer.headers["X-Request-Id"]
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_failure_of_the_server_is_told_in_the_catalogues_words(server: Server, cast: Cast) -> None:
    """A row that no type fits: the answer tells nothing of it, and the log has it with the request's id."""
    key = cast.key(barcelona="read").secret
    AssetFactory(library=cast.barcelona, width=2**31 - 1, sizes=[1])
    text = '{ assets(organizationId: "acme", libraryId: "barcelona") { id } }'
    answer = ask(server, key, text)
    assert refusal(answer) == (500, "INTERNAL_SERVER_ERROR")
    assert answer.json()["errors"][0]["message"].startswith("Something went wrong")
    assert server.logged("An operation failed", answer.headers["X-Request-Id"])


@pytest.mark.parametrize(("host", "path"), [("api", "/"), ("api", "/graphql"), ("raster", "/graphql")])
def test_it_is_at_the_root_of_its_host_and_at_its_path(
    transactional_db: None, installed: Server, host: str, path: str
) -> None:
    headers = {"Host": f"{host}.example.com", **OVER_HTTPS}
    answer = httpx2.post(f"{installed.url}{path}", headers=headers, json={"query": VIEWER})
    assert refusal(answer) == (401, "UNAUTHENTICATED")
    resource = "" if host == "api" else "/api"
    assert (
        f'https://{host}.example.com/.well-known/oauth-protected-resource{resource}"'
        in (answer.headers["WWW-Authenticate"])
    )
    plain = httpx2.post(f"{installed.url}{path}", headers={"Host": headers["Host"]}, json={"query": VIEWER})
    assert refusal(plain) == (403, "HTTPS_REQUIRED")


@pytest.mark.parametrize("host", ["mcp", "media"])
def test_hosts_of_other_things_have_none(transactional_db: None, installed: Server, host: str) -> None:
    headers = {"Host": f"{host}.example.com", **OVER_HTTPS}
    answer = httpx2.post(f"{installed.url}/graphql", headers=headers, json={"query": VIEWER})
    assert answer.status_code in {404, 405}


def test_no_host_but_ours_is_answered(transactional_db: None, installed: Server) -> None:
    headers = {"Host": "elsewhere.example.com", **OVER_HTTPS}
    answer = httpx2.post(f"{installed.url}/graphql", headers=headers, json={"query": VIEWER})
    assert refusal(answer) == (403, "FORBIDDEN")
