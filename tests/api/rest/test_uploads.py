"""Uploads over REST: who may send one is decided before a byte of it is read, and again when all of it is there."""

import hashlib
import http.client
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from apikeys.contracts import DeleteKey, ScopeKey
from apikeys.operations import delete_key, scope_key
from assets.contracts import MOST_FILES
from assets.models import Asset
from orgs.models import Organization
from tests.api.rest.asking import BARCELONA, CURRENT, MAY, ask, code_of
from tests.api.uploading import JPEG, TEXT, staged_files
from tests.assets import pictures
from tests.assets.test_serving_large import memory
from tests.factories import OPERATOR, AssetFactory, Cast
from tests.server import Server, running_server
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("clean")
PATH = f"{BARCELONA}/assets"
BAD = (400, "BAD_USER_INPUT")
MEGABYTE = 1024**2
MOST_ADDED = 64 * MEGABYTE
END = b"\r\n--boundary--\r\n"
BEGIN = (
    b'--boundary\r\nContent-Disposition: form-data; name="files"; filename="sea.jpg"\r\n'
    b"Content-Type: image/jpeg\r\n\r\n"
)
PHOTO = BEGIN + JPEG[1] + END
KIND = {"Content-Type": "multipart/form-data; boundary=boundary"}


class Sending:
    """An upload of which a test decides when what of it comes."""

    def __init__(self, server: Server, key: str, length: int, path: str = PATH) -> None:
        self._connection = http.client.HTTPConnection("localhost", urlsplit(server.url).port, timeout=60)
        self._connection.putrequest("POST", f"/api{path}")
        headers = {"Authorization": f"Bearer {key}", "Api-Version": CURRENT, "Content-Length": str(length), **KIND}
        for name, value in headers.items():
            self._connection.putheader(name, value)
        self._connection.endheaders()

    def send(self, content: bytes) -> None:
        self._connection.send(content)

    def answer(self) -> tuple[int, str]:
        answer = self._connection.getresponse()
        text = answer.read().decode()
        assert answer.headers["Api-Version"] == CURRENT
        self._connection.close()
        return answer.status, text


def send(server: Server, key: str | None, content: bytes, kind: dict[str, str] = KIND) -> httpx2.Response:
    return ask(server, key, "POST", PATH, content=content, headers=kind)


# --- Who may ---------------------------------------------------------------------------------------------------------


def test_whoever_may_not_upload_is_told_before_a_byte_is_sent(server: Server, cast: Cast) -> None:
    reader, elsewhere = cast.key("Reader", barcelona="read").secret, cast.key("Elsewhere", paris="write").secret
    writer = cast.key("Writer", barcelona="write").secret
    for key, path, expected in (
        ("nonsense", PATH, (401, "UNAUTHENTICATED")),
        ("rstk_nonsense", PATH, (401, "INVALID_API_KEY")),
        (reader, PATH, (403, "API_KEY_READ_ONLY")),
        (elsewhere, PATH, (404, "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY")),
        (writer, "/organizations/globex/libraries/secret/assets", (404, "ORGANIZATION_NOT_FOUND")),
        (writer, f"/organizations/acme/libraries/{'x' * 64}/assets", BAD),
        (writer, f"{PATH}?parentId={'a' * 22}", BAD),
    ):
        status, text = Sending(server, key, MEGABYTE, path).answer()
        assert (status, expected[1] in text) == (expected[0], True), text
    assert not Asset.objects.exists()


@pytest.mark.parametrize("case", ["deleted", "narrowed"])
def test_a_key_that_is_taken_back_while_files_come_uploads_nothing(server: Server, cast: Cast, case: str) -> None:
    key = cast.key(barcelona="write")
    form = BEGIN + JPEG[1] + bytes(3 * MEGABYTE) + END
    sending = Sending(server, key.secret, len(form))
    sending.send(form[:-10])
    # It is being received, so whoever sends it was let in.
    wait_until(lambda: bool(staged_files()))
    if case == "deleted":
        delete_key(OPERATOR, DeleteKey(organization_id="acme", key_id=key.key_id))
    else:
        access = {"organizationId": "acme", "keyId": key.key_id, "access": {"barcelona": "read"}}
        scope_key(OPERATOR, ScopeKey.model_validate(access))
    sending.send(form[-10:])
    status, text = sending.answer()
    assert (status, "INVALID_API_KEY" in text or "API_KEY_READ_ONLY" in text) in {(401, True), (403, True)}
    assert not Asset.objects.exists()


# --- What comes ------------------------------------------------------------------------------------------------------


