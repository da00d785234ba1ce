"""Files that come with a request, as parts of a form."""

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from apikeys.models import APIKey
from assets.models import Asset
from orgs.models import Organization
from tests.api.graphql.client import SECONDS, refusal
from tests.api.uploading import JPEG, TEXT, staged_files
from tests.assets import pictures
from tests.factories import Cast
from tests.operations import unreachable
from tests.server import Server
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("clean")

TEXT_OF_IT = """
    mutation Upload($organizationId: ID!, $libraryId: ID!, $files: [Upload!]!, $email: String) {
      uploadAssets(organizationId: $organizationId, libraryId: $libraryId, files: $files, email: $email) {
        responseText assets { id name contentType size url type }
      }
    }"""
LEAVE = {"Apollo-Require-Preflight": "true"}
PLACE = {"organizationId": "acme", "libraryId": "barcelona"}


def form(query: str = TEXT_OF_IT, count: int = 1, **variables: Any) -> dict[str, str]:
    """Return the fields of a form for this many files."""
    filled = {**PLACE, "files": [None] * count, **variables}
    places = {str(number): [f"variables.files.{number}"] for number in range(count)}
    return {"operations": json.dumps({"query": query, "variables": filled}), "map": json.dumps(places)}


def send(
    server: Server, key: str, fields: dict[str, str], *files: tuple[str, bytes], headers: dict[str, str] = LEAVE
) -> httpx2.Response:
    parts = [(str(number), file) for number, file in enumerate(files)]
    credential = {"Authorization": f"Bearer {key}"}
    url = f"{server.url}/graphql"
    return httpx2.post(url, data=fields, files=parts, headers={**credential, **headers}, timeout=SECONDS)


@pytest.fixture
def key(cast: Cast) -> str:
    return cast.key(barcelona="write", paris="read").secret


def test_a_form_without_leave_is_refused(server: Server, key: str) -> None:
    answer = send(server, key, form(), JPEG, headers={})
    assert refusal(answer) == (400, "BAD_USER_INPUT")
    assert "Apollo-Require-Preflight" in answer.json()["errors"][0]["message"]
    assert not Asset.objects.exists()


def test_a_form_without_a_credential_is_refused(server: Server) -> None:
    assert refusal(send(server, "rstk_nonsense", form(), JPEG)) == (401, "INVALID_API_KEY")


def test_unreachable_libraries_answer_alike(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    texts = set()
    for organization, library in unreachable(cast).values():
        answer = send(server, key, form(organizationId=organization, libraryId=library), JPEG)
        assert refusal(answer) == (404, "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY")
        texts.add(answer.text)
    for organization in ("globex", "nowhere"):
        answer = send(server, key, form(organizationId=organization), JPEG)
        assert refusal(answer) == (404, "ORGANIZATION_NOT_FOUND")
    assert len(texts) == 1


def test_read_does_not_upload(server: Server, key: str) -> None:
    assert refusal(send(server, key, form(libraryId="paris"), JPEG)) == (403, "API_KEY_READ_ONLY")


@pytest.mark.parametrize(
    ("library", "code"), [("paris", "API_KEY_READ_ONLY"), ("nowhere", "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY")]
)
def test_who_may_not_upload_is_told_before_a_file_comes(server: Server, key: str, library: str, code: str) -> None:
    """The answer comes when the fields are there and the first file has begun; a gigabyte was announced."""
    address = urlsplit(server.url)
    fields = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in form(libraryId=library).items()
    )
    begun = f'{fields}--x\r\nContent-Disposition: form-data; name="0"; filename="a.jpg"\r\n\r\nabc'
    head = (
        "POST /graphql HTTP/1.1",
        f"Host: {address.netloc}",
        f"Authorization: Bearer {key}",
        "Content-Type: multipart/form-data; boundary=x",
        "Apollo-Require-Preflight: 1",
        f"Content-Length: {10**9}",
    )
    with socket.create_connection((address.hostname, address.port), timeout=SECONDS) as connection:
        connection.sendall("\r\n".join((*head, "", begun)).encode() + b"y" * 1024 * 1024)
        answer = b""
        while code.encode() not in answer:
            received = connection.recv(65536)
            assert received, answer
            answer += received


def test_a_file_comes_in(server: Server, key: str) -> None:
    answer = send(server, key, form(email="somebody@example.com"), JPEG)
    assert answer.status_code == 200, answer.text
    uploaded = answer.json()["data"]["uploadAssets"]
    assert uploaded["responseText"] == "Uploaded 1 file."
    [shown] = uploaded["assets"]
    asset = Asset.objects.get()
    assert (shown["id"], shown["name"], shown["contentType"], shown["type"]) == (asset.pk, "sea", "image/jpeg", "main")
    assert httpx2.get(f"{server.url}{urlsplit(shown['url']).path}").content == JPEG[1]


def test_twenty_files_come_in_and_twenty_one_do_not(server: Server, key: str) -> None:
    files = [(f"{number}.jpg", pictures.jpeg()) for number in range(21)]
    assert refusal(send(server, key, form(count=21), *files)) == (400, "BAD_USER_INPUT")
    assert not Asset.objects.exists()
    answer = send(server, key, form(count=20), *files[:20])
    assert answer.json()["data"]["uploadAssets"]["responseText"] == "Uploaded 20 files."


def test_a_single_file_may_stand_for_the_list(server: Server, key: str) -> None:
    fields = {**form(files=None), "map": json.dumps({"0": ["variables.files"]})}
    assert send(server, key, fields, JPEG).json()["data"]["uploadAssets"]["assets"]


