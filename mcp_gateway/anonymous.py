"""The MCP server for those who have no account yet: it takes no credential and has one tool."""

from typing import Any

import mcp_types
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from apikeys.contracts import StartedOrganization, StartOrganization
from apikeys.unclaimed import start_organization
from mcp_gateway.server import (
    LISTS,
    Context,
    failure,
    in_worker,
    raster_server,
    refuse_cursor,
    scope_of,
    success,
)
from mcp_gateway.tools import Tool
from raster.contracts import read_json
from raster.errors import RasterError
from raster.logs import RECORD
from raster.workers import writers

PATH = "/mcp/anonymous"
#: Where the door leaves the origin of a request in the ASGI scope.
ORIGIN = "raster.origin"
INSTRUCTIONS = (
    "Raster holds a team's images and files in libraries. Nobody needs an account to begin: create_organization makes "
    "an organization with one library and an API key for it. Use that key at the MCP server itself from then on, and "
    "give the person the claim link: the organization is removed after a day without any use, or 30 days after its "
    "first use, unless somebody claims it."
)
CREATE_ORGANIZATION: Tool[StartOrganization] = Tool(
    "create_organization",
    "Create organization",
    "Makes an organization with one library for a person who has no account yet, and an API key that writes to it. It "
    "holds 100 MB and is removed after a day if it is not used, or 30 days after its first use, unless the person "
    "claims it: give them claimUrl, and keep apiKey, which is told once. Ask the person for their email address; do "
    "not make one up.",
    StartOrganization,
    StartedOrganization,
    None,
    writes=True,
    idempotent=False,
)


def anonymous_server() -> Server[Any]:
    """Return the server, for both wires."""
    tools = {CREATE_ORGANIZATION.name: CREATE_ORGANIZATION}
    return raster_server(INSTRUCTIONS, tools, _Handlers(), cache_hints={"tools/list": LISTS})


class _Handlers:
    async def list_tools(
        self, context: Context, params: mcp_types.PaginatedRequestParams | None
    ) -> mcp_types.ListToolsResult:
        """List the one tool."""
        refuse_cursor(params)
        return mcp_types.ListToolsResult(tools=[CREATE_ORGANIZATION.definition])

    async def call_tool(self, context: Context, params: mcp_types.CallToolRequestParams) -> dict[str, Any]:
        """Run it."""
        if params.name != CREATE_ORGANIZATION.name:
            raise MCPError(code=mcp_types.INVALID_PARAMS, message="Unknown tool")
        scope = scope_of(context)
        scope[RECORD]["tool"] = params.name
        try:
            origin, arguments = scope[ORIGIN], params.arguments or {}
            started = await in_worker(
                lambda: start_organization(origin, read_json(StartOrganization, arguments)), writers
            )
            return success(started)
        except RasterError as error:
            scope[RECORD]["error"] = error.code
            return failure(error)
