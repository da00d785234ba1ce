"""What this server fetches for others: nothing from where it stands, nothing without an end."""

import contextlib
import gzip
import ipaddress
import logging
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from pytest_django import Settings

from raster.outbound import MOST_AT_ONCE, Fetched, OutboundRefused, fetch, is_public
from tests.sites import Site

PRIVATE = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.0.1", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.168.1.1", "198.18.0.1", "198.19.255.255", "240.0.0.1", "255.255.255.255",
]  # fmt: skip
NOT_ONE_PUBLIC_MACHINE = [
    "168.63.129.16", "192.0.0.8", "192.0.0.170", "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1",
    "192.175.48.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "233.252.0.1", "239.1.1.1",
]  # fmt: skip
PRIVATE_V6 = ["::", "::1", "fc00::1", "fd00:ec2::254", "fe80::1", "febf::1", "fec0::1", "feff::1"]
NOT_ONE_PUBLIC_MACHINE_V6 = [
    "100::1", "2001:db8::1", "3fff::1", "5f00::1", "ff02::1", "ff0e::1", "4000::1", "2620:4f:8000::1",
    "2001::1", "2001:2::1", "2001:20::1", "2001:0:7f00:1:0:0:80ff:fffe",  # Teredo and its neighbours
    "::127.0.0.1", "::8.8.8.8",  # IPv4-compatible
    "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8",  # IPv4-mapped
    "::ffff:0:127.0.0.1", "::ffff:0:808:808",  # IPv4-translated
    "2002:7f00:1::", "2002:a00:1::1", "2002:808:808::1",  # 6to4
    "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b::808:808", "64:ff9b:1::a00:1",  # NAT64, both prefixes
    "2a00:1450::5efe:7f00:1", "2a00:1450::200:5efe:a00:1",  # ISATAP
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "100.63.255.255", "172.32.0.1", "2606:4700:4700::1111", "2a00:1450::1"]


def get(url: str, most_bytes: int = 1000, seconds: float = 5) -> Fetched:
    return fetch(url, most_bytes=most_bytes, seconds=seconds)


