"""The documentation's pages: open to everybody, the same for everybody, and without a dead link."""

import http.client
import itertools
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings as configured
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from documentation.installation import Installation
from documentation.pages import GROUPS, PAGES, linked, neighbours
from documentation.rendering import render
from tests.documentation.reading import BASE, HOST, HREF, ID, MARKDOWN_LINK, get, text
from tests.factories import Cast
from tests.server import Server

pytestmark = pytest.mark.once

DOCS = configured.BASE_DIR / "docs"
#: docs/llms.md is the beginning of llms.txt.
NO_PAGES = {"llms"}


@pytest.mark.parametrize(
    "path",
    [
        "/docs/nothing",
        "/docs/nothing.md",
        "/docs/llms",
        "/docs/llms.md",
        "/docs/skills",
        "/docs/skills/upload-files/SKILL.md",
        "/docs/Rest",
        "/docs/rest.html",
        "/docs/rest.md.md",
        "/docs/rest/",
        "/docs/rest%00",
        "/docs/../docs/../AGENTS.md",
        "/docs/..%2fAGENTS.md",
        "/docs/%2e%2e/AGENTS.md",
        "/docs/..%5cAGENTS.md",
        "/docs//etc/passwd",
        "/docs/" + "a" * 5000,
    ],
)
def test_what_is_no_page_is_not_found(server: Server, path: str) -> None:
    # http.client sends a path as it stands.
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
    connection.request("GET", path, headers={"Accept": "text/markdown"})
    answer = connection.getresponse()
    assert answer.status == 404
    assert b"Working on Raster" not in answer.read()
    connection.close()


