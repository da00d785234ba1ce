"""Following redirects to a file: each is judged as the first address was, and none is followed for ever."""

import contextlib
import gzip
import ipaddress
import logging
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler

import pytest
from pytest_django import Settings

from raster import outbound
from raster.outbound import HTTP_OR_HTTPS, OutboundRefused, download
from tests.raster.test_outbound import (
    NOT_ONE_PUBLIC_MACHINE,
    NOT_ONE_PUBLIC_MACHINE_V6,
    PRIVATE,
    PRIVATE_V6,
    dripping,
    endlessly,
    resolve_to,
)
from tests.sites import Site

SPELLINGS = [
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "0", "[::1]", "[::ffff:127.0.0.1]",
    "[::ffff:169.254.169.254]", "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "localhost.",
    "LOCALHOST", "metadata", "metadata.google.internal", "printer.local", "app.example.com.", "127.0.0.1.nip.io.",
]  # fmt: skip


def get(url: str, redirects: int = 3, seconds: float = 5) -> bytes:
    with download(url, seconds=seconds, schemes=HTTP_OR_HTTPS, redirects=redirects) as found:
        return b"".join(found.chunks())


def refused(url: str, seconds: float = 5) -> None:
    with pytest.raises(OutboundRefused):
        get(url, seconds=seconds)


def literal(text: str) -> str:
    return f"[{text}]" if ":" in text else text


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("text", [*PRIVATE, *NOT_ONE_PUBLIC_MACHINE, *PRIVATE_V6, *NOT_ONE_PUBLIC_MACHINE_V6])
def test_a_redirect_to_an_address_that_is_no_public_machine_is_refused(
    site: Site, plain_site: Site, caplog: pytest.LogCaptureFixture, text: str, scheme: str
) -> None:
    caplog.set_level(logging.INFO, "raster.outbound")
    start = plain_site if scheme == "http" else site
    refused(start.page("/", b"", 302, location=f"{scheme}://{literal(text)}/latest/meta-data/"))
    [record] = caplog.records
    assert record.fields["reason"].startswith("the address")  # type: ignore[attr-defined]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", SPELLINGS)
def test_a_redirect_to_any_spelling_of_this_machine_is_refused(
    site: Site, plain_site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch, host: str, scheme: str
) -> None:
    # On the ports that are open to everybody, so that the host alone is to blame.
    monkeypatch.setitem(outbound.PORTS, "http", plain_site.port)
    monkeypatch.setitem(outbound.PORTS, "https", site.port)
    settings.FETCH_ALLOWED_HOSTS = frozenset({"app.example.com"})
    resolve_to(monkeypatch, "app.example.com", ["127.0.0.1"])
    plain_site.host = "app.example.com"
    refused(plain_site.page("/", b"", 302, location=f"{scheme}://{host}/"))
    assert (site.paths_asked(), plain_site.paths_asked()) == ([], ["/"])


