"""Each operation in each situation gets one answer, whichever interface asks.

What an operation refuses is tested in tests/api/test_access.py; here each interface hands it on.
"""

from collections.abc import Callable
from typing import Any

import pytest

from api.examples import ASSET_ID, VARIANT_ID
from assets.models import Asset
from orgs.models import Library
from tests.connections.factories import connect, make_client, tokens_of
from tests.contract.transports import MCP, REST, Answer, GraphQL, Transport, comparable
from tests.factories import AssetFactory, Cast
from tests.operations import AT_A_LIBRARY, AT_AN_ORGANIZATION, CALLS, WRITES, Call, bad_inputs, begin, put_in_trash
from tests.server import Server

TRANSPORTS: tuple[type[Transport], ...] = (MCP, REST, GraphQL)
#: Files come in another way over each interface: test_uploads.py has their cases.
EVERY = [call for call in CALLS if not call.operation.takes_files]
BY_NAME = {call.operation.name: call for call in EVERY if call.takes is call.operation.takes}
#: Of each operation over every interface; tests/api/test_access.py has all of them.
MOST_BAD = 2
Asking = Callable[[str, Call, dict[str, Any]], list[Answer]]


@pytest.fixture
def asking(server: Server, cast: Cast) -> Asking:
    """Ask every interface the same, each time from the same begin."""

    def ask(credential: str, call: Call, arguments: dict[str, Any]) -> list[Answer]:
        answers: list[Answer] = []
        for transport in (kind(server) for kind in TRANSPORTS):
            if transport.serves(call):
                if not answers or not answers[-1].code:  # what was refused changed nothing
                    begin(cast)
                    if call.operation.name == "restore_assets":
                        put_in_trash(ASSET_ID)
                answers.append(transport.ask(credential, call.operation.name, arguments).stable)
        return answers

    return ask


@pytest.fixture
def token(cast: Cast) -> str:
    """A token of bob, who edits Barcelona and owns nothing."""
    return tokens_of(connect(cast.bob, make_client(), cast.acme)).access


def refused(answers: list[Answer], code: str) -> None:
    assert {answer.code for answer in answers} == {code}
    assert len({(answer.status, answer.message) for answer in answers}) == 1


@pytest.mark.parametrize("call", EVERY, ids=str)
def test_every_interface_refuses_alike(asking: Asking, cast: Cast, call: Call) -> None:
    key = cast.key(barcelona="write").secret
    refused(asking("nonsense", call, call.at()), "UNAUTHENTICATED")
    refused(asking("rstk_nonsense", call, call.at()), "INVALID_API_KEY")
    if call in AT_AN_ORGANIZATION:
        refused(asking(key, call, call.at("globex", "secret")), "ORGANIZATION_NOT_FOUND")
    if call in AT_A_LIBRARY:
        refused(asking(key, call, call.at(library="paris")), "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY")
    if call in WRITES:
        reading = cast.key("Reading", barcelona="read", paris="read").secret
        refused(asking(reading, call, call.at()), call.key_code or "API_KEY_READ_ONLY")


@pytest.mark.parametrize("call", [call for call in EVERY if call.example], ids=str)
def test_bad_input_is_named_alike_and_changes_nothing(asking: Asking, cast: Cast, call: Call) -> None:
    key = cast.key(barcelona="write", paris="write").secret
    fitting = [arguments for arguments in bad_inputs(call) if _fits_every_interface(call, arguments)]
    assert fitting
    for arguments in fitting[:MOST_BAD]:
        refused(asking(key, call, arguments), "BAD_USER_INPUT")
    assert list(Asset.objects.order_by("name").values_list("name", flat=True)) in ([], ["Harbor", "Smaller"])
    assert Library.objects.filter(organization=cast.acme).count() == 2


def _fits_every_interface(call: Call, arguments: dict[str, Any]) -> bool:
    """Return whether arguments have the right names and types, and can be written into an address."""
    right = call.at()
    [wrong] = {name for name in arguments.keys() | right.keys() if arguments.get(name) != right.get(name)}
    value = arguments.get(wrong)
    # GraphQL counts some pages from 0, and a query string has no empty list.
    return wrong in right and wrong != "page" and bool(value) and value != [{"of": "another type"}]


@pytest.mark.parametrize("call", EVERY, ids=str)
def test_a_key_with_the_level_gets_one_answer(asking: Asking, cast: Cast, call: Call) -> None:
    answers = asking(cast.key(barcelona="write", paris="write").secret, call, call.at())
    if call.key_code:
        refused(answers, call.key_code)
        return
    assert [answer.code for answer in answers] == [""] * len(answers), answers
    for answer in answers[1:]:
        assert comparable(answer) == comparable(answers[0])


def test_a_user_approves_and_creates_no_library(asking: Asking, token: str) -> None:
    approval = BY_NAME["set_asset_approval"]
    answers = asking(token, approval, approval.at())
    assert answers[0].data["approval"]["state"] == "approved"
    assert answers == answers[:1] * len(TRANSPORTS)
    for name in ("create_library", "rename_library"):
        refused(asking(token, BY_NAME[name], BY_NAME[name].at()), "FORBIDDEN")


def test_a_connection_without_write_is_told_how_to_get_it(asking: Asking, cast: Cast) -> None:
    connection = connect(cast.bob, make_client(), cast.acme, asked_write=False, may_write=False)
    call = BY_NAME["tag_assets"]
    refused(asking(tokens_of(connection).access, call, call.at()), "INSUFFICIENT_SCOPE")


def test_what_is_not_there_is_not_found_alike(asking: Asking, cast: Cast) -> None:
    key = cast.key(barcelona="write", paris="write").secret
    for name in ("get_asset", "tag_assets", "transfer_assets"):
        refused(asking(key, BY_NAME[name], BY_NAME[name].at(asset="e" * 22)), "RESOURCE_NOT_FOUND")
    other = AssetFactory(library=cast.barcelona).pk
    promote = BY_NAME["promote_variant"]
    for variant in (other, "e" * 22):
        refused(asking(key, promote, {**promote.at(), "variantId": variant}), "NOT_FOUND")
    assert Asset.objects.filter(pk=VARIANT_ID, parent=ASSET_ID).exists()
