"""Uploads of any size, shape and speed: in little memory, within limits, and gone when their sender is."""

import asyncio
import http.client
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from starlette.types import Message, Scope

from api import uploads
from api.gate import Gate, RequestContext
from api.multipart import FIELD_SIZE, MOST_FIELDS, PART_HEADER_SIZE, PART_HEADERS, Form
from api.passes import LinkPass
from api.uploads import LINK, Body, take_files
from assets.contracts import CreateUploadLink
from assets.models import Asset, UploadLink
from assets.operations.upload_links import create_upload_link
from assets.quota import Room
from assets.upload_links import PATH
from orgs.access import Origin, UserPrincipal
from orgs.models import Organization
from raster.errors import BadUserInput, PayloadTooLarge, RasterError, StorageLimitExceeded
from raster.transport import transport_of
from tests.api.uploading import JPEG, TEXT, make_link, staged_files, upload
from tests.assets import pictures
from tests.assets.test_serving_large import memory
from tests.factories import Cast
from tests.server import Server, running_server
from tests.waiting import wait_until

MEGABYTE = 1024**2
MOST_ADDED = 64 * MEGABYTE
BOUNDARY = b"boundary"
KIND = b'multipart/form-data; boundary="boundary"'


def link(cast: Cast) -> str:
    return make_link(UserPrincipal(Origin("web"), cast.bob))


def part(disposition: bytes, content: bytes, headers: bytes = b"") -> bytes:
    return (
        b"--boundary\r\nContent-Disposition: form-data; "
        + disposition
        + b"\r\n"
        + headers
        + b"\r\n"
        + content
        + b"\r\n"
    )


END = b"--boundary--\r\n"
PHOTO = part(b'name="file"; filename="sea.jpg"', pictures.jpeg())


def read(body: bytes, step: int = MEGABYTE) -> Form:
    """Return the form that a body is, handed over in steps."""
    form = Form(KIND, Room())
    for start in range(0, len(body), step):
        form.feed(body[start : start + step])
    form.finish()
    return form


# --- Forms -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form at all",
        PHOTO,
        PHOTO[:-20],
        PHOTO + b"--boundary",
        b"--other\r\n" + PHOTO + END,
        b"--boundary\r\nContent-Type: image/jpeg\r\n\r\nx\r\n" + END,
        b'--boundary\r\nContent-Disposition: attachment; name="file"\r\n\r\nx\r\n' + END,
        part(b'filename="sea.jpg"', b"x") + END,
        b"--boundary\r\n" + b"A" * (PART_HEADER_SIZE + 1) + b": x\r\n\r\n\r\n" + END,
        part(b'name="file"; filename="' + b"a" * PART_HEADER_SIZE + b'"', b"x") + END,
        part(b'name="x"', b"x", b"".join(b"X-%d: x\r\n" % number for number in range(PART_HEADERS))) + END,
        part(b'name="x"', b"x" * (FIELD_SIZE + 1)) + END,
        b"".join(part(b'name="%d"' % number, b"x") for number in range(MOST_FIELDS + 1)) + END,
        part(b'name="x"', b"1") + part(b'name="x"', b"2") + END,
        PHOTO * 21 + END,
        part(b'name="file"; filename=""', b"") * 200 + END,
        PHOTO + END + b"x" * MEGABYTE,
    ],
)
@pytest.mark.parametrize("step", [MEGABYTE, 7])
def test_what_is_no_form_or_too_much_of_one_is_refused_and_leaves_nothing(body: bytes, step: int) -> None:
    form = Form(KIND, Room())
    with pytest.raises(BadUserInput):  # noqa: PT012 - whichever of the steps it is
        for start in range(0, len(body[: 20 * 1024]), step) if step < MEGABYTE else range(0, len(body), step):
            form.feed(body[start : start + step])
        form.finish()
    form.discard()
    assert staged_files() == []


@pytest.mark.parametrize(
    "kind",
    [
        b"",
        b"application/json",
        b"multipart/mixed; boundary=x",
        b"multipart/form-data",
        b"multipart/form-data; boundary=",
    ],
)
def test_only_forms_with_files_are_taken(kind: bytes) -> None:
    with pytest.raises(BadUserInput):
        Form(kind, Room())
    with pytest.raises(BadUserInput):
        Form(b"multipart/form-data; boundary=" + b"x" * 5000, Room())


@pytest.mark.parametrize("step", [MEGABYTE, 64, 1])
def test_a_form_is_read_however_it_is_cut(step: int) -> None:
    small = part(b'name="file"; filename="a \\"b\\" %22c%22.png"', b"\r\n--bound is not the end\r\n--bound")
    arabic = part('name="file"; filename="برشلونة.jpg"'.encode(), b"x")
    body = part(b'name="parentId"', b"abc") + small + part(b'name="file"; filename=""', b"") + arabic + END
    form = read(body, step)
    assert form.fields == {"parentId": "abc"}
    assert [staged.given_name for staged in form.files] == ['a "b" "c".png', "برشلونة.jpg"]
    assert form.files[0].path.read_bytes() == b"\r\n--bound is not the end\r\n--bound"
    form.discard()
    assert staged_files() == []


