"""Uploads over MCP: judged before a byte is fetched, mixed from URLs and base64, and told in words."""

import base64
import json
import os
import signal
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx2
import pytest
from django.conf import settings
from django.db import transaction

from api.examples import SOURCE as FILE
from assets.models import Asset
from assets.staging import staging_folder
from orgs.models import Library
from tests.assets import pictures
from tests.assets.stored import sweep_for_days
from tests.factories import AssetFactory, Cast, make_key
from tests.mcp.client import MODERN, WIRES, call_tool, comparable, connected
from tests.operations import unreachable
from tests.server import Server, running_server
from tests.sites import Site
from tests.waiting import wait_until

ACME = {"organizationId": "acme"}
BARCELONA = {**ACME, "libraryId": "barcelona"}
SEA = pictures.jpeg(400, 300)
DAYS = 2 * 24 * 3600


def at(url: str) -> dict[str, str]:
    return {"kind": "url", "url": url}


def inline(name: str, data: bytes) -> dict[str, str]:
    encoded = base64.b64encode(data).decode()
    return {"kind": "base64", "filename": name, "mimeType": "application/octet-stream", "data": encoded}


@pytest.mark.parametrize("wire", WIRES)
def test_nothing_is_fetched_for_who_may_not_upload(fetcher: Server, cast: Cast, site: Site, wire: str) -> None:
    url = site.page("/sea.jpg", SEA)
    writer, reader = cast.key(barcelona="write").secret, cast.key("Reader", barcelona="read").secret
    for tool, sources in (("upload_asset", {"source": at(url)}), ("upload_assets", {"sources": [FILE, at(url)]})):
        answers = set()
        for organization, library in unreachable(cast).values():
            place = {"organizationId": organization, "libraryId": library}
            answers.add(str(comparable(call_tool(fetcher.mcp_url, writer, wire, tool, {**place, **sources}))))
        assert len(answers) == 1 and "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY" in answers.pop()
        place = {"organizationId": "globex", "libraryId": "secret"}
        assert "ORGANIZATION_NOT_FOUND" in call_tool(fetcher.mcp_url, writer, wire, tool, {**place, **sources}).text
        assert "API_KEY_READ_ONLY" in call_tool(fetcher.mcp_url, reader, wire, tool, {**BARCELONA, **sources}).text
        assert call_tool(fetcher.mcp_url, "rstk_nonsense", wire, tool, {**BARCELONA, **sources}).status_code == 401
    stranger = {**BARCELONA, "source": at(url), "parentId": "a" * 22}
    assert "RESOURCE_NOT_FOUND" in call_tool(fetcher.mcp_url, writer, wire, "upload_asset", stranger).text
    bad = {**BARCELONA, "sources": [at(url), {**FILE, "data": "!"}]}
    assert "sources.1.base64.data" in call_tool(fetcher.mcp_url, writer, wire, "upload_assets", bad).text
    type(cast.acme).objects.filter(pk=cast.acme.pk).update(storage_limit=0)
    full = {**BARCELONA, "source": at(url)}
    assert "STORAGE_LIMIT_EXCEEDED" in call_tool(fetcher.mcp_url, writer, wire, "upload_asset", full).text
    assert site.asked == []
    assert not Asset.objects.filter(library=cast.barcelona).exists()


@pytest.mark.parametrize("wire", WIRES)
def test_files_of_both_kinds_come_in_and_the_others_are_named(
    fetcher: Server, cast: Cast, site: Site, wire: str
) -> None:
    with connected(fetcher.mcp_url, cast.key(barcelona="write").secret, wire) as client:
        uploaded = client.data(
            "upload_assets",
            **BARCELONA,
            sources=[
                at(site.page("/photos/Sea%20at%20noon.jpeg", SEA)),
                inline("rose.svg", pictures.SCRIPTED_SVG),
                inline("notes.txt", b"Notes"),
                inline("picture.png", b"Notes, and no picture"),
                at(site.page("/long.mp4", b"a" * 1024 * 1024 + b"a")),
                inline("bomb.png", pictures.png_that_claims(10_001, 10_000)),
            ],
        )
        text = uploaded["responseText"]
        assert text.startswith("Uploaded 2 of 6 files. Left out: notes.txt (Raster takes JPEG")
        for part in (
            "; picture.png (Raster takes",
            "; long.mp4 (A file may have up to 1 MB)",
            "; bomb.png (An image",
        ):
            assert part in text
        assert [asset["name"] for asset in uploaded["assets"]] == ["Sea at noon", "rose"]
        assert uploaded["assets"][0] == client.data("get_asset", **BARCELONA, assetId=uploaded["assets"][0]["id"])
        assert [asset["id"] for asset in client.data("list_assets", **BARCELONA)["data"]] == [
            asset["id"] for asset in reversed(uploaded["assets"])
        ]
        assert client.data("search_assets", **ACME, q="noon")["found"] == 1
        assert httpx2.get(uploaded["assets"][0]["url"]).content == SEA


