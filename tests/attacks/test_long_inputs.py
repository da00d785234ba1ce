"""A long text, whatever it is made of, costs no more than its length, at every place that takes a text."""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from allauth.core.context import request_context
from django import forms
from django.test import Client, RequestFactory

import accounts.admin
import accounts.forms
import apikeys.forms
import assets.forms
import connections.client_form
import connections.device_form
import orgs.forms
from accounts.models import User
from api.graphql.schema import schema
from api.rest.endpoints import ENDPOINTS, FILES, Endpoint
from apikeys.models import APIKey, Claim
from assets.models import Asset, Tag
from connections.models import Client as OAuthClient
from mcp_gateway.tools import ANONYMOUS_TOOLS, RESOURCES, TOOLS, Tool
from orgs.models import Library, Membership, Organization
from raster.contracts import Contract, json_schema, read_json
from raster.errors import BadUserInput, RasterError
from tests.api.uploading import JPEG
from tests.attacks.inputs import LONG
from tests.attacks.places import CONTRACTS, Place, graphql_value, places, takes_text
from tests.contract.transports import Answer, read_tool_answer
from tests.factories import Cast
from tests.mcp.client import MODERN, post, rpc_body, rpc_headers
from tests.server import Server

pytestmark = pytest.mark.once

SIZE = 1024 * 1024
#: First, so that a test of quadratic work fails instead of taking hours.
SMALL = 32 * 1024
#: Below, a difference is not that of the input.
LEAST_SECONDS = 0.05
RUNS = 3
MOST_GROWTH = 3
#: Characters of what is sent to a server, in a body and in an address.
SENT = 60_000
IN_ADDRESS = 50_000
SECONDS = 60
LONGEST_MESSAGE = 2_000


# --- Work grows no faster than the text ----------------------------------------------------------------------------


def seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def check_growth(work: Callable[[str], object], where: str) -> None:
    """Fail if twice the text takes more than three times the processor, for any long text."""
    for kind, make in LONG.items():
        small, half, whole = (partial(work, make(size)) for size in (SMALL, SIZE // 2, SIZE))
        assert seconds(small) < 1, (where, kind)
        if seconds(whole) <= LEAST_SECONDS:
            continue
        first = min(seconds(half) for _ in range(RUNS))
        second = min(seconds(whole) for _ in range(RUNS))
        assert second <= LEAST_SECONDS or second <= MOST_GROWTH * first, (where, kind, first, second)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_validating_a_contract_is_no_more_work_than_its_text_is_long(contract: type[Contract]) -> None:
    for place in places(json_schema(contract)):

        def validate(text: str, place: Place = place) -> None:
            try:
                read_json(contract, place.filled(text))
            except BadUserInput as refusal:
                assert len(refusal.message) < LONGEST_MESSAGE  # noqa: PT017 - acceptance is no failure

        check_growth(validate, f"{contract.__name__}{place.where}")


def person() -> User:
    return User.objects.create_user("erin@example.com")


#: What forms are made with besides what was sent; those that are not here need nothing.
NEEDS: dict[str, Callable[[], dict[str, Any]]] = {
    "ClaimForm": lambda: {"is_theirs": False},
    "DeleteKeyForm": lambda: {"key_name": "CI"},
    "MoveForm": lambda: {"libraries": Library.objects.all()},
    "RoleForm": lambda: {"roles": list(Membership.Role)},
    "SignInForm": lambda: {"request": RequestFactory().post("/login")},
    "SignInAgainForm": lambda: {"user": person()},
    "NewPasswordForm": lambda: {"user": person(), "temp_key": "x"},
}
MODULES = (
    accounts.admin,
    accounts.forms,
    apikeys.forms,
    assets.forms,
    connections.client_form,
    connections.device_form,
    orgs.forms,
)
FORMS: list[type[forms.BaseForm]] = [
    form
    for module in MODULES
    for form in vars(module).values()
    if isinstance(form, type) and issubclass(form, forms.BaseForm) and form.__module__ == module.__name__
]


@pytest.mark.django_db
@pytest.mark.parametrize("form", FORMS, ids=lambda form: str(form.__name__))
def test_validating_a_form_is_no_more_work_than_its_text_is_long(form: type[forms.BaseForm]) -> None:
    needed = NEEDS.get(form.__name__, dict)()
    fields = form(**needed).fields
    for name in fields:

        def validate(text: str, name: str = name) -> None:
            sent = {**dict.fromkeys(fields, "x"), name: text}
            with request_context(RequestFactory().post("/login")):  # which allauth's forms look at
                form(data=sent, **needed).full_clean()

        check_growth(validate, f"{form.__name__}.{name}")


# --- A server refuses it and changes nothing -----------------------------------------------------------------------


def contents() -> list[list[Any]]:
    """Return what requests may change."""
    tables = (Organization, Library, Asset, Tag, APIKey, Claim, User, OAuthClient)
    kept = [list(table.objects.order_by("pk").values_list("pk", flat=True)) for table in tables]
    names = [list(table.objects.order_by("pk").values_list("name", flat=True)) for table in (Library, Asset)]
    return [*kept, *names]


@pytest.fixture
def unchanged(cast: Cast) -> Iterator[str]:
    """A key that may write, and a check that nothing was changed by it."""
    secret = cast.key(barcelona="write").secret
    before = contents()
    yield secret
    assert contents() == before


def sent(make: Callable[[int], str], most: int, length: Callable[[str], int]) -> str:
    """Return a long text that is no longer than this as it is sent."""
    size = most
    while length(text := make(size)) > most:
        size //= 2
    return text


def in_body(make: Callable[[int], str]) -> str:
    return sent(make, SENT, lambda text: len(json.dumps(text, ensure_ascii=False).encode()))


def in_address(make: Callable[[int], str]) -> str:
    return sent(make, IN_ADDRESS, lambda text: len(quote(text, safe="")))


def check_refused(answer: Answer, *where: str) -> None:
    """Fail unless this is a refusal in the catalogue's words, which do not repeat what was sent."""
    assert answer.code in RasterError.catalogue, (where, answer)
    assert answer.status < 500, (where, answer)
    assert len(answer.message) < LONGEST_MESSAGE, (where, answer.message[:200])


@pytest.mark.parametrize("tool", [*TOOLS.values()], ids=lambda tool: str(tool.name))
def test_every_argument_of_every_tool_refuses_it(server: Server, unchanged: str, tool: Tool) -> None:
    with httpx2.Client(timeout=SECONDS) as client:
        for place in places(tool.definition.input_schema):
            for kind, make in LONG.items():
                params = {"name": tool.name, "arguments": place.filled(in_body(make))}
                answer = read_tool_answer(post(server.mcp_url, unchanged, MODERN, "tools/call", params, client))
                check_refused(answer, tool.name, place.where, kind)


def test_every_argument_of_the_anonymous_tool_refuses_it(server: Server, unchanged: str) -> None:
    tool = ANONYMOUS_TOOLS["create_organization"]
    headers = rpc_headers(MODERN, "tools/call", tool.name)
    with httpx2.Client(timeout=SECONDS) as client:
        for place in places(tool.definition.input_schema):
            for kind, make in LONG.items():
                body = rpc_body(MODERN, "tools/call", {"name": tool.name, "arguments": place.filled(in_body(make))})
                answer = client.post(f"{server.mcp_url}/anonymous", json=body, headers=headers)
                check_refused(read_tool_answer(answer), place.where, kind)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: str(resource.name))
def test_every_part_of_every_resource_refuses_it(server: Server, unchanged: str, resource: Any) -> None:
    with httpx2.Client(timeout=SECONDS) as client:
        for name in ("organizationId", "libraryId"):
            for kind, make in LONG.items():
                # Without a name in the header, which the body is compared with.
                uri = resource.template.replace(f"{{{name}}}", quote(in_address(make), safe=""))
                answer = client.post(
                    server.mcp_url,
                    json=rpc_body("2025-11-25", "resources/read", {"uri": uri}),
                    headers={
                        **rpc_headers("2025-11-25", "resources/read"),
                        "Authorization": f"Bearer {unchanged}",
                    },
                )
                assert answer.json()["error"]["code"] == -32602, (name, kind, answer.text[:200])


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: str(endpoint.name))
def test_every_argument_of_every_endpoint_refuses_it(server: Server, unchanged: str, endpoint: Endpoint) -> None:
    headers = {"Authorization": f"Bearer {unchanged}", "Api-Version": "2026-07-08"}
    with httpx2.Client(timeout=SECONDS, headers=headers) as client:
        for place in places(json_schema(endpoint.operation.takes)):
            for kind, make in LONG.items():
                is_in_body = endpoint.takes_body and not place.where.startswith(
                    tuple(f".{name}" for name in endpoint.rest.places)
                )
                given = place.filled(in_body(make) if is_in_body else in_address(make))
                path = endpoint.rest.path
                for name in endpoint.rest.places:
                    path = path.replace(f"{{{name}}}", quote(str(given.pop(name, "x")), safe=""))
                more: dict[str, Any] = {"params" if endpoint.rest.method == "GET" else "json": given}
                if endpoint.operation.takes_files:
                    more = {"data": given, "files": [(FILES, JPEG)]}
                answer = client.request(endpoint.rest.method, f"{server.url}/api{path}", **more)
                error = answer.json()["error"]
                check_refused(
                    Answer(error["code"], answer.status_code, error["message"]), endpoint.name, place.where, kind
                )


