"""The parts of pages that are made of the code: tools, clients, errors, limits and others, in Markdown."""

import re
from collections.abc import Callable, Iterable, Iterator
from textwrap import indent
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from graphql import GraphQLObjectType
from pydantic import BaseModel

from api.catalogue import Effect, NoArguments
from api.gate import ANONYMOUS_BODY, LARGE_BODY, MOST_LARGE
from api.graphql import limits as graphql
from api.graphql.reference import described_schema, typed
from api.interfaces import REST
from api.rest.endpoints import ENDPOINTS, FILES
from assets import contracts
from assets.models import APPROVAL_NOTE_LENGTH, NAME_LENGTH, TAG_LENGTH
from connections.ready import ReadyClient, Step, ready_clients
from documentation.installation import Installation
from mcp_gateway.asgi import MOST_BYTES as MOST_MCP_BYTES
from mcp_gateway.tools import ANONYMOUS_TOOLS, RESOURCES, TOOLS, Tool
from orgs.models import NAME_LENGTH as LIBRARY_NAME_LENGTH
from raster.contracts import Contract, Page, PageSize
from raster.errors import RasterError

NAMES: dict[Any, str] = {str: "text", int: "number", float: "number", bool: "true or false", bytes: "base64"}
UNITS = ("bytes", "KB", "MB", "GB", "TB")


def tools(installation: Installation) -> str:
    """Return every tool with its arguments and its result."""
    return "\n\n".join(_tool(tool) for tool in (*TOOLS.values(), *ANONYMOUS_TOOLS.values()))


def types(installation: Installation) -> str:
    """Return every object in the arguments and results of tools."""
    found: dict[str, type[BaseModel]] = {}
    for tool in (*TOOLS.values(), *ANONYMOUS_TOOLS.values()):
        _collect(tool.operation.returns, found)
        for field in tool.contract.model_fields.values():
            _collect(field.annotation, found)
    return "\n\n".join(_object(name, model) for name, model in sorted(found.items()))


def resources(installation: Installation) -> str:
    """Return the templates of the resources."""
    rows = ((f"`{resource.template}`", resource.description) for resource in RESOURCES)
    return _table(("address", "what it holds"), rows)


def errors(installation: Installation) -> str:
    """Return the catalogue of errors, by status."""
    catalogue = sorted(RasterError.catalogue.values(), key=lambda error: (error.status, error.code))
    return _table(
        ("code", "status", "message"),
        ((f"`{error.code}`", str(error.status), error.default_message) for error in catalogue),
    )


def limits(installation: Installation) -> str:
    """Return what a request may hold, and how many may come."""
    page_size = next(limit.le for limit in _constraints(PageSize) if hasattr(limit, "le"))
    rows = [
        ("Files in an upload", str(contracts.MOST_FILES)),
        ("A file", size(installation.max_file_size)),
        ("An MCP request that uploads a file, from a credential with write access", size(MOST_MCP_BYTES)),
        (f"MCP requests over {size(LARGE_BODY)} at once, for each organization", str(MOST_LARGE)),
        ("Any other MCP request", size(LARGE_BODY)),
        ("A REST or GraphQL request that uploads no file", size(REST.most_bytes)),
        ("A request without a credential", size(ANONYMOUS_BODY)),
        ("Assets that one call names", str(contracts.MOST_ASSETS)),
        ("Tags that one call names", str(contracts.MOST_TAGS)),
        ("A tag", f"{TAG_LENGTH} characters, no comma"),
        ("Tags to filter a list by", str(contracts.MOST_TAG_FILTERS)),
        ("An asset's name", f"{NAME_LENGTH} characters"),
        ("A library's name", f"{LIBRARY_NAME_LENGTH} characters"),
        ("A description", f"{contracts.DESCRIPTION_LENGTH:,} characters"),
        ("A note of an approval", f"{APPROVAL_NOTE_LENGTH} characters"),
        ("A search", f"{contracts.SEARCH_LENGTH} characters, {contracts.MOST_SEARCH_WORDS} words"),
        ("Entries of a page", str(page_size)),
        ("Time in the trash", f"{contracts.TRASH_DAYS} days"),
        ("Requests of one credential, over all APIs", _rate(installation.credential_rate)),
        ("Requests of one address without an accepted credential", _rate(installation.address_rate)),
    ]
    return _table(("what", "at most"), rows)


