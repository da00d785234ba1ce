"""Files that a call names come to this machine whole, under their names, or not at all."""

import gzip
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from django.conf import settings
from pytest_django import Settings

from assets import sources
from assets.contracts import Base64Source, UploadSources, URLSource
from assets.quota import Room
from assets.sources import stage_sources
from assets.staging import LeftOut, Staged, staging_folder
from raster.contracts import json_schema, read_json
from raster.errors import BadUserInput, RasterError, StorageLimitExceeded
from tests.raster.test_outbound import dripping, endlessly
from tests.sites import Site

PLACE = {"organizationId": "acme", "libraryId": "barcelona"}


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    """What removes the staged files; by the end of the test nothing may be left in the folder."""
    folder = staging_folder()
    before = set(folder.glob("*"))
    with ExitStack() as stack:
        yield stack
    assert set(folder.glob("*")) == before


def at(url: str) -> URLSource:
    return URLSource(kind="url", url=url)


def inline(data: bytes, name: str = "notes.txt") -> Base64Source:
    # Made by hand: the contract decodes, and takes nothing that is decoded.
    return Base64Source.model_construct(kind="base64", filename=name, mime_type="text/plain", data=data)


def bring(opened: ExitStack, *what: URLSource | Base64Source, room: float = 1e9) -> list[Staged | LeftOut]:
    return stage_sources(what, Room(room), opened)


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ({"kind": "url"}, "url"),
        ({"kind": "url", "url": "ftp://example.com/sea.jpg"}, "url"),
        ({"kind": "url", "url": "file:///etc/passwd"}, "url"),
        ({"kind": "url", "url": "https://example.com/a b"}, "url"),
        ({"kind": "url", "url": "https://example.com/" + "a" * 2000}, "2000"),
        ({"kind": "url", "url": "https://example.com/a", "filename": "a"}, "filename"),
        ({"kind": "base64", "mimeType": "image/png", "data": "AAAA"}, "filename"),
        ({"kind": "base64", "filename": "a", "data": "AAAA"}, "mimeType"),
        ({"kind": "base64", "filename": "a", "mimeType": "image/png"}, "data"),
        ({"kind": "base64", "filename": "a", "mimeType": "image/png", "data": "AAA"}, "base64"),
        ({"kind": "base64", "filename": "a", "mimeType": "image/png", "data": "AA=A"}, "base64"),
        ({"kind": "base64", "filename": "a", "mimeType": "image/png", "data": "data:image/png;base64,AAAA"}, "base64"),
        ({"kind": "base64", "filename": "a", "mimeType": "image/png", "data": "ÄÄÄÄ"}, "base64"),
        ({"kind": "base64", "filename": "a", "mimeType": "image/png", "data": 12}, "base64"),
        ({"kind": "base64", "filename": "a" * 256, "mimeType": "image/png", "data": "AAAA"}, "255"),
        ({"kind": "file", "path": "/etc/passwd"}, "kind"),
        ({}, "kind"),
        ("https://example.com/sea.jpg", "sources.1"),
    ],
)
def test_a_source_that_does_not_fit_its_schema_is_named(source: object, named: str) -> None:
    fitting = {"kind": "url", "url": "https://example.com/sea.jpg"}
    with pytest.raises(BadUserInput, match=named):
        read_json(UploadSources, {**PLACE, "sources": [fitting, source]})


@pytest.mark.parametrize("count", [0, 21])
def test_a_call_takes_1_to_20_sources(count: int) -> None:
    with pytest.raises(BadUserInput, match="sources"):
        read_json(UploadSources, {**PLACE, "sources": [{"kind": "url", "url": "https://example.com/"}] * count})


def test_the_schema_of_a_source_is_one_of_two_plain_objects() -> None:
    source = json_schema(UploadSources)["properties"]["sources"]["items"]
    assert set(source) == {"anyOf"}
    assert [option["properties"]["kind"]["const"] for option in source["anyOf"]] == ["url", "base64"]
    assert source["anyOf"][1]["required"] == ["kind", "filename", "mimeType", "data"]


def test_base64_may_have_line_breaks() -> None:
    arguments = {"kind": "base64", "filename": "a", "mimeType": "", "data": "aGVs\r\nbG8=\n"}
    command = read_json(UploadSources, {**PLACE, "sources": [arguments]})
    [source] = command.sources
    assert isinstance(source, Base64Source) and source.data == b"hello"


def test_sources_of_both_kinds_come_in_their_order(site: Site, opened: ExitStack) -> None:
    found = bring(opened, inline(b"one", "one.txt"), at(site.page("/two.txt", b"two")), inline(b"three", "three.txt"))
    assert [(file.given_name, file.path.read_bytes()) for file in found if isinstance(file, Staged)] == [
        ("one.txt", b"one"),
        ("two.txt", b"two"),
        ("three.txt", b"three"),
    ]


