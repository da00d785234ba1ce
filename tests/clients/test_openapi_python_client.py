"""openapi-python-client makes a client of each version's document, without a warning, and the client works."""

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from api.catalogue import VERSIONS
from api.rest.versions import MAY
from tests.api.uploading import JPEG
from tests.factories import AssetFactory, Cast
from tests.server import Server

pytestmark = pytest.mark.once

PACKAGE = "raster_client"
GENERATOR = Path(sys.executable).with_name("openapi-python-client")
BARCELONA = {"organization_id": "acme", "library_id": "barcelona"}


@dataclass(frozen=True)
class Generated:
    """A generated package, and its client with a key."""

    version: str
    client: Any

    def module(self, path: str) -> ModuleType:
        return importlib.import_module(f"{PACKAGE}.{path}")

    def call(self, path: str, **arguments: Any) -> Any:
        """Call an endpoint as the package's README says; return status and what it parsed."""
        name = path.rpartition(".")[2]
        versions = self.module(f"models.{name}_api_version")
        version = getattr(versions, "".join(word.title() for word in f"{name}_api_version".split("_")))
        done = self.module(f"api.{path}").sync_detailed(
            client=self.client, api_version=version(self.version), **arguments
        )
        return done.status_code, done.parsed


def forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.fixture(params=VERSIONS)
def generated(
    server: Server, cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Generated]:
    made = subprocess.run(
        [GENERATOR, "generate", "--url", f"{server.url}/api/openapi.json?version={request.param}", "--fail-on-warning"],
        cwd=tmp_path,
        # The generator runs ruff over what it made.
        env={**os.environ, "PATH": f"{GENERATOR.parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    told = made.stdout + made.stderr
    assert made.returncode == 0, told
    assert "warning" not in told.lower() and "unable" not in told.lower(), told
    monkeypatch.syspath_prepend(tmp_path / "raster-client")
    forget()
    package = importlib.import_module(PACKAGE)
    key = cast.key(barcelona="write").secret
    yield Generated(request.param, package.AuthenticatedClient(base_url=f"{server.url}/api", token=key))
    forget()


def test_the_client_lists_uploads_and_gets(generated: Generated, cast: Cast) -> None:
    AssetFactory(library=cast.barcelona, name="Old harbor", tagged=["sea"])
    status, page = generated.call("libraries.list_libraries", organization_id="acme")
    assert status == 200
    [library] = page.data
    assert (library.id, library.access.value, library.assets_count) == ("barcelona", "write", 1)
    assert [tag.id if generated.version == MAY else tag for tag in library.tags] == ["sea"]

    name, content = JPEG
    file = generated.module("types").File(BytesIO(content), name, "image/jpeg")
    body = generated.module("models").UploadAssetsBody(files=[file])
    status, uploaded = generated.call("uploads.upload_assets", **BARCELONA, body=body)
    assert status == 200
    [asset] = uploaded.data.assets
    status, found = generated.call("assets.get_asset", **BARCELONA, asset_id=asset.id)
    assert (status, found.data.id, found.data.content_type) == (200, asset.id, "image/jpeg")
    status, page = generated.call("assets.list_assets", **BARCELONA, tags=["sea", "sky"])
    assert (status, [asset.name for asset in page.data]) == (200, ["Old harbor"])

    status, me = generated.call("account.whoami")
    reached = me.data.libraries
    assert status == 200
    assert [each if generated.version == MAY else each.library for each in reached] == ["barcelona"]


def test_the_client_makes_upload_links_with_an_end(generated: Generated) -> None:
    body = generated.module("models").CreateUploadLinkBody(expires_in=60)
    status, link = generated.call("uploads.create_upload_link", **BARCELONA, body=body)
    assert status == 200
    assert isinstance(link.data.expires_at, datetime if generated.version == MAY else int)


def test_the_client_reads_refusals(generated: Generated) -> None:
    status, refused = generated.call("assets.list_assets", organization_id="acme", library_id="paris")
    assert (status, refused.error.code) == (404, "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY")
