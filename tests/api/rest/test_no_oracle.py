"""What a credential cannot reach answers exactly as what does not exist, at every endpoint."""

from typing import Any

import httpx2
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.rest.endpoints import ENDPOINTS
from api.rest.examples import EXAMPLES
from api.rest.requests import read_command
from assets.models import Asset
from assets.operations.uploads import check_may_upload
from connections.bearer import principal_for_bearer
from connections.resources import API
from orgs.access import Origin
from raster.errors import RasterError
from tests.api.rest.asking import CURRENT, ask, code_of, comparable
from tests.api.rest.cases import (
    AT_A_LIBRARY,
    AT_AN_ASSET,
    AT_AN_ORGANIZATION,
    BY_NAME,
    IN_TRASH,
    PEOPLE_ONLY,
    WRITES,
    arguments_of,
    request_of,
)
from tests.factories import AssetFactory, Cast
from tests.mcp.cases import unreachable
from tests.mcp.client import masked
from tests.server import Server


def call(server: Server, key: str, name: str, *place: str) -> httpx2.Response:
    method, path, more = request_of(BY_NAME[name], *place)
    return ask(server, key, method, path, **more)


def test_every_endpoint_has_a_case() -> None:
    assert set(EXAMPLES) == set(BY_NAME)
    assert len(BY_NAME) == len(ENDPOINTS)


def test_unreachable_libraries_answer_alike(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    places = unreachable(cast).values()
    for name in AT_A_LIBRARY:
        answers = [masked(comparable(call(server, key, name, *place)), place[1]) for place in places]
        assert answers[0] == answers[1] == answers[2], name
        assert "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY" in answers[0][2], name


def test_unreachable_organizations_answer_alike(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    for name in (*AT_A_LIBRARY, *AT_AN_ORGANIZATION):
        foreign, unknown = (comparable(call(server, key, name, slug, "secret")) for slug in ("globex", "nowhere"))
        assert foreign == unknown, name
        assert "ORGANIZATION_NOT_FOUND" in foreign[2], name


def test_unreachable_libraries_take_the_same_queries(cast: Cast) -> None:
    principal = principal_for_bearer(cast.key(barcelona="write").secret, Origin("rest"), API)
    places = unreachable(cast).values()
    for name in AT_A_LIBRARY:
        endpoint = BY_NAME[name]
        operation: Any = endpoint.operation or check_may_upload
        seen = set()
        for place in places:
            command = read_command(endpoint, CURRENT, {}, b"", arguments_of(endpoint, *place))
            with CaptureQueriesContext(connection) as captured, pytest.raises(RasterError) as raised:
                operation(principal, command)
            seen.add((len(captured), raised.value.code))
        assert len(seen) == 1, (name, seen)


def test_missing_trashed_and_foreign_assets_answer_alike(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write", paris="write").secret
    trashed = AssetFactory(library=cast.barcelona, tagged=["sea"], trashed="2026-01-01T00:00:00Z")
    elsewhere = [AssetFactory(library=library, tagged=["sea"]).pk for library in (cast.paris, cast.secret)]
    for name in AT_AN_ASSET:
        missing = ["a" * 22, *elsewhere, *([] if name in IN_TRASH else [trashed.pk])]
        answers = [
            masked(comparable(call(server, key, name, "acme", "barcelona", asset_id)), asset_id) for asset_id in missing
        ]
        assert all(answer == answers[0] for answer in answers), name
        assert ("APPROVAL_REQUIRES_USER" if name in PEOPLE_ONLY else "RESOURCE_NOT_FOUND") in answers[0][2], name


def test_a_key_that_may_read_is_told_that_it_may_not_write(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="read", paris="write").secret
    asset = AssetFactory(library=cast.barcelona, tagged=["sea"])
    for name in WRITES:
        # The asset need not exist: the level is judged before any row is looked for.
        for asset_id in (asset.pk, "a" * 22):
            expected = (403, "APPROVAL_REQUIRES_USER" if name in PEOPLE_ONLY else "API_KEY_READ_ONLY")
            assert code_of(call(server, key, name, "acme", "barcelona", asset_id)) == expected, name
    unchanged = Asset.objects.get()
    assert (unchanged.description, [tag.text for tag in unchanged.tags.all()]) == ("", ["sea"])
