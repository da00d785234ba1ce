"""urql, with its defaults: queries by GET, and variables declared as its users do."""

import json
import shutil
import subprocess

import pytest
from django.conf import settings

from tests.factories import AssetFactory, Cast
from tests.server import Server

#: Where ``make test-clients`` installs it from the registry.
INSTALLED = settings.BASE_DIR / "var" / "node-clients"
SECONDS = 60

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(
        not (INSTALLED / "node_modules" / "@urql" / "core").exists() or shutil.which("node") is None,
        reason="urql is not installed: make test-clients does it where npm can fetch it",
    ),
]


def test_urql_queries_by_get_and_changes_by_post(server: Server, cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona, name="Harbor")
    script = shutil.copy(settings.BASE_DIR / "tests" / "clients" / "node" / "urql.mjs", INSTALLED)
    command = ["node", str(script), f"{server.url}/graphql", cast.key(barcelona="write").secret, asset.pk]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout) == {
        "methods": ["GET", "GET", "POST", "GET"],
        "errors": [None, None, None],
        "asset": {"__typename": "Asset", "name": "Harbor"},
        "libraries": [{"__typename": "Library", "id": "barcelona"}],
        "renamed": {"__typename": "Asset", "name": "Renamed"},
        "refused": "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY",
    }
