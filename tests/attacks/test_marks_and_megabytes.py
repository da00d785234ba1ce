"""Long names and large bodies over MCP, with a credential and without, hold nobody else up."""

from functools import partial

import pytest

from apikeys.models import Claim
from tests.attacks.bystander import Bystander, working
from tests.attacks.sending import LongCall, attackers
from tests.factories import Cast
from tests.mcp.client import WIRES
from tests.server import Server

pytestmark = pytest.mark.once

BARCELONA = {"organizationId": "acme", "libraryId": "barcelona"}
#: In UTF-8, 120 KB.
MARKS = 60_000
LETTERS = 30_000_000


@pytest.mark.parametrize("wire", WIRES)
def test_names_of_marks_hold_nobody_up(server: Server, cast: Cast, bystander: Bystander, wire: str) -> None:
    call = partial(LongCall, server.mcp_url, cast.key(barcelona="write").secret, wire, kind="marks", size=MARKS)
    attacks = [
        call("rename_library", BARCELONA, "name"),
        call("tag_assets", {**BARCELONA, "assetIds": ["x"]}, "tags", size=MARKS // 10, times=20),
        call("search_assets", {"organizationId": "acme"}, "q"),
        call("list_assets", BARCELONA, "tags", times=1),
        call("update_asset_description", {**BARCELONA, "assetId": "x"}, "description"),
    ]
    with attackers() as pool, working(bystander):
        answers = list(pool.map(LongCall.send, attacks))
    for _, _, text in answers:
        assert "BAD_USER_INPUT" in text, text[:200]


@pytest.mark.parametrize("wire", WIRES)
def test_large_names_hold_nobody_up(server: Server, cast: Cast, bystander: Bystander, wire: str) -> None:
    key = cast.key(barcelona="write").secret
    attack = LongCall(server.mcp_url, key, wire, "rename_library", BARCELONA, "name", "letters", LETTERS)
    with attackers() as pool, working(bystander):
        answers = list(pool.map(LongCall.send, [attack] * 4))
    for status, retry_after, text in answers:
        assert status == 429 or "PAYLOAD_TOO_LARGE" in text, text[:200]
        assert (status == 429) == bool(retry_after)
    assert any(status == 200 for status, _, _ in answers)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(("kind", "size"), [("marks", MARKS), ("marks", MARKS // 3), ("letters", LETTERS)])
def test_nobody_needs_a_credential_to_be_refused_at_once(
    server: Server, bystander: Bystander, wire: str, kind: str, size: int
) -> None:
    arguments = {"email": "erin@example.com"}
    url = f"{server.mcp_url}/anonymous"
    attack = LongCall(url, "", wire, "create_organization", arguments, "name", kind, size)
    with attackers() as pool, working(bystander):
        answers = list(pool.map(LongCall.send, [attack] * 4))
    for status, _, text in answers:
        assert (status, "PAYLOAD_TOO_LARGE" in text) == (413, True) or "BAD_USER_INPUT" in text, text[:200]
    assert not Claim.objects.exists()