@pytest.mark.parametrize("path", ["/docs", "/docs/rest", "/docs/rest.md", "/docs/index.md"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_they_are_for_reading_alone(path: str, method: str) -> None:
    assert get(path, method).status_code == 405


def test_html_in_a_text_is_shown_and_not_obeyed() -> None:
    hostile = (
        "# A <b>\n\n<script>alert(1)</script> [x](javascript:alert(1)) ![y](data:text/html,1)\n\n```\n</pre><i>\n```\n"
    )
    rendered = render(hostile + "\n## <i>\n\n| <u> |\n| --- |\n| <u> |\n")
    for tag in ("<script", "<b>", "<i>", "<u>", 'href="javascript', "</pre><i"):
        assert tag not in rendered.body
    assert rendered.title == "A <b>"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/html"),
        ("*/*", "text/html"),
        ("text/*", "text/html"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("text/html, text/markdown", "text/html"),
        ("text/html, text/markdown;q=0.5", "text/html"),
        ("text/markdown;q=0.5, text/html", "text/html"),
        ("text/markdown;q=0", "text/html"),
        ("application/json", "text/html"),
        (";;,, /, text, q=1", "text/html"),
        ("\x7f;q=1;q=2", "text/html"),
        ("text/markdown", "text/markdown"),
        ("TEXT/Markdown", "text/markdown"),
        ("text/markdown, text/html, */*", "text/markdown"),
        ("text/markdown, text/html;q=0.9, */*;q=0.1", "text/markdown"),
        ("text/html;q=0.5, text/markdown", "text/markdown"),
        ("text/markdown;charset=utf-8", "text/html"),
    ],
)
@pytest.mark.parametrize("path", ["/docs", "/docs/rest"])
def test_who_asks_for_markdown_gets_it_and_nobody_else(path: str, accept: str, content_type: str) -> None:
    answer = get(path, accept=accept)
    assert answer.status_code == 200
    assert answer["Content-Type"] == f"{content_type}; charset=utf-8"
    assert answer["Vary"] == "Accept"
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "Set-Cookie" not in answer


@pytest.mark.parametrize("slug", ["index", *PAGES])
def test_the_markdown_has_an_address_of_its_own(slug: str) -> None:
    page = "/docs" if slug == "index" else f"/docs/{slug}"
    answer = get(f"/docs/{slug}.md")
    assert answer["Content-Type"] == "text/markdown; charset=utf-8"
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer.content == get(page, accept="text/markdown").content
    assert f'<{BASE}/docs/{slug}.md>; rel="alternate"; type="text/markdown"' in get(page)["Link"]


@pytest.mark.parametrize("path", ["/docs", "/docs/tools", "/docs/connect", "/docs/tools.md"])
def test_a_copy_is_asked_about_without_its_body(path: str) -> None:
    whole, head = get(path), get(path, "HEAD")
    assert head.content == b""
    assert head["ETag"] == whole["ETag"]
    assert "public" in whole["Cache-Control"]
    again = get(path, if_none_match=whole["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert again["Access-Control-Allow-Origin"] == "*"
    assert get(path, if_none_match='"other"').status_code == 200


def test_the_page_and_its_markdown_are_told_apart_by_their_etags() -> None:
    assert get("/docs/rest")["ETag"] != get("/docs/rest", accept="text/markdown")["ETag"]


@pytest.mark.parametrize("path", ["/docs", "/docs/tools", "/docs/connect"])
def test_they_are_the_same_for_everybody_and_ask_the_database_nothing(
    cast: Cast, path: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    browser = Client()
    browser.force_login(cast.alice)
    with django_assert_num_queries(0):
        answer: Any = browser.get(path, secure=True, headers={"Host": HOST})
    assert answer.content == get(path).content


def test_every_file_is_a_page_and_every_page_is_in_every_list() -> None:
    assert {path.stem for path in DOCS.glob("*.md")} - NO_PAGES == set(PAGES)
    for path in ("/docs", "/docs/rest"):
        hrefs = HREF.findall(text(path))
        assert {page.path for page in PAGES.values()} <= set(hrefs)
    for group in GROUPS:
        assert group.name in text("/docs/rest")


def test_the_pages_form_a_chain() -> None:
    pages = list(PAGES.values())
    assert neighbours(pages[0])[0] is None
    assert neighbours(pages[-1])[1] is None
    for before, after in itertools.pairwise(pages):
        assert neighbours(before)[1] == after
        assert f'rel="prev" href="{before.path}"' in text(after.path)
        assert f'rel="next" href="{after.path}"' in text(before.path)


def test_each_page_is_marked_as_the_current_one_and_has_one_title() -> None:
    for page in PAGES.values():
        html = text(page.path)
        assert f'<a href="{page.path}" aria-current="page">' in html
        assert html.count("<h1>") == 1
        assert f"<title>{page.name} · Raster documentation</title>" in html


@pytest.mark.parametrize("path", ["/docs", *(page.path for page in PAGES.values())])
def test_every_link_leads_somewhere_and_every_id_is_there_once(db: None, path: str) -> None:
    html = text(path)
    ids = ID.findall(html)
    assert len(ids) == len(set(ids))
    for href in HREF.findall(html):
        parts = urlsplit(href)
        if parts.scheme:
            continue
        target = html if not parts.path else text(parts.path)
        if parts.fragment:
            assert parts.fragment in ID.findall(target), href


@pytest.mark.parametrize("slug", PAGES)
def test_links_in_markdown_are_absolute_and_lead_somewhere(slug: str) -> None:
    for href in MARKDOWN_LINK.findall(text(f"/docs/{slug}.md")):
        if href.startswith("#"):
            continue
        assert href.startswith(("https://", "http://")), href
        if href.startswith(BASE):
            assert get(urlsplit(href).path).status_code == 200, href


def test_files_that_are_no_page_are_words() -> None:
    assert linked(
        "[a](../AGENTS.md) [b](https://b.example) [c](rest.md#paths) [tools.md](tools.md)", lambda p: p.path
    ) == ("a [b](https://b.example) [c](/docs/rest#paths) [MCP tools and resources](/docs/tools)")


@pytest.mark.parametrize("slug", PAGES)
def test_the_addresses_are_those_of_this_installation(slug: str) -> None:
    for path in (f"/docs/{slug}", f"/docs/{slug}.md"):
        assert "raster.example.com" not in text(path)
        assert "<!--" not in text(path)


def test_each_face_has_its_address_on_hosts_of_its_own(settings: Settings) -> None:
    settings.MCP_URL = "https://mcp.raster.test/"
    settings.API_URL, settings.API_HOST = "https://api.raster.test", "api.raster.test"
    installation = Installation.current()
    for written, shown in {
        "https://raster.example.com": BASE,
        "https://raster.example.com/mcp": "https://mcp.raster.test/",
        "https://raster.example.com/mcp/o/acme": "https://mcp.raster.test/o/acme",
        "https://raster.example.com/mcp/anonymous": "https://mcp.raster.test/anonymous",
        "https://raster.example.com/api/me": "https://api.raster.test/me",
        "https://raster.example.com/graphql": "https://api.raster.test",
        "https://raster.example.com/api-keys": f"{BASE}/api-keys",
        "https://raster.example.com.evil": f"{BASE}.evil",
    }.items():
        assert installation.addressed(written) == shown
    assert "https://api.raster.test/organizations/acme" in text("/docs/rest")


def test_people_find_the_documentation(db: None, cast: Cast) -> None:
    browser = Client()
    headers = {"Host": HOST}
    assert 'href="/docs"' in text("/")
    assert 'href="/docs"' in text("/login")
    browser.force_login(cast.carol)
    for path in ("/acme", "/settings/connected-apps"):
        answer: Any = browser.get(path, secure=True, headers=headers)
        assert 'href="/docs"' in answer.content.decode()
