"""The official TypeScript client, in Node, gets what the Python one gets."""

import json
import shutil
import subprocess

import pytest
from django.conf import settings

from mcp_gateway.tools import TOOLS
from tests.factories import AssetFactory, Cast
from tests.server import Server

#: Where ``make test`` installs the client from the registry.
INSTALLED = settings.BASE_DIR / "var" / "node"
SECONDS = 60

pytestmark = pytest.mark.skipif(
    not (INSTALLED / "node_modules" / "@modelcontextprotocol" / "sdk").exists() or shutil.which("node") is None,
    reason="the TypeScript client is not installed: make test does it where npm is",
)


def test_the_typescript_client_lists_tools_and_reads_an_errors_code(server: Server, cast: Cast) -> None:
    AssetFactory(library=cast.barcelona, name="Casa Batlló", tagged=["façade"])
    script = shutil.copy(settings.BASE_DIR / "tests" / "mcp" / "typescript" / "client.mjs", INSTALLED)
    command = ["node", str(script), server.mcp_url, cast.key(barcelona="write").secret]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert finished.returncode == 0, finished.stderr
    seen = json.loads(finished.stdout)
    assert seen == {
        "tools": list(TOOLS),
        "assets": ["Casa Batlló"],
        "refused": {
            "isError": True,
            "code": "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY",
            "message": "API key not authorized for this library.",
            "status": 404,
        },
        "tags": [{"id": "façade", "count": 1, "type": "user"}],
    }
