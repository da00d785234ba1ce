"""What programs read that look around: each with its type, for every origin, and with links that lead somewhere."""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
import yaml
from mcp_types.version import KNOWN_PROTOCOL_VERSIONS
from pytest_django import Settings

from documentation.pages import PAGES
from tests.documentation.reading import BASE, MARKDOWN_LINK, get, text
from tests.server import Server, running_server

pytestmark = pytest.mark.once

CATALOG = "/.well-known/api-catalog"
SKILLS = "/.well-known/agent-skills"
DOCUMENTS = {
    "/llms.txt": "text/plain; charset=utf-8",
    CATALOG: 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"',
    "/.well-known/ai-catalog.json": "application/ai-catalog+json",
    "/mcp/server-card": "application/mcp-server-card+json",
    "/.well-known/mcp/server-card.json": "application/mcp-server-card+json",
    "/docs/schema.graphql": "text/plain; charset=utf-8",
    f"{SKILLS}/index.json": "application/json",
    f"{SKILLS}/upload-files/SKILL.md": "text/markdown; charset=utf-8",
}
OVER_HTTPS = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}


def read(path: str) -> Any:
    return json.loads(text(path))


@pytest.mark.parametrize(
    "path",
    [
        f"{SKILLS}/nothing/SKILL.md",
        f"{SKILLS}/upload-files/other.md",
        f"{SKILLS}/upload-files/SKILL.md/",
        f"{SKILLS}/../../docs/rest.md",
        f"{SKILLS}/..%2f..%2fdocs/SKILL.md",
        f"{SKILLS}/UPLOAD-FILES/SKILL.md",
        SKILLS,
        "/.well-known/mcp/other.json",
        "/.well-known/api-catalog/",
        "/llms-full.txt",
        "/mcp/server-card/",
    ],
)
def test_what_is_not_published_is_not_found(db: None, path: str) -> None:
    assert get(path).status_code == 404


@pytest.mark.parametrize("path", DOCUMENTS)
def test_every_origin_may_read_them_and_nobody_write(path: str) -> None:
    answer, head = get(path), get(path, "HEAD")
    assert answer.status_code == head.status_code == 200
    assert answer["Content-Type"] == DOCUMENTS[path]
    assert answer["Cache-Control"] == "public, max-age=3600"
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "Set-Cookie" not in answer
    assert (head.content, head["ETag"]) == (b"", answer["ETag"])
    again = get(path, if_none_match=answer["ETag"])
    assert (again.status_code, again["Access-Control-Allow-Origin"]) == (304, "*")
    asked = get(path, "OPTIONS", origin="https://other.example", access_control_request_method="GET")
    assert (asked.status_code, asked["Access-Control-Allow-Methods"]) == (204, "GET, HEAD")
    assert get(path, "POST").status_code == 405


@pytest.mark.parametrize("accept", ["", "*/*", "text/html", "application/json", ";q"])
def test_they_do_not_depend_on_what_is_accepted(accept: str) -> None:
    for path, content_type in DOCUMENTS.items():
        assert get(path, accept=accept)["Content-Type"] == content_type


def test_llms_has_the_form_that_is_agreed_on() -> None:
    lines = text("/llms.txt").splitlines()
    assert lines[0] == "# Raster"
    assert lines[2].startswith("> ")
    headings = [line for line in lines if line.startswith("#")]
    assert all(re.fullmatch(r"## \S.*", heading) for heading in headings[1:])
    first = lines.index(headings[1])
    assert all(not line or re.match(r"- \[[^\]]+\]\(https://[^)]+\): \S|## ", line) for line in lines[first:])


def test_llms_leads_to_every_page_and_to_nothing_that_is_not_there(db: None) -> None:
    links = MARKDOWN_LINK.findall(text("/llms.txt"))
    assert {f"{BASE}/docs/{slug}.md" for slug in PAGES} <= set(links)
    assert {f"{BASE}{path}" for path in (CATALOG, "/mcp/server-card", f"{SKILLS}/index.json")} <= set(links)
    for link in links:
        if urlsplit(link).path != "/api/openapi.json":  # not Django's
            assert link.startswith(BASE)
            assert get(urlsplit(link).path).status_code == 200, link


def test_the_catalog_of_apis_lists_each_with_its_documents(db: None) -> None:
    catalog = read(CATALOG)["linkset"]
    assert get(CATALOG)["Link"] == f'<{BASE}{CATALOG}>; rel="api-catalog"'
    itself, *apis = catalog
    assert itself["anchor"] == f"{BASE}{CATALOG}"
    assert [item["href"] for item in itself["item"]] == [f"{BASE}/mcp", f"{BASE}/api", f"{BASE}/graphql"]
    assert [api["anchor"] for api in apis] == [item["href"] for item in itself["item"]]
    for api in apis:
        for relation in ("service-doc", "service-meta"):
            for link in api[relation]:
                answer = get(link["href"].removeprefix(BASE))
                assert answer.status_code == 200
                assert answer["Content-Type"].partition(";")[0] == link["type"]
    assert apis[0]["service-desc"] == [{"href": f"{BASE}/mcp/server-card", "type": "application/mcp-server-card+json"}]
    assert apis[2]["service-desc"] == [{"href": f"{BASE}/docs/schema.graphql", "type": "text/plain"}]
    assert apis[1]["service-desc"][0]["href"] == f"{BASE}/api/openapi.json"


