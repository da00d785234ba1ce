"""Each operation in each situation gets one answer, whichever transport asks."""

from collections.abc import Callable
from typing import Any

import pytest
from graphql import build_schema

from api.graphql.schema import schema
from api.rest.endpoints import ENDPOINTS
from assets.contracts import DeleteAssets
from assets.models import Asset, Tag
from assets.operations.trash import delete_assets
from mcp_gateway.tools import TOOLS
from orgs.models import Library, Organization
from tests.connections.factories import connect, make_client, tokens_of
from tests.contract.cases import ASSET, CASES, LIBRARY, NOT_IN_GRAPHQL, NOTHING, OTHER, TRASHED, UPLOADS, VARIANT, Case
from tests.contract.transports import FIELDS, MCP, REST, ROUTES, Answer, GraphQL, Transport, comparable
from tests.factories import OPERATOR, AssetFactory, Cast
from tests.server import Server

TRANSPORTS: tuple[type[Transport], ...] = (MCP, REST, GraphQL)
EVERY = [pytest.param(name, case, id=name) for name, case in CASES.items()]
WRITES = [pytest.param(name, case, id=name) for name, case in CASES.items() if case.writes]
AT_A_LIBRARY = [pytest.param(name, case, id=name) for name, case in CASES.items() if case.reach == LIBRARY]
AT_AN_ORGANIZATION = [pytest.param(name, case, id=name) for name, case in CASES.items() if case.reach != NOTHING]
WITH_INPUT = [pytest.param(name, case, id=name) for name, case in CASES.items() if case.bad]
#: Endpoints whose cases are in test_uploads.py and test_start.py.
ELSEWHERE = {
    ("POST", "/organizations/{organizationId}/libraries/{libraryId}/assets"),
    ("POST", "/libraries"),
}
Asking = Callable[[str, str, dict[str, Any]], list[Answer]]


def begin(cast: Cast) -> None:
    """Make what every call is made upon, the same each time."""
    Asset.objects.all().delete()
    Tag.objects.all().delete()
    Library.objects.exclude(pk__in=(cast.barcelona.pk, cast.paris.pk, cast.secret.pk)).delete()
    Library.objects.filter(pk=cast.barcelona.pk).update(name="Barcelona")
    Organization.objects.filter(pk=cast.acme.pk).update(storage_used=0)
    for number, (pk, tags) in enumerate(((ASSET, ["sea", "boat"]), (OTHER, ["sea"]), (TRASHED, []))):
        AssetFactory(pk=pk, library=cast.barcelona, name=f"Harbor {number}", digest=f"{number:064}", tagged=tags)
    AssetFactory(pk=VARIANT, library=cast.barcelona, parent_id=ASSET, name="Smaller", digest="f" * 64)
    place = {"organizationId": "acme", "libraryId": "barcelona"}
    delete_assets(OPERATOR, DeleteAssets.model_validate({**place, "ids": [TRASHED]}))


@pytest.fixture
def asking(server: Server, cast: Cast) -> Asking:
    """Ask every transport the same, each time from the same begin."""

    def ask(credential: str, operation: str, arguments: dict[str, Any]) -> list[Answer]:
        answers: list[Answer] = []
        for transport in (kind(server) for kind in TRANSPORTS):
            if transport.serves(operation):
                if not answers or not answers[-1].code:  # what was refused changed nothing
                    begin(cast)
                answers.append(transport.ask(credential, operation, arguments).stable)
        return answers

    return ask


@pytest.fixture
def token(cast: Cast) -> str:
    """A token of bob, who edits Barcelona and owns nothing."""
    return tokens_of(connect(cast.bob, make_client(), cast.acme)).access


def refused(answers: list[Answer], code: str) -> None:
    assert {answer.code for answer in answers} == {code}
    assert len({(answer.status, answer.message) for answer in answers}) == 1
    assert len(answers) >= 2


def test_every_operation_has_a_case() -> None:
    assert set(CASES) | UPLOADS == set(TOOLS)
    assert set(CASES) == set(ROUTES)
    assert {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS} == {*ROUTES.values(), *ELSEWHERE}
    built = build_schema(schema.as_str())
    roots = {name for kind in (built.query_type, built.mutation_type) if kind is not None for name in kind.fields}
    assert roots == {field.name for field in FIELDS.values()} | {"uploadAssets"}
    assert set(CASES) - NOT_IN_GRAPHQL == set(FIELDS)
    assert {name for name, case in CASES.items() if case.writes} | UPLOADS == {
        name for name, tool in TOOLS.items() if tool.writes
    }


