"""Upload links: whom they let in, when they die, and that they are good for one upload."""

import http.client
import json
import shlex
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apikeys.contracts import DeleteKey, RegenerateKey, ScopeKey
from apikeys.models import APIKey
from apikeys.operations import delete_key, regenerate_key, scope_key
from assets.contracts import MOST_FILES, CreateUploadLink
from assets.models import Asset, UploadLink
from assets.operations.upload_links import create_upload_link
from assets.upload_links import PATH, PREFIX, admit
from connections.access import ConnectionPrincipal
from connections.bearer import principal_for_bearer, principal_for_credential
from connections.clean_up import sweep
from connections.ending import end_connection
from connections.models import Connection
from orgs.access import Origin, Principal, UserPrincipal
from orgs.models import AuditEntry, Library, LibraryMembership, Membership
from raster import tokens
from raster.errors import EndpointNotFound, Forbidden, LibraryNotAuthorized, LibraryReadOnly
from tests.api.uploading import JPEG, TEXT, comparable, make_link, upload
from tests.connections.factories import connect, make_client, tokens_of
from tests.factories import OPERATOR, AssetFactory, Cast
from tests.mcp.client import MODERN, call_tool
from tests.mcp.test_https import HOST, OVER_HTTPS, PRODUCTION
from tests.server import Server, running_server
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("clean")
ORIGIN = Origin("mcp")
ACME = {"organizationId": "acme", "libraryId": "barcelona"}


def of_key(cast: Cast, name: str = "Agent", **access: str) -> Principal:
    return principal_for_bearer(cast.key(name, **access).secret, ORIGIN, "mcp")


def of_connection(cast: Cast) -> ConnectionPrincipal:
    """Return bob through an app that he let write."""
    pair = tokens_of(connect(cast.bob, make_client(), cast.acme))
    principal = principal_for_bearer(pair.access, ORIGIN, "mcp")
    assert isinstance(principal, ConnectionPrincipal)
    return principal


def of_page(cast: Cast) -> Principal:
    return UserPrincipal(ORIGIN, cast.bob)


# --- What kills a link ---------------------------------------------------------------------------------------------


def _scope(access: str) -> None:
    key = APIKey.objects.get()
    scope_key(
        OPERATOR,
        ScopeKey.model_validate({"organizationId": "acme", "keyId": key.pk, "access": {"barcelona": access}}),
    )


def _delete_key() -> None:
    delete_key(OPERATOR, DeleteKey(organization_id="acme", key_id=APIKey.objects.get().pk))


def _regenerate() -> None:
    regenerate_key(OPERATOR, RegenerateKey(organization_id="acme", key_id=APIKey.objects.get().pk))


def _bob() -> Membership:
    membership: Membership = Membership.objects.get(user__email="bob@example.com")
    return membership


def _end() -> None:
    end_connection(None, Connection.objects.get(), "disconnected by its person")


def _demote() -> None:
    LibraryMembership.objects.filter(membership=_bob()).update(role=LibraryMembership.Role.VIEWER)


def _deactivate() -> None:
    type(_bob().user).objects.filter(pk=_bob().user_id).update(is_active=False)


def _delete() -> None:
    _bob().user.delete()


def _narrow_elsewhere() -> None:
    connection = Connection.objects.get()
    connection.narrowed = True
    connection.save()


KILLED: dict[str, tuple[Callable[[Cast], Principal], Callable[[], object]]] = {
    "key deleted": (lambda cast: of_key(cast, barcelona="write"), _delete_key),
    "key regenerated": (
        lambda cast: of_key(cast, barcelona="write"),
        _regenerate,
    ),
    "key narrowed to read": (lambda cast: of_key(cast, barcelona="write"), lambda: _scope("read")),
    "key narrowed to nothing": (lambda cast: of_key(cast, barcelona="write"), lambda: _scope("none")),
    "key expired": (
        lambda cast: of_key(cast, barcelona="write"),
        lambda: APIKey.objects.update(expires=timezone.now()),
    ),
    "connection ended": (of_connection, _end),
    "connection deleted": (of_connection, Connection.objects.all().delete),
    "connection expired": (of_connection, lambda: Connection.objects.update(expires=timezone.now())),
    "connection made read-only": (of_connection, lambda: Connection.objects.update(may_write=False)),
    "connection narrowed": (of_connection, _narrow_elsewhere),
    "client refused": (
        of_connection,
        lambda: Connection.objects.get().client.__class__.objects.update(is_active=False),
    ),
    "person of the connection demoted": (of_connection, _demote),
    "person of the connection left": (of_connection, lambda: _bob().delete()),
    "person of the connection deactivated": (of_connection, _deactivate),
    "person demoted": (of_page, _demote),
    "person left": (of_page, lambda: _bob().delete()),
    "person deactivated": (of_page, _deactivate),
    "person deleted": (of_page, _delete),
    "library deleted": (of_page, lambda: Library.objects.get(slug="barcelona").delete()),
    "expired": (of_page, lambda: UploadLink.objects.update(expires=timezone.now())),
    "used": (of_page, lambda: UploadLink.objects.update(used=timezone.now())),
}