def test_another_encoding_of_a_name_is_not_for_forms() -> None:
    for charset in (b"utf-8", b"utf-7", b"punycode", b"nonsense"):
        name = b'name="file"; filename="sea.jpg"; filename*=' + charset + b"''%2BAGE-.svg; filename*0=\"x.svg\""
        form = read(part(name, b"x") + END)
        assert [staged.given_name for staged in form.files] == ["sea.jpg"]
        form.discard()


def test_files_may_not_be_larger_than_the_room_for_them() -> None:
    form = Form(KIND, Room(10))
    with pytest.raises(StorageLimitExceeded):
        form.feed(PHOTO)
    form.discard()
    assert staged_files() == []


# --- Slow and vanishing senders -------------------------------------------------------------------------------------


def reading(*messages: Message, then: Callable[[], bool] | None = None) -> RasterError | Exception:
    """Read a body of these messages, after which nothing comes any more; return how it failed."""

    async def run() -> None:
        waiting = list(messages)

        async def receive() -> Message:
            if waiting:
                return waiting.pop(0)
            return await asyncio.Future()

        form = Form(KIND, Room())
        try:
            await Body(receive).read_into(form)
        finally:
            form.discard()

    with pytest.raises(Exception) as raised:
        ThreadPoolExecutor(1).submit(asyncio.run, run()).result()
    return raised.value


def test_a_sender_who_falls_silent_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "IDLE_SECONDS", 0.05)
    failure = reading({"type": "http.request", "body": PHOTO, "more_body": True})
    assert isinstance(failure, BadUserInput) and "slowly" in failure.message
    assert staged_files() == []


def test_an_upload_that_takes_too_long_is_refused_though_something_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "UPLOAD_SECONDS", 0.05)
    failure = reading(*[{"type": "http.request", "body": PHOTO, "more_body": True}] * 5)
    assert isinstance(failure, BadUserInput)
    assert staged_files() == []


def test_a_sender_who_goes_away_leaves_nothing(clean: None, server: Server, cast: Cast) -> None:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    connection.putrequest("POST", PATH + link(cast))
    connection.putheader("Content-Type", KIND.decode())
    connection.putheader("Content-Length", str(10**9))
    connection.endheaders(part(b'name="file"; filename="large.mp4"', b"x" * 3 * MEGABYTE))
    wait_until(lambda: sum(path.stat().st_size for path in staged_files()) >= MEGABYTE)
    connection.close()
    wait_until(lambda: staged_files() == [])


class SlowDisk(Form):
    """A form that is written down once it is let."""

    def __init__(self) -> None:
        super().__init__(KIND, Room())
        self.begun, self.may_end, self.has_ended = threading.Event(), threading.Event(), threading.Event()

    def feed(self, chunk: bytes) -> None:
        self.begun.set()
        assert self.may_end.wait(60)
        super().feed(chunk)
        self.has_ended.set()


def test_an_upload_that_is_cancelled_waits_for_what_is_being_written() -> None:
    form = SlowDisk()

    async def receive() -> Message:
        return {"type": "http.request", "body": PHOTO + END, "more_body": False}

    async def run() -> None:
        reading = asyncio.ensure_future(Body(receive).read_into(form))
        await asyncio.to_thread(form.begun.wait, 10)
        reading.cancel()
        asyncio.get_running_loop().call_soon(form.may_end.set)
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert form.has_ended.is_set()
        form.discard()

    ThreadPoolExecutor(1).submit(asyncio.run, run()).result()
    assert staged_files() == []


def test_an_organization_has_a_few_uploads_under_way_and_keeps_nobody_else_from_theirs(
    clean: None, server: Server, cast: Cast
) -> None:
    begun = []
    for _ in range(uploads.MOST_OF_ONE):
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
        connection.putrequest("POST", PATH + link(cast))
        connection.putheader("Content-Type", KIND.decode())
        connection.putheader("Content-Length", str(10**7))
        connection.endheaders(part(b'name="file"; filename="large.mp4"', b"x" * 2 * MEGABYTE))
        begun.append(connection)
    wait_until(lambda: len(staged_files()) == uploads.MOST_OF_ONE)
    refused = upload(server, link(cast), JPEG)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "RATE_LIMITED")
    assert refused.headers["Retry-After"] == str(uploads.RETRY_SECONDS)
    elsewhere = CreateUploadLink(organization_id="globex", library_id="secret")
    url = create_upload_link(UserPrincipal(Origin("web"), cast.dave), elsewhere).url
    assert upload(server, url.rpartition("/")[2], JPEG).status_code == 200
    for connection in begun:
        connection.close()
    wait_until(lambda: staged_files() == [])
    assert upload(server, link(cast), JPEG).status_code == 200