@pytest.mark.parametrize("wire", WIRES)
def test_one_url_that_cannot_be_fetched_fails_the_call(fetcher: Server, cast: Cast, site: Site, wire: str) -> None:
    good = at(site.page("/sea.jpg", SEA))
    with connected(fetcher.mcp_url, cast.key(barcelona="write").secret, wire) as client:
        errors = [
            client.error("upload_assets", **BARCELONA, sources=[good, at(url)])
            for url in (
                f"{site.origin}/missing.jpg",
                "https://127.0.0.1/sea.jpg",
                "https://localhost:1/sea.jpg",
                "http://[::ffff:169.254.169.254]/latest/meta-data/",
                site.page("/", b"", 302, location="http://169.254.169.254/latest/meta-data/"),
            )
        ]
    assert len({json.dumps(error) for error in errors}) == 1
    assert (errors[0]["code"], errors[0]["status"]) == ("BAD_USER_INPUT", 400)
    assert not Asset.objects.exists()
    cast.acme.refresh_from_db()
    assert cast.acme.storage_used == 0


@pytest.mark.parametrize("wire", WIRES)
def test_a_call_of_which_nothing_comes_in_says_why(fetcher: Server, cast: Cast, site: Site, wire: str) -> None:
    with connected(fetcher.mcp_url, cast.key(barcelona="write").secret, wire) as client:
        error = client.error("upload_asset", **BARCELONA, source=at(site.page("/page.png", b"<html></html>")))
        assert (error["code"], error["status"]) == ("BAD_USER_INPUT", 400)
        assert error["message"].startswith("Uploaded nothing. Left out: page.png (Raster takes")


@pytest.mark.parametrize(
    ("tool", "arguments", "named"),
    [
        ("upload_asset", {"source": {"kind": "url", "url": "ftp://example.com/sea.jpg"}}, "source.url.url"),
        ("upload_asset", {"source": {"kind": "base64", "filename": "a", "mimeType": "", "data": "A"}}, "base64"),
        ("upload_asset", {"source": {"kind": "path", "path": "/etc/passwd"}}, "kind"),
        ("upload_asset", {}, "source"),
        ("upload_asset", {"source": FILE, "sources": [FILE]}, "sources"),
        ("upload_assets", {"sources": []}, "sources"),
        ("upload_assets", {"sources": [FILE] * 21}, "20"),
        ("upload_assets", {"sources": [FILE], "parentId": "a"}, "parentId"),
    ],
)
@pytest.mark.parametrize("wire", WIRES)
def test_arguments_that_do_not_fit_are_named(
    fetcher: Server, cast: Cast, wire: str, tool: str, arguments: dict[str, Any], named: str
) -> None:
    with connected(fetcher.mcp_url, cast.key(barcelona="write").secret, wire) as client:
        error = client.error(tool, **BARCELONA, **arguments)
        assert (error["code"], error["status"]) == ("BAD_USER_INPUT", 400)
        assert named in error["message"]


def test_a_variant_comes_in(fetcher: Server, cast: Cast, site: Site) -> None:
    asset = AssetFactory(library=cast.barcelona)
    with connected(fetcher.mcp_url, cast.key(barcelona="write").secret, MODERN) as client:
        source = at(site.page("/drawing.svg", pictures.SVG))
        uploaded = client.data("upload_asset", **BARCELONA, source=source, parentId=asset.pk)
        assert uploaded["responseText"] == "Uploaded 1 file."
        assert uploaded["assets"][0]["parentId"] == asset.pk
        assert client.data("list_assets", **BARCELONA)["total"] == 1


