"""What a key cannot reach answers exactly as what does not exist, whichever field asks."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.graphql.schema import Request, execute, prepare, schema
from assets.models import Asset
from connections.bearer import principal_for_bearer
from connections.resources import API
from orgs.access import Origin
from tests.api.graphql.cases import (
    ASSET,
    AT_A_LIBRARY,
    AT_AN_ORGANIZATION,
    AT_NOTHING,
    BY_FORM,
    IN_TRASH,
    PEOPLE_ONLY,
    WRITES,
    document,
)
from tests.api.graphql.client import ask, refusal
from tests.factories import AssetFactory, Cast
from tests.mcp.cases import unreachable
from tests.mcp.client import comparable, masked
from tests.server import Server


def test_every_field_has_a_case() -> None:
    introspected = schema.introspect()["__schema"]["types"]
    fields = {kind["name"]: {field["name"] for field in kind["fields"] or ()} for kind in introspected}
    assert fields["Query"] | fields["Mutation"] == {*AT_A_LIBRARY, *AT_AN_ORGANIZATION, *AT_NOTHING, *BY_FORM}
    assert fields["Mutation"] == {*WRITES, *BY_FORM, "createLibrary"}


def test_unreachable_libraries_answer_alike_for_every_field(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    for name in AT_A_LIBRARY:
        answers = [
            masked(
                comparable(ask(server, key, *document(name, *place), headers={"Accept": "application/json"})), place[1]
            )
            for place in unreachable(cast).values()
        ]
        for _, headers, _ in answers:
            headers.pop("ratelimit-remaining", None)
            headers.pop("ratelimit-reset", None)
        assert answers[0] == answers[1] == answers[2], name
        assert answers[0][0] == 404
        assert "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY" in answers[0][2], name


def test_unreachable_organizations_answer_alike_for_every_field(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    for name in {**AT_A_LIBRARY, **AT_AN_ORGANIZATION}:
        answers = [ask(server, key, *document(name, organization, "secret")) for organization in ("globex", "nowhere")]
        assert answers[0].text == answers[1].text, name
        assert [refusal(answer) for answer in answers] == [(404, "ORGANIZATION_NOT_FOUND")] * 2, name


def test_unreachable_libraries_take_the_same_queries(cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    for name in AT_A_LIBRARY:
        seen = set()
        for place in unreachable(cast).values():
            text, variables = document(name, *place)
            request = prepare(text, None, variables)
            assert isinstance(request, Request)
            principal = principal_for_bearer(key, Origin("graphql"), API)
            with CaptureQueriesContext(connection) as captured:
                outcome = execute(request, principal)
            seen.add((len(captured), outcome.refusals[0].code))
        assert len(seen) == 1, (name, seen)


def test_missing_trashed_and_foreign_assets_answer_alike(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write", paris="write").secret
    trashed = AssetFactory(library=cast.barcelona, tagged=["sea"], trashed="2026-01-01T00:00:00Z")
    elsewhere = [AssetFactory(library=library, tagged=["sea"]).pk for library in (cast.paris, cast.secret)]
    for name, (_, given, _) in AT_A_LIBRARY.items():
        if not {ASSET, str([ASSET])} & {str(value) for value in given.values()}:
            continue
        missing = [ASSET, *elsewhere, *([] if name in IN_TRASH else [trashed.pk])]
        answers = [ask(server, key, *document(name, "acme", "barcelona", asset_id)) for asset_id in missing]
        told = [answer.text.replace(sent, "…") for answer, sent in zip(answers, missing, strict=True)]
        assert all(text == told[0] for text in told), name
        code = (403, "APPROVAL_REQUIRES_USER") if name in PEOPLE_ONLY else (404, "RESOURCE_NOT_FOUND")
        assert {refusal(answer) for answer in answers} == {code}, name


def test_a_key_that_may_read_is_told_that_it_may_not_write(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="read", paris="write").secret
    asset = AssetFactory(library=cast.barcelona, tagged=["sea"])
    for name in WRITES:
        for asset_id in (asset.pk, ASSET):
            answer = ask(server, key, *document(name, "acme", "barcelona", asset_id))
            code = "APPROVAL_REQUIRES_USER" if name in PEOPLE_ONLY else "API_KEY_READ_ONLY"
            assert refusal(answer) == (403, code), name
    cast.barcelona.refresh_from_db()
    unchanged = Asset.objects.get()
    assert (cast.barcelona.name, unchanged.description) == ("Barcelona", "")
    assert [tag.text for tag in unchanged.tags.all()] == ["sea"]


def test_several_assets_at_once_tell_no_more_than_one(server: Server, cast: Cast) -> None:
    """The fields of a request are loaded together; one out of reach is as one that is not there."""
    key = cast.key(barcelona="read").secret
    near, far = AssetFactory(library=cast.barcelona), AssetFactory(library=cast.paris)
    texts = set()
    for other in (far.pk, ASSET):
        place = 'organizationId: "acme", libraryId: "barcelona"'
        fields = (f'a{i}: asset({place}, assetId: "{asset}") {{ id }}' for i, asset in enumerate((near.pk, other)))
        answer = ask(server, key, f"{{ {' '.join(fields)} }}")
        assert refusal(answer) == (404, "RESOURCE_NOT_FOUND")
        texts.add(answer.text)
    assert len(texts) == 1


def test_nothing_is_told_of_what_a_list_leaves_out(server: Server, cast: Cast) -> None:
    unreachable(cast)
    key = cast.key(barcelona="read").secret
    for text in ("{ viewer { libraries { library } } }", '{ libraries(organizationId: "acme") { id name } }'):
        answer = ask(server, key, text).text
        assert "barcelona" in answer
        assert "paris" not in answer.lower() and "secret" not in answer.lower()


@pytest.mark.parametrize("slug", ["paris", "free-one"])
def test_a_slug_that_is_taken_out_of_reach_is_not_told(server: Server, cast: Cast, slug: str) -> None:
    key = cast.key(barcelona="write").secret
    text = 'mutation($slug: String) { createLibrary(organizationId: "acme", name: "New", slug: $slug) { id } }'
    assert ask(server, key, text, {"slug": slug}).json()["data"]["createLibrary"]["id"].startswith(f"{slug}-")
