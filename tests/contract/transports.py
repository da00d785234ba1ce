"""The same call over MCP, REST and GraphQL, and its answer in one form."""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx2
from graphql import GraphQLField, GraphQLObjectType, GraphQLOutputType, build_schema, get_named_type
from pydantic.alias_generators import to_camel, to_snake

from api.catalogue import BY_NAME, Graphql, Operation
from api.graphql.schema import schema
from tests.api.uploading import JPEG
from tests.mcp.client import HANDSHAKE, MODERN, call_tool
from tests.operations import Call
from tests.server import Server

SECONDS = 60
VERSION = "2026-07-08"
#: What differs from call to call: ids that are made, moments, and the random end of a slug.
UNSTABLE = (
    (re.compile(r'"(created|updated|at|expiresAt)": \d+'), r'"\1": 0'),
    (re.compile(r"rstu_[A-Za-z0-9_-]+"), "rstu_"),
    (re.compile(r'"lisbon-[a-z0-9]{4}"'), '"lisbon-XXXX"'),
)


@dataclass(frozen=True)
class Answer:
    """What a call ended as: a code with its status and message, or data."""

    code: str = ""
    status: int = 200
    message: str = ""
    data: Any = None

    @property
    def stable(self) -> "Answer":
        """The answer without what differs from call to call."""
        text = json.dumps(self.data, sort_keys=True)
        for pattern, instead in UNSTABLE:
            text = pattern.sub(instead, text)
        return Answer(self.code, self.status, self.message, json.loads(text))


class Transport(ABC):
    #: What the catalogue calls it.
    name: ClassVar[str]

    def __init__(self, server: Server) -> None:
        self.server = server

    @abstractmethod
    def send(self, credential: str, operation: str, arguments: dict[str, Any]) -> httpx2.Response:
        """Call an operation, named and with arguments as the catalogue has them; return the whole answer."""

    @abstractmethod
    def ask(self, credential: str, operation: str, arguments: dict[str, Any]) -> Answer:
        """Do the same and return what the call ended as."""

    def serves(self, call: Call) -> bool:
        """Return whether the operation is offered, by this contract."""
        return getattr(call.operation, self.name) is not None and call.takes is call.operation.takes


class MCP(Transport):
    name = "mcp"
    wire: ClassVar[str] = MODERN

    def serves(self, call: Call) -> bool:
        mcp = call.operation.mcp
        return mcp is not None and call.takes is (mcp.takes or call.operation.takes)

    def send(self, credential: str, operation: str, arguments: dict[str, Any]) -> httpx2.Response:
        return call_tool(self.server.mcp_url, credential, self.wire, operation, arguments)

    def ask(self, credential: str, operation: str, arguments: dict[str, Any]) -> Answer:
        return read_tool_answer(self.send(credential, operation, arguments))


class HandshakeMCP(MCP):
    wire = HANDSHAKE


def read_tool_answer(response: httpx2.Response) -> Answer:
    """Return what the call of a tool ended as."""
    body = response.json()
    if "error" in body:  # the door's
        return Answer(body["error"]["code"], response.status_code, body["error"]["message"])
    result = body["result"]
    if result["isError"]:
        error = json.loads(result["content"][0]["text"])["error"]
        return Answer(error["code"], error["status"], error["message"])
    return Answer(data=result["structuredContent"])


