"""What a client that knows nothing but an address learns: the right thing on every host, and nothing about anybody."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.http import HttpResponse
from django.test import Client as Browser
from pytest_django import Settings

from connections.resources import metadata_url, row_of
from tests.factories import Cast
from tests.server import Server, running_server

RESOURCE = "/.well-known/oauth-protected-resource"
SERVER = "/.well-known/oauth-authorization-server"
BASE = "https://raster.example.com"
OVER_HTTPS = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}


@pytest.fixture
def installation(settings: Settings) -> None:
    """An installation with a host of its own for MCP and one for files."""
    settings.DEV = False
    settings.BASE_URL, settings.BASE_HOST, settings.BASE_SCHEME = BASE, "raster.example.com", "https"
    settings.MCP_HOST, settings.MEDIA_HOST = "mcp.example.com", "media.example.com"
    settings.SERVED_HOSTS = frozenset({"raster.example.com", "mcp.example.com", "media.example.com"})
    settings.ALLOWED_HOSTS = sorted(settings.SERVED_HOSTS)


def get(path: str, host: str = "raster.example.com", **headers: str) -> HttpResponse:
    response: Any = Browser().get(path, secure=True, headers={"Host": host, **headers})
    return response  # type: ignore[no-any-return]


def resource_at(path: str, host: str = "raster.example.com") -> str | None:
    """Return the resource that a metadata document names; None where there is no document."""
    response: Any = get(path, host)
    if response.status_code == 404:
        assert response.json()["error"]["code"] == "ENDPOINT_NOT_FOUND"
        return None
    assert response.status_code == 200
    resource: str = response.json()["resource"]
    return resource


@pytest.mark.parametrize(
    "path",
    [
        "/login", "/acme", "/acme/barcelona", "/mcp/acme", "/mcp/o", "/mcp/o/", "/mcp/o/Acme", "/mcp/o/-acme",
        "/mcp/o/acme-", "/mcp/o/a--b", "/mcp/o/a_b", "/mcp/o/acme/barcelona", "/mcp/o/acme//", "/mcp//", "//mcp",
        "/mcp/../mcp", "/mcp/o/" + "a" * 64, "/mcp/o/acme%00", "/mcp/o/ac%2Fme", "/MCP", "/mcp%3F",
        "/o/acme", "/api/v1", "/token", "/media", "/mcpx", "/https://raster.example.com/mcp",
    ],
)  # fmt: skip
def test_a_path_that_is_no_resource_has_no_metadata(installation: None, path: str) -> None:
    assert resource_at(RESOURCE + path) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "raster.example.com.evil.example", "evil.raster.example.com", "raster.example.com:8443",
        "raster.example.com:80", "raster.example.com@evil.example", "evil.example/raster.example.com", "localhost",
        "localhost:8000", "127.0.0.1", "raster.example.com\u0307", "",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", [RESOURCE, f"{RESOURCE}/mcp", SERVER])
def test_a_host_that_is_not_served_here_gets_no_document_that_names_it(
    installation: None, host: str, path: str
) -> None:
    response = get(path, host)
    if path == SERVER and response.status_code == 200:  # it is the same everywhere, and names no host that asked
        assert b"evil" not in response.content
        assert b"8443" not in response.content
    else:
        assert response.status_code in {400, 404}


def test_forwarded_host_names_are_not_believed(installation: None) -> None:
    headers = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example", "X-Original-Host": "evil.example"}
    for path in (RESOURCE, f"{RESOURCE}/mcp", SERVER):
        assert b"evil" not in get(path, **headers).content


@pytest.mark.parametrize("path", [RESOURCE, f"{RESOURCE}/mcp", SERVER])
def test_a_default_port_and_capitals_make_no_other_host(installation: None, path: str) -> None:
    plain = get(path).content
    assert get(path, "raster.example.com:443").content == plain
    assert get(path, "RASTER.example.COM").content == plain


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/openid-configuration", "/.well-known/openid-configuration/mcp",
        "/mcp/.well-known/openid-configuration", f"{RESOURCE}/mcp/o/acme%0A",
        f"{SERVER}/mcp", f"{SERVER}/", f"{SERVER}/evil", f"/mcp{SERVER}", "/.well-known/", "/.well-known/jwks.json",
    ],
)  # fmt: skip
def test_there_is_no_other_document(db: None, installation: None, path: str) -> None:
    assert get(path).status_code == 404


@pytest.mark.parametrize(
    ("host", "path", "resource"),
    [
        ("raster.example.com", "", f"{BASE}/mcp"),
        ("raster.example.com", "/", f"{BASE}/mcp"),
        ("raster.example.com", "/mcp", f"{BASE}/mcp"),
        ("raster.example.com", "/mcp/", f"{BASE}/mcp"),
        ("raster.example.com", "/mcp/o/acme", f"{BASE}/mcp/o/acme"),
        ("raster.example.com", "/mcp/o/acme/", f"{BASE}/mcp/o/acme"),
        ("raster.example.com", "/api", f"{BASE}/api"),
        ("mcp.example.com", "", "https://mcp.example.com/"),
        ("mcp.example.com", "/", "https://mcp.example.com/"),
        ("mcp.example.com", "/mcp", "https://mcp.example.com/mcp"),
        ("mcp.example.com", "/o/acme", "https://mcp.example.com/o/acme"),
        ("mcp.example.com", "/mcp/o/acme", "https://mcp.example.com/mcp/o/acme"),
        ("mcp.example.com", "/api", None),
        ("media.example.com", "", "https://media.example.com/mcp"),
        ("media.example.com", "/mcp", "https://media.example.com/mcp"),
        ("media.example.com", "/o/acme", None),
    ],
)
def test_the_metadata_of_an_address_names_that_address(
    installation: None, host: str, path: str, resource: str | None
) -> None:
    assert resource_at(RESOURCE + path, host) == resource
    if resource is not None:
        assert row_of(resource) is not None


@pytest.mark.parametrize("address", ["/mcp", "/mcp/", "/mcp/o/acme", "/"])
def test_the_document_that_a_challenge_names_is_there(installation: None, address: str) -> None:
    host = "mcp.example.com" if address == "/" else "raster.example.com"
    document = metadata_url("https", host, address).removeprefix(f"https://{host}")
    assert (resource_at(document, host) or "").removesuffix("/") == f"https://{host}{address}".removesuffix("/")


def test_organizations_that_exist_look_like_those_that_do_not(installation: None, cast: Cast) -> None:
    existing, unknown = (get(f"{RESOURCE}/mcp/o/{slug}") for slug in ("acme", "acmx"))
    assert existing.content.replace(b"acme", b"acmx") == unknown.content
    assert dict(existing.items()) == dict(unknown.items())


def test_looking_costs_no_query(db: None, installation: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert get(f"{RESOURCE}/mcp/o/acme").status_code == 200


def test_the_document_of_a_resource(installation: None) -> None:
    response: Any = get(f"{RESOURCE}/mcp")
    assert response.json() == {
        "resource": f"{BASE}/mcp",
        "authorization_servers": [BASE],
        "scopes_supported": ["library:read", "library:write"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Raster",
        "resource_documentation": f"{BASE}/docs/connect",
    }
    assert response["Cache-Control"] == "public, max-age=3600"
    assert response["Content-Type"] == "application/json"
    assert "Set-Cookie" not in response


@pytest.mark.parametrize("host", ["raster.example.com", "mcp.example.com", "media.example.com"])
def test_the_document_of_the_authorization_server_is_the_same_everywhere(installation: None, host: str) -> None:
    response: Any = get(SERVER, host)
    methods = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]
    assert response.json() == {
        "issuer": BASE,
        "authorization_endpoint": f"{BASE}/authorize",
        "token_endpoint": f"{BASE}/token",
        "registration_endpoint": f"{BASE}/register",
        "revocation_endpoint": f"{BASE}/revoke",
        "device_authorization_endpoint": f"{BASE}/device_authorization",
        "scopes_supported": ["library:read", "library:write", "offline_access"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [
            "authorization_code",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256"],
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256"],
        "client_id_metadata_document_supported": True,
        "authorization_response_iss_parameter_supported": True,
        "service_documentation": f"{BASE}/docs/connect",
    }
    assert response["Cache-Control"] == "public, max-age=3600"


def test_every_endpoint_that_is_named_answers_there(db: None, installation: None) -> None:
    said: Any = get(SERVER)
    for name, url in said.json().items():
        if name.endswith("_endpoint"):
            assert get(url.removeprefix(BASE)).status_code != 404, name


@pytest.mark.parametrize("path", [RESOURCE, f"{RESOURCE}/mcp/o/acme", SERVER, "/.well-known/openid-configuration"])
def test_pages_of_every_origin_may_read_them_errors_included(installation: None, path: str) -> None:
    asked = {"Host": "raster.example.com", "Origin": "http://localhost:6274", "Access-Control-Request-Method": "GET"}
    preflight: Any = Browser().options(path, secure=True, headers=asked)
    assert preflight.status_code == 204
    assert {"MCP-Protocol-Version", "Traceparent"} <= set(preflight["Access-Control-Allow-Headers"].split(", "))
    assert preflight["Access-Control-Allow-Origin"] == "*"
    assert get(path)["Access-Control-Allow-Origin"] == "*"


def test_other_methods_are_refused(installation: None) -> None:
    response: Any = Browser().post(SERVER, secure=True, headers={"Host": "raster.example.com"})
    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"
    assert Browser().head(SERVER, secure=True, headers={"Host": "raster.example.com"}).status_code == 200


@pytest.fixture(scope="module")
def behind_proxy(django_db_setup: None, static_files: None, server_log: Path) -> Iterator[Server]:
    """A server as an installation has it, with all of its hosts."""
    with running_server(
        server_log,
        RASTER_DEV="0",
        SECRET_KEY="s" * 50,
        RASTER_KEY_PEPPERS=f"1:{'p' * 32}",
        RASTER_BASE_URL=BASE,
        RASTER_MCP_HOST="mcp.example.com",
        RASTER_API_HOST="api.example.com",
        RASTER_MEDIA_HOST="media.example.com",
        RASTER_TRUSTED_PROXIES="127.0.0.1",
    ) as server:
        yield server


def test_the_api_host_is_one_resource_at_its_root(transactional_db: None, behind_proxy: Server) -> None:
    headers = {"Host": "api.example.com", "Api-Version": "2026-07-08", **OVER_HTTPS}
    refused = httpx2.get(f"{behind_proxy.url}/me", headers=headers)
    assert refused.json()["error"]["code"] == "UNAUTHENTICATED"
    assert f'resource_metadata="https://api.example.com{RESOURCE}"' in refused.headers["www-authenticate"]
    document = httpx2.get(f"{behind_proxy.url}{RESOURCE}", headers=headers).json()
    assert document["resource"] == "https://api.example.com/"
    assert httpx2.get(f"{behind_proxy.url}/login", headers=headers).status_code == 401  # no page of it
    elsewhere = httpx2.get(f"{behind_proxy.url}/api/me", headers={**headers, "Host": "raster.example.com"})
    assert f'resource_metadata="{BASE}{RESOURCE}/api"' in elsewhere.headers["www-authenticate"]


@pytest.mark.parametrize("host", ["raster.example.com", "mcp.example.com", "api.example.com", "media.example.com"])
def test_every_host_serves_what_it_says_of_itself(transactional_db: None, behind_proxy: Server, host: str) -> None:
    headers = {"Host": host, **OVER_HTTPS}
    challenge = httpx2.post(f"{behind_proxy.url}/mcp", headers=headers).headers["www-authenticate"]
    assert f'resource_metadata="https://{host}{RESOURCE}/mcp"' in challenge
    document = httpx2.get(f"{behind_proxy.url}{RESOURCE}/mcp", headers=headers)
    assert document.json()["resource"] == f"https://{host}/mcp"
    assert httpx2.get(behind_proxy.url + SERVER, headers=headers).json()["issuer"] == BASE
    assert httpx2.get(f"{behind_proxy.url}/.well-known/other", headers=headers).status_code == 404


@pytest.mark.parametrize("path", [f"{RESOURCE}/mcp", SERVER, "/register", "/token", "/revoke", "/device_authorization"])
def test_what_programs_call_is_refused_over_plain_http_and_never_redirected(
    transactional_db: None, behind_proxy: Server, path: str
) -> None:
    for host in ("raster.example.com", "mcp.example.com") if path.startswith("/.well") else ("raster.example.com",):
        response = httpx2.post(behind_proxy.url + path, headers={"Host": host}, data={"client_id": "app"})
        assert response.status_code == 403
        assert response.json()["error"]["code"] == "HTTPS_REQUIRED"
        assert "location" not in response.headers


def test_development_serves_them_on_loopback_by_any_of_its_names(server: Server) -> None:
    port = server.url.rpartition(":")[2]
    for name in ("localhost", "127.0.0.1"):
        document = httpx2.get(f"http://{name}:{port}{RESOURCE}/mcp").json()
        assert document["resource"] == f"http://{name}:{port}/mcp"
        assert document["authorization_servers"] == [f"http://localhost:{port}"]
    refused = httpx2.get(f"{server.url}{RESOURCE}/mcp", headers=OVER_HTTPS)
    assert refused.json()["error"]["code"] == "HTTPS_REQUIRED"
