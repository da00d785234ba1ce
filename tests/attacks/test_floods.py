"""One organization that asks for much at once keeps nobody of another one waiting, whichever interface it floods."""

from functools import partial
from typing import Any

import pytest

from assets.models import Asset
from tests.attacks.bystander import Bystander, working
from tests.attacks.sending import ATTACKERS, attackers, call_at_once
from tests.factories import AssetFactory, Cast
from tests.server import Server

AT_ONCE = 16
TIMES = 3
ASSETS = 200
BARCELONA = {"organizationId": "acme", "libraryId": "barcelona"}
#: Each holds a thread for long: of those that read, those that write, those that decode.
FLOODS: dict[str, tuple[str, dict[str, Any]]] = {
    "reading": ("list_assets", {**BARCELONA, "pageSize": ASSETS}),
    "writing": ("tag_assets", {**BARCELONA, "assetIds": [f"{number:022}" for number in range(100)], "tags": ["new"]}),
    "decoding": ("get_asset", {**BARCELONA, "assetId": f"{0:022}", "preview": True}),
}


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_of_one_organization(server: Server, cast: Cast, bystander: Bystander, kind: str) -> None:
    Asset.objects.bulk_create(
        AssetFactory.build(pk=f"{number:022}", library=cast.barcelona, description="x" * 2000)
        for number in range(ASSETS)
    )
    tool, arguments = FLOODS[kind]
    flood = partial(call_at_once, server.mcp_url, cast.key(barcelona="write").secret, tool, arguments)
    with attackers() as processes, working(bystander):
        for _ in range(TIMES):
            calls = [processes.submit(flood, AT_ONCE // ATTACKERS) for _ in range(ATTACKERS)]
            assert all(all(call.result()) for call in calls)