def resolve_to(monkeypatch: pytest.MonkeyPatch, name: str, *answers: list[str]) -> list[str]:
    """Have the system's resolver give one of these answers after the other for a name; return the look-ups of it."""
    look_up = socket.getaddrinfo
    left, asked = list(answers), list[str]()

    def answer(host: Any, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        if host != name:
            return look_up(host, port, *args, **kwargs)
        asked.append(host)
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [found for address in addresses for found in look_up(address, port, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


@pytest.mark.parametrize("text", PRIVATE + NOT_ONE_PUBLIC_MACHINE + PRIVATE_V6 + NOT_ONE_PUBLIC_MACHINE_V6)
def test_an_address_that_is_no_public_machine_is_refused(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_accepted(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/", "HTTPS://localhost/", "file:///etc/passwd", "ftp://localhost/", "//localhost/", "",
        "https://", "https:///path", "https://user@localhost/", "https://user:secret@localhost/",
        "https://localhost#@example.com/", "https://localhost/#fragment", "https://localhost\\@example.com/",
        "https://local host/", "https://localhost/\r\nX: 1", "https://localhost/\x00", "https://localhost%00.example/",
        "https://[::1/", "https://localhost:port/", "https://localhost:99999/", "https://löcalhost/",
        "https://localhost/" + "a" * 2000,
    ],
)  # fmt: skip
def test_a_url_that_parsers_could_disagree_about_is_refused_even_for_an_allowed_host(site: Site, url: str) -> None:
    site.page("/", b"secret")
    with pytest.raises(OutboundRefused):
        get(url.replace("localhost/", f"localhost:{site.port}/"))
    assert site.asked == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "0", "[::1]", "[::ffff:127.0.0.1]",
        "[::ffff:169.254.169.254]", "169.254.169.254", "[fe80::1%25lo]", "[::1%25lo]", "localhost", "LOCALHOST",
        "localhost.", "intranet", "printer.local", "metadata.google.internal", "app.example.com.", "app..example.com",
    ],
)  # fmt: skip
def test_every_spelling_of_a_host_that_is_not_on_the_internet_is_refused(host: str) -> None:
    with pytest.raises(OutboundRefused):
        get(f"https://{host}/", seconds=2)


@pytest.mark.parametrize("port", [0, 22, 80, 8443])
def test_another_port_is_refused(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    asked = resolve_to(monkeypatch, "app.example.com", ["93.184.216.34"])
    with pytest.raises(OutboundRefused):
        get(f"https://app.example.com:{port}/", seconds=1)
    assert asked == []


@pytest.mark.parametrize("answer", [["10.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["2606:4700::1", "::1"], []])
def test_a_name_with_any_address_that_is_not_public_is_refused(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, answer: list[str]
) -> None:
    caplog.set_level(logging.INFO, "raster.outbound")
    asked = resolve_to(monkeypatch, "app.example.com", answer)
    with pytest.raises(OutboundRefused):
        get("https://app.example.com/", seconds=1)
    assert asked == ["app.example.com"]
    assert caplog.records[0].fields["reason"].startswith(("the address", "no address"))  # type: ignore[attr-defined]


def test_a_name_is_looked_up_once_so_that_its_second_answer_changes_nothing(
    site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FETCH_ALLOWED_HOSTS = frozenset({"app.example.com"})
    asked = resolve_to(monkeypatch, "app.example.com", ["127.0.0.1"], ["10.0.0.1"])
    site.host = "app.example.com"
    assert get(site.page("/", b"hello")).body == b"hello"
    assert asked == ["app.example.com"]
    assert site.asked[0][1]["Host"] == f"app.example.com:{site.port}"


def test_an_allowed_network_takes_private_addresses_but_no_other_ports(
    site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "raster.outbound")
    settings.FETCH_ALLOWED_HOSTS = frozenset()
    settings.FETCH_ALLOWED_NETWORKS = (ipaddress.ip_network("127.0.0.0/8"),)
    resolve_to(monkeypatch, "app.example.com", ["127.0.0.9"])
    for url in (f"https://app.example.com:{site.port}/", "https://app.example.com/"):
        with pytest.raises(OutboundRefused):
            get(url)
    reasons = [record.fields["reason"] for record in caplog.records]  # type: ignore[attr-defined]
    assert reasons == [f"port {site.port}", "[Errno 111] Connection refused"]


def test_a_certificate_for_another_name_is_refused(
    site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FETCH_ALLOWED_HOSTS = frozenset({"wrong.example.com"})
    resolve_to(monkeypatch, "wrong.example.com", ["127.0.0.1"])
    site.host = "wrong.example.com"
    with pytest.raises(OutboundRefused):
        get(site.page("/", b"hello"))
    assert site.asked == []


def test_a_certificate_of_an_unknown_authority_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(OutboundRefused):
        get(site.page("/", b"hello"))
    assert site.asked == []


@pytest.mark.parametrize("status", [201, 204, 301, 302, 304, 307, 308, 401, 404, 500])
def test_anything_but_200_is_refused_and_no_redirect_is_followed(site: Site, status: int) -> None:
    target = site.page("/target", b"secret")
    with pytest.raises(OutboundRefused):
        get(site.page("/", b"", status, location=target))
    assert site.paths_asked() == ["/"]


def test_a_request_says_nothing_of_who_asks(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    site.page("/sets-a-cookie", b"hello", set_cookie="a=b; Path=/")
    for path in ("/sets-a-cookie", "/page?query=1"):
        get(site.page(path, b"hello"))
    path, headers = site.asked[1]
    assert path == "/page?query=1"
    assert set(headers) == {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"}
    assert headers["Accept-Encoding"] == "identity"


def test_a_body_up_to_its_limit_is_read_and_a_larger_one_refused(site: Site) -> None:
    assert get(site.page("/", b"a" * 1000)).body == b"a" * 1000
    with pytest.raises(OutboundRefused):
        get(site.page("/", b"a" * 1001))


def test_a_compressed_body_is_refused(site: Site) -> None:
    with pytest.raises(OutboundRefused):
        get(site.page("/", gzip.compress(b"a" * 100_000), content_encoding="gzip"))


def endlessly(handler: BaseHTTPRequestHandler) -> None:
    """Send a body without an end."""
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"a" * 1000)


def dripping(part: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """Send one byte of the head or of the body after the other, each well before a reader would give up on it."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if part == "body":
            handler.send_response(200)
            handler.end_headers()
        else:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        never = threading.Event()
        while not never.wait(0.05):
            handler.wfile.write(b"a")

    return answer


def test_a_body_without_an_end_is_refused_at_its_limit(site: Site) -> None:
    site.pages["/"] = endlessly
    with pytest.raises(OutboundRefused):
        get(f"{site.origin}/", seconds=30)


@pytest.mark.parametrize("part", ["head", "body"])
def test_an_answer_that_drips_ends_at_the_deadline(site: Site, part: str) -> None:
    site.pages["/"] = dripping(part)
    started = time.monotonic()
    with pytest.raises(OutboundRefused):
        get(f"{site.origin}/", seconds=0.5)
    assert 0.4 < time.monotonic() - started < 3


def test_a_server_that_says_nothing_ends_at_the_deadline(settings: Settings) -> None:
    settings.FETCH_ALLOWED_HOSTS = frozenset({"localhost"})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        with pytest.raises(OutboundRefused):
            get(f"https://localhost:{silent.getsockname()[1]}/", seconds=0.5)
    assert time.monotonic() - started < 3


def test_a_resolver_that_hangs_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: done.wait(60))
    started = time.monotonic()
    with pytest.raises(OutboundRefused):
        get("https://app.example.com/", seconds=0.3)
    done.set()
    assert time.monotonic() - started < 3


def test_names_that_are_never_answered_leave_room_for_others(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    url, done, look_up = site.page("/", {}), threading.Event(), socket.getaddrinfo

    def answer(host: Any, *args: Any, **kwargs: Any) -> Any:
        return done.wait(60) if str(host).endswith(".example.com") else look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    try:
        for number in range(MOST_AT_ONCE - 1):
            with pytest.raises(OutboundRefused):
                get(f"https://{number}.example.com/", seconds=0.01)
        assert get(url, seconds=3).body == b"{}"
    finally:
        done.set()


def test_every_refusal_is_the_same_and_names_no_reason(site: Site) -> None:
    texts = set()
    for url in ("https://127.0.0.1/", "http://example.com/", site.page("/", b"", 500), f"{site.origin}/none"):
        with pytest.raises(OutboundRefused) as refused:
            get(url)
        texts.add(str(refused.value))
        assert refused.value.__cause__ is None
        assert refused.value.__suppress_context__
    assert len(texts) == 1


def test_what_a_url_holds_beside_its_host_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "raster.outbound")
    with contextlib.suppress(OutboundRefused):
        get("https://user:hunter2@127.0.0.1/hunter2?hunter2#hunter2")
    [record] = caplog.records
    assert record.fields["host"] == "127.0.0.1"  # type: ignore[attr-defined]
    assert "hunter2" not in str(vars(record))
