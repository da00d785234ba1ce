"""What the fields answer, and that they do what the operations do."""

import json
from typing import Any

import pytest

from assets.models import Asset
from orgs.models import Library
from tests.api.graphql.client import ask, refusal
from tests.connections.factories import connect, make_client, tokens_of
from tests.factories import AssetFactory, Cast
from tests.mcp.client import MODERN, call_tool
from tests.server import Server

PLACE = 'organizationId: "acme", libraryId: "barcelona"'
FACTS = (
    "id organizationId libraryId name description tags contentType size width height blurhash url sizes appUrl "
    "type parentId approval { state note by { name } at } uploadedBy { name } created updated"
)


@pytest.fixture
def key(cast: Cast) -> str:
    return cast.key(barcelona="write", paris="write").secret


def data(server: Server, key: str, text: str, **variables: Any) -> Any:
    answer = ask(server, key, text, variables)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def test_an_asset_is_what_mcp_says_it_is(server: Server, cast: Cast, key: str) -> None:
    asset = AssetFactory(library=cast.barcelona, tagged=["sea", "boat"], sizes={"320": "abc.webp"}, size=2**33)
    AssetFactory(library=cast.barcelona, parent_id=asset.pk, name="Small")
    arguments = {"organizationId": "acme", "libraryId": "barcelona", "assetId": asset.pk}
    said = call_tool(server.mcp_url, key, MODERN, "get_asset", arguments).json()["result"]["structuredContent"]
    shown = data(server, key, f'{{ asset({PLACE}, assetId: "{asset.pk}") {{ {FACTS} variants {{ {FACTS} }} }} }}')[
        "asset"
    ]
    for each in (shown, *shown["variants"]):
        each["sizes"] = json.loads(each["sizes"])
    assert shown == said


def test_views_are_the_variants_by_their_former_name(server: Server, cast: Cast, key: str) -> None:
    asset = AssetFactory(library=cast.barcelona)
    variant = AssetFactory(library=cast.barcelona, parent_id=asset.pk)
    [shown] = data(server, key, f"{{ assets({PLACE}) {{ views {{ id parentId }} }} }}")["assets"]
    assert shown == {"views": [{"id": variant.pk, "parentId": asset.pk}]}


def test_libraries_and_assets_count_pages_from_0_and_searches_from_1(server: Server, cast: Cast, key: str) -> None:
    assets = [AssetFactory(library=cast.barcelona, name=f"Harbor {i}").pk for i in range(3)]
    newest = list(reversed(assets))

    def page(field: str, number: int) -> list[str]:
        arguments = f'organizationId: "acme", pageSize: 2, page: {number}'
        asked = {
            "libraries": f"libraries({arguments}) {{ id }}",
            "assets": f'assets({arguments}, libraryId: "barcelona") {{ id }}',
            "searchAssets": f'searchAssets({arguments}, q: "harbor") {{ hits {{ id }} }}',
        }
        found = data(server, key, f"{{ {asked[field]} }}")[field]
        return [each["id"] for each in (found["hits"] if field == "searchAssets" else found)]

    assert [page("libraries", number) for number in (0, 1)] == [["barcelona", "paris"], []]
    assert [page("assets", number) for number in (0, 1, 2)] == [newest[:2], newest[2:], []]
    assert [page("searchAssets", number) for number in (1, 2, 3)] == [newest[:2], newest[2:], []]


@pytest.mark.parametrize(
    ("field", "page"), [("libraries", -1), ("libraries", 1_000_000), ("assets", -1), ("searchAssets", 0)]
)
def test_pages_before_the_first_or_after_the_last_are_refused(server: Server, key: str, field: str, page: int) -> None:
    more = {"libraries": "", "assets": 'libraryId: "barcelona", ', "searchAssets": 'q: "", '}[field]
    asked = "found" if field == "searchAssets" else "id"
    answer = ask(server, key, f'{{ {field}(organizationId: "acme", {more}page: {page}) {{ {asked} }} }}')
    assert refusal(answer) == (400, "BAD_USER_INPUT")
    assert answer.json()["errors"][0]["message"].startswith("page: input should be")