def request_of(operation: str, arguments: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """Return method, path and what else a request of REST has that calls an operation."""
    row = BY_NAME[operation].rest
    assert row is not None
    path, rest = row.path, dict(arguments)
    for name in row.places:
        path = path.replace(f"{{{name}}}", rest.pop(name))
    if BY_NAME[operation].takes_files:
        return row.method, path, {"files": [("files", JPEG)]}
    return row.method, path, {"params" if row.method == "GET" else "json": rest}


class REST(Transport):
    name = "rest"

    def send(self, credential: str, operation: str, arguments: dict[str, Any]) -> httpx2.Response:
        method, path, more = request_of(operation, arguments)
        headers = {"Authorization": f"Bearer {credential}", "Api-Version": VERSION}
        return httpx2.request(method, f"{self.server.url}/api{path}", headers=headers, timeout=SECONDS, **more)

    def ask(self, credential: str, operation: str, arguments: dict[str, Any]) -> Answer:
        response = self.send(credential, operation, arguments)
        body = response.json()
        if "error" in body:
            return Answer(body["error"]["code"], response.status_code, body["error"]["message"])
        # A list's page stands beside its entries, as it does in a tool's result.
        return Answer(data=body if "total" in body else body["data"])


#: What is not compared: GraphQL has it for older clients alone.
LEFT_OUT = {"views"}
ROOTS = build_schema(schema.as_str())


def selection(kind: GraphQLOutputType, depth: int = 4) -> str:
    """Return all that can be asked of a type, as a selection."""
    named = get_named_type(kind)
    if not isinstance(named, GraphQLObjectType):
        return ""
    chosen = [
        f"{name} {selection(field.type, depth - 1)}"
        for name, field in named.fields.items()
        if name not in LEFT_OUT and (depth or not isinstance(get_named_type(field.type), GraphQLObjectType))
    ]
    return f"{{ {' '.join(chosen)} }}"


#: All that can be asked of an asset, and of a variant.
ASSET, PLAIN = (selection(ROOTS.type_map[name])[2:-2] for name in ("Asset", "Variant"))  # type: ignore[arg-type]


def field_of(row: Graphql) -> GraphQLField:
    """Return a field of GraphQL's queries or mutations, as the schema has it."""
    roots = (ROOTS.query_type, ROOTS.mutation_type)
    found: GraphQLField = next(root.fields[row.name] for root in roots if root is not None and row.name in root.fields)
    return found


def document(operation: Operation, given: Collection[str]) -> str:
    """Return a document that asks for all of an operation's answer, with variables for the arguments given."""
    row = operation.graphql
    assert row is not None
    field = field_of(row)
    names = [name for name in field.args if name in given]
    declared = ", ".join(f"${name}: {field.args[name].type}" for name in names)
    passed = ", ".join(f"{name}: ${name}" for name in names)
    word = "mutation" if operation.writes else "query"
    return (
        f"{word} Asked{f'({declared})' if names else ''} "
        f"{{ {row.name}{f'({passed})' if names else ''} {selection(field.type)} }}"
    )


#: What GraphQL leaves to the fields that are asked for, and what is null there and absent elsewhere.
LIST_FACTS = {"page", "pageSize", "total"}
ABSENT = {"organizations", "corrected"}


class GraphQL(Transport):
    name = "graphql"

    def send(self, credential: str, operation: str, arguments: dict[str, Any]) -> httpx2.Response:
        row = BY_NAME[operation].graphql
        assert row is not None
        variables = {to_camel(row.arguments.get(to_snake(name), name)): value for name, value in arguments.items()}
        if row.from_zero and isinstance(variables.get("page"), int):
            variables["page"] -= 1
        text = document(BY_NAME[operation], variables)
        body = {"query": text, "variables": variables, "operationName": "Asked"}
        return httpx2.post(
            f"{self.server.url}/graphql", json=body, headers={"Authorization": f"Bearer {credential}"}, timeout=SECONDS
        )

    def ask(self, credential: str, operation: str, arguments: dict[str, Any]) -> Answer:
        response = self.send(credential, operation, arguments)
        answer = response.json()
        if answer.get("errors"):
            [error] = answer["errors"]
            code = error["extensions"]["code"]
            assert error["extensions"]["http"]["status"] == response.status_code
            return Answer(code, response.status_code, error["message"])
        [data] = _as_elsewhere(list(answer["data"].values()))
        return Answer(data={"data": data} if isinstance(data, list) else data)


def _as_elsewhere(value: Any) -> Any:
    """Return what GraphQL answered in the form that the other transports have."""
    if isinstance(value, list):
        return [_as_elsewhere(each) for each in value]
    if not isinstance(value, dict):
        return value
    shown = {name: _as_elsewhere(each) for name, each in value.items() if each is not None or name not in ABSENT}
    if "sizes" in shown:
        shown["sizes"] = json.loads(shown["sizes"])
    if "highlights" in shown:
        shown["highlights"] = {name: each for name, each in shown["highlights"].items() if each is not None}
    return shown


def comparable(answer: Answer) -> Answer:
    """Return an answer without what a list of GraphQL does not tell."""
    if not isinstance(answer.data, dict) or "data" not in answer.data:
        return answer
    kept = {name: each for name, each in answer.data.items() if name not in LIST_FACTS}
    return Answer(answer.code, answer.status, answer.message, kept)