def test_twenty_files_come_in_and_one_more_fails_them_all(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    files = [("files", (f"{number}.jpg", pictures.jpeg(8, 8))) for number in range(MOST_FILES + 1)]
    for version in (CURRENT, MAY):
        assert code_of(ask(server, key, "POST", PATH, version=version, files=files)) == BAD
    assert not Asset.objects.exists()
    for version in (CURRENT, MAY):
        answer = ask(server, key, "POST", PATH, version=version, files=files[:MOST_FILES]).json()["data"]
        assert answer["responseText"] == "Uploaded 20 files."
        assert [asset["name"] for asset in answer["assets"]] == [str(number) for number in range(MOST_FILES)]
    # At once in lists.
    assert ask(server, key, "GET", PATH).json()["total"] == 2 * MOST_FILES


def test_an_empty_file_is_left_out_while_the_rest_come_in(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    empty = ("files", ("nothing.jpg", b""))
    assert code_of(ask(server, key, "POST", PATH, files=[empty])) == BAD
    answer = ask(server, key, "POST", PATH, files=[empty, ("files", JPEG)]).json()["data"]
    assert "nothing.jpg (The file is empty)" in answer["responseText"] and len(answer["assets"]) == 1
    assert code_of(ask(server, key, "POST", PATH, version=MAY, files=[empty, ("files", JPEG)])) == BAD
    assert Asset.objects.count() == 1


def test_a_file_over_the_limit_fails_all_of_them(
    transactional_db: None, cast: Cast, static_files: None, server_log: Path
) -> None:
    key = cast.key(barcelona="write").secret
    with running_server(server_log, RASTER_MAX_FILE_SIZE="1 MB") as server:
        files = [("files", JPEG), ("files", ("large.jpg", JPEG[1] + bytes(MEGABYTE)))]
        for version in (CURRENT, MAY):
            answer = ask(server, key, "POST", PATH, version=version, files=files)
            assert code_of(answer) == (413, "PAYLOAD_TOO_LARGE")
            assert answer.headers["Api-Version"] == version
    assert not Asset.objects.exists()


def test_files_that_do_not_fit_into_the_storage_do_not_come_in(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    Organization.objects.filter(pk=cast.acme.pk).update(storage_limit=len(JPEG[1]) + 10)
    assert ask(server, key, "POST", PATH, files=[("files", JPEG)]).status_code == 200
    assert code_of(ask(server, key, "POST", PATH, files=[("files", JPEG)])) == (403, "STORAGE_LIMIT_EXCEEDED")


BROKEN = {
    "nothing": b"",
    "no form at all": b"files",
    "cut off": PHOTO[:-20],
    "no end": PHOTO.removesuffix(END),
    "another boundary": PHOTO.replace(b"--boundary", b"--other"),
    "no name": PHOTO.replace(b'name="files"; ', b""),
}


@pytest.mark.parametrize("version", [CURRENT, MAY])
@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_form_uploads_nothing(server: Server, cast: Cast, case: str, version: str) -> None:
    key = cast.key(barcelona="write").secret
    answer = ask(server, key, "POST", PATH, version=version, content=BROKEN[case], headers=KIND)
    assert code_of(answer) == BAD
    assert not Asset.objects.exists()


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "image/jpeg", ""])
def test_what_is_no_form_is_told_so(server: Server, cast: Cast, kind: str) -> None:
    key = cast.key(barcelona="write").secret
    answer = send(server, key, PHOTO, {"Content-Type": kind})
    assert code_of(answer) == BAD
    assert "multipart/form-data" in answer.json()["error"]["message"]


def test_a_parent_makes_a_variant_and_one_out_of_reach_is_none(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    parent, elsewhere = (AssetFactory(library=library) for library in (cast.barcelona, cast.paris))
    for asset_id in (elsewhere.pk, "a" * 22):
        answer = ask(server, key, "POST", PATH, files=[("files", JPEG)], data={"parentId": asset_id})
        assert code_of(answer) == (404, "RESOURCE_NOT_FOUND")
    two = [("files", JPEG), ("files", JPEG)]
    assert code_of(ask(server, key, "POST", PATH, files=two, data={"parentId": parent.pk})) == BAD
    answer = ask(server, key, "POST", PATH, files=[("files", JPEG)], data={"parentId": parent.pk}).json()["data"]
    assert (answer["assets"][0]["type"], answer["assets"][0]["parentId"]) == ("variant", parent.pk)
    older = ask(server, key, "POST", PATH, version=MAY, files=[("files", JPEG)], data={"parentId": ""}).json()["data"]
    assert (older["assets"][0]["type"], older["assets"][0]["views"]) == ("main", [])


def test_whoever_uploaded_is_named(server: Server, cast: Cast) -> None:
    key = cast.key("Camera", barcelona="write").secret
    [asset] = ask(server, key, "POST", PATH, files=[("files", JPEG), ("files", TEXT)]).json()["data"]["assets"]
    assert asset["uploadedBy"] == {"name": "Camera"}
    assert Asset.objects.get().digest == hashlib.sha256(JPEG[1]).hexdigest()


def test_a_large_file_takes_little_memory(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write").secret

    def body() -> Iterator[bytes]:
        yield BEGIN + JPEG[1]
        for _ in range(200):
            yield bytes(MEGABYTE)
        yield END

    assert ask(server, key, "POST", PATH, files=[("files", JPEG)]).status_code == 200
    before = memory(server.process.pid)
    answer = ask(server, key, "POST", PATH, content=body(), headers=KIND)
    assert answer.json()["data"]["assets"][0]["size"] == len(JPEG[1]) + 200 * MEGABYTE
    assert memory(server.process.pid) - before < MOST_ADDED