@pytest.mark.parametrize(("operation", "case"), EVERY)
def test_what_is_no_credential_is_refused_alike(asking: Asking, operation: str, case: Case) -> None:
    refused(asking("nonsense", operation, case.at()), "UNAUTHENTICATED")
    refused(asking("rstk_nonsense", operation, case.at()), "INVALID_API_KEY")


@pytest.mark.parametrize(("operation", "case"), WRITES)
def test_read_does_not_write(asking: Asking, cast: Cast, operation: str, case: Case) -> None:
    key = cast.key(barcelona="read", paris="read").secret
    refused(asking(key, operation, case.at()), case.key_refused or "API_KEY_READ_ONLY")
    assert Asset.objects.filter(pk=ASSET, name="Harbor 0", library=cast.barcelona, description="").exists()


@pytest.mark.parametrize(("operation", "case"), AT_A_LIBRARY)
def test_a_library_out_of_reach_is_one_that_does_not_exist(
    asking: Asking, cast: Cast, operation: str, case: Case
) -> None:
    key = cast.key(paris="write").secret
    arguments = {"targetLibraryId": "paris"} if operation == "transfer_assets" else {}
    for library in ("barcelona", "nowhere", "secret"):
        refused(asking(key, operation, case.at(library=library, **arguments)), "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY")


@pytest.mark.parametrize(("operation", "case"), AT_AN_ORGANIZATION)
def test_an_organization_of_others_is_one_that_does_not_exist(
    asking: Asking, cast: Cast, operation: str, case: Case
) -> None:
    key = cast.key(barcelona="write", paris="write").secret
    for organization in ("globex", "nowhere"):
        refused(asking(key, operation, case.at(organization)), "ORGANIZATION_NOT_FOUND")


@pytest.mark.parametrize(("operation", "case"), WITH_INPUT)
def test_bad_input_is_named_alike_and_changes_nothing(asking: Asking, cast: Cast, operation: str, case: Case) -> None:
    key = cast.key(barcelona="write", paris="write").secret
    for changed in (case.bad, case.over):
        refused(asking(key, operation, case.at(**changed)), "BAD_USER_INPUT")
    assert Asset.objects.filter(pk=ASSET, name="Harbor 0", library=cast.barcelona, description="").exists()


@pytest.mark.parametrize(("operation", "case"), EVERY)
def test_a_key_with_the_level_gets_one_answer(asking: Asking, cast: Cast, operation: str, case: Case) -> None:
    answers = asking(cast.key(barcelona="write", paris="write").secret, operation, case.at())
    if case.key_refused:
        refused(answers, case.key_refused)
        return
    assert [answer.code for answer in answers] == [""] * len(answers), answers
    assert answers[1] == answers[0]
    for answer in answers[2:]:
        assert comparable(answer) == comparable(answers[0])


def test_a_person_approves_and_creates_no_library(asking: Asking, token: str) -> None:
    answers = asking(token, "set_asset_approval", CASES["set_asset_approval"].at())
    assert answers[0].data["approval"]["state"] == "approved"
    assert answers == answers[:1] * len(TRANSPORTS)
    refused(asking(token, "create_library", CASES["create_library"].at()), "FORBIDDEN")
    refused(asking(token, "rename_library", CASES["rename_library"].at()), "FORBIDDEN")


def test_a_connection_without_write_is_told_how_to_get_it(asking: Asking, cast: Cast) -> None:
    connection = connect(cast.bob, make_client(), cast.acme, asked_write=False, may_write=False)
    refused(asking(tokens_of(connection).access, "tag_assets", CASES["tag_assets"].at()), "INSUFFICIENT_SCOPE")


def test_what_is_not_there_is_not_found_alike(asking: Asking, cast: Cast) -> None:
    key = cast.key(barcelona="write", paris="write").secret
    for operation in ("get_asset", "rename_asset", "update_asset_description", "promote_variant"):
        for asset in (TRASHED, "e" * 22):
            refused(asking(key, operation, CASES[operation].at(assetId=asset)), "RESOURCE_NOT_FOUND")
    refused(asking(key, "promote_variant", CASES["promote_variant"].at(variantId=OTHER)), "NOT_FOUND")
    for operation in ("tag_assets", "untag_assets", "transfer_assets"):
        refused(asking(key, operation, CASES[operation].at(assetIds=[ASSET, TRASHED])), "RESOURCE_NOT_FOUND")
