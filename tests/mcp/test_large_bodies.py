"""A large body is an upload; one of very many values is refused before it is parsed, which would hold everybody up."""

import base64
import json

import httpx2
import pytest

from tests.assets import pictures
from tests.factories import Cast
from tests.mcp.client import WIRES, call_tool, rpc_headers
from tests.server import Server

BARCELONA = {"organizationId": "acme", "libraryId": "barcelona"}


@pytest.mark.parametrize("value", ["{}", "[]", "0", '"a"', "[[[[[]]]]]"])
@pytest.mark.parametrize("wire", WIRES)
def test_millions_of_values_are_refused(server: Server, cast: Cast, wire: str, value: str) -> None:
    values = ",".join([value] * (8 * 1024 * 1024 // (len(value) + 1)))
    body = (
        f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"whoami","arguments":{{"a":[{values}]}}}}}}'
    )
    headers = {**rpc_headers(wire, "tools/call", "whoami"), "Authorization": f"Bearer {cast.key().secret}"}
    response = httpx2.post(server.mcp_url, content=body, headers=headers, timeout=30)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("wire", WIRES)
def test_a_large_file_in_base64_is_no_body_of_many_values(server: Server, cast: Cast, wire: str) -> None:
    data = base64.b64encode(pictures.SVG + b" " * 6_000_000).decode()
    source = {"kind": "base64", "filename": "a,b[c]{d}.svg", "mimeType": "image/svg+xml", "data": data}
    response = call_tool(
        server.mcp_url, cast.key(barcelona="write").secret, wire, "upload_asset", {**BARCELONA, "source": source}
    )
    result = response.json()["result"]
    assert json.loads(result["content"][0]["text"])["assets"][0]["name"] == "a,b[c]{d}"