def test_what_is_not_taken_is_named(server: Server, key: str) -> None:
    answer = send(server, key, form(count=2), JPEG, TEXT)
    assert "Left out: words.png" in answer.json()["data"]["uploadAssets"]["responseText"]
    refused = send(server, key, form(), TEXT)
    assert refusal(refused) == (400, "BAD_USER_INPUT")
    assert refused.json()["data"] == {"uploadAssets": None}
    assert refusal(send(server, key, form(), ("empty.jpg", b""))) == (400, "BAD_USER_INPUT")


def test_storage_that_is_used_up_is_told(server: Server, cast: Cast, key: str) -> None:
    Organization.objects.filter(pk=cast.acme.pk).update(storage_limit=10)
    assert refusal(send(server, key, form(), JPEG)) == (403, "STORAGE_LIMIT_EXCEEDED")


TWICE = """
    mutation($organizationId: ID!, $libraryId: ID!, $files: [Upload!]!) {
      a: uploadAssets(organizationId: $organizationId, libraryId: $libraryId, files: $files) { responseText }
      b: uploadAssets(organizationId: $organizationId, libraryId: $libraryId, files: $files) { responseText }
    }"""
ANOTHER = 'mutation { renameLibrary(organizationId: "acme", libraryId: "barcelona", name: "X") { id } }'
OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "a query": ("{ viewer { plan } }", {}),
    "another change": (ANOTHER, {}),
    "two uploads": (TWICE, {}),
    "what is invalid": ("mutation { uploadAssets { x } }", {}),
    "no document": ("{", {}),
    "a place that is no id": (TEXT_OF_IT, {"libraryId": ["barcelona"]}),
    "no place": (TEXT_OF_IT, {"libraryId": None}),
    "a place with a NUL": (TEXT_OF_IT, {"libraryId": "\x00"}),
}


@pytest.mark.parametrize("asked", [pytest.param(asked, id=name) for name, asked in OTHERS.items()])
def test_a_form_uploads_and_nothing_else(server: Server, key: str, asked: tuple[str, dict[str, Any]]) -> None:
    query, variables = asked
    assert refusal(send(server, key, form(query, **variables), JPEG)) == (400, "BAD_USER_INPUT")
    assert not Asset.objects.exists()


MAPS = [
    "{",
    "[]",
    "null",
    "{}",
    '{"0": "variables.files.0"}',
    '{"0": []}',
    '{"0": ["variables.files.0", "variables.files.1"]}',
    '{"0": ["variables.files.1"]}',
    '{"0": ["variables.files.-1"]}',
    '{"0": ["variables.files.99999999999"]}',
    '{"0": ["variables.files.²"]}',
    '{"0": ["variables.libraryId"]}',
    '{"0": ["variables.libraryId.0"]}',
    '{"0": ["variables.other"]}',
    '{"0": ["query"]}',
    '{"0": ["0.variables.files.0"]}',
    '{"0": ["variables.files.0"], "1": ["variables.files.0"]}',
    '{"other": ["variables.files.0"]}',
    json.dumps({str(number): ["variables.files.0"] for number in range(21)}),
]


@pytest.mark.parametrize("places", MAPS)
def test_each_file_has_one_place(server: Server, key: str, places: str) -> None:
    assert refusal(send(server, key, {**form(), "map": places}, JPEG)) == (400, "BAD_USER_INPUT")
    assert not Asset.objects.exists()


@pytest.mark.parametrize(
    "operations", ["{", "null", "[]", "1", json.dumps([json.loads(form()["operations"])]), '{"query": NaN}']
)
def test_operations_are_one_request(server: Server, key: str, operations: str) -> None:
    assert refusal(send(server, key, {**form(), "operations": operations}, JPEG)) == (400, "BAD_USER_INPUT")


@pytest.mark.parametrize("left_out", ["operations", "map"])
def test_files_come_after_what_they_are_for(server: Server, key: str, left_out: str) -> None:
    fields = form()
    del fields[left_out]
    assert refusal(send(server, key, fields, JPEG)) == (400, "BAD_USER_INPUT")


def test_a_file_that_was_announced_and_does_not_come_is_missed(server: Server, key: str) -> None:
    assert refusal(send(server, key, form(count=2), JPEG)) == (400, "BAD_USER_INPUT")
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "multipart/form-data; boundary=x", **LEAVE}
    for body in (b"", b"--x--\r\n", b"nonsense", b"--x\r\n"):
        answer = httpx2.post(f"{server.url}/graphql", content=body, headers=headers)
        assert refusal(answer) == (400, "BAD_USER_INPUT")


def test_a_key_that_is_taken_back_meanwhile_uploads_nothing(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write")
    fields = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in form().items()
    )
    begun = f'{fields}--x\r\nContent-Disposition: form-data; name="0"; filename="a.jpg"\r\n\r\n'.encode()
    end = b"\r\n--x--\r\n"
    address = urlsplit(server.url)
    head = (
        "POST /graphql HTTP/1.1",
        f"Host: {address.netloc}",
        f"Authorization: Bearer {key.secret}",
        "Content-Type: multipart/form-data; boundary=x",
        "Apollo-Require-Preflight: 1",
        f"Content-Length: {len(begun) + len(JPEG[1]) + len(end)}",
    )
    with socket.create_connection((address.hostname, address.port), timeout=SECONDS) as connection:
        connection.sendall("\r\n".join((*head, "", "")).encode() + begun + JPEG[1][:100])
        # It is being received, so whoever sends it was let in.
        wait_until(lambda: bool(staged_files()))
        APIKey.objects.get(pk=key.key_id).delete()
        connection.sendall(JPEG[1][100:] + end)
        assert connection.recv(1024).startswith(b"HTTP/1.1 401")
    assert not Asset.objects.exists()
