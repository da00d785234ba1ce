"""The same call over MCP, REST and GraphQL, and its answer in one form."""

import json
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import httpx2

from tests.mcp.client import MODERN, call_tool
from tests.server import Server

SECONDS = 30
VERSION = "2026-07-08"
#: What differs from call to call: ids that are made, moments, and the random end of a slug.
UNSTABLE = (
    (re.compile(r'"(created|updated|at|expiresAt)": \d+'), r'"\1": 0'),
    (re.compile(r"rstu_[A-Za-z0-9_-]+"), "rstu_"),
    (re.compile(r'"new-[a-z0-9]{4}"'), '"new-XXXX"'),
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
    name: ClassVar[str]

    def __init__(self, server: Server) -> None:
        self.server = server

    @abstractmethod
    def ask(self, credential: str, operation: str, arguments: dict[str, Any]) -> Answer:
        """Call an operation, named and with arguments as its MCP tool has them."""

    def serves(self, operation: str) -> bool:
        return True


class MCP(Transport):
    name = "mcp"

    def ask(self, credential: str, operation: str, arguments: dict[str, Any]) -> Answer:
        return read_tool_answer(call_tool(self.server.mcp_url, credential, MODERN, operation, arguments))


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


#: Method and path of each operation; what is not in the path is in the query of a GET and in the body of the others.
ROUTES: dict[str, tuple[str, str]] = {
    "whoami": ("GET", "/me"),
    "list_libraries": ("GET", "/organizations/{organizationId}/libraries"),
    "create_library": ("POST", "/organizations/{organizationId}/libraries"),
    "rename_library": ("PATCH", "/organizations/{organizationId}/libraries/{libraryId}"),
    "list_assets": ("GET", "/organizations/{organizationId}/libraries/{libraryId}/assets"),
    "delete_assets": ("DELETE", "/organizations/{organizationId}/libraries/{libraryId}/assets"),
    "get_asset": ("GET", "/organizations/{organizationId}/libraries/{libraryId}/assets/{assetId}"),
    "rename_asset": ("PATCH", "/organizations/{organizationId}/libraries/{libraryId}/assets/{assetId}"),
    "update_asset_description": (
        "PATCH",
        "/organizations/{organizationId}/libraries/{libraryId}/assets/{assetId}/description",
    ),
    "set_asset_approval": (
        "PATCH",
        "/organizations/{organizationId}/libraries/{libraryId}/assets/{assetId}/approval",
    ),
    "promote_variant": ("POST", "/organizations/{organizationId}/libraries/{libraryId}/assets/{assetId}/promote"),
    "tag_assets": ("POST", "/organizations/{organizationId}/libraries/{libraryId}/assets/tag"),
    "untag_assets": ("POST", "/organizations/{organizationId}/libraries/{libraryId}/assets/untag"),
    "transfer_assets": ("POST", "/organizations/{organizationId}/libraries/{sourceLibraryId}/assets/transfer"),
    "create_upload_link": ("POST", "/organizations/{organizationId}/libraries/{libraryId}/upload-links"),
    "restore_assets": ("POST", "/organizations/{organizationId}/libraries/{libraryId}/assets/restore"),
    "list_tags": ("GET", "/organizations/{organizationId}/libraries/{libraryId}/tags"),
    "search_assets": ("GET", "/organizations/{organizationId}/search/assets"),
}


class REST(Transport):
    name = "rest"

    def ask(self, credential: str, operation: str, arguments: dict[str, Any]) -> Answer:
        method, path = ROUTES[operation]
        rest = dict(arguments)
        for name in re.findall(r"{(\w+)}", path):
            path = path.replace(f"{{{name}}}", rest.pop(name))
        sent: dict[str, Any] = {"params": rest} if method == "GET" else {"json": rest}
        headers = {"Authorization": f"Bearer {credential}", "Api-Version": VERSION}
        response = httpx2.request(method, f"{self.server.url}/api{path}", headers=headers, timeout=SECONDS, **sent)
        body = response.json()
        if "error" in body:
            return Answer(body["error"]["code"], response.status_code, body["error"]["message"])
        # A list's page stands beside its entries, as it does in a tool's result.
        return Answer(data=body if "total" in body else body["data"])


PLAIN = """id organizationId libraryId name description tags contentType size width height blurhash url sizes appUrl
    type parentId approval { state note by { name } at } uploadedBy { name } created updated"""
ASSET = f"{PLAIN} variants {{ {PLAIN} }}"
LIBRARY = "id name assetsCount photosCount trashCount access tags"
AT = "organizationId: ID!, libraryId: ID!"


@dataclass(frozen=True)
class Field:
    """A field of GraphQL: its arguments with their types, what is asked of it, and the names that differ there."""

    name: str
    arguments: str
    answer: str
    kind: str = "query"
    renamed: dict[str, str] = field(default_factory=dict)
    is_list: bool = False
    counts_from_0: bool = False

    def document(self, given: set[str]) -> str:
        """Return a document that asks for the field with the arguments that are given."""
        declared = [each for each in self.arguments.split(", ") if each.partition(":")[0] in given]
        variables = f"({', '.join(f'${each}' for each in declared)})" if declared else ""
        names = [each.partition(":")[0] for each in declared]
        passed = f"({', '.join(f'{name}: ${name}' for name in names)})" if names else ""
        return f"{self.kind} Asked{variables} {{ {self.name}{passed} {{ {self.answer} }} }}"


FIELDS: dict[str, Field] = {
    "whoami": Field(
        "viewer",
        "",
        "organizationId organizationName plan libraries { library access } organizations { organizationId }",
    ),
    "list_libraries": Field(
        "libraries", "organizationId: String!, page: Int!, pageSize: Int!", LIBRARY, is_list=True, counts_from_0=True
    ),
    "list_assets": Field(
        "assets", f"{AT}, page: Int!, pageSize: Int!, tags: [String!]", ASSET, is_list=True, counts_from_0=True
    ),
    "get_asset": Field("asset", f"{AT}, assetId: ID!", ASSET),
    "list_tags": Field("tags", f"{AT}, limit: Int!", "id count type", is_list=True),
    "search_assets": Field(
        "searchAssets",
        "organizationId: ID!, q: String!, libraries: [ID!], approval: String, page: Int!, pageSize: Int!",
        f"hits {{ {ASSET} score highlights {{ name description tags }} }} found foundCapped page corrected",
    ),
    "create_library": Field("createLibrary", "organizationId: ID!, name: String!", LIBRARY, "mutation"),
    "rename_library": Field("renameLibrary", f"{AT}, name: String!", LIBRARY, "mutation"),
    "tag_assets": Field("tagAssets", f"{AT}, assetIds: [ID!]!, tags: [String!]!", "taggedCount", "mutation"),
    "untag_assets": Field("untagAssets", f"{AT}, assetIds: [ID!]!, tags: [String!]!", "untaggedCount", "mutation"),
    "rename_asset": Field("renameAsset", f"{AT}, assetId: ID!, name: String!", ASSET, "mutation"),
    "update_asset_description": Field(
        "updateAssetDescription", f"{AT}, assetId: ID!, description: String!", "assetId description", "mutation"
    ),
    "delete_assets": Field(
        "deleteAssets", f"{AT}, assets: [ID!]!", "success message ids", "mutation", {"ids": "assets"}
    ),
    "restore_assets": Field(
        "restoreAssets", f"{AT}, assets: [ID!]!", "success message ids", "mutation", {"ids": "assets"}
    ),
    "transfer_assets": Field(
        "transferAssets",
        "organizationId: ID!, sourceLibraryId: ID!, targetLibraryId: ID!, assetIds: [ID!]!",
        "transferredCount sourceLibraryId targetLibraryId",
        "mutation",
    ),
    "set_asset_approval": Field(
        "setAssetApproval",
        f"{AT}, assetId: ID!, state: String!, note: String",
        "assetId approval { state note by { name } at }",
        "mutation",
    ),
    "promote_variant": Field("promoteVariant", f"{AT}, assetId: ID!, variantId: ID!", ASSET, "mutation"),
}
#: What GraphQL leaves to the fields that are asked for, and what is null there and absent elsewhere.
LIST_FACTS = {"page", "pageSize", "total"}
ABSENT = {"organizations", "corrected"}


class GraphQL(Transport):
    name = "graphql"

    def serves(self, operation: str) -> bool:
        return operation in FIELDS

    def ask(self, credential: str, operation: str, arguments: dict[str, Any]) -> Answer:
        asked = FIELDS[operation]
        variables = {asked.renamed.get(name, name): value for name, value in arguments.items()}
        if asked.counts_from_0 and "page" in variables:
            variables["page"] -= 1
        body = {"query": asked.document(set(variables)), "variables": variables, "operationName": "Asked"}
        response = httpx2.post(
            f"{self.server.url}/graphql", json=body, headers={"Authorization": f"Bearer {credential}"}, timeout=SECONDS
        )
        answer = response.json()
        if answer.get("errors"):
            [error] = answer["errors"]
            code = error["extensions"]["code"]
            assert error["extensions"]["http"]["status"] == response.status_code
            return Answer(code, response.status_code, error["message"])
        data = _as_elsewhere(answer["data"][asked.name])
        return Answer(data={"data": data} if asked.is_list else data)


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