FIELDS = {
    name: (word, field)
    for word, root in (("query", "Query"), ("mutation", "Mutation"))
    for name, field in schema._schema.type_map[root].fields.items()  # type: ignore[attr-defined]
}


@pytest.mark.parametrize("name", FIELDS)
def test_every_argument_of_every_field_refuses_it(server: Server, unchanged: str, name: str) -> None:
    word, field = FIELDS[name]
    head = ", ".join(f"${argument}: {kind.type}" for argument, kind in field.args.items())
    passed = ", ".join(f"{argument}: ${argument}" for argument in field.args)
    document = f"{word} Long({head}) {{ {name}({passed}) {{ __typename }} }}"
    headers = {"Authorization": f"Bearer {unchanged}"}
    with httpx2.Client(timeout=SECONDS, headers=headers) as client:
        for argument, kind in field.args.items():
            if not takes_text(kind.type):
                continue
            for what, make in LONG.items():
                variables = {each: graphql_value(of.type) for each, of in field.args.items()}
                variables[argument] = graphql_value(kind.type, in_body(make))
                check_graphql(client, server, {"query": document, "variables": variables}, name, argument, what)


def check_graphql(client: httpx2.Client, server: Server, body: dict[str, Any], *where: str) -> None:
    answer = client.post(f"{server.url}/graphql", json=body)
    for error in answer.json()["errors"]:
        refused = Answer(error["extensions"]["code"], answer.status_code, error["message"])
        check_refused(refused, *where)


@pytest.mark.parametrize("member", ["query", "operationName", "a name", "a literal"])
def test_a_graphql_request_refuses_it(server: Server, unchanged: str, member: str) -> None:
    with httpx2.Client(timeout=SECONDS, headers={"Authorization": f"Bearer {unchanged}"}) as client:
        for kind, make in LONG.items():
            text = in_body(make)
            body: dict[str, Any] = {"query": "{ viewer { plan } }", member: text}
            if member == "a name":
                body = {"query": "query Q($a: Int) { viewer { plan } }", "variables": {text: 1, "a": "x"}}
            if member == "a literal":
                literal = json.dumps(text[:5_000], ensure_ascii=True)
                body = {"query": f'{{ assets(organizationId: {literal}, libraryId: "x") {{ id }} }}'}
            check_graphql(client, server, body, member, kind)


REGISTERED = ("client_name", "client_uri", "logo_uri", "scope", "token_endpoint_auth_method", "jwks_uri")
LISTED = ("redirect_uris", "grant_types", "response_types")


@pytest.mark.parametrize("name", [*REGISTERED, *LISTED])
def test_a_client_that_registers_is_answered_at_once(server: Server, unchanged: str, name: str) -> None:
    """Some of it is left out or cut, as the protocol has it: what counts is that nothing fails, and no row is long."""
    begun = time.monotonic()
    with httpx2.Client(timeout=SECONDS) as client:
        for kind, make in LONG.items():
            text = in_body(make)
            said = {"redirect_uris": ["https://app.example/back"], name: [text] if name in LISTED else text}
            answer = client.post(f"{server.url}/register", json=said)
            assert answer.status_code in {201, 400, 413, 429}, (name, kind, answer.text[:200])
    assert time.monotonic() - begun < SECONDS
    assert all(len(row.name) <= 200 for row in OAuthClient.objects.all())
    OAuthClient.objects.all().delete()


@pytest.mark.parametrize("path", ["/acme/search", "/acme/barcelona", "/acme/barcelona/trash", "/device"])
def test_pages_take_it_in_their_address(client: Client, cast: Cast, path: str) -> None:
    client.force_login(cast.alice)
    for kind, make in LONG.items():
        text = sent(make, IN_ADDRESS // 5, lambda text: len(quote(text, safe="")))
        answer = client.get(path, dict.fromkeys(("q", "tag", "page", "code"), text), headers={"User-Agent": text})
        assert answer.status_code in {200, 400}, (path, kind)