@pytest.mark.parametrize("tags", [None, [], ["sea"], ["SEA", "other"], ["none"]])
def test_no_tags_are_no_filter(server: Server, cast: Cast, key: str, tags: list[str] | None) -> None:
    tagged = AssetFactory(library=cast.barcelona, tagged=["sea"]).pk
    other = AssetFactory(library=cast.barcelona).pk
    text = f"query($tags: [String!]) {{ assets({PLACE}, tags: $tags) {{ id }} }}"
    expected = {other, tagged} if not tags else {tagged} if tags != ["none"] else set()
    assert {asset["id"] for asset in data(server, key, text, tags=tags)["assets"]} == expected


def test_the_queries_of_clients_in_the_field_are_answered(server: Server, cast: Cast, key: str) -> None:
    AssetFactory(library=cast.barcelona)
    libraries = (
        "query Query($organizationId: String!) { libraries(organizationId: $organizationId) { id name photosCount } }"
    )
    answer = ask(
        server,
        key,
        libraries,
        {"organizationId": "acme"},
        operationName="Query",
        headers={"Apollo-Require-Preflight": "true"},
    )
    assert answer.json()["data"]["libraries"][0] == {"id": "barcelona", "name": "Barcelona", "photosCount": 1}
    assets = """
        query Query($organizationId: ID!, $libraryId: ID!, $page: Int!, $pageSize: Int!, $tags: [String!]) {
          assets(
            organizationId: $organizationId, libraryId: $libraryId, page: $page, pageSize: $pageSize, tags: $tags
          ) {
            id blurhash url name height width description views { id parentId name url height width }
          }
        }"""
    place = {"organizationId": "acme", "libraryId": "barcelona", "page": 0, "pageSize": 500, "tags": []}
    assert len(ask(server, key, assets, place, operationName="Query").json()["data"]["assets"]) == 1


def test_the_viewer_is_the_credential(server: Server, cast: Cast, key: str) -> None:
    text = "{ viewer { organizationId organizationName plan libraries { library access } organizations { plan } } }"
    libraries = [{"library": name, "access": "write"} for name in ("barcelona", "paris")]
    acme = {"organizationId": "acme", "organizationName": "Acme", "plan": "self-hosted", "libraries": libraries}
    assert data(server, key, text)["viewer"] == {**acme, "organizations": None}
    connection = connect(cast.alice, make_client(), cast.acme, all_organizations=True)
    identity = "organizationId organizationName plan libraries { library access }"
    text = f"{{ viewer {{ organizationId organizations {{ {identity} }} }} }}"
    shown = data(server, tokens_of(connection).access, text)["viewer"]
    assert shown == {"organizationId": None, "organizations": [acme]}


def test_searches_are_highlighted(server: Server, cast: Cast, key: str) -> None:
    AssetFactory(library=cast.barcelona, name="Old <harbor>")
    asked = "found foundCapped page corrected hits { score highlights { name tags } }"
    text = f'{{ searchAssets(organizationId: "acme", q: "harbor") {{ {asked} }} }}'
    assert data(server, key, text)["searchAssets"] == {
        "found": 1,
        "foundCapped": False,
        "page": 1,
        "corrected": None,
        "hits": [{"score": 9, "highlights": {"name": "Old &lt;<mark>harbor</mark>&gt;", "tags": None}}],
    }