@pytest.mark.parametrize("case", KILLED)
def test_a_dead_link_answers_like_one_that_never_was(server: Server, cast: Cast, case: str) -> None:
    make, kill = KILLED[case]
    link = make_link(make(cast))
    kill()
    unknown = comparable(upload(server, tokens.generate(PREFIX), JPEG))
    assert comparable(upload(server, link, JPEG)) == unknown
    assert unknown[0] == 404
    assert unknown[1]["cache-control"] == "no-store" and unknown[1]["referrer-policy"] == "no-referrer"
    assert Asset.objects.count() == 0


def test_whatever_is_no_link_answers_like_one_that_never_was(server: Server, cast: Cast) -> None:
    unknown = comparable(upload(server, tokens.generate(PREFIX), JPEG))
    link = make_link(of_page(cast))
    for text in ("", "x", link[:-1], link.swapcase(), f"{link}/", "%00", "rstu_" + "é" * 49, "x" * 5000):
        assert comparable(upload(server, text, JPEG)) == unknown, text
    assert upload(server, link, JPEG).status_code == 200


def test_the_same_is_asked_of_the_database_whatever_is_wrong_with_a_link(cast: Cast) -> None:
    key = of_key(cast, barcelona="write")
    good, used, expired = (make_link(key) for _ in range(3))
    dead = make_link(of_key(cast, "Gone", barcelona="write"))
    UploadLink.objects.filter(digest=tokens.digest(used)).update(used=timezone.now())
    UploadLink.objects.filter(digest=tokens.digest(expired)).update(expires=timezone.now())
    APIKey.objects.filter(pk=UploadLink.objects.get(digest=tokens.digest(dead)).credential_id).delete()
    counts = set()
    for link in (dead, used, expired, tokens.generate(PREFIX)):
        with CaptureQueriesContext(database) as queries, pytest.raises(EndpointNotFound):
            admit(link, ORIGIN, principal_for_credential)
        counts.add(len(queries))
    assert counts == {3}
    assert admit(good, ORIGIN, principal_for_credential).library_id == "barcelona"


def test_who_may_not_upload_makes_no_link(cast: Cast) -> None:
    command = CreateUploadLink(organization_id="acme", library_id="barcelona")
    for principal, refusal in (
        (of_key(cast, "Reader", barcelona="read"), LibraryReadOnly),
        (of_key(cast, "Elsewhere", paris="write"), LibraryNotAuthorized),
        (UserPrincipal(ORIGIN, cast.carol), LibraryReadOnly),
        (OPERATOR, Forbidden),
    ):
        with pytest.raises(refusal):
            create_upload_link(principal, command)
    assert UploadLink.objects.count() == 0


