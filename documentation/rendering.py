"""From Markdown to the HTML of a page, with the components that other pages have."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token


@dataclass(frozen=True)
class Rendered:
    """``title`` is the text's first heading, which ``body`` is without; ``contents`` are (id, text) of its sections."""

    title: str
    body: SafeString
    contents: tuple[tuple[str, str], ...]


def render(text: str) -> Rendered:
    """Return a text as HTML. HTML in it is shown, not obeyed."""
    tokens = _markdown.parse(text)
    title = ""
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        title, tokens = _plain(tokens[1]), tokens[3:]
    contents = tuple(_name_headings(tokens))
    body = _markdown.renderer.render(tokens, _markdown.options, {})
    return Rendered(title, mark_safe(body), contents)  # noqa: S308 - the renderer escapes what it does not make


def anchor(text: str) -> str:
    """Return the id of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def _plain(inline: Token) -> str:
    return "".join(child.content for child in inline.children or () if child.type in {"text", "code_inline"})


def _name_headings(tokens: Sequence[Token]) -> list[tuple[str, str]]:
    """Give each heading its id, and each block a name by the heading above it; return the sections."""
    contents, heading, blocks, taken = [], "", 0, set[str]()
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = _plain(tokens[index + 1])
            name, number = anchor(heading), 1
            while name in taken:
                name, number = f"{anchor(heading)}-{number}", number + 1
            taken.add(name)
            token.attrSet("id", name)
            if token.tag == "h2":
                contents.append((name, heading))
        elif token.type in {"fence", "code_block", "table_open"}:
            blocks += 1
            token.meta = {"id": f"block-{blocks}", "label": f"{heading or 'Introduction'}: {blocks}"}
    return contents


def _code(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    facts = {**token.meta, "text": token.content.rstrip("\n"), "lines": True}
    return render_to_string("components/copy.html", facts)


def _table_open(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    # It scrolls by itself on a narrow screen, also by the keyboard.
    label = escape(tokens[index].meta["label"])
    return f'<div class="table-wrap" tabindex="0" role="region" aria-label="{label}"><table>'


def _table_close(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return "</table></div>"


def _column(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    # What has no text heads no column.
    return '<th scope="col">' if tokens[index + 1].content else "<td>"


def _column_close(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return "</th>" if tokens[index - 1].content else "</td>"


_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
for _rule, _function in {
    "fence": _code,
    "code_block": _code,
    "table_open": _table_open,
    "table_close": _table_close,
    "th_open": _column,
    "th_close": _column_close,
}.items():
    _markdown.add_render_rule(_rule, _function)