@pytest.mark.parametrize(
    "target",
    [
        "file:///etc/passwd", "ftp://localhost/", "gopher://localhost/", "data:text/plain,hello", "javascript:alert(1)",
        "https://user@localhost:PORT/next", "https://user:secret@localhost:PORT/next", "https://localhost:PORT\\@x/next",
        "https://localhost:PORT/a b", "https://localhost:PORT/\x00", "https://localhost:99999/", "https://[::1/",
        "https://löcalhost:PORT/", "https://localhost:PORT/" + "a" * 2000,
    ],
)  # fmt: skip
def test_a_redirect_to_what_is_no_plain_url_is_refused(site: Site, target: str) -> None:
    site.page("/next", b"secret")

    def answer(handler: BaseHTTPRequestHandler) -> None:
        location = target.replace("PORT", str(site.port)).encode()
        handler.wfile.write(b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n")

    site.pages["/"] = answer
    refused(f"{site.origin}/")
    assert site.paths_asked() == ["/"]


@pytest.mark.parametrize("locations", [[], ["/next", "/other"]])
def test_a_redirect_to_nowhere_or_to_two_places_is_refused(site: Site, locations: list[str]) -> None:
    site.page("/next", b"secret")

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        for location in locations:
            handler.send_header("Location", location)
        handler.end_headers()

    site.pages["/"] = answer
    refused(f"{site.origin}/")
    assert site.paths_asked() == ["/"]


def test_https_never_leads_to_http_not_even_by_a_detour(site: Site, plain_site: Site) -> None:
    plain = plain_site.page("/file", b"hello")
    refused(site.page("/", b"", 302, location=plain))
    refused(plain_site.page("/", b"", 302, location=f"{site.origin}/"))
    assert plain_site.paths_asked() == ["/"]


def test_http_leads_to_https(site: Site, plain_site: Site) -> None:
    assert get(plain_site.page("/", b"", 301, location=site.page("/file", b"hello"))) == b"hello"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_three_redirects_are_followed_and_not_a_fourth(site: Site, status: int) -> None:
    site.page("/0", b"hello")
    for number in range(1, 5):
        site.page(f"/{number}", b"", status, location=f"/{number - 1}#fragment")
    assert get(f"{site.origin}/3") == b"hello"
    assert site.paths_asked() == ["/3", "/2", "/1", "/0"]
    site.asked.clear()
    refused(f"{site.origin}/4")
    assert site.paths_asked() == ["/4", "/3", "/2", "/1"]


def test_a_redirect_in_a_circle_ends(site: Site) -> None:
    refused(site.page("/", b"", 302, location="/"))
    assert site.paths_asked() == ["/"] * 4


@pytest.mark.parametrize("status", [300, 304, 305, 306, 399])
def test_what_is_no_redirect_is_not_followed(site: Site, status: int) -> None:
    refused(site.page("/", b"", status, location=site.page("/next", b"secret")))
    assert site.paths_asked() == ["/"]


@pytest.mark.parametrize("second", ["169.254.169.254", "10.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_a_name_is_judged_again_for_each_redirect(
    site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, second: str
) -> None:
    caplog.set_level(logging.INFO, "raster.outbound")
    monkeypatch.setitem(outbound.PORTS, "https", site.port)
    settings.FETCH_ALLOWED_HOSTS = frozenset()
    settings.FETCH_ALLOWED_NETWORKS = (ipaddress.ip_network("127.0.0.1/32"),)
    asked = resolve_to(monkeypatch, "app.example.com", ["127.0.0.1"], [second])
    site.page("/", b"", 302, location="https://app.example.com/again")
    refused("https://app.example.com/")
    assert (asked, site.paths_asked()) == (["app.example.com"] * 2, ["/"])
    assert caplog.records[0].fields["reason"] == f"the address {second}"  # type: ignore[attr-defined]


@pytest.mark.parametrize(("scheme", "port"), [("http", 443), ("https", 80), ("http", 8080), ("http", 22), ("http", 0)])
def test_each_scheme_has_one_port(monkeypatch: pytest.MonkeyPatch, scheme: str, port: int) -> None:
    asked = resolve_to(monkeypatch, "app.example.com", ["93.184.216.34"])
    refused(f"{scheme}://app.example.com:{port}/", seconds=1)
    assert asked == []


def test_a_body_that_ends_early_is_refused(site: Site) -> None:
    refused(site.page("/", b"a" * 10, content_length="11"))


def test_no_more_of_a_body_is_read_than_was_declared(site: Site) -> None:
    assert get(site.page("/", b"a" * 10 + b"b" * 10, content_length="10")) == b"a" * 10


def test_a_bomb_is_not_unpacked_whatever_it_is_called(site: Site) -> None:
    bomb = gzip.compress(b"a" * 10_000_000)
    refused(site.page("/", bomb, content_encoding="gzip"))
    refused(site.page("/", bomb, content_encoding="identity, gzip"))
    assert get(site.page("/", bomb)) == bomb


def test_a_body_without_an_end_stops_with_whoever_reads_it(site: Site) -> None:
    stopped = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        try:
            endlessly(handler)
        finally:
            stopped.set()

    site.pages["/"] = answer
    with download(f"{site.origin}/", seconds=30, schemes=HTTP_OR_HTTPS) as found:
        assert found.declared_size is None
        assert next(found.chunks())
    assert stopped.wait(5)


@pytest.mark.parametrize("part", ["head", "body"])
def test_an_answer_that_drips_ends_at_the_deadline_after_a_redirect_too(site: Site, part: str) -> None:
    site.pages["/slow"] = dripping(part)
    started = time.monotonic()
    refused(site.page("/", b"", 302, location="/slow"), seconds=0.5)
    assert 0.4 < time.monotonic() - started < 3


def test_redirects_that_are_slow_share_one_deadline(site: Site) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        threading.Event().wait(0.3)
        handler.send_response(302)
        handler.send_header("Location", "/")
        handler.end_headers()

    site.pages["/"] = answer
    started = time.monotonic()
    refused(f"{site.origin}/", seconds=0.5)
    assert time.monotonic() - started < 1


def test_open_and_closed_ports_public_and_private_places_are_refused_alike(
    site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, "nowhere.example.com", [])
    settings.FETCH_ALLOWED_HOSTS = frozenset({"localhost"})
    with socket.create_server(("127.0.0.1", 0)) as closing:
        closed = closing.getsockname()[1]
    texts = set()
    for url in (
        f"https://localhost:{closed}/",
        f"http://localhost:{site.port}/",
        f"{site.origin}/missing",
        site.page("/failing", b"", 500),
        site.page("/private", b"", 302, location="https://10.0.0.1/"),
        "http://127.0.0.1/",
        "https://nowhere.example.com/",
        "nonsense",
    ):
        with pytest.raises(OutboundRefused) as raised:
            get(url)
        assert raised.value.__suppress_context__
        texts.add(str(raised.value))
    assert len(texts) == 1


def test_nothing_of_a_redirect_but_its_host_is_logged(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "raster.outbound")
    with contextlib.suppress(OutboundRefused):
        get(site.page("/", b"", 302, location="https://user:hunter2@10.0.0.1/hunter2?hunter2#hunter2"))
    [record] = caplog.records
    assert record.fields["host"] == "10.0.0.1"  # type: ignore[attr-defined]
    assert "hunter2" not in str(vars(record))
