"""The tools and resources: the operations of the catalogue that MCP offers."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote

import mcp_types

from api.catalogue import OPERATIONS, Effect, Mcp, Operation, who_am_i
from assets.contracts import (
    AssetRecord,
    ListAssets,
    ListLibraries,
    ListTags,
    LookAtAsset,
    SearchResult,
    VariantRecord,
)
from assets.operations.assets import list_assets
from assets.operations.libraries import list_libraries
from assets.operations.tags import list_tags
from orgs.access import Principal
from raster.contracts import Contract, Page, Record, json_schema
from raster.workers import Workers, fetchers, workers, writers

#: The assets of a record whose files a result links to.
_LINKED: dict[type[Record], Callable[[Any], Sequence[VariantRecord]]] = {
    Page[AssetRecord]: lambda page: page.data,
    SearchResult: lambda result: result.hits,
}


@dataclass(frozen=True)
class Tool:
    """An operation, as MCP offers it."""

    operation: Operation
    mcp: Mcp

    @property
    def name(self) -> str:
        return self.operation.name

    @property
    def is_whoami(self) -> bool:
        """Whether the gate answers it on its event loop, by one statement."""
        return self.operation.run is who_am_i

    @cached_property
    def contract(self) -> type[Contract]:
        return self.mcp.takes or self.operation.takes

    @cached_property
    def run(self) -> Callable[[Any, Any], Record]:
        return self.mcp.run or self.operation.run

    @cached_property
    def pool(self) -> Workers:
        """The threads that it runs in: a file may be fetched first."""
        if self.operation.takes_files:
            return fetchers
        return writers if self.operation.writes else workers

    @property
    def has_preview(self) -> bool:
        """Whether a picture follows the result where the arguments ask for it."""
        return self.contract is LookAtAsset

    def links(self, record: Any) -> Sequence[VariantRecord]:
        """Return the assets of a record whose files the result links to."""
        linked = _LINKED.get(self.operation.returns)
        return linked(record) if linked else ()

    @cached_property
    def definition(self) -> mcp_types.Tool:
        operation = self.operation
        about = operation.for_models or operation.about
        return mcp_types.Tool(
            name=operation.name,
            title=operation.title,
            description=f"{about} Needs write." if self._needs_write else about,
            input_schema=json_schema(self.contract),
            output_schema=json_schema(operation.returns, output=True),
            annotations=mcp_types.ToolAnnotations(
                title=operation.title,
                read_only_hint=not operation.writes,
                destructive_hint=operation.effect is Effect.DESTRUCTIVE,
                idempotent_hint=operation.idempotent,
                open_world_hint=operation.takes_files,
            ),
        )

    @property
    def _needs_write(self) -> bool:
        """Whether its description has to say so: some say more."""
        operation = self.operation
        return operation.writes and not operation.anonymous and "Needs " not in operation.about


_tools = [Tool(operation, operation.mcp) for operation in OPERATIONS if operation.mcp is not None]
TOOLS = {tool.name: tool for tool in _tools if not tool.operation.anonymous}
#: What is offered to callers without a credential.
ANONYMOUS_TOOLS = {tool.name: tool for tool in _tools if tool.operation.anonymous}


@dataclass(frozen=True)
class Resource:
    """A resource template and the read that answers it."""

    template: str
    name: str
    title: str
    description: str
    contract: type[Contract]
    operation: Callable[[Principal, Any], Record]

    @property
    def definition(self) -> mcp_types.ResourceTemplate:
        return mcp_types.ResourceTemplate(
            uri_template=self.template,
            name=self.name,
            title=self.title,
            description=self.description,
            mime_type="application/json",
        )

    def arguments(self, uri: str) -> dict[str, str] | None:
        """Return what a URI says in the template's places, or None where it is not of this template."""
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/?#]+)", re.escape(self.template))
        match = re.fullmatch(pattern, uri)
        return match and {name: unquote(value) for name, value in match.groupdict().items()}


RESOURCES = (
    Resource(
        "raster://organizations/{organizationId}/libraries",
        "libraries",
        "Libraries",
        "The libraries of an organization that this credential reaches.",
        ListLibraries,
        list_libraries,
    ),
    Resource(
        "raster://organizations/{organizationId}/libraries/{libraryId}/assets",
        "assets",
        "Assets",
        "The newest assets of a library: the first page of list_assets.",
        ListAssets,
        list_assets,
    ),
    Resource(
        "raster://organizations/{organizationId}/libraries/{libraryId}/tags",
        "tags",
        "Tags",
        "The tags in use in a library, most used first.",
        ListTags,
        list_tags,
    ),
)
