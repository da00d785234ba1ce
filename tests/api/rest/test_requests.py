"""How arguments are read: from paths, query strings and bodies; and which methods and addresses there are."""

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from assets.models import Asset
from orgs.models import Library
from tests.api.rest.asking import BARCELONA, CURRENT, ask, code_of
from tests.factories import AssetFactory, Cast
from tests.server import Server

JSON = {"Content-Type": "application/json"}
BAD = (400, "BAD_USER_INPUT")
TAG = f"{BARCELONA}/assets/tag"

BODIES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "application/json"),
    "malformed": (b'{"assetIds": [', "application/json"),
    "no object": (b'["a"]', "application/json"),
    "null": (b"null", "application/json"),
    "a constant": (b'{"assetIds": ["ASSET"], "tags": ["new"], "x": NaN}', "application/json"),
    "an argument twice": (b'{"assetIds": ["ASSET"], "tags": ["new"], "tags": ["old"]}', "application/json"),
    "a key twice, deep in it": (b'{"assetIds": ["ASSET"], "tags": [{"a": 1, "a": 2}]}', "application/json"),
    "another type": (b'{"assetIds": "ASSET", "tags": ["new"]}', "application/json"),
    "null in place of a list": (b'{"assetIds": ["ASSET"], "tags": null}', "application/json"),
    "more than there is": (b'{"assetIds": ["ASSET"], "tags": ["new"], "more": 1}', "application/json"),
    "the path's arguments again": (
        b'{"assetIds": ["ASSET"], "tags": ["new"], "libraryId": "paris"}',
        "application/json",
    ),
    "the same by its other name": (
        b'{"assetIds": ["ASSET"], "tags": ["new"], "library_id": "paris"}',
        "application/json",
    ),
    "very deep": (b"[" * 200_000, "application/json"),
    "a very long number": (b'{"assetIds": ["ASSET"], "tags": ' + b"9" * 10_000 + b"}", "application/json"),
    "half of a surrogate pair": (b'{"assetIds": ["ASSET"], "tags": ["\\ud800"]}', "application/json"),
    "half of a surrogate pair as a name": (
        b'{"assetIds": ["ASSET"], "tags": ["new"], "\\ud800": 1}',
        "application/json",
    ),
    "another encoding": ('{"assetIds": ["ASSET"], "tags": ["new"]}'.encode("utf-16"), "application/json"),
    "a form": (b"assetIds=ASSET&tags=new", "application/x-www-form-urlencoded"),
    "text": (b'{"assetIds": ["ASSET"], "tags": ["new"]}', "text/plain"),
}


@pytest.mark.parametrize("case", BODIES)
def test_a_body_that_does_not_fit_changes_nothing(server: Server, cast: Cast, case: str) -> None:
    key = cast.key(barcelona="write", paris="write").secret
    asset = AssetFactory(library=cast.barcelona)
    body, kind = BODIES[case]
    content = body.replace(b"ASSET", asset.pk.encode())
    answer = ask(server, key, "POST", TAG, content=content, headers={"Content-Type": kind})
    assert code_of(answer) == BAD
    assert len(answer.text) < 1000
    assert not asset.tags.exists()


def test_a_name_that_is_no_argument_is_not_told_in_full(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    answer = ask(server, key, "POST", TAG, json={"x" * 100_000: 1, "tags": ["a"]})
    assert code_of(answer) == BAD and len(answer.text) < 1000


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "application/vnd.api+json", None]
)
def test_a_body_is_json_by_whatever_name_json_has(server: Server, cast: Cast, kind: str | None) -> None:
    key = cast.key(barcelona="write").secret
    asset = AssetFactory(library=cast.barcelona)
    body = json.dumps({"assetIds": [asset.pk], "tags": ["new"]}).encode()
    answer = ask(
        server, key, "POST", TAG, content=iter([body[:9], body[9:]]), headers={"Content-Type": kind} if kind else {}
    )
    assert answer.json() == {"data": {"taggedCount": 1}}


