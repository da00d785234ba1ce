"""The OpenAPI document: valid, complete, open to all, and the same until somebody means to change it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.catalogue import VERSIONS
from api.rest.endpoints import ENDPOINTS
from api.rest.openapi import openapi
from raster.errors import RasterError
from tests.api.rest.asking import CURRENT, MAY, ask, code_of
from tests.server import Server
from tests.snapshots import Check

SNAPSHOTS = Path(__file__).parent / "snapshots"


def resolved(document: dict[str, Any], node: Any) -> Any:
    """Return a part of the document with every reference followed, for a plain validator."""
    if isinstance(node, list):
        return [resolved(document, item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return resolved(document, target)
    return {key: resolved(document, value) for key, value in node.items()}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_document_is_valid(version: str) -> None:
    OpenAPIV31SpecValidator(openapi(version)).validate()


@pytest.mark.parametrize("version", VERSIONS)
def test_every_example_fits_its_schema(version: str) -> None:
    document = openapi(version)
    for path, operations in document["paths"].items():
        for method, operation in resolved(document, operations).items():
            where = f"{method} {path}"
            for parameter in operation["parameters"]:
                assert parameter["description"], where
                if "example" in parameter:
                    Draft202012Validator(parameter["schema"]).validate(parameter["example"])
            for response in operation["responses"].values():
                content = response["content"]["application/json"]
                Draft202012Validator.check_schema(content["schema"])
                examples = [each["value"] for each in content.get("examples", {}).values()]
                for example in examples or [content["example"]]:
                    Draft202012Validator(content["schema"]).validate(example)
            body = operation.get("requestBody", {"content": {}})["content"]
            if "application/json" in body:
                Draft202012Validator(body["application/json"]["schema"]).validate(body["application/json"]["example"])


def camel(*parts: str) -> str:
    """Return a name as generators of clients make it of the names of a schema and of a part of it."""
    words = [word for part in parts for word in re.split(r"[^0-9A-Za-z]+|(?<=[0-9a-z])(?=[A-Z])", part)]
    return "".join(word[:1].upper() + word[1:].lower() for word in words)


def types_within(name: str, schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name of every type that a generator has to make up within a schema, and what it is."""
    for field, inner in schema.get("properties", {}).items():
        yield from named_types(camel(name, field), inner)
    for number, option in enumerate(schema.get("anyOf", []) + schema.get("oneOf", []) + schema.get("allOf", [])):
        yield from named_types(camel(name, f"Type{number}"), option)
    if isinstance(schema.get("items"), dict):
        yield from named_types(camel(name, "Item"), schema["items"])
    if isinstance(schema.get("additionalProperties"), dict):
        yield from named_types(camel(name, "AdditionalProperty"), schema["additionalProperties"])


def named_types(name: str, schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    is_type = schema.get("type") == "object" or "enum" in schema
    if is_type:
        yield name, schema
    yield from types_within(name, schema)


@pytest.mark.parametrize("version", VERSIONS)
def test_no_type_that_a_generator_names_itself_has_the_name_of_another_one(version: str) -> None:
    """A generator mistakes ``Library.access`` for a component LibraryAccess, and leaves both out of the client."""
    document = openapi(version)
    components = document["components"]["schemas"]
    made_up = [type_ for name, schema in components.items() for type_ in types_within(name, schema)]
    for operations in document["paths"].values():
        for operation in operations.values():
            name = operation["operationId"]
            for parameter in operation["parameters"]:
                told = resolved(document, parameter)
                made_up += named_types(camel(name, told["name"]), told["schema"])
            for content in operation.get("requestBody", {}).get("content", {}).values():
                made_up += named_types(camel(name, "Body"), content["schema"])
            for status, response in operation["responses"].items():
                schema = resolved(document, response)["content"]["application/json"]["schema"]
                made_up += named_types(camel(name, "Response", status), schema if status < "300" else {})
    assert {name for name, _ in made_up}.isdisjoint(camel(name) for name in components)
    kinds: dict[str, dict[str, Any]] = {}
    for name, schema in made_up:
        assert kinds.setdefault(name, schema) == schema, name
    assert len(made_up) > 40


def test_every_endpoint_is_there_with_what_it_may_answer() -> None:
    document = openapi(CURRENT)
    assert {(method.upper(), path) for path, methods in document["paths"].items() for method in methods} == {
        (endpoint.rest.method, endpoint.rest.path) for endpoint in ENDPOINTS
    }
    told = {
        code for response in document["components"]["responses"].values()
        for code in response["content"]["application/json"]["examples"]
    }  # fmt: skip
    # Those of other methods, whatever the path.
    assert RasterError.catalogue.keys() - told == {"METHOD_NOT_ALLOWED"}
    assert (
        f"{'/organizations/{organizationId}/libraries/{libraryId}/assets/{assetId}'}/approval"
        not in openapi(MAY)["paths"]
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_the_document_is_the_one_that_was_meant(server: Server, version: str, check_snapshot: Check) -> None:
    text = ask(server, None, "GET", f"/openapi.json?version={version}", version=None).text
    text = text.replace(server.url, "https://raster.example.com")
    check_snapshot(SNAPSHOTS / f"openapi-{version}.json", text + "\n")


def test_the_document_is_open_and_kept_by_its_tag(server: Server) -> None:
    plain = ask(server, None, "GET", "/openapi.json", version=None)
    assert (plain.status_code, plain.headers["Api-Version"]) == (200, CURRENT)
    assert plain.headers["Cache-Control"] == "public, max-age=3600" and plain.headers["Vary"] == "Api-Version"
    assert plain.json()["info"]["version"] == CURRENT
    for known in (plain.headers["ETag"], f'"x", W/{plain.headers["ETag"]}', "*"):
        again = ask(server, None, "GET", "/openapi.json", version=None, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", plain.headers["ETag"])
    older = ask(server, None, "GET", "/openapi.json", version=MAY)
    assert (older.json()["info"]["version"], older.headers["Api-Version"]) == (MAY, MAY)
    assert older.headers["ETag"] != plain.headers["ETag"]
    assert code_of(ask(server, None, "GET", "/openapi.json?version=1", version=None)) == (
        400,
        "API_VERSION_UNSUPPORTED",
    )