@pytest.mark.parametrize(
    ("path", "disposition", "name"),
    [
        ("/Sea%20at%20noon.jpg", "", "Sea at noon.jpg"),
        ("/caf%C3%A9.jpg?size=large", "", "café.jpg"),
        ("/photos/", "", "photos"),
        ("/", "", "localhost"),
        ("/x", 'attachment; filename="Sea.jpg"', "Sea.jpg"),
        ("/x", "inline; filename=sea.jpg", "sea.jpg"),
        ("/x", "attachment; filename=\"sea.jpg\"; filename*=UTF-8''caf%C3%A9.jpg", "café.jpg"),
        ("/x", 'attachment; filename="café.jpg"'.encode().decode("latin-1"), "café.jpg"),
        ("/x", 'attachment; filename="../../etc/passwd"', "passwd"),
        ("/x", 'attachment; filename="C:\\\\photos\\\\sea.jpg"', "sea.jpg"),
        ("/x", "attachment; filename*=nonsense''%ff", "x"),
        ("/x", "attachment; filename*=iso-8859-1'en'caf%E9.jpg", "café.jpg"),
        ("/x", "attachment; filename*=utf-7''%2BAGE-.jpg", "x"),
        ("/x", "attachment; filename=\"sea.jpg\"; FileName* = punycode''caf-dma.jpg", "x"),
        ("/x", "attachment", "x"),
        ("/x", "attachment; filename=", "x"),
    ],
)
def test_a_fetched_file_is_called_as_its_server_or_its_url_says(
    site: Site, opened: ExitStack, path: str, disposition: str, name: str
) -> None:
    headers = {"content_disposition": disposition} if disposition else {}
    [found] = bring(opened, at(site.page(path, b"hello", 200, **headers)))
    assert found.given_name == name


def test_the_url_that_was_given_names_the_file_before_the_one_that_it_leads_to(site: Site, opened: ExitStack) -> None:
    site.page("/0123456789abcdef", b"hello")
    [found] = bring(opened, at(site.page("/sea.jpg", b"", 302, location="/0123456789abcdef")))
    assert found.given_name == "sea.jpg"
    [found] = bring(opened, at(site.page("/", b"", 302, location="/0123456789abcdef")))
    assert found.given_name == "0123456789abcdef"


def test_a_file_over_the_limit_is_left_out_while_the_others_come(
    site: Site, settings: Settings, opened: ExitStack
) -> None:
    settings.MAX_FILE_SIZE = 1024
    site.pages["/endless"] = endlessly
    found = bring(
        opened,
        inline(b"a" * 1025, "big.txt"),
        at(site.page("/big", b"a" * 1025)),
        at(f"{site.origin}/endless"),
        at(site.page("/fits", b"a" * 1024)),
        inline(b"a" * 1024, "fits.txt"),
    )
    reason = "A file may have up to 1 KB."
    assert found[:3] == [LeftOut("big.txt", reason), LeftOut("big", reason), LeftOut("endless", reason)]
    assert [file.size for file in found[3:] if isinstance(file, Staged)] == [1024, 1024]


def test_a_url_that_cannot_be_fetched_fails_the_whole_call_without_saying_why(
    site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FETCH_ALLOWED_HOSTS = frozenset({"localhost"})
    monkeypatch.setattr(sources, "FETCH_SECONDS", 0.5)
    before = set(staging_folder().glob("*"))
    with socket.create_server(("127.0.0.1", 0)) as closing:
        closed = closing.getsockname()[1]
    site.pages["/slow"] = dripping("body")
    words = set()
    for url in (
        f"https://localhost:{closed}/sea.jpg",
        f"http://localhost:{site.port}/sea.jpg",
        f"{site.origin}/missing.jpg",
        f"{site.origin}/slow",
        site.page("/early", b"a" * 10, content_length="11"),
        site.page("/bomb", gzip.compress(b"a" * 10_000), content_encoding="gzip"),
        site.page("/metadata", b"", 302, location="https://169.254.169.254/latest/meta-data/"),
        "http://127.0.0.1/sea.jpg",
        "http://2130706433/sea.jpg",
        "http://user:secret@localhost/sea.jpg",
        "https://metadata.google.internal/",
    ):
        with ExitStack() as opened, pytest.raises(BadUserInput) as raised:
            bring(opened, inline(b"hello"), at(url))
        words.add(raised.value.message)
    [said] = words
    assert said.startswith("Source 2 of 2: nothing could be fetched from this URL.")
    assert set(staging_folder().glob("*")) == before


def test_all_urls_of_a_call_share_one_time(site: Site, monkeypatch: pytest.MonkeyPatch, opened: ExitStack) -> None:
    monkeypatch.setattr(sources, "FETCH_SECONDS", 0.5)
    site.pages["/slow"] = dripping("head")
    started = time.monotonic()
    with pytest.raises(BadUserInput, match="Source 2 of 20"):
        bring(opened, at(site.page("/fast", b"hello")), *[at(f"{site.origin}/slow")] * 19)
    assert time.monotonic() - started < 3
    assert site.paths_asked() == ["/fast", "/slow"]


def test_no_more_is_fetched_than_there_is_room_for(site: Site, opened: ExitStack) -> None:
    url = site.page("/file", b"a" * 600)
    assert len(bring(opened, at(url), room=600)) == 1
    with pytest.raises(StorageLimitExceeded):
        bring(opened, *[at(url)] * 5, room=1000)
    assert len(site.asked) == 3


def test_a_full_disk_is_the_servers_fault_and_leaves_nothing(settings: Settings, opened: ExitStack) -> None:
    folder = settings.DATA_DIR / "no-folder"
    folder.write_bytes(b"")
    settings.DATA_DIR = folder
    with pytest.raises(RasterError) as raised:
        bring(opened, inline(b"hello"))
    assert raised.value.code == "SERVICE_UNAVAILABLE"


def test_staged_files_are_for_their_owner_alone(opened: ExitStack) -> None:
    [found] = bring(opened, inline(b"hello"))
    assert isinstance(found, Staged)
    assert found.path.stat().st_mode & 0o777 == 0o600
    assert found.path.parent == settings.DATA_DIR / "staging"
