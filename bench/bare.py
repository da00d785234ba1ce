"""The bare SDK: its low-level server with one tool that returns what ``BENCH_ANSWER`` says.

It knows no credential and no database. In everything else, what it says of itself included, it is like Raster's own.
"""

import gc
import json
import os
from typing import Any

import mcp_types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import Receive, Scope, Send

MOST_BYTES = 32 * 1024 * 1024
ANSWER: dict[str, Any] = json.loads(os.environ["BENCH_ANSWER"])
INFO = mcp_types.Implementation.model_validate_json(os.environ["BENCH_SERVER_INFO"])
SCHEMA: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}

Context = ServerRequestContext[Any, Any]


async def list_tools(context: Context, params: mcp_types.PaginatedRequestParams | None) -> mcp_types.ListToolsResult:
    tool = mcp_types.Tool(name="whoami", input_schema=SCHEMA, output_schema={"type": "object"})
    return mcp_types.ListToolsResult(tools=[tool])


async def call_tool(context: Context, params: mcp_types.CallToolRequestParams) -> mcp_types.CallToolResult:
    text = json.dumps(ANSWER, ensure_ascii=False, separators=(",", ":"))
    return mcp_types.CallToolResult(content=[mcp_types.TextContent(type="text", text=text)], structured_content=ANSWER)


def server() -> Server[Any]:
    """Return the server; like Raster's it has no OpenTelemetry middleware and looks schemas up without a listing."""
    bare: Server[Any] = Server(
        INFO.name,
        title=INFO.title,
        version=INFO.version,
        website_url=INFO.website_url,
        icons=INFO.icons,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        get_tool_input_schema=lambda name: SCHEMA if name == "whoami" else None,
    )
    bare.middleware.clear()
    return bare


class Application:
    """The SDK's session manager with the lifespan around it."""

    def __init__(self) -> None:
        self._manager = StreamableHTTPSessionManager(
            app=server(),
            json_response=True,
            stateless=True,
            security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
            max_request_body_size=MOST_BYTES,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._manager.handle_request(scope, receive, send)
            return
        await receive()
        async with self._manager.run():
            gc.collect()
            gc.freeze()
            gc.set_threshold(50_000, 50, 100)
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


application = Application()
