"""What one request may ask for: what is over a limit is refused without a statement beyond its credential's."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from graphql import get_introspection_query

from api.graphql import limits
from api.graphql.schema import Outcome, Request, execute, prepare
from assets.models import Asset
from connections.bearer import principal_for_bearer
from connections.resources import API
from orgs.access import Origin
from raster.errors import BadUserInput
from tests.api.graphql.client import ask, refusal
from tests.factories import AssetFactory, Cast, LibraryFactory
from tests.server import Server

PLACE = 'organizationId: "acme", libraryId: "barcelona"'
BOMB = "{ ...F0 }" + "".join(f" fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} }}" for i in range(18))


def pages(size: object) -> str:
    """Return ten fields of pages."""
    asked = "id url name variants { id url name sizes }"
    return " ".join(f"a{i}: assets({PLACE}, pageSize: {size}) {{ {asked} }}" for i in range(10))


ATTACKS = {
    "deep": "{ " + "libraries { " * 200 + "id" + " }" * 200 + " }",
    "nested beyond what a parser takes": "{" + "viewer{" * 740 + "plan" + "}" * 741,
    "nested lists": "{ tags(limit: " + "[" * 1400 + ") { id } }",
    "a chain of fragments": "{ ...F0 }"
    + "".join(f" fragment F{i} on Asset {{ variants {{ ...F{i + 1} }} }}" for i in range(15)),
    "wide at the root": "{ " + " ".join(f"a{i}: viewer {{ plan }}" for i in range(11)) + " }",
    "wide at the root by fragments": "{ "
    + " ".join(f"...F{i}" for i in range(4))
    + " }"
    + "".join(
        f" fragment F{i} on Query {{ a{i}: viewer {{ plan }} b{i}: viewer {{ plan }} c{i}: viewer {{ plan }} }}"
        for i in range(4)
    ),
    "wide": "{ viewer { " + "plan " * 1400 + "} }",
    "repeated": "{ viewer { plan plan plan plan } }",
    "many fields": "{ viewer { " + " ".join(f"f{i}" for i in range(301)) + " } }",
    "many aliases": "{ viewer { " + " ".join(f"a{i}: plan" for i in range(31)) + " } }",
    "many tokens": "{ viewer { plan } }" + " query Q { viewer { plan } }" * 200,
    "long": "{ viewer { plan } } #" + "x" * limits.MOST_CHARACTERS,
    "many operations": "".join(f"query Q{i} {{ viewer {{ plan }} }} " for i in range(11)),
    "many fragments": "{ viewer { plan } }" + "".join(f" fragment F{i} on Viewer {{ plan }}" for i in range(21)),
    "a cycle": "{ viewer { ...A } } fragment A on Viewer { plan ...B } fragment B on Viewer { ...A }",
    "a fragment in itself": "{ ...A } fragment A on Query { ...A }",
    "an unused cycle": "{ viewer { plan } } fragment A on Viewer { ...A }",
    "fragments of fragments": BOMB + " fragment F18 on Query { viewer { plan } }",
    "fragments of nothing": BOMB,
    "large pages": f"{{ {pages(500)} }}",
    "types of types": "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
    "cyclic types": "{ __schema { types" + " { possibleTypes" * 12 + " { name" + " }" * 14 + " }",
}


@pytest.fixture
def key(cast: Cast) -> str:
    return cast.key(barcelona="write").secret


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in ATTACKS.items()])
def test_what_asks_for_too_much_is_refused_without_a_statement(text: str, db: None) -> None:
    with CaptureQueriesContext(connection) as captured:
        try:
            outcome = prepare(text, None, {})
        except BadUserInput:
            pass
        else:
            assert isinstance(outcome, Outcome) and outcome.refusals
    assert len(captured) == 0


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in ATTACKS.items()])
def test_it_is_told_as_bad_input(server: Server, key: str, text: str) -> None:
    answer = ask(server, key, text)
    assert refusal(answer) == (400, "BAD_USER_INPUT")
    assert len(answer.text) < 5_000


def test_a_fault_that_quotes_tokens_is_not_taken_for_too_many() -> None:
    with pytest.raises(BadUserInput, match="at most 1500 tokens"):
        prepare(ATTACKS["many tokens"], None, {})
    outcome = prepare("{ viewer { plan } } tokens", None, {})
    assert isinstance(outcome, Outcome)
    assert "Unexpected Name 'tokens'" in outcome.refusals[0].message


@pytest.mark.parametrize("size", [500, 501, 10**9, "x", None])
def test_a_page_counts_as_large_as_its_variable_says(server: Server, key: str, size: object) -> None:
    fields = " ".join(
        f"a{i}: assets({PLACE}, pageSize: $n) {{ id url name variants {{ id url name sizes }} }}" for i in range(9)
    )
    assert refusal(ask(server, key, f"query($n: Int) {{ {fields} }}", {"n": size})) == (400, "BAD_USER_INPUT")
    assert refusal(ask(server, key, f"query($n: Int = 500) {{ {fields} }}")) == (400, "BAD_USER_INPUT")
    small = ask(server, key, f"query($n: Int = 5) {{ {fields} }}")
    assert small.status_code == 200


def test_errors_are_few_and_short(server: Server, key: str) -> None:
    wrong = " ".join(f"f{i}" for i in range(100))
    assert len(ask(server, key, f"{{ viewer {{ {wrong} }} }}").json()["errors"]) <= 5
    answer = ask(server, key, "query($n: Int) { tags(limit: $n) { id } }", {"n": "x" * 100_000})
    assert len(answer.text) < 5_000


def test_tools_are_told_the_whole_schema(server: Server, key: str) -> None:
    answer = ask(server, key, get_introspection_query(descriptions=True, input_value_deprecation=True))
    assert answer.status_code == 200
    assert {"Query", "Mutation", "Asset"} <= {kind["name"] for kind in answer.json()["data"]["__schema"]["types"]}


def test_a_full_page_of_everything_is_within_the_limits(server: Server, key: str) -> None:
    facts = (
        "id organizationId libraryId name description tags contentType size width height blurhash url sizes appUrl "
        "type parentId approval { state note by { name } at } uploadedBy { name } created updated"
    )
    text = f"{{ assets({PLACE}, page: 0, pageSize: 500, tags: []) {{ {facts} variants {{ {facts} }} }} }}"
    assert ask(server, key, text).json() == {"data": {"assets": []}}


def statements(text: str, key: str) -> int:
    request = prepare(text, None, {})
    assert isinstance(request, Request)
    principal = principal_for_bearer(key, Origin("graphql"), API)
    with CaptureQueriesContext(connection) as captured:
        outcome = execute(request, principal)
    assert not outcome.refusals
    return len(captured)


def test_statements_do_not_grow_with_assets_or_libraries(cast: Cast) -> None:
    key = cast.key(barcelona="write", paris="read").secret
    LibraryFactory(organization=cast.acme)
    everything = "id tags sizes variants { id tags } views { id } approval { by { name } } uploadedBy { name }"
    texts = [
        f"{{ assets({PLACE}) {{ {everything} }} }}",
        f'{{ searchAssets(organizationId: "acme", q: "") {{ hits {{ {everything} highlights {{ tags }} }} }} }}',
        '{ libraries(organizationId: "acme") { id assetsCount photosCount trashCount tags access } }',
        "{ viewer { libraries { library access } } }",
    ]

    def grown() -> list[int]:
        for _ in range(3):
            asset = AssetFactory(library=cast.barcelona, tagged=["sea", "boat"])
            AssetFactory(library=cast.barcelona, parent_id=asset.pk, tagged=["small"])
        return [statements(text, key) for text in texts]

    few = grown()
    LibraryFactory(organization=cast.acme)
    assert grown() == few


def test_assets_asked_for_one_by_one_are_loaded_together(cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    ids = [AssetFactory(library=cast.barcelona, tagged=["sea"]).pk for _ in range(10)]

    def text(count: int) -> str:
        fields = (f'a{i}: asset({PLACE}, assetId: "{ids[i]}") {{ id tags variants {{ id }} }}' for i in range(count))
        return f"{{ {' '.join(fields)} }}"

    assert statements(text(10), key) == statements(text(1), key)
    assert Asset.objects.count() == 10


def test_each_field_at_the_root_costs_the_same(cast: Cast) -> None:
    """Ten times the same are ten times as much, and there are ten at most."""
    key = cast.key(barcelona="write").secret
    AssetFactory(library=cast.barcelona, tagged=["sea"])
    one = statements(f"{{ a0: assets({PLACE}) {{ id }} }}", key)
    fields = " ".join(f"a{i}: assets({PLACE}) {{ id }}" for i in range(limits.MOST_ROOT_FIELDS))
    assert statements(f"{{ {fields} }}", key) <= one * limits.MOST_ROOT_FIELDS