def test_a_link_lasts_fifteen_minutes_at_most(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    for seconds in (901, 0, -5, "600", 1.5):
        text = call_tool(server.mcp_url, key, MODERN, "create_upload_link", {**ACME, "expiresIn": seconds}).text
        assert "BAD_USER_INPUT" in text and "expiresIn" in text
    assert UploadLink.objects.count() == 0
    call_tool(server.mcp_url, key, MODERN, "create_upload_link", ACME)
    link = UploadLink.objects.get()
    assert timedelta(seconds=599) < link.expires - link.created <= timedelta(seconds=601)


# --- What a link is --------------------------------------------------------------------------------------------------


def test_the_line_for_a_shell_uploads_and_its_exit_code_tells(server: Server, cast: Cast, tmp_path: Path) -> None:
    key = cast.key("Camera", barcelona="write").secret
    answer = call_tool(server.mcp_url, key, MODERN, "create_upload_link", ACME).json()["result"]["structuredContent"]
    assert (answer["maxFiles"], answer["maxBytes"]) == (MOST_FILES, 1024**3)
    path = tmp_path / "sea at noon.jpg"
    path.write_bytes(JPEG[1])
    command = shlex.split(answer["curl"].replace("PATH", str(path)))
    first, second = (subprocess.run(command, capture_output=True, check=False) for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 22)
    assert json.loads(second.stdout)["error"]["code"] == "ENDPOINT_NOT_FOUND"
    uploaded = json.loads(first.stdout)
    assert set(uploaded) == {"responseText", "assets"}
    [asset] = uploaded["assets"]
    assert (asset["name"], asset["uploadedBy"], asset["width"]) == ("sea at noon", {"name": "Camera"}, 800)
    listed = call_tool(server.mcp_url, key, MODERN, "list_assets", ACME).json()["result"]["structuredContent"]
    assert [row["id"] for row in listed["data"]] == [asset["id"]]


def test_only_a_digest_of_a_link_is_kept_and_the_audit_log_has_who_made_and_used_it(server: Server, cast: Cast) -> None:
    link = make_link(of_connection(cast))
    assert tokens.is_well_formed(link, PREFIX)
    assert bytes(UploadLink.objects.get().digest) == tokens.digest(link)
    assert upload(server, link, JPEG, headers={"User-Agent": "curl"}).status_code == 200
    made, used = AuditEntry.objects.order_by("id")
    assert (made.action, used.action) == ("upload_link.create", "asset.upload")
    assert made.actor == used.actor == "bob@example.com through Test app"
    assert (used.face, used.user_agent) == ("link", "curl")
    assert link not in str(list(AuditEntry.objects.values()))


def test_no_log_holds_a_link_and_the_access_log_has_its_route(server: Server, cast: Cast) -> None:
    links = [make_link(of_page(cast)), tokens.generate(PREFIX)]
    ids = [upload(server, link, JPEG, headers={"Referer": f"{server.url}{PATH}{link}"}).headers for link in links]
    of_bob, _ = (json.loads(server.logged(headers["x-request-id"])[0]) for headers in ids)
    assert of_bob["route"] == "/upload/<link>"
    assert of_bob["principal"] == f"user {cast.bob.pk}"
    assert not any(link.removeprefix(PREFIX)[:20] in server.log.read_text() for link in links)


def test_a_file_can_become_a_variant(server: Server, cast: Cast) -> None:
    parent = AssetFactory(library=cast.barcelona)
    elsewhere = AssetFactory(library=cast.paris)
    answer = upload(server, make_link(of_page(cast)), JPEG, data={"parentId": parent.pk})
    assert answer.json()["assets"][0]["parentId"] == parent.pk
    for wrong in (elsewhere.pk, "a" * 22):
        answer = upload(server, make_link(of_page(cast)), JPEG, data={"parentId": wrong})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "RESOURCE_NOT_FOUND")
    answer = upload(server, make_link(of_page(cast)), JPEG, JPEG, data={"parentId": parent.pk})
    assert answer.json()["error"]["code"] == "BAD_USER_INPUT"


def test_links_that_are_over_are_swept(cast: Cast) -> None:
    make_link(of_page(cast))
    UploadLink.objects.update(expires=timezone.now() - timedelta(days=2))
    make_link(of_page(cast))
    assert sweep()["upload links"] == 1
    assert UploadLink.objects.count() == 1


# --- One use -------------------------------------------------------------------------------------------------------


def test_of_many_uses_at_once_one_wins(server: Server, cast: Cast) -> None:
    link = make_link(of_key(cast, barcelona="write"))
    with ThreadPoolExecutor(8) as threads:
        statuses = sorted(threads.map(lambda _: upload(server, link, JPEG).status_code, range(8)))
    assert statuses == [200] + [404] * 7
    assert Asset.objects.count() == 1


def test_a_whole_upload_spends_a_link_even_if_nothing_of_it_came_in(server: Server, cast: Cast) -> None:
    link = make_link(of_key(cast, barcelona="write"))
    refused = upload(server, link, TEXT)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BAD_USER_INPUT")
    assert "words.png" in refused.json()["error"]["message"]
    assert upload(server, link, JPEG).status_code == 404


