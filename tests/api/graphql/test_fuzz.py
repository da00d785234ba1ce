"""Documents that are made up from the schema, and bytes that are none, find no fault of the server."""

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis_graphql import Mode, from_schema, nodes

from api.graphql.schema import schema
from tests.api.graphql.client import ask
from tests.factories import AssetFactory, Cast
from tests.server import Server

SDL = schema.as_str()
UPLOAD = {"Upload": st.just(nodes.String("file"))}
ENOUGH = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
#: JSON that a client might send in place of what is meant.
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def key(cast: Cast) -> str:
    AssetFactory(library=cast.barcelona, tagged=["sea"])
    return cast.key(barcelona="write", paris="read").secret


@pytest.mark.parametrize("mode", list(Mode))
def test_documents_of_the_schema_find_no_fault(server: Server, key: str, mode: Mode) -> None:
    @ENOUGH
    @given(from_schema(SDL, custom_scalars=UPLOAD, mode=mode))
    def asking(text: str) -> None:
        near = text.replace('organizationId: ""', 'organizationId: "acme"').replace(
            'libraryId: ""', 'libraryId: "barcelona"'
        )
        for document in (text, near):
            answer = ask(server, key, document)
            assert answer.status_code < 500, (document, answer.text)
            assert {"data", "errors"} & answer.json().keys()

    asking()


def test_variables_that_are_anything_find_no_fault(server: Server, key: str) -> None:
    text = """
        query($o: ID!, $l: ID!, $p: Int!, $s: Int!, $t: [String!]) {
          assets(organizationId: $o, libraryId: $l, page: $p, pageSize: $s, tags: $t) { id }
          searchAssets(organizationId: $o, q: $l, libraries: $t, approval: $l, page: $p, pageSize: $s) { found }
          asset(organizationId: $o, libraryId: $l, assetId: $l) { id }
        }"""
    text = text.replace("$t: [String!]", "$t: [String!], $i: [ID!]").replace("libraries: $t", "libraries: $i")

    @ENOUGH
    @given(st.fixed_dictionaries({}, optional=dict.fromkeys("olpsti", ANYTHING)))
    def asking(variables: dict[str, Any]) -> None:
        filled = {"o": "acme", "l": "barcelona", "p": 1, "s": 10, **variables}
        try:
            json.dumps(filled, allow_nan=False)
        except ValueError:
            return
        answer = ask(server, key, text, filled)
        assert answer.status_code < 500, (variables, answer.text)

    asking()


def test_anything_in_place_of_a_document_finds_no_fault(server: Server, key: str) -> None:
    @ENOUGH
    @given(st.text() | st.text(alphabet='{}()[]!:$@."#abc \n').map(lambda text: f"{{{text}}}"))
    def asking(text: str) -> None:
        assert ask(server, key, text).status_code < 500

    asking()
