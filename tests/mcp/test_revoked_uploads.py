"""A credential that is revoked while a URL is being fetched for it stores nothing."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from assets.models import Asset
from tests.api.uploading import staged_files, stored_files
from tests.factories import Cast
from tests.mcp.client import MODERN, WIRES, call_tool
from tests.mcp.test_uploads import BARCELONA, SEA, at, inline, waiting_for
from tests.revocations import REVOCATIONS
from tests.server import Server
from tests.sites import Site
from tests.waiting import wait_until


@pytest.mark.parametrize("case", REVOCATIONS)
@pytest.mark.parametrize("tool", ["upload_asset", "upload_assets"])
def test_a_credential_revoked_while_a_url_is_fetched_stores_nothing(
    fetcher: Server, cast: Cast, site: Site, tool: str, case: str
) -> None:
    revocation, go_on = REVOCATIONS[case], Event()
    site.pages["/slow.jpg"] = waiting_for(go_on)
    slow = at(f"{site.origin}/slow.jpg")
    sources = {"source": slow} if tool == "upload_asset" else {"sources": [inline("sea.jpg", SEA), slow]}
    credential, stored, staged = revocation.credential(cast), stored_files(), staged_files()
    with ThreadPoolExecutor(1) as pool:
        try:
            calling = pool.submit(call_tool, fetcher.mcp_url, credential, MODERN, tool, {**BARCELONA, **sources})
            wait_until(lambda: bool(site.asked))
            revocation.revoke(cast)
        finally:
            go_on.set()
        answer = calling.result()
    result = answer.json()["result"]
    error = json.loads(result["content"][0]["text"])["error"]
    assert (result["isError"], error["code"], error["status"]) == (True, revocation.code, revocation.status)
    assert not Asset.objects.exists()
    cast.acme.refresh_from_db()
    assert cast.acme.storage_used == 0
    assert (stored_files(), staged_files()) == (stored, staged)


@pytest.mark.parametrize("wire", WIRES)
def test_a_credential_that_stays_stores_what_was_fetched(fetcher: Server, cast: Cast, site: Site, wire: str) -> None:
    source = at(site.page("/sea.jpg", SEA))
    key = cast.key(barcelona="write").secret
    answer = call_tool(fetcher.mcp_url, key, wire, "upload_asset", {**BARCELONA, "source": source})
    assert answer.json()["result"]["isError"] is False
    assert Asset.objects.count() == 1