def clients(installation: Installation) -> str:
    """Return the steps for each client, which the Connect page shows as well."""
    return "\n\n".join(_client(client) for client in ready_clients(installation.mcp_url))


def paths(installation: Installation) -> str:
    """Return every method and path of the REST API, with what it takes beside the path."""
    rows = []
    for endpoint in ENDPOINTS:
        taken = [
            f"`{field.alias or name}`" + ("" if field.is_required() else "?")
            for name, field in endpoint.operation.takes.model_fields.items()
            if (field.alias or name) not in endpoint.rest.places
        ]
        if endpoint.operation.takes_files:
            taken.insert(0, f"`{FILES}`, in a form")
        rows.append(
            (f"`{endpoint.rest.method} {short_path(endpoint.rest.path)}`", ", ".join(taken), f"`{endpoint.name}`")
        )
    return _table(("request", "takes", "like the tool"), rows)


def queries(installation: Installation) -> str:
    """Return the queries of the GraphQL API."""
    return _root_fields(described_schema().query_type)


def mutations(installation: Installation) -> str:
    """Return the mutations of the GraphQL API."""
    return _root_fields(described_schema().mutation_type)


def graphql_limits(installation: Installation) -> str:
    """Return what a GraphQL document may hold."""
    rows = (
        ("Characters of a document", graphql.MOST_CHARACTERS),
        ("Depth", graphql.MOST_DEPTH),
        ("Fields at the root", graphql.MOST_ROOT_FIELDS),
        ("Aliases", graphql.MOST_ALIASES),
        ("Cost: fields, times the entries that their lists may have", graphql.MOST_COST),
    )
    return _table(("what", "at most"), ((what, f"{most:,}") for what, most in rows))


#: What stands in a file of docs/ for each of these: ``<!-- made: tools -->``, on a line of its own.
PARTS: dict[str, Callable[[Installation], str]] = {
    "tools": tools,
    "types": types,
    "resources": resources,
    "errors": errors,
    "limits": limits,
    "clients": clients,
    "paths": paths,
    "queries": queries,
    "mutations": mutations,
    "graphql-limits": graphql_limits,
}


def short_path(path: str) -> str:
    """Return a path of the REST API with an ellipsis for the library that it begins with."""
    return re.sub(r"^/organizations/{organizationId}/libraries/{\w+}", "…", path)


def size(number: int) -> str:
    """Return a number of bytes in the largest unit that it is a whole number of."""
    unit = 0
    while unit + 1 < len(UNITS) and number and number % 1024 == 0:
        number, unit = number // 1024, unit + 1
    return f"{number:,} {UNITS[unit]}"


def _root_fields(root: GraphQLObjectType | None) -> str:
    fields = root.fields if root else {}
    rows = []
    for name, field in fields.items():
        arguments = ", ".join(f"`{argument}: {typed(taken)}`" for argument, taken in field.args.items())
        rows.append((f"`{name}`", arguments, f"`{field.type}`", field.description or ""))
    return _table(("name", "arguments", "answers", "what it does"), rows)


def _client(client: ReadyClient) -> str:
    """Return a section of a client."""
    parts = [f"## {client.name}"]
    parts += [_step(f"{number}. ", step) for number, step in enumerate(client.steps, start=1)]
    if client.key:
        parts += [f"With an API key. {client.key.where}:", _block(client.key.text)]
    else:
        parts += ["It takes no API keys."]
    return "\n\n".join(parts)


def _step(number: str, step: Step) -> str:
    words = step.words
    if step.link:
        # Markdown's readers may not open links to programs.
        is_web = step.link.startswith("https:")
        words += f" [{step.button}]({step.link})" if is_web else f" {step.button}, on the Connect page."
    blocks = [words, _block(step.text)] if step.text else [words]
    return number + indent("\n\n".join(blocks), " " * len(number)).lstrip()


