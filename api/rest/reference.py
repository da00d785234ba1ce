"""What the page of the REST API shows of its OpenAPI document: nothing but what is in there.

The page of the GraphQL schema shows its types in the same shapes (api/graphql/reference.py).
"""

import json
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from api.rest.openapi import openapi

_CODE = re.compile(r"`([^`]+)`")
_SCHEMAS = "#/components/schemas/"
_KINDS = {"string": "text", "integer": "number", "boolean": "true or false", "object": "object", "null": "null"}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value is, in words; ``name`` is that of the object among them that the page describes elsewhere."""

    before: str
    name: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """An argument, or a field of an object."""

    name: str
    kind: Kind
    text: str
    place: str = ""
    required: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint may answer with one status."""

    status: str
    text: str
    codes: tuple[str, ...] = ()
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class ShownEndpoint:
    """One method of a path."""

    id: str
    method: str
    path: str
    summary: str
    text: str
    fields: tuple[Field, ...]
    answers: tuple[Answer, ...]
    request: str
    example: str


@dataclass(frozen=True, slots=True)
class Group:
    """Endpoints about the same."""

    name: str
    text: str
    endpoints: tuple[ShownEndpoint, ...]

    @property
    def id(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class ShownObject:
    """An object in the answers."""

    name: str
    text: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """The whole page."""

    paragraphs: tuple[str, ...]
    groups: tuple[Group, ...]
    objects: tuple[ShownObject, ...]


def reference(version: str) -> Reference:
    """Return what the page shows of a version."""
    document = openapi(version)
    endpoints = [
        (operation["tags"][0], _endpoint(document, method, path, operation))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    groups = (
        Group(tag["name"], tag["description"], tuple(shown for name, shown in endpoints if name == tag["name"]))
        for tag in document["tags"]
    )
    objects = (
        ShownObject(name, prose(schema.get("description", "")), _fields(schema))
        for name, schema in document["components"]["schemas"].items()
    )
    # The last paragraph leads to the documents of other versions, which the page itself does.
    paragraphs = document["info"]["description"].split("\n\n")[:-1]
    return Reference(tuple(prose(paragraph) for paragraph in paragraphs), tuple(groups), tuple(objects))


def _endpoint(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> ShownEndpoint:
    parameters = [each for each in operation["parameters"] if "$ref" not in each]
    body = operation.get("requestBody", {})
    content = body.get("content", {})
    fields = [
        Field(each["name"], _kind(each["schema"]), prose(each["description"]), each["in"], each["required"])
        for each in parameters
    ]
    for kind, media in content.items():
        place = "form" if kind == "multipart/form-data" else "body"
        fields += _fields(media["schema"], place)
    answers = tuple(
        _answer(status, _resolved(document, response)) for status, response in operation["responses"].items()
    )
    [success] = [response for status, response in operation["responses"].items() if status < "300"]
    return ShownEndpoint(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        text=prose(operation["description"]),
        fields=tuple(fields),
        answers=answers,
        request=_curl(document, method.upper(), path, operation),
        example=json.dumps(success["content"]["application/json"]["example"], indent=2, ensure_ascii=False),
    )


def _fields(schema: dict[str, Any], place: str = "") -> tuple[Field, ...]:
    required = schema.get("required", [])
    return tuple(
        Field(name, _kind(field), prose(field.get("description", "")), place, name in required)
        for name, field in schema.get("properties", {}).items()
    )


def _answer(status: str, response: dict[str, Any]) -> Answer:
    content = response["content"]["application/json"]
    codes = tuple(content.get("examples", {}))
    return Answer(status, response["description"], codes, None if codes else _kind(content["schema"]))


def _resolved(document: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    name = response.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = document["components"]["responses"][name] if name else response
    return found


def prose(text: str) -> SafeString:
    """Return a description as HTML, with code where Markdown has it: no more of it is in the document."""
    return mark_safe(_CODE.sub(r"<code>\1</code>", escape(text)))  # noqa: S308 - escaped before


def _kind(schema: dict[str, Any]) -> Kind:
    if "$ref" in schema:
        return Kind("", schema["$ref"].removeprefix(_SCHEMAS))
    if "anyOf" in schema:
        return _within("", schema["anyOf"][0], " or null")
    if schema.get("type") == "array":
        return _within("list of ", schema["items"], _limits(schema, "Items"))
    if set(schema.get("properties", {})) == {"data"}:
        return _within("data: ", schema["properties"]["data"], "")
    values = schema.get("enum") or [schema[name] for name in ("const",) if name in schema]
    if values:
        return Kind(" or ".join(f'"{value}"' for value in values))
    word = "file" if schema.get("format") == "binary" else _KINDS[schema["type"]]
    return Kind(word + _limits(schema, "Length") + _limits(schema, "imum"))


def _within(before: str, schema: dict[str, Any], after: str) -> Kind:
    kind = _kind(schema)
    return Kind(before + kind.before, kind.name, kind.after + after)


def _limits(schema: dict[str, Any], of: str) -> str:
    """Return the limits of a schema in words, such as those called minLength and maxLength."""
    least, most = schema.get(f"min{of}", 0), schema.get(f"max{of}")
    if most is None:
        return ""
    unit = " characters" if of == "Length" else ""
    return f", {least} to {most}{unit}" if least else f", up to {most}{unit}"


def _curl(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> str:
    """Return a request as a line for a shell."""
    content = operation.get("requestBody", {}).get("content", {})
    examples: dict[str, dict[str, Any]] = {"path": {}, "query": {}}
    for parameter in operation["parameters"]:
        if "example" in parameter:
            examples[parameter["in"]][parameter["name"]] = parameter["example"]
    address = document["servers"][0]["url"] + path
    for name, value in examples["path"].items():
        address = address.replace(f"{{{name}}}", value)
    if examples["query"] and not content:
        address += f"?{urlencode(examples['query'], doseq=True)}"
    words = ["curl", *(("-X", method) if method not in {"GET", "POST"} else ()), address]
    if operation.get("security", document["security"]):
        words += ["-H", "Authorization: Bearer rstk_…"]
    words += ["-H", f"Api-Version: {document['info']['version']}"]
    for kind, media in content.items():
        if kind == "application/json":
            words += ["--json", json.dumps(media["example"], ensure_ascii=False)]
        else:
            words += ["-F", "files=@harbor.jpg"]
    return command_line(words)


def command_line(words: Iterable[str]) -> str:
    """Return a call of curl as a shell command, with each option on a line of its own."""
    return " ".join(f"\\\n  {word}" if word in {"-X", "-H", "-F", "--json"} else shlex.quote(word) for word in words)