def test_a_body_over_the_limit_is_refused(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    body = b'{"x": "' + b"x" * 1024 * 1024 + b'"}'
    for content in (body, iter([body])):
        assert code_of(ask(server, key, "POST", TAG, content=content, headers=JSON)) == (413, "PAYLOAD_TOO_LARGE")


def test_arguments_that_may_be_left_out_need_no_body(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    bodies: list[dict[str, Any]] = [{}, {"json": {}}, {"json": {"expiresIn": 60}}]
    for more in bodies:
        assert ask(server, key, "POST", f"{BARCELONA}/upload-links", **more).status_code == 200
    assert code_of(ask(server, key, "POST", f"{BARCELONA}/upload-links", json={"expiresIn": "60"})) == BAD


QUERIES = {
    "a word for a number": "page=two",
    "a fraction": "page=1.0",
    "spaces": "page=%201",
    "digits of another script": "page=%D9%A1",
    "nothing for a number": "page=",
    "a very long number": f"page={'9' * 5000}",
    "a number that is too small": "page=0",
    "a number that is too large": "pageSize=501",
    "twice": "page=1&page=2",
    "nobody's argument": "color=red",
    "the path's arguments again": "libraryId=paris",
    "too many tags": "tags=" + ",".join(str(number) for number in range(51)),
    "a NUL character": "tags=%00",
    "more parameters than anybody counts": "&".join(f"a{number}" for number in range(2000)),
}


@pytest.mark.parametrize("case", QUERIES)
def test_a_query_string_that_does_not_fit_is_refused(server: Server, cast: Cast, case: str) -> None:
    key = cast.key(barcelona="write", paris="write").secret
    assert code_of(ask(server, key, "GET", f"{BARCELONA}/assets?{QUERIES[case]}")) == BAD


def test_lists_in_a_query_string_are_repeated_or_separated_by_commas(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="read").secret
    for tag in ("Sea", "sand", "sky", "other"):
        AssetFactory(library=cast.barcelona, name=tag, tagged=[tag])
    for query in ("tags=sea,sand,sky", "tags=sea&tags=sand&tags=sky", "tags=sea,sand&tags=sky", "tags=sea%2Csand,,sky"):
        answer = ask(server, key, "GET", f"{BARCELONA}/assets?{query}&page=1&pageSize=2").json()
        assert [asset["name"] for asset in answer["data"]] == ["sky", "sand"], query
        assert (answer["page"], answer["pageSize"], answer["total"]) == (1, 2, 3)
    for query in ("", "tags=", "tags=,"):
        assert ask(server, key, "GET", f"{BARCELONA}/assets?{query}").json()["total"] == 4, query


def test_a_page_past_the_last_is_empty(server: Server, cast: Cast) -> None:
    AssetFactory(library=cast.barcelona)
    key = cast.key(barcelona="read").secret
    answer = ask(server, key, "GET", f"{BARCELONA}/assets", params={"page": 7}).json()
    assert answer == {"data": [], "page": 7, "pageSize": 50, "total": 1}


def test_ids_of_a_delete_may_be_in_the_address(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    first, second, third = (AssetFactory(library=cast.barcelona) for _ in range(3))
    path = f"{BARCELONA}/assets"
    assert code_of(ask(server, key, "DELETE", path)) == BAD
    assert code_of(ask(server, key, "DELETE", path, params={"ids": first.pk}, json={"ids": [second.pk]})) == BAD
    assert Asset.objects.filter(trashed__isnull=True).count() == 3
    answer = ask(server, key, "DELETE", path, json={"ids": [first.pk]}).json()
    assert answer == {"data": {"success": True, "message": "Moved 1 asset to trash", "ids": [first.pk]}}
    answer = ask(server, key, "DELETE", f"{path}?ids={second.pk},{third.pk}").json()
    assert answer["data"]["ids"] == [second.pk, third.pk]
    assert ask(server, key, "DELETE", f"{path}?ids={second.pk}").json()["data"]["ids"] == []


def test_what_belongs_into_a_body_is_refused_in_the_address(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    answer = ask(server, key, "PATCH", f"{BARCELONA}?name=Changed", json={"name": "Other"})
    assert code_of(answer) == BAD
    assert Library.objects.get(pk=cast.barcelona.pk).name == "Barcelona"


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "//", "/me/", "//me", "/ME", "/me%2F", "/me/x", "/nothing",
        f"{BARCELONA}/assets/", f"{BARCELONA}//assets",
        "/organizations/acme/libraries/barcelona%2Fassets/x", "/organizations//libraries", "/./me/../me%00",
        "/openapi.json/", "/libraries/x", "/organizations/acme/search",
    ],
)  # fmt: skip
def test_another_address_has_nothing(server: Server, cast: Cast, path: str) -> None:
    key = cast.key(barcelona="write").secret
    assert code_of(raw(server, "GET", path, key)) == (404, "ENDPOINT_NOT_FOUND")


def test_odd_ids_in_an_address_are_ids_that_nobody_has(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    for odd, expected in (
        ("%00", BAD),
        ("x" * 64, BAD),
        ("%F0%9F%8C%8A", (404, "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY")),
        ("%ff", (404, "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY")),
        ("BARCELONA", (404, "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY")),
        ("barcelona%0A", (404, "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY")),
    ):
        assert code_of(raw(server, "GET", f"/organizations/acme/libraries/{odd}/assets", key)) == expected, odd


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "OPTIONS", "TRACE", "PROPFIND", "HEAD"])
def test_another_method_is_told_which_there_are(server: Server, cast: Cast, method: str) -> None:
    key = cast.key(barcelona="write").secret
    for path, allowed in (
        ("/me", "GET, HEAD"),
        (f"{BARCELONA}/assets", "DELETE, GET, HEAD, POST"),
        (TAG, "POST"),
        (f"{BARCELONA}/assets/{'a' * 22}", "GET, HEAD, PATCH"),
        ("/openapi.json", "GET, HEAD"),
    ):
        if method in allowed.split(", "):
            continue
        answer = ask(server, key, method, path)
        assert (answer.status_code, answer.headers["Allow"]) == (405, allowed), path
        if method != "HEAD":
            assert code_of(answer) == (405, "METHOD_NOT_ALLOWED")
            assert f"answers {allowed} requests only" in answer.json()["error"]["message"]


def test_head_answers_as_get_without_its_body(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    for path in ("/me", f"{BARCELONA}/assets", "/openapi.json"):
        get, head = (ask(server, key, method, path) for method in ("GET", "HEAD"))
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Length"] == str(len(get.content))


def test_a_body_that_a_get_brings_is_not_read(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    assert ask(server, key, "GET", "/me", content=b"{", headers=JSON).status_code == 200


class Raw:
    """An answer to a request whose address was sent as it is written."""

    def __init__(self, text: str) -> None:
        head, _, self.text = text.partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        self.status_code = int(first.split(" ")[1])
        self.headers = {name.title(): value for name, _, value in (line.partition(": ") for line in lines)}

    def json(self) -> Any:
        return json.loads(self.text)


def raw(server: Server, method: str, path: str, key: str) -> Any:
    """Send a request by hand: clients tidy addresses up."""
    address = urlsplit(server.url)
    request = (
        f"{method} /api{path} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {key}\r\n"
        f"Api-Version: {CURRENT}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", address.port or 80), timeout=60) as connection:
        connection.sendall(request.encode())
        received = b""
        while block := connection.recv(65536):
            received += block
    return Raw(received.decode())
