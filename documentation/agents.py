"""What programs read that look around: llms.txt, the catalogs, the server card and the skills.

llmstxt.org; RFC 9727 and 9264 (API catalog); the MCP extension of server cards (SEP-2127) with the AI Catalog that
lists them; Agent Skills Discovery 0.2.0.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from mcp_types import version as mcp_versions

from connections.resources import metadata_url
from documentation.installation import Installation
from documentation.pages import GROUPS, PAGES, Page, linked, source_of

NAME = "Raster"
SUMMARY = "A self-hosted home for a team's images and files that people and AI agents use together."
CARD_TYPE = "application/mcp-server-card+json"
CATALOG_TYPE = 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"'
AI_CATALOG_TYPE = "application/ai-catalog+json"
SKILLS_PATH = "/.well-known/agent-skills"
_FRONT_MATTER = re.compile(r"---\nname: (?P<name>[a-z0-9-]+)\ndescription: (?P<description>[^\n]+)\n---\n")


@dataclass(frozen=True)
class Skill:
    """A text that teaches an agent one thing, as it is served."""

    name: str
    description: str
    text: bytes

    @property
    def path(self) -> str:
        return f"{SKILLS_PATH}/{self.name}/SKILL.md"


@lru_cache(maxsize=4)
def skills(installation: Installation) -> list[Skill]:
    """Return the skills of docs/skills, in the order of their names."""
    found = []
    for path in sorted((settings.BASE_DIR / "docs" / "skills").glob("*/SKILL.md")):
        text = installation.addressed(path.read_text(encoding="utf-8"))
        front = _FRONT_MATTER.match(text)
        if front is None or front["name"] != path.parent.name:
            raise ValueError(f"{path} does not begin with its folder's name and a description.")
        found.append(Skill(front["name"], front["description"], text.encode()))
    return found


def skills_index(installation: Installation) -> dict[str, Any]:
    """Return the index of the skills."""
    return {
        "$schema": "https://schemas.agentskills.io/discovery/0.2.0/schema.json",
        "skills": [
            {
                "name": skill.name,
                "type": "skill-md",
                "description": skill.description,
                "url": installation.base + skill.path,
                "digest": f"sha256:{hashlib.sha256(skill.text).hexdigest()}",
            }
            for skill in skills(installation)
        ],
    }


def markdown_url(page: Page, installation: Installation) -> str:
    """Return the address of a page in Markdown."""
    return f"{installation.base}{page.path}.md"


def index(installation: Installation) -> str:
    """Return the list of the pages in Markdown."""
    return f"# {NAME} documentation\n\n{SUMMARY}\n\n{_lists(installation)}"


def llms_text(installation: Installation) -> str:
    """Return llms.txt."""
    introduction = linked(source_of("llms", installation), lambda page: markdown_url(page, installation))
    skill_lines = "\n".join(
        f"- [{skill.name}]({installation.base}{skill.path}): {skill.description}" for skill in skills(installation)
    )
    base = installation.base
    machine_lines = "\n".join(
        f"- [{name}]({address}): {about}"
        for name, address, about in (
            ("OpenAPI", f"{installation.api}/openapi.json", "The REST API, in OpenAPI 3.1."),
            ("GraphQL schema", f"{base}/docs/schema.graphql", "The GraphQL API, in the schema definition language."),
            ("API catalog", f"{base}/.well-known/api-catalog", "The APIs of this installation (RFC 9727)."),
            ("MCP server card", card_url(installation), "Where the MCP server is, and which versions it speaks."),
            ("Agent skills", f"{base}{SKILLS_PATH}/index.json", "The skills above, with digests."),
            (
                "Authorization server",
                f"{base}/.well-known/oauth-authorization-server",
                "The endpoints of OAuth (RFC 8414).",
            ),
        )
    )
    return (
        f"# {NAME}\n\n> {SUMMARY}\n\n{introduction.strip()}\n\n{_lists(installation)}\n## Skills\n\n{skill_lines}\n\n"
        f"## For programs\n\n{machine_lines}\n"
    )


def api_catalog(installation: Installation) -> dict[str, Any]:
    """Return the APIs with their descriptions, as a set of links."""
    base = installation.base

    def documentation(slug: str) -> list[dict[str, str]]:
        page = PAGES[slug]
        return [
            {"href": base + page.path, "type": "text/html", "title": page.name},
            {"href": markdown_url(page, installation), "type": "text/markdown", "title": page.name},
        ]

    mcp = urlsplit(installation.mcp)
    metadata = {
        "mcp": metadata_url(mcp.scheme, mcp.netloc, mcp.path),
        "api": metadata_url(*urlsplit(f"{base}/api")[:3]),
    }
    openapi = {"href": f"{installation.api}/openapi.json", "type": "application/vnd.oai.openapi+json;version=3.1"}
    urls = (installation.mcp_url, installation.api, installation.graphql)
    return {
        "linkset": [
            {"anchor": f"{base}/.well-known/api-catalog", "item": [{"href": url} for url in dict.fromkeys(urls)]},
            {
                "anchor": installation.mcp_url,
                "service-desc": [{"href": card_url(installation), "type": CARD_TYPE}],
                "service-doc": documentation("tools"),
                "service-meta": [{"href": metadata["mcp"], "type": "application/json"}],
            },
            {
                "anchor": installation.api,
                "service-desc": [openapi],
                "service-doc": documentation("rest"),
                "service-meta": [{"href": metadata["api"], "type": "application/json"}],
            },
            {
                "anchor": installation.graphql,
                "service-desc": [{"href": f"{base}/docs/schema.graphql", "type": "text/plain"}],
                "service-doc": documentation("graphql"),
                "service-meta": [{"href": metadata["api"], "type": "application/json"}],
            },
        ]
    }


def card_url(installation: Installation) -> str:
    """Return where the card of the MCP server is: below the server's own address."""
    return f"{installation.mcp}/server-card"


def server_card(installation: Installation) -> dict[str, Any]:
    """Return what a client may know of the MCP server before it connects."""
    return {
        "$schema": "https://static.modelcontextprotocol.io/schemas/v1/server-card.schema.json",
        "name": f"{'.'.join(reversed(_domain(installation).split('.')))}/raster",
        "title": NAME,
        "version": settings.VERSION,
        "description": SUMMARY,
        "websiteUrl": installation.base,
        "icons": [{"src": f"{installation.base}/static/img/icon.svg", "mimeType": "image/svg+xml", "sizes": ["any"]}],
        "remotes": [
            {
                "type": "streamable-http",
                "url": installation.mcp_url,
                "supportedProtocolVersions": list(mcp_versions.KNOWN_PROTOCOL_VERSIONS),
            }
        ],
    }


def ai_catalog(installation: Installation) -> dict[str, Any]:
    """Return the catalog in which clients that know a domain alone find the server's card."""
    card = {
        "identifier": f"urn:air:{_domain(installation)}:raster",
        "displayName": NAME,
        "type": CARD_TYPE,
        "url": card_url(installation),
    }
    return {"specVersion": "1.0", "entries": [card]}


def _domain(installation: Installation) -> str:
    return urlsplit(installation.base).hostname or "localhost"


def _lists(installation: Installation) -> str:
    sections = []
    for group in GROUPS:
        lines = [f"- [{page.name}]({markdown_url(page, installation)}): {page.summary}" for page in group.pages]
        sections.append(f"## {group.name}\n\n" + "\n".join(lines) + "\n")
    return "\n".join(sections)
