"""Queries by GET, as clients send them whose documents fit a URL: never a mutation, and with a bearer alone."""

import json
from typing import Any

import httpx2
import pytest

from assets.models import Asset
from tests.api.graphql.client import OVER_HTTPS, SECONDS, refusal
from tests.factories import AssetFactory, Cast
from tests.server import Server

VIEWER = "{ viewer { organizationId } }"
ASSET = 'query Find($id: ID!) { asset(organizationId: "acme", libraryId: "barcelona", assetId: $id) { name } }'
RENAME = 'mutation { renameAsset(organizationId: "acme", libraryId: "barcelona", assetId: "ID", name: "Other") { id } }'


def get(
    server: Server, key: str | None, method: str = "GET", accept: str = "*/*", **parameters: Any
) -> httpx2.Response:
    headers = {"Accept": accept} | ({"Authorization": f"Bearer {key}"} if key else {})
    return httpx2.request(method, f"{server.url}/graphql", params=parameters, headers=headers, timeout=SECONDS)


def test_a_mutation_is_refused_and_changes_nothing(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    asset = AssetFactory(library=cast.barcelona, name="Harbor")
    for method in ("GET", "HEAD"):
        answer = get(server, key, method, query=RENAME.replace("ID", asset.pk))
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    both = f"query A {VIEWER} {RENAME.replace('ID', asset.pk).replace('mutation', 'mutation B')}"
    assert get(server, key, query=both, operationName="B").status_code == 405
    assert get(server, key, query=both, operationName="A").status_code == 200
    assert Asset.objects.get(pk=asset.pk).name == "Harbor"


def test_without_a_bearer_there_is_a_challenge(server: Server) -> None:
    answer = get(server, None, query=VIEWER, accept="application/json")
    assert refusal(answer) == (401, "UNAUTHENTICATED")
    assert "resource_metadata" in answer.headers["WWW-Authenticate"]


def test_a_query_is_answered_as_by_post(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="read").secret
    asset = AssetFactory(library=cast.barcelona, name="Harbor")
    variables = json.dumps({"id": asset.pk})
    answer = get(server, key, query=ASSET, variables=variables, operationName="Find", extensions="{}")
    assert answer.json() == {"data": {"asset": {"name": "Harbor"}}}
    assert answer.headers["Cache-Control"] == "no-store"
    head = get(server, key, "HEAD", query=ASSET, variables=variables)
    assert (head.status_code, head.content) == (200, b"")


def test_a_bearer_gets_data_whatever_it_accepts(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="read").secret
    answer = get(server, key, query=VIEWER, accept="text/html,*/*")
    assert answer.json() == {"data": {"viewer": {"organizationId": "acme"}}}


@pytest.mark.parametrize(
    "query",
    [
        "",
        "query=",
        "variables={}",
        "query={viewer{plan}}&variables=",
        "query={viewer{plan}}&variables=[]",
        "query={viewer{plan}}&variables={",
        'query={viewer{plan}}&variables={"a":1,"a":2}',
        "query={viewer{plan}}&query={viewer{plan}}",
        "query=%FF",
        "&".join(f"a{number}=1" for number in range(20)),
        f"query={{viewer{{plan}}}}{'%20' * 20_001}",
    ],
    ids=str,
)
def test_what_is_no_request_is_refused(server: Server, cast: Cast, query: str) -> None:
    headers = {"Authorization": f"Bearer {cast.key(barcelona='read').secret}"}
    answer = httpx2.get(f"{server.url}/graphql?{query}", headers=headers, timeout=SECONDS)
    if query.endswith("variables="):  # an empty parameter is none
        assert answer.status_code == 200
    else:
        assert refusal(answer) == (400, "BAD_USER_INPUT")


def test_it_is_at_the_root_of_the_api_host(transactional_db: None, installed: Server) -> None:
    headers = {"Host": "api.example.com", "Authorization": "Bearer nonsense", **OVER_HTTPS}
    for path in ("/", "/graphql"):
        answer = httpx2.get(f"{installed.url}{path}?query={VIEWER}", headers=headers, timeout=SECONDS)
        assert refusal(answer) == (401, "UNAUTHENTICATED")
