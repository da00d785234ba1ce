"""A credential that is revoked while its upload is under way stores nothing, and the answer says why."""

import http.client
import json
from typing import Any

import httpx2
import pytest

from accounts.models import User
from assets.models import Asset
from orgs.contracts import RemoveMember
from orgs.models import LibraryMembership
from orgs.operations import remove_member
from tests.api.test_uploads_from_pages import cookies_of, ticket
from tests.api.uploading import staged_files, stored_files
from tests.apikeys.people import sign_in
from tests.assets import pictures
from tests.contract.transports import VERSION
from tests.factories import OPERATOR, Cast, give_password
from tests.revocations import REVOCATIONS
from tests.server import Server
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("clean")
#: More than a server keeps in memory before it writes to the staging folder.
FIRST_PART = 1_500_000
LARGE = ("sea.svg", pictures.SVG + b" " * 2_000_000)
GRAPHQL = """mutation Up($files: [Upload!]!) {
    uploadAssets(organizationId: "acme", libraryId: "barcelona", files: $files) { responseText } }"""


class SlowUpload:
    """An upload of which a part was sent, and staged by the server."""

    def __init__(self, server: Server, request: httpx2.Request) -> None:
        staged = len(staged_files())
        content = request.read()
        self._rest = content[FIRST_PART:]
        self._connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
        self._connection.putrequest("POST", request.url.path)
        for name, value in request.headers.items():
            if name != "host":
                self._connection.putheader(name, value)
        self._connection.endheaders(content[:FIRST_PART])
        wait_until(lambda: len(staged_files()) > staged)

    def finish(self) -> tuple[int, dict[str, Any]]:
        """Send the rest; return the status and the body of the answer."""
        self._connection.send(self._rest)
        answer = self._connection.getresponse()
        body: dict[str, Any] = json.loads(answer.read())
        self._connection.close()
        return answer.status, body


def over_rest(server: Server, credential: str) -> httpx2.Request:
    return httpx2.Request(
        "POST",
        f"{server.url}/api/organizations/acme/libraries/barcelona/assets",
        files=[("files", LARGE)],
        headers={"Authorization": f"Bearer {credential}", "Api-Version": VERSION},
    )


def over_graphql(server: Server, credential: str) -> httpx2.Request:
    operations = {"query": GRAPHQL, "variables": {"files": [None]}}
    return httpx2.Request(
        "POST",
        f"{server.url}/graphql",
        data={"operations": json.dumps(operations), "map": json.dumps({"0": ["variables.files.0"]})},
        files=[("0", LARGE)],
        headers={"Authorization": f"Bearer {credential}", "Apollo-Require-Preflight": "1"},
    )


@pytest.mark.parametrize("case", REVOCATIONS)
@pytest.mark.parametrize("interface", [over_rest, over_graphql])
def test_a_credential_revoked_under_way_stores_nothing(server: Server, cast: Cast, interface: Any, case: str) -> None:
    revocation, stored = REVOCATIONS[case], stored_files()
    slow = SlowUpload(server, interface(server, revocation.credential(cast)))
    revocation.revoke(cast)
    status, body = slow.finish()
    assert status == revocation.status
    error = body["error"] if "error" in body else body["errors"][0]["extensions"]
    assert error["code"] == revocation.code
    assert not Asset.objects.exists()
    cast.acme.refresh_from_db()
    assert cast.acme.storage_used == 0
    assert stored_files() == stored


@pytest.mark.parametrize("interface", [over_rest, over_graphql])
def test_a_slow_upload_that_nobody_revokes_is_stored(server: Server, cast: Cast, interface: Any) -> None:
    slow = SlowUpload(server, interface(server, cast.key(barcelona="write").secret))
    assert slow.finish()[0] in {200, 201}
    assert Asset.objects.count() == 1


@pytest.mark.parametrize(
    ("revoke", "status"),
    [
        ("sign out", 401),
        ("change the password", 401),
        ("deactivate", 401),
        ("demote", 403),
        ("remove", 404),
    ],
)
def test_a_page_of_a_session_that_ends_under_way_stores_nothing(
    server: Server, cast: Cast, revoke: str, status: int
) -> None:
    browser, stored = sign_in(cast.bob), stored_files()
    request = httpx2.Request(
        "POST",
        f"{server.url}/upload/{ticket(browser, cast.bob, cast.barcelona)}",
        files=[("file", LARGE)],
        headers=cookies_of(browser),
    )
    slow = SlowUpload(server, request)
    if revoke == "sign out":
        browser.logout()
    elif revoke == "change the password":
        give_password(cast.bob)
    elif revoke == "deactivate":
        User.objects.filter(pk=cast.bob.pk).update(is_active=False)
    elif revoke == "demote":
        LibraryMembership.objects.filter(membership__user=cast.bob).update(role="viewer")
    else:
        remove_member(OPERATOR, RemoveMember(organization_id="acme", user_id=cast.bob.pk))
    assert slow.finish()[0] == status
    assert not Asset.objects.exists()
    assert stored_files() == stored
