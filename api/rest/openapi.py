"""The OpenAPI document of the REST API, made of the table of endpoints, their contracts and their records."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.conf import settings
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.catalogue import VERSIONS
from api.rest.endpoints import ENDPOINTS, FILES, Endpoint
from api.rest.versions import contract_of, description_of, is_served, record_of, shaped
from assets.contracts import MOST_FILES
from connections.scopes import READ, WRITE
from raster.contracts import Page, json_schema
from raster.errors import (
    APIVersionRequired,
    APIVersionUnsupported,
    BadUserInput,
    EndpointNotFound,
    Forbidden,
    HTTPSRequired,
    InsufficientScope,
    InternalServerError,
    InvalidAPIKey,
    LibraryNotAuthorized,
    LibraryReadOnly,
    OrganizationNotFound,
    PayloadTooLarge,
    RasterError,
    RateLimited,
    ServiceUnavailable,
    Unauthenticated,
)

INTRODUCTION = """\
Everything that Raster's MCP server does, over HTTP, with the same API keys and OAuth tokens.

Each request names its version in the header `Api-Version`, and its answers keep the shape of that version. An \
answer has what was asked for in `data`, or says in `error` what went wrong: a `code` for programs and a `message` for \
people. What a credential cannot reach is answered exactly as what does not exist. Every answer has an \
`X-Request-Id`; name it when you ask about one."""
GROUPS = {
    "Account": "Who the credential stands for.",
    "Libraries": "Collections of assets in an organization.",
    "Assets": "Images and files, and what is said of them.",
    "Uploads": "Ways for files to come in.",
    "Tags": "Words on assets.",
}
MEANINGS = {
    400: "The request is not valid.",
    401: "The credential is missing or was refused.",
    403: "The credential does not allow it.",
    404: "It does not exist or is out of the credential's reach.",
    409: "It is in the way of something else.",
    413: "The request is too large.",
    429: "Too many requests.",
    500: "A fault of the server; it is safe to try again with a pause that grows.",
    503: "Briefly out of reach; it is safe to try again with a pause that grows.",
}
#: What any request may be answered with.
COMMON: tuple[type[RasterError], ...] = (
    APIVersionRequired,
    APIVersionUnsupported,
    BadUserInput,
    HTTPSRequired,
    Forbidden,
    RateLimited,
    InternalServerError,
    ServiceUnavailable,
)
_HEADERS: dict[str, Any] = {
    "Api-Version": {"description": "The version that the answer is in.", "schema": {"type": "string"}},
    "X-Request-Id": {"description": "The request's name in the server's log.", "schema": {"type": "string"}},
    "RateLimit-Limit": {"description": "Requests that may come in a minute.", "schema": {"type": "integer"}},
    "RateLimit-Remaining": {"description": "Those that are left of them.", "schema": {"type": "integer"}},
    "RateLimit-Reset": {"description": "Seconds until the next minute begins.", "schema": {"type": "integer"}},
    "Retry-After": {"description": "Seconds after which to try again.", "schema": {"type": "integer"}},
    "WWW-Authenticate": {
        "description": "How to get a credential, or which scopes are lacking (RFC 6750, RFC 9728).",
        "schema": {"type": "string"},
    },
}
_OF_ALL = ("Api-Version", "X-Request-Id")
_OF_A_CREDENTIAL = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
_REF = "#/components/schemas/"
#: Generators of clients name the type of ``Library.access`` LibraryAccess, and mistake it for a component of that name.
_RENAMED = {"LibraryAccess": "ReachableLibrary"}
_ERROR = {
    "description": "What went wrong.",
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "code": {"type": "string", "description": "For programs."},
                "message": {"type": "string", "description": "For people."},
                "ids": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "Of the ids that were sent, those that the call was refused for.",
                },
                "libraryId": {
                    "type": "string",
                    "description": "Of the libraries that were sent, the one that the call was refused for.",
                },
            },
            "required": ["code", "message"],
        }
    },
    "required": ["error"],
}


@cache
def openapi(version: str) -> dict[str, Any]:
    """Return the document of one version of the API."""
    endpoints = [endpoint for endpoint in ENDPOINTS if is_served(version, endpoint)]
    refusals: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.rest.path, {})[endpoint.rest.method.lower()] = _operation(version, endpoint, refusals)
    others = ", ".join(
        f"[{other}]({settings.API_URL}/openapi.json?version={other})" for other in VERSIONS if other != version
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Raster",
            "version": version,
            "summary": "A team's images and files.",
            "description": f"{INTRODUCTION}\n\nThis is version {version}. Also served: {others}.",
        },
        "servers": [{"url": settings.API_URL}],
        "externalDocs": {"url": f"{settings.BASE_URL}/docs", "description": "The documentation"},
        "tags": [{"name": name, "description": text} for name, text in GROUPS.items()],
        "security": [{"bearer": []}, {"oauth": [READ]}],
        "paths": paths,
        "components": {
            "schemas": {"Error": _ERROR, **_schemas(version, endpoints)},
            "responses": dict(sorted(refusals.items())),
            "headers": _HEADERS,
            "parameters": {"ApiVersion": _version_parameter(version)},
            "securitySchemes": _security_schemes(),
        },
    }


def errors_of(version: str, endpoint: Endpoint) -> list[type[RasterError]]:
    """Return every error that an endpoint may answer with, by status and code."""
    errors = {*COMMON, *endpoint.operation.errors}
    if not endpoint.operation.anonymous:
        errors |= {Unauthenticated, InvalidAPIKey}
    arguments = {str(field.alias) for field in contract_of(version, endpoint).model_fields.values()}
    if "organizationId" in arguments:
        errors |= {OrganizationNotFound, EndpointNotFound}
    if arguments & {"libraryId", "sourceLibraryId", "libraries"}:
        errors.add(LibraryNotAuthorized)
    if endpoint.takes_body:
        errors.add(PayloadTooLarge)
    if endpoint.operation.writes and not endpoint.operation.anonymous:
        errors |= {LibraryReadOnly, InsufficientScope}
    return sorted(errors, key=lambda error: (error.status, error.code))


def _schemas(version: str, endpoints: list[Endpoint]) -> dict[str, Any]:
    """Return the schemas of all records, by the names that the document has for them."""
    records = {record_of(version, endpoint) for endpoint in endpoints}
    _, made = models_json_schema(
        [(record, "serialization") for record in sorted(records, key=lambda record: record.__name__)],
        ref_template=f"{_REF}{{model}}",
    )
    definitions = _named(made.get("$defs", {}))
    return {_name(name): definitions[name] for name in sorted(definitions, key=_name)}


def _name(definition: str) -> str:
    """Return the document's name of a definition: ``Page_AssetRecord_`` is ``AssetPage``."""
    definition = re.sub(r"^Page_(\w+?)_$", r"\1Page", definition)
    name = re.sub(r"(Record|OfMay)(?=Page$|$)", "", definition)
    return _RENAMED.get(name, name)


