"""The documentation's pages and documents. They are the same for everybody, and need neither session nor database."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response, set_response_etag
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from api.graphql.schema import schema
from connections.protocol import oauth_endpoint
from connections.ready import ready_clients
from connections.resources import organization_mcp_url
from documentation import agents
from documentation.installation import Installation
from documentation.pages import GROUPS, PAGES, Page, linked, neighbours, source_of
from documentation.rendering import Rendered
from documentation.rendering import render as render_markdown
from raster.errors import EndpointNotFound

HTML, MARKDOWN = "text/html", "text/markdown"
#: Names of static files in a page change with each release; a copy that is asked about again costs no body.
PAGE_CACHING = "public, no-cache"
DOCUMENT_CACHING = "public, max-age=3600"
#: Where docs/connect.md goes on after the steps for each client.
_AFTER_CLIENTS = '<h2 id="if-it-does-not-connect">'
PUBLIC = oauth_endpoint("GET", "HEAD")


@require_safe
def contents(request: HttpRequest) -> HttpResponse:
    """List the pages."""
    installation = Installation.current()
    if _wants_markdown(request):
        return _negotiated(request, _markdown(agents.index(installation)), "/docs/index.md")
    response = render(request, "docs/index.html", {"groups": GROUPS, "installation": installation})
    return _negotiated(request, response, "/docs/index.md")


@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a page to people, or give its Markdown to who asks for that."""
    found = _page(slug)
    installation = Installation.current()
    if _wants_markdown(request):
        response = _markdown(_text(found, installation))
    else:
        before, after = neighbours(found)
        facts = {
            "page": found,
            "groups": GROUPS,
            "before": before,
            "after": after,
            "rendered": _rendered(found, installation),
        }
        response = render(request, _template(found), facts | _more(found, installation))
    return _negotiated(request, response, f"{found.path}.md")


@PUBLIC
def page_in_markdown(request: HttpRequest) -> HttpResponse:
    """Give a page's Markdown at an address of its own."""
    slug = request.path.removeprefix("/docs/").removesuffix(".md")
    if slug not in PAGES:
        raise EndpointNotFound
    return _document(request, _markdown(_text(PAGES[slug], Installation.current())))


@PUBLIC
def contents_in_markdown(request: HttpRequest) -> HttpResponse:
    return _document(request, _markdown(agents.index(Installation.current())))


@PUBLIC
def graphql_schema(request: HttpRequest) -> HttpResponse:
    """Give the GraphQL schema in the schema definition language."""
    return _document(request, HttpResponse(f"{schema.as_str()}\n", content_type="text/plain; charset=utf-8"))


@PUBLIC
def llms(request: HttpRequest) -> HttpResponse:
    text = agents.llms_text(Installation.current())
    return _document(request, HttpResponse(text, content_type="text/plain; charset=utf-8"))


@PUBLIC
def api_catalog(request: HttpRequest) -> HttpResponse:
    response = _json(agents.api_catalog(Installation.current()), agents.CATALOG_TYPE)
    response.headers["Link"] = f'<{settings.BASE_URL}/.well-known/api-catalog>; rel="api-catalog"'
    return _document(request, response)


@PUBLIC
def server_card(request: HttpRequest) -> HttpResponse:
    return _document(request, _json(agents.server_card(Installation.current()), agents.CARD_TYPE))


@PUBLIC
def ai_catalog(request: HttpRequest) -> HttpResponse:
    return _document(request, _json(agents.ai_catalog(Installation.current()), agents.AI_CATALOG_TYPE))


@PUBLIC
def skills_index(request: HttpRequest) -> HttpResponse:
    return _document(request, _json(agents.skills_index(Installation.current()), "application/json"))


@PUBLIC
def skill(request: HttpRequest) -> HttpResponse:
    """Give a skill's text, of which the index has the digest."""
    for each in agents.skills(Installation.current()):
        if each.path == request.path:
            return _document(request, _markdown(each.text))
    raise EndpointNotFound


def _page(slug: str) -> Page:
    if slug not in PAGES:
        raise Http404
    return PAGES[slug]


def _template(found: Page) -> str:
    return "docs/connect.html" if found.slug == "connect" else "docs/page.html"


def _more(found: Page, installation: Installation) -> dict[str, Any]:
    """Return what the one page shows in place of its text's beginning: commands to copy, and links of one click."""
    if found.slug != "connect":
        return {}
    body = _rendered(found, installation).body
    return {
        "clients": ready_clients(settings.MCP_URL),
        "own_url": organization_mcp_url("your-organization"),
        "closing": mark_safe(body[body.index(_AFTER_CLIENTS) :]),  # noqa: S308 - a part of what the renderer escaped
    }


@lru_cache(maxsize=4 * len(PAGES))
def _text(found: Page, installation: Installation) -> str:
    return linked(source_of(found.slug, installation), lambda other: agents.markdown_url(other, installation))


@lru_cache(maxsize=4 * len(PAGES))
def _rendered(found: Page, installation: Installation) -> Rendered:
    return render_markdown(linked(source_of(found.slug, installation), lambda other: other.path))


def _wants_markdown(request: HttpRequest) -> bool:
    """Return whether a request prefers Markdown; what names neither, or nothing that is understood, gets the page."""
    return request.get_preferred_type([HTML, MARKDOWN]) == MARKDOWN


def _markdown(text: str | bytes) -> HttpResponse:
    return HttpResponse(text, content_type=f"{MARKDOWN}; charset=utf-8")


def _json(content: Mapping[str, Any], content_type: str) -> HttpResponse:
    return HttpResponse(json.dumps(content, indent=2, ensure_ascii=False), content_type=content_type)


def _negotiated(request: HttpRequest, response: HttpResponse, markdown_path: str) -> HttpResponse:
    response.headers["Cache-Control"] = PAGE_CACHING
    response.headers["Vary"] = "Accept"
    answer = _conditional(request, response)
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Link"] = (
        f'<{settings.BASE_URL}{markdown_path}>; rel="alternate"; type="{MARKDOWN}", '
        f'<{settings.BASE_URL}/llms.txt>; rel="describedby"; type="text/plain"'
    )
    return answer


def _document(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = DOCUMENT_CACHING
    return _conditional(request, response)


def _conditional(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Return the answer with an ETag; without its body where the asker has it."""
    set_response_etag(response)
    return get_conditional_response(request, etag=response.headers["ETag"], response=response) or response