def test_slow_sites_keep_nobody_waiting_but_who_asked_for_them(fetcher: Server, cast: Cast, site: Site) -> None:
    key, go_on = cast.key(barcelona="write").secret, Event()
    site.pages["/slow.jpg"] = waiting_for(go_on)
    slow = {**BARCELONA, "source": at(f"{site.origin}/slow.jpg")}
    calls = [Thread(target=call_tool, args=(fetcher.mcp_url, key, MODERN, "upload_asset", slow)) for _ in range(8)]
    for call in calls:
        call.start()
    wait_until(lambda: len(site.asked) == 8)
    globex = make_key(cast.globex, secret="write").secret
    with connected(fetcher.mcp_url, key, MODERN) as client:
        assert client.data("list_assets", **BARCELONA)["total"] == 0
        assert client.data("rename_library", **BARCELONA, name="Gaudí")["name"] == "Gaudí"
        assert client.data("upload_asset", **BARCELONA, source=FILE)["responseText"] == "Uploaded 1 file."
        assert client.error("upload_asset", **slow) == {
            "code": "RATE_LIMITED",
            "message": "Too many requests. Try again in 10 seconds.",
            "status": 429,
        }
    with connected(fetcher.mcp_url, globex, MODERN) as client:
        place = {"organizationId": "globex", "libraryId": "secret"}
        client.data("upload_asset", **place, source=at(site.page("/fast.jpg", SEA)))
    go_on.set()
    for call in calls:
        call.join()
    with connected(fetcher.mcp_url, key, MODERN) as client:
        assert client.data("list_assets", **BARCELONA)["total"] == 9
        client.data("upload_asset", **slow)


@pytest.mark.parametrize("step", ["a file is on its way", "files have moved and rows wait"])
def test_a_server_that_is_killed_during_an_upload_leaves_what_is_swept(
    transactional_db: None,
    own_storage: None,
    cast: Cast,
    site: Site,
    server_log: Path,
    module_environment: dict[str, str],
    step: str,
) -> None:
    AssetFactory(library=cast.barcelona)
    sweep_for_days()  # what became old in other tests
    Asset.objects.all().delete()
    before, key, go_on = _files(), cast.key(barcelona="write").secret, Event()
    with running_server(server_log, **module_environment) as server:
        with connected(server.mcp_url, key, MODERN) as client:
            whole = client.data("upload_assets", **BARCELONA, sources=[inline("sea.jpg", SEA)])["assets"][0]["id"]
        kept = _files() - before
        site.pages["/slow.jpg"] = waiting_for(go_on)
        slow = at(f"{site.origin}/slow.jpg")
        fast = inline("sky.jpg", SEA)
        with transaction.atomic():
            if step == "files have moved and rows wait":
                Library.objects.select_for_update().get(pk=cast.barcelona.pk)
                sources = [fast]
            else:
                sources = [fast, slow]
            call = Thread(target=_fail, args=(server, key, sources))
            call.start()
            folder = "originals" if sources == [fast] else "staging"
            wait_until(lambda: any(folder in path.parts for path in _files() - before - kept))
            if slow in sources:
                wait_until(lambda: len(_files() - before - kept) == 2)
            os.kill(server.process.pid, signal.SIGKILL)
            server.process.wait()
        call.join()
        go_on.set()
    assert list(Asset.objects.values_list("pk", flat=True)) == [whole]
    cast.acme.refresh_from_db()
    assert cast.acme.storage_used == len(SEA)
    moment = time.time() - DAYS
    new = _files() - before
    for path in new:
        os.utime(path, (moment, moment))
    assert sum(sweep_for_days().values()) == len(new - kept) == len(sources)
    assert _files() - before == kept


def _files() -> set[Path]:
    folders = (Path(settings.MEDIA_ROOT), staging_folder())
    return {path for folder in folders for path in folder.rglob("*") if path.is_file()}


def _fail(server: Server, key: str, sources: list[dict[str, str]]) -> None:
    with pytest.raises(httpx2.TransportError):
        call_tool(server.mcp_url, key, MODERN, "upload_assets", {**BARCELONA, "sources": sources})


def waiting_for(event: Event) -> Any:
    """Send the first half of a picture at once, and the rest of it when something happens."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(SEA)))
        handler.end_headers()
        half = len(SEA) // 2
        handler.wfile.write(SEA[:half])
        handler.wfile.flush()
        event.wait(60)
        handler.wfile.write(SEA[half:])

    return answer