def test_the_catalog_of_a_domain_leads_to_the_card_of_its_server() -> None:
    [entry] = read("/.well-known/ai-catalog.json")["entries"]
    assert entry["identifier"] == "urn:air:raster.test:raster"
    card = read(entry["url"].removeprefix(BASE))
    assert card == read("/.well-known/mcp/server-card.json")
    assert get(entry["url"].removeprefix(BASE))["Content-Type"] == entry["type"]


def test_the_card_fits_its_schema_and_says_what_the_server_says() -> None:
    card = read("/mcp/server-card")
    assert card["$schema"] == "https://static.modelcontextprotocol.io/schemas/v1/server-card.schema.json"
    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", card["name"])
    assert card["name"] == "test.raster/raster"
    assert 1 <= len(card["description"]) <= 100
    assert set(card) == {"$schema", "name", "title", "version", "description", "websiteUrl", "icons", "remotes"}
    [remote] = card["remotes"]
    assert (remote["type"], remote["url"]) == ("streamable-http", f"{BASE}/mcp")
    assert set(remote["supportedProtocolVersions"]) <= set(KNOWN_PROTOCOL_VERSIONS)


def test_each_skill_is_what_the_index_says() -> None:
    index = read(f"{SKILLS}/index.json")
    assert index["$schema"] == "https://schemas.agentskills.io/discovery/0.2.0/schema.json"
    assert len(index["skills"]) >= 3
    for skill in index["skills"]:
        served = get(skill["url"].removeprefix(BASE)).content
        assert skill["digest"] == f"sha256:{hashlib.sha256(served).hexdigest()}"
        assert skill["type"] == "skill-md"
        front = yaml.safe_load(served.decode().split("---\n")[1])
        assert front == {"name": skill["name"], "description": skill["description"]}
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", skill["name"]) and len(skill["name"]) <= 64
        assert len(skill["description"]) <= 1024
        assert b"raster.example.com" not in served


def test_all_of_them_name_the_hosts_that_the_faces_have(settings: Settings) -> None:
    settings.MCP_URL, settings.MCP_HOST = "https://mcp.raster.test/", "mcp.raster.test"
    settings.API_URL, settings.API_HOST = "https://api.raster.test", "api.raster.test"
    card = read("/mcp/server-card")
    assert card["remotes"][0]["url"] == "https://mcp.raster.test/"
    [entry] = read("/.well-known/ai-catalog.json")["entries"]
    assert entry["url"] == "https://mcp.raster.test/server-card"
    _, mcp, api = read(CATALOG)["linkset"][:3]
    assert mcp["anchor"] == "https://mcp.raster.test/"
    assert mcp["service-meta"][0]["href"] == "https://mcp.raster.test/.well-known/oauth-protected-resource"
    assert api["service-desc"][0]["href"] == "https://api.raster.test/openapi.json"
    llms = text("/llms.txt")
    assert "`POST https://api.raster.test/libraries`" in llms
    assert f"{BASE}/api" not in llms


@pytest.fixture(scope="module")
def behind_proxy(django_db_setup: None, static_files: None, server_log: Any) -> Iterator[Server]:
    with running_server(
        server_log,
        RASTER_DEV="0",
        SECRET_KEY="s" * 50,
        RASTER_KEY_PEPPERS=f"1:{'p' * 32}",
        RASTER_BASE_URL="https://raster.example.com",
        RASTER_MCP_HOST="mcp.example.com",
        RASTER_TRUSTED_PROXIES="127.0.0.1",
    ) as server:
        yield server


@pytest.mark.parametrize("path", ["/mcp/server-card", "/server-card"])
def test_the_mcp_host_serves_its_card(transactional_db: None, behind_proxy: Server, path: str) -> None:
    url, headers = behind_proxy.url + path, {"Host": "mcp.example.com"}
    refused = httpx2.get(url, headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "HTTPS_REQUIRED")
    card = httpx2.get(url, headers={**headers, **OVER_HTTPS})
    assert card.json()["remotes"][0]["url"] == "https://mcp.example.com/"
    assert card.headers["access-control-allow-origin"] == "*"
    for other in ("/docs", "/llms.txt", "/server-card/", "/server-cards"):
        assert httpx2.get(behind_proxy.url + other, headers={**headers, **OVER_HTTPS}).status_code == 404


def test_nothing_is_served_over_plain_http(transactional_db: None, behind_proxy: Server) -> None:
    for path in DOCUMENTS:
        answer = httpx2.get(behind_proxy.url + path, headers={"Host": "raster.example.com"})
        assert answer.status_code == (301 if path in {"/llms.txt", "/docs/schema.graphql"} else 403), path