class SlowUpload:
    """An upload of which a part was sent."""

    def __init__(self, server: Server, link: str) -> None:
        body = httpx2.Request("POST", "http://x", files={"file": JPEG})
        content = body.read()
        self.rest = content[2000:]
        self.connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
        self.connection.putrequest("POST", PATH + link)
        self.connection.putheader("Content-Type", body.headers["content-type"])
        self.connection.putheader("Content-Length", str(len(content)))
        self.connection.endheaders(content[:2000])
        # Its headers were read once the link is taken.
        digest = tokens.digest(link)
        wait_until(lambda: UploadLink.objects.filter(digest=digest, used__isnull=False).exists())

    def finish(self) -> tuple[int, dict[str, object]]:
        self.connection.send(self.rest)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())


def test_while_an_upload_is_on_its_way_its_link_is_taken(server: Server, cast: Cast) -> None:
    link = make_link(of_key(cast, barcelona="write"))
    slow = SlowUpload(server, link)
    assert upload(server, link, JPEG).status_code == 404
    # What expires now does so while its upload is on the way.
    UploadLink.objects.update(expires=timezone.now())
    assert slow.finish()[0] == 200
    assert Asset.objects.count() == 1


def test_an_upload_that_broke_off_leaves_its_link_good(server: Server, cast: Cast) -> None:
    link = make_link(of_key(cast, barcelona="write"))
    SlowUpload(server, link).connection.close()
    wait_until(lambda: UploadLink.objects.get().used is None)
    broken = httpx2.post(
        f"{server.url}{PATH}{link}", content=b"no form", headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert broken.json()["error"]["code"] == "BAD_USER_INPUT"
    assert upload(server, link, *[JPEG] * (MOST_FILES + 1)).status_code == 400
    assert upload(server, link, *[JPEG] * MOST_FILES).status_code == 200
    assert Asset.objects.count() == MOST_FILES


@pytest.mark.parametrize("case", sorted(KILLED.keys() - {"expired", "used"}))
def test_what_is_taken_back_while_an_upload_is_on_its_way_stops_it(server: Server, cast: Cast, case: str) -> None:
    make, kill = KILLED[case]
    slow = SlowUpload(server, make_link(make(cast)))
    kill()
    status, answer = slow.finish()
    assert (status, Asset.objects.count()) == (404, 0)
    assert "upload link" in str(answer)


# --- The way there ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def behind_proxy(django_db_setup: None, static_files: None, server_log: Path) -> Iterator[Server]:
    with running_server(server_log, **PRODUCTION, RASTER_TRUSTED_PROXIES="127.0.0.1") as server:
        yield server


def test_plain_http_is_refused_before_a_look_at_the_link(behind_proxy: Server, cast: Cast) -> None:
    links = [make_link(of_page(cast)), tokens.generate(PREFIX)]
    for forwarded in ({}, {**OVER_HTTPS, "X-Forwarded-Proto": "http"}):
        answers = [comparable(upload(behind_proxy, link, JPEG, headers={**HOST, **forwarded})) for link in links]
        assert answers[0] == answers[1]
        assert answers[0][0] == 403 and "HTTPS_REQUIRED" in answers[0][2]
    assert upload(behind_proxy, links[0], JPEG, headers={**HOST, **OVER_HTTPS}).status_code == 200


def test_only_our_own_hosts_take_uploads(behind_proxy: Server, cast: Cast) -> None:
    link = make_link(of_page(cast))
    for host, status in (("evil.example", 403), ("mcp.example.com", 404)):
        answer = upload(behind_proxy, link, JPEG, headers={**OVER_HTTPS, "Host": host})
        assert answer.status_code == status
    assert UploadLink.objects.get().used is None


def test_a_link_takes_post_requests_only_and_no_page_of_another_origin_may_call(server: Server, cast: Cast) -> None:
    link = make_link(of_page(cast))
    for method in ("GET", "PUT", "DELETE", "OPTIONS"):
        headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        answers = [
            httpx2.request(method, f"{server.url}{PATH}{text}", headers=headers)
            for text in (link, tokens.generate(PREFIX))
        ]
        assert comparable(answers[0]) == comparable(answers[1])
        assert (answers[0].status_code, answers[0].headers["allow"]) == (405, "POST")
        assert not any(name.startswith("access-control") for name in answers[0].headers)


def test_nothing_of_a_body_is_read_for_a_dead_link(server: Server, cast: Cast) -> None:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    connection.putrequest("POST", PATH + tokens.generate(PREFIX))
    connection.putheader("Content-Length", str(10**9))
    connection.putheader("Expect", "100-continue")
    connection.endheaders()
    answer = connection.getresponse()
    # A server that began to read would have said so first: 100 Continue.
    assert (answer.status, answer.headers["connection"]) == (404, "close")
    connection.close()
