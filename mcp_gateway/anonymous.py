"""The MCP server for those who have no account yet: it takes no credential and has one tool."""

from typing import Any

import mcp_types
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from api.gate import guarded
from mcp_gateway.server import (
    LISTS,
    Context,
    failure,
    raster_server,
    refuse_cursor,
    scope_of,
    success,
)
from mcp_gateway.tools import ANONYMOUS_TOOLS
from raster.contracts import read_json
from raster.errors import RasterError
from raster.logs import RECORD

PATH = "/mcp/anonymous"
#: Where the door leaves the origin of a request in the ASGI scope.
ORIGIN = "raster.origin"
INSTRUCTIONS = (
    "Raster holds a team's images and files in libraries. Nobody needs an account to begin: create_organization makes "
    "an organization with one library and an API key for it. Use that key at the MCP server itself from then on, and "
    "give the person the claim link: the organization is removed after a day without any use, or 30 days after its "
    "first use, unless somebody claims it."
)


def anonymous_server() -> Server[Any]:
    """Return the server, for both wires."""
    return raster_server(INSTRUCTIONS, ANONYMOUS_TOOLS, _Handlers(), cache_hints={"tools/list": LISTS})


class _Handlers:
    async def list_tools(
        self, context: Context, params: mcp_types.PaginatedRequestParams | None
    ) -> mcp_types.ListToolsResult:
        """List the tools."""
        refuse_cursor(params)
        return mcp_types.ListToolsResult(tools=[tool.definition for tool in ANONYMOUS_TOOLS.values()])

    async def call_tool(self, context: Context, params: mcp_types.CallToolRequestParams) -> dict[str, Any]:
        """Run one, as the request's origin."""
        tool = ANONYMOUS_TOOLS.get(params.name)
        if tool is None:
            raise MCPError(code=mcp_types.INVALID_PARAMS, message="Unknown tool")
        scope = scope_of(context)
        scope[RECORD]["tool"] = params.name
        try:
            origin, arguments = scope[ORIGIN], params.arguments or {}
            return success(await guarded(tool.pool.run(lambda: tool.run(origin, read_json(tool.contract, arguments)))))
        except RasterError as error:
            scope[RECORD]["error"] = error.code
            return failure(error)
