"""What a credential cannot reach answers byte for byte as what does not exist, over every interface.

That each operation refuses both alike, tests/api/test_access.py shows.
"""

from typing import Any

import httpx2
import pytest

from tests.contract.transports import MCP, REST, GraphQL, HandshakeMCP, Transport
from tests.factories import AssetFactory, Cast
from tests.operations import CALLS, Call, unreachable
from tests.server import Server

EVERY = pytest.mark.parametrize("transport", [MCP, HandshakeMCP, REST, GraphQL], ids=lambda kind: str(kind.__name__))
#: One that reads, one that takes several libraries, one that writes.
SOME = [call for call in CALLS if call.operation.name in {"list_assets", "search_assets", "tag_assets"}]
#: What differs between two answers that are alike.
PERISHABLE = {"date", "x-request-id", "ratelimit-remaining", "ratelimit-reset", "content-length"}


def told(answer: httpx2.Response, *sent: str) -> tuple[Any, ...]:
    """Return all that an answer tells, without what was sent, which a refusal may repeat."""
    text = answer.text
    for word in sent:
        text = text.replace(word, "…")
    headers = {name: value for name, value in answer.headers.items() if name not in PERISHABLE}
    return answer.status_code, tuple(headers.items()), text


@EVERY
@pytest.mark.parametrize("call", SOME, ids=str)
def test_what_is_out_of_reach_is_told_as_what_does_not_exist(
    server: Server, cast: Cast, transport: type[Transport], call: Call
) -> None:
    key = cast.key(barcelona="write").secret
    places = [*unreachable(cast).values()]
    name = call.operation.name
    answers = [told(transport(server).send(key, name, call.at(*place)), place[1]) for place in places]
    assert len(set(answers)) == 1, answers
    assert "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY" in answers[0][2]
    answers = [told(transport(server).send(key, name, call.at(each, "secret")), each) for each in ("globex", "nowhere")]
    assert len(set(answers)) == 1, answers
    assert "ORGANIZATION_NOT_FOUND" in answers[0][2]


@EVERY
def test_missing_trashed_and_foreign_assets_are_told_alike(
    server: Server, cast: Cast, transport: type[Transport]
) -> None:
    key = cast.key(barcelona="write", paris="write").secret
    trashed = AssetFactory(library=cast.barcelona, trashed="2026-01-01T00:00:00Z").pk
    missing = ["e" * 22, trashed, *(AssetFactory(library=library).pk for library in (cast.paris, cast.secret))]
    place = {"organizationId": "acme", "libraryId": "barcelona"}
    answers = [told(transport(server).send(key, "get_asset", {**place, "assetId": each}), each) for each in missing]
    assert len(set(answers)) == 1, answers
    assert "RESOURCE_NOT_FOUND" in answers[0][2]


@EVERY
def test_lists_and_counts_leave_out_what_is_out_of_reach(
    server: Server, cast: Cast, transport: type[Transport]
) -> None:
    unreachable(cast)
    key = cast.key(barcelona="read").secret
    for name, arguments in {"whoami": {}, "list_libraries": {"organizationId": "acme"}}.items():
        text = transport(server).send(key, name, arguments).text
        assert "barcelona" in text
        assert "paris" not in text.lower() and "secret" not in text


@EVERY
@pytest.mark.parametrize("slug", ["paris", "free-one"])
def test_a_slug_that_is_taken_out_of_reach_is_not_told(
    server: Server, cast: Cast, transport: type[Transport], slug: str
) -> None:
    key = cast.key(barcelona="write").secret
    arguments = {"organizationId": "acme", "name": "New", "slug": slug}
    answer = transport(server).ask(key, "create_library", arguments)
    assert answer.data["id"].startswith(f"{slug}-")
