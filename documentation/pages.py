"""The pages of the documentation, in the order in which they are read. Their texts are the files of docs/."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from documentation.installation import Installation
from documentation.made import PARTS

_PART = re.compile(r"^<!-- made: ([a-z-]+) -->$", re.MULTILINE)
#: Links to other files of the repository; addresses and places on the same page are left alone.
_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:|mailto:|[#/])([^)#\s]+)(#[^)\s]+)?\)")


@dataclass(frozen=True)
class Page:
    """``name`` is what links to it say, ``summary`` what it is about; ``docs/<slug>.md`` has its text."""

    slug: str
    name: str
    summary: str

    @property
    def path(self) -> str:
        return f"/docs/{self.slug}"


@dataclass(frozen=True)
class Group:
    """Pages that are listed together."""

    name: str
    pages: tuple[Page, ...]


GROUPS = (
    Group(
        "Begin",
        (
            Page("start", "Start with no account", "From an email address to a tagged library, by curl alone."),
            Page("connect", "Connect a client", "The steps for Claude, ChatGPT, Cursor, VS Code, curl and others."),
            Page("authentication", "Authentication", "API keys, OAuth and devices: which to use, and how."),
        ),
    ),
    Group(
        "Use",
        (
            Page("tools", "MCP tools and resources", "Every tool with its arguments and results."),
            Page("rest", "REST", "Paths, versions, uploads and pages of lists."),
            Page("graphql", "GraphQL", "Queries, mutations, uploads and limits."),
            Page("search", "Search", "What matches, in which order, and how mistakes are corrected."),
            Page("upload-links", "Upload links", "One-time links with which a shell uploads local files."),
            Page("errors", "Errors", "The codes that every API answers with, and what to do about each."),
            Page("limits", "Limits", "Sizes, counts and rates."),
        ),
    ),
    Group(
        "Credentials",
        (
            Page("api-keys", "API keys", "Making them, their form, and finding leaked ones."),
            Page("oauth", "OAuth", "Clients, scopes, consent, tokens and devices in detail."),
        ),
    ),
    Group(
        "For operators",
        (
            Page("configuration", "Configuration", "Every setting, and how to serve it."),
            Page("architecture", "Architecture", "How it is built, and why."),
        ),
    ),
)
PAGES = {page.slug: page for group in GROUPS for page in group.pages}


def source_of(name: str, installation: Installation) -> str:
    """Return a text of docs/ in Markdown: with what is made of the code, and with this installation's addresses."""
    text = (settings.BASE_DIR / "docs" / f"{name}.md").read_text(encoding="utf-8")
    return installation.addressed(_PART.sub(lambda match: PARTS[match[1]](installation), text))


def linked(text: str, address: Callable[[Page], str]) -> str:
    """Return a text whose links to other files of docs/ lead to ``address``, named as the pages are.

    Links to files that are no page become plain words.
    """

    def link(match: re.Match[str]) -> str:
        page = PAGES.get(match[2].removesuffix(".md"))
        if page is None:
            return match[1]
        words = page.name if match[1] == match[2] else match[1]
        return f"[{words}]({address(page)}{match[3] or ''})"

    return _LINK.sub(link, text)


def neighbours(page: Page) -> tuple[Page | None, Page | None]:
    """Return the pages before and after a page."""
    pages = list(PAGES.values())
    place = pages.index(page)
    return pages[place - 1] if place else None, pages[place + 1] if place + 1 < len(pages) else None