def test_changes_are_made_in_their_order(server: Server, cast: Cast, key: str) -> None:
    asset = AssetFactory(library=cast.barcelona, name="Old")
    text = f"""
        mutation($ids: [ID!]!, $id: ID!) {{
          tagAssets({PLACE}, assetIds: $ids, tags: ["sea", "boat"]) {{ taggedCount }}
          untagAssets({PLACE}, assetIds: $ids, tags: ["sea"]) {{ untaggedCount }}
          renameAsset({PLACE}, assetId: $id, name: "New") {{ name tags }}
          updateAssetDescription({PLACE}, assetId: $id, description: "Seen") {{ assetId description }}
          deleteAssets({PLACE}, assets: $ids) {{ success message ids }}
          restoreAssets({PLACE}, assets: $ids) {{ success message ids }}
          transferAssets(
            organizationId: "acme", sourceLibraryId: "barcelona", targetLibraryId: "paris", assetIds: $ids
          ) {{
            transferredCount sourceLibraryId targetLibraryId
          }}
          renameLibrary({PLACE}, name: "Coast") {{ id name access }}
          createLibrary(organizationId: "acme", name: "Alps") {{ name access tags }}
        }}"""
    made = data(server, key, text, ids=[asset.pk], id=asset.pk)
    assert made["tagAssets"] == {"taggedCount": 2}
    assert made["untagAssets"] == {"untaggedCount": 1}
    assert made["renameAsset"] == {"name": "New", "tags": ["boat"]}
    assert made["updateAssetDescription"] == {"assetId": asset.pk, "description": "Seen"}
    assert made["deleteAssets"]["ids"] == made["restoreAssets"]["ids"] == [asset.pk]
    assert made["transferAssets"]["transferredCount"] == 1
    assert made["renameLibrary"] == {"id": "barcelona", "name": "Coast", "access": "write"}
    assert made["createLibrary"] == {"name": "Alps", "access": "write", "tags": []}
    assert Asset.objects.get().library == cast.paris
    assert Library.objects.filter(organization=cast.acme).count() == 3


def test_a_change_that_fails_leaves_the_others(server: Server, cast: Cast, key: str) -> None:
    asset = AssetFactory(library=cast.barcelona, name="Old")
    text = f"""
        mutation {{
          bad: tagAssets({PLACE}, assetIds: ["{asset.pk}"], tags: ["index"]) {{ taggedCount }}
          good: renameAsset({PLACE}, assetId: "{asset.pk}", name: "New") {{ name }}
        }}"""
    answer = ask(server, key, text)
    assert refusal(answer) == (400, "BAD_USER_INPUT")
    assert answer.json()["data"] == {"bad": None, "good": {"name": "New"}}
    assert answer.json()["errors"][0]["path"] == ["bad"]
    assert answer.json()["errors"][0]["message"] == "tags.0: the tags index and trash are reserved"


def test_a_query_that_fails_answers_nothing(server: Server, cast: Cast, key: str) -> None:
    text = '{ libraries(organizationId: "acme") { id } assets(organizationId: "acme", libraryId: "x") { id } }'
    answer = ask(server, key, text)
    assert refusal(answer) == (404, "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY")
    assert answer.json()["data"] is None


def test_a_person_approves_and_promotes(server: Server, cast: Cast) -> None:
    token = tokens_of(connect(cast.bob, make_client(), cast.acme)).access
    asset = AssetFactory(library=cast.barcelona, name="Old")
    text = f"""
        mutation {{
          setAssetApproval({PLACE}, assetId: "{asset.pk}", state: "approved", note: "Fine") {{
            assetId approval {{ state note by {{ name }} at }}
          }}
        }}"""
    approval = data(server, token, text)["setAssetApproval"]["approval"]
    assert (approval["state"], approval["note"]) == ("approved", "Fine")
    assert approval["at"] > 2**31


def test_files_come_by_forms_alone(server: Server, cast: Cast, key: str) -> None:
    text = f"mutation($files: [Upload!]!) {{ uploadAssets({PLACE}, files: $files) {{ responseText }} }}"
    attempts: list[object] = [[], ["x"], [None], [{}], "x", None]
    for files in attempts:
        answer = ask(server, key, text, {"files": files})
        assert refusal(answer) == (400, "BAD_USER_INPUT")
    assert not Asset.objects.exists()


def test_the_log_says_what_was_asked_and_no_more(server: Server, cast: Cast, key: str) -> None:
    answer = ask(server, key, 'query Q { libraries(organizationId: "acme") { id } viewer { plan } }')
    lines = server.logged(answer.headers["X-Request-Id"])
    record = json.loads(lines[-1])
    assert (record["route"], record["tool"]) == ("/graphql", "libraries viewer")
    assert key not in "".join(lines)