def _named(node: Any) -> Any:
    """Put the document's names in place of pydantic's, and leave out titles, which repeat the names of fields."""
    if isinstance(node, list):
        return [_named(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {**node, "$ref": _REF + _name(node["$ref"].removeprefix(_REF))}
    return {key: _named(value) for key, value in node.items() if key != "title" or not isinstance(value, str)}


def _reference(model: type[BaseModel]) -> dict[str, Any]:
    name = re.sub(r"\W", "_", model.__name__)
    return {"$ref": _REF + _name(name)}


def _operation(version: str, endpoint: Endpoint, refusals: dict[str, Any]) -> dict[str, Any]:
    schema = json_schema(contract_of(version, endpoint))
    fields = {name: field for name, field in schema["properties"].items() if name not in endpoint.rest.places}
    required = [name for name in schema.get("required", []) if name in fields]
    arguments = endpoint.operation.example.arguments
    parameters = [_parameter("path", name, schema["properties"][name], arguments) for name in endpoint.rest.places]
    if endpoint.takes_query:
        parameters += [
            _parameter("query", name, field, arguments, required=name in required and not endpoint.takes_body)
            for name, field in fields.items()
        ]
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "tags": [endpoint.rest.group],
        "summary": endpoint.operation.title,
        "description": description_of(version, endpoint),
        "parameters": [{"$ref": "#/components/parameters/ApiVersion"}, *parameters],
    }
    if endpoint.takes_body:
        operation["requestBody"] = _body(endpoint, fields, required, arguments)
        operation["security"] = [] if endpoint.operation.anonymous else [{"bearer": []}, {"oauth": [READ, WRITE]}]
    operation["responses"] = {str(endpoint.rest.status): _success(version, endpoint)}
    errors = errors_of(version, endpoint)
    for status in sorted({error.status for error in errors}):
        refusal = _refusal(status, [error for error in errors if error.status == status])
        operation["responses"][str(status)] = _shared(refusals, f"Error{status}", refusal)
    return operation


def _parameter(
    place: str, name: str, schema: dict[str, Any], arguments: Mapping[str, Any], *, required: bool = True
) -> dict[str, Any]:
    schema = _without_null(schema)
    parameter: dict[str, Any] = {"name": name, "in": place, "required": required}
    parameter["description"] = schema.pop("description", "")
    parameter["schema"] = schema
    if schema.get("type") == "array":
        parameter["description"] += " Repeated, or separated by commas."
    if name in arguments:
        parameter["example"] = arguments[name]
    return parameter


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a value that is left out rather than null, as an address has no null."""
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    if len(options) == 1:
        schema = {**{key: value for key, value in schema.items() if key != "anyOf"}, **options[0]}
    return {key: value for key, value in schema.items() if key != "default" or value not in (None, [])}


def _version_parameter(version: str) -> dict[str, Any]:
    return {
        "name": "Api-Version",
        "in": "header",
        "required": True,
        "description": f"The version of the API, whose answers keep their shape: {' or '.join(VERSIONS)}.",
        "schema": {"type": "string", "enum": [version]},
        "example": version,
    }


def _body(
    endpoint: Endpoint, fields: dict[str, Any], required: list[str], arguments: Mapping[str, Any]
) -> dict[str, Any]:
    if endpoint.operation.takes_files:
        files = {
            "type": "array",
            "description": "The files. What each is, its bytes say, whatever its name and its stated type.",
            "minItems": 1,
            "maxItems": MOST_FILES,
            "items": {"type": "string", "format": "binary"},
        }
        # A form sends a field that nobody filled in, empty.
        texts = {name: {**_without_null(field), "minLength": 0} for name, field in fields.items()}
        form = {"type": "object", "properties": {FILES: files, **texts}, "required": [FILES]}
        return {"required": True, "content": {"multipart/form-data": {"schema": form}}}
    schema: dict[str, Any] = {"type": "object", "properties": fields, "additionalProperties": False}
    if required:
        schema["required"] = required
    example = {name: value for name, value in arguments.items() if name in fields}
    return {
        "required": endpoint.needs_arguments and not endpoint.takes_query,
        "content": {"application/json": {"schema": schema, "example": example}},
    }


def _success(version: str, endpoint: Endpoint) -> dict[str, Any]:
    example = shaped(version, endpoint.operation.example.record).model_dump(mode="json")
    schema = _reference(record_of(version, endpoint))
    if not issubclass(endpoint.operation.returns, Page):
        schema = {"type": "object", "properties": {"data": schema}, "required": ["data"]}
        example = {"data": example}
    return {
        "description": "Done." if endpoint.operation.writes else "Found.",
        "headers": _headers(*(_OF_ALL if endpoint.operation.anonymous else (*_OF_ALL, *_OF_A_CREDENTIAL))),
        "content": {"application/json": {"schema": schema, "example": example}},
    }


def _shared(kept: dict[str, Any], name: str, response: dict[str, Any]) -> dict[str, Any]:
    """Return a reference to a response that is kept once: of one status, endpoints differ in some codes."""
    number = 1
    while kept.setdefault(f"{name}-{number}", response) != response:
        number += 1
    return {"$ref": f"#/components/responses/{name}-{number}"}


def _refusal(status: int, errors: list[type[RasterError]]) -> dict[str, Any]:
    names = list(_OF_ALL)
    if status in {429, 503}:
        names.append("Retry-After")
    if status == 401 or InsufficientScope in errors:
        names.append("WWW-Authenticate")
    codes = [error.code for error in errors]
    examples = {
        error.code: {"value": {"error": {"code": error.code, "message": error.default_message}}} for error in errors
    }
    schema = {
        "allOf": [{"$ref": f"{_REF}Error"}],
        "properties": {"error": {"properties": {"code": {"enum": codes}}}},
    }
    return {
        "description": MEANINGS[status],
        "headers": _headers(*names),
        "content": {"application/json": {"schema": schema, "examples": examples}},
    }


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _security_schemes() -> dict[str, Any]:
    base = settings.BASE_URL
    scopes = {READ: "See libraries and what is in them.", WRITE: "Change them, too."}
    return {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "rstk_…",
            "description": "An API key of an organization. Its owners and admins make one under Settings → API keys.",
        },
        "oauth": {
            "type": "oauth2",
            "description": "A person's access token: by the browser, or with a code that is typed in on another device "
            f"(RFC 8628), which begins at {base}/device_authorization. PKCE is required, and clients register "
            f"themselves; all of it is in {base}/.well-known/oauth-authorization-server.",
            "flows": {
                "authorizationCode": {
                    "authorizationUrl": f"{base}/authorize",
                    "tokenUrl": f"{base}/token",
                    "refreshUrl": f"{base}/token",
                    "scopes": scopes,
                },
                # OpenAPI has a field for it from 3.2 on.
                "x-deviceAuthorization": {
                    "deviceAuthorizationUrl": f"{base}/device_authorization",
                    "tokenUrl": f"{base}/token",
                    "scopes": scopes,
                },
            },
        },
    }