def _block(text: str) -> str:
    return f"```\n{text}\n```"


def _rate(rate: int | None) -> str:
    return f"{rate:,} a minute" if rate else "no limit"


def _tool(tool: Tool) -> str:
    """Return a section of a tool."""
    operation = tool.operation
    facts = [
        (not operation.writes and operation.takes is not NoArguments, "Needs read."),
        (operation.effect is Effect.DESTRUCTIVE, "Replaces or removes what was there."),
        (operation.writes and operation.idempotent, "Safe to repeat."),
        (operation.takes_files, "Fetches from other sites."),
    ]
    parts = [
        f"### {tool.name}",
        f"**{operation.title}.** {tool.definition.description}",
        " ".join(
            [sentence for holds, sentence in facts if holds] + [f"Answers {_name(operation.returns, linked=True)}."]
        ),
    ]
    rows = list(_fields(tool.contract, tool.definition.input_schema))
    if rows:
        parts.append(_table(("argument", "type", "what it is"), rows))
    return "\n\n".join(parts)


def _object(name: str, model: type[BaseModel]) -> str:
    schema = model.model_json_schema(mode="validation" if issubclass(model, Contract) else "serialization")
    description = f"{' '.join(model.__doc__.split())}\n\n" if model.__doc__ else ""
    return f"### {name}\n\n{description}{_table(('field', 'type', 'what it is'), _fields(model, schema))}"


def _fields(model: type[BaseModel], schema: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        if field.exclude:
            continue
        wire = field.serialization_alias or field.alias or name
        about = schema["properties"][wire]
        words = [field.description or about.get("description", ""), _limits(about)]
        is_optional = issubclass(model, Contract) and not field.is_required()
        if is_optional and field.default:
            words.append(f"{field.default} where it is left out.")
        optional = " (optional)" if is_optional else ""
        yield f"`{wire}`{optional}", _name(field.annotation, linked=True), " ".join(filter(None, words))


def _limits(about: dict[str, Any]) -> str:
    """Return what a JSON Schema says of the size of a value, as a sentence."""
    about = next((each for each in about.get("anyOf", ()) if each.get("type") in {"string", "array"}), about)
    for least, most, of in (
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", ""),
        ("minimum", "maximum", ""),
    ):
        if most in about:
            low = about.get(least, 0)
            return f"{low:,} to {about[most]:,}{of}." if low else f"At most {about[most]:,}{of}."
    return ""


def _name(annotation: Any, *, linked: bool = False) -> str:  # noqa: PLR0911 - one for each kind of type
    """Return a type as people call it; that of an object leads to where it is described."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _name(arguments[0], linked=linked)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in {Union, UnionType}:
        return " or ".join(_name(each, linked=linked) for each in arguments)
    if origin is list:
        return f"list of {_name(arguments[0], linked=linked)}"
    if origin is dict:
        return f"map of {_name(arguments[0])} to {_name(arguments[1], linked=linked)}"
    if annotation is NoneType:
        return "null"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        name = _object_name(annotation)
        return f"[{name}](#{name.lower()})" if linked else name
    return NAMES.get(annotation, "text")


def _object_name(model: type[BaseModel]) -> str:
    generic = model.__pydantic_generic_metadata__
    if generic["origin"] is Page:
        return f"{_object_name(generic['args'][0])}Page"
    return model.__name__.removesuffix("Record")


def _collect(annotation: Any, found: dict[str, type[BaseModel]]) -> None:
    """Put every object of a type, and of what it holds, into ``found``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        name = _object_name(annotation)
        if name not in found:
            found[name] = annotation
            for field in annotation.model_fields.values():
                _collect(field.annotation, found)
    for argument in get_args(annotation):
        _collect(argument, found)


def _constraints(annotation: Any) -> Iterable[Any]:
    return (limit for each in annotation.__metadata__ for limit in getattr(each, "metadata", ()))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