class SlowLink(LinkPass):
    """An upload link that is taken once it is let."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.begun, self.may_end, self.has_ended = threading.Event(), threading.Event(), threading.Event()

    def claim(self) -> None:
        self.begun.set()
        assert self.may_end.wait(60)
        super().claim()
        self.has_ended.set()


def test_an_upload_that_is_cancelled_while_it_takes_its_link_leaves_it_good(
    clean: None, transactional_db: None, cast: Cast
) -> None:
    way = SlowLink(link(cast))
    headers = [(b"host", b"localhost"), (b"content-type", KIND)]
    scope: Scope = {"type": "http", "scheme": "http", "method": "POST", "path": PATH, "client": ("127.0.0.1", 0)}
    scope["headers"] = headers
    scope["raster.record"] = {"id": "x"}

    async def receive() -> Message:
        raise AssertionError("Nothing is read.")

    async def send(message: Message) -> None:
        raise AssertionError("Nothing is answered.")

    async def run() -> None:
        context = RequestContext(Gate(), LINK, scope, receive, send, transport_of(scope))
        taking = asyncio.ensure_future(take_files(context, way, Body(receive)))
        await asyncio.to_thread(way.begun.wait, 10)
        taking.cancel()
        asyncio.get_running_loop().call_soon(way.may_end.set)
        with pytest.raises(asyncio.CancelledError):
            await taking

    ThreadPoolExecutor(1).submit(asyncio.run, run()).result()
    assert way.has_ended.wait(60)
    assert UploadLink.objects.get().used is None


# --- Large files -----------------------------------------------------------------------------------------------------


class Holes:
    """A file of zeros with a photograph at its beginning, as a stream."""

    def __init__(self, size: int) -> None:
        self.size = size

    def form(self) -> Iterator[bytes]:
        photo = pictures.jpeg()
        yield part(b'name="file"; filename="large.jpg"', photo)[:-2]
        left = self.size - len(photo)
        while left > 0:
            yield bytes(min(left, MEGABYTE))
            left -= MEGABYTE
        yield b"\r\n" + END


def test_three_hundred_megabytes_come_in_less_than_64_mb_of_memory(clean: None, server: Server, cast: Cast) -> None:
    size = 300 * MEGABYTE
    text = link(cast)
    upload(server, link(cast), JPEG)  # what the first upload of a process takes is no growth
    before = memory(server.process.pid)
    most, done = before, threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.01):
            most = max(most, memory(server.process.pid))

    watching = threading.Thread(target=watch)
    watching.start()
    headers = {"Content-Type": KIND.decode()}
    answer = httpx2.post(f"{server.url}{PATH}{text}", content=Holes(size).form(), headers=headers, timeout=120)
    done.set()
    watching.join()
    [asset] = answer.json()["assets"]
    assert asset["size"] == size
    assert most - before < MOST_ADDED


@pytest.fixture(scope="module")
def small_server(django_db_setup: None, static_files: None, server_log: Path) -> Iterator[Server]:
    """A server on which a file may have a megabyte."""
    with running_server(server_log, RASTER_MAX_FILE_SIZE="1 MB") as server:
        yield server


def test_a_file_over_the_limit_fails_the_whole_upload(transactional_db: None, small_server: Server, cast: Cast) -> None:
    answer = upload(small_server, link(cast), JPEG, ("large.jpg", pictures.jpeg() + os.urandom(2 * MEGABYTE)), JPEG)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, PayloadTooLarge.code)
    assert "1 MB" in answer.json()["error"]["message"]
    connection = http.client.HTTPConnection(small_server.url.removeprefix("http://"), timeout=60)
    connection.putrequest("POST", PATH + link(cast))
    connection.putheader("Content-Type", KIND.decode())
    connection.putheader("Content-Length", str(22 * MEGABYTE))
    connection.endheaders()
    assert connection.getresponse().status == 413  # before anything is read
    connection.close()
    assert Asset.objects.count() == 0
    assert staged_files() == []


def test_what_there_is_no_room_for_is_refused_before_it_is_read(clean: None, server: Server, cast: Cast) -> None:
    Organization.objects.update(storage_limit=10)
    answer = upload(server, link(cast), JPEG)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "STORAGE_LIMIT_EXCEEDED")
    Organization.objects.update(storage_limit=0)
    answer = upload(server, link(cast), TEXT)
    assert answer.json()["error"]["code"] == "STORAGE_LIMIT_EXCEEDED"


def test_an_upload_may_be_larger_than_a_page_may_be_sent(clean: None, server: Server, cast: Cast) -> None:
    answer = upload(server, link(cast), ("large.jpg", pictures.jpeg() + bytes(5 * MEGABYTE)))
    assert answer.status_code == 200
