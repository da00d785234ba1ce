"""What every contract (what goes in) and record (what comes out) has in common."""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Annotated, Any, Generic, NoReturn, TypeVar, cast, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from raster.errors import BadUserInput

MOST_PROBLEMS = 5
NAME_SHOWN = 100
INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
#: Invisible, but part of words in several scripts, and of emoji.
JOINERS = frozenset("\u200c\u200d")


class Contract(BaseModel):
    """The input of an operation: frozen, snake_case in Python, camelCase on the wire, nothing beyond its fields."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )


class Record(BaseModel):
    """What an operation returns: frozen, snake_case in Python, camelCase on the wire."""

    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
    )


AnyRecord = TypeVar("AnyRecord", bound=Record)


class Page(Record, Generic[AnyRecord]):
    """One page of a list. Beyond the last page ``data`` is empty."""

    data: list[AnyRecord]
    page: int = Field(description="The page, counted from 1.")
    page_size: int = Field(description="Entries per page.")
    total: int = Field(description="Entries on all pages together.")


def _storable(text: str) -> str:
    """Refuse what no database can store: NUL characters and halves of surrogate pairs."""
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("must not contain NUL characters or unpaired surrogates")
    return text


def is_invisible(character: str) -> bool:
    """Return whether a character controls text rather than being part of it: directions, line breaks, zero widths."""
    return character not in JOINERS and unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _one_line(text: str) -> str:
    """Compose and trim the text, and refuse what cannot be seen in it: control, direction and zero-width characters."""
    text = unicodedata.normalize("NFC", text).strip()
    if any(is_invisible(character) for character in text):
        raise ValueError("must be one line of text without control or invisible characters")
    if text and JOINERS.issuperset(text):
        raise ValueError("must hold something that can be seen")
    return text


Text = Annotated[str, AfterValidator(_storable)]
#: Trimmed before its length is judged.
Line = Annotated[str, AfterValidator(_storable), AfterValidator(_one_line)]
OrganizationId = Annotated[Text, Field(min_length=1, max_length=63, description="The organization's id, its slug.")]
LibraryId = Annotated[Text, Field(min_length=1, max_length=63, description="The library's id, its slug.")]
AssetId = Annotated[Text, Field(min_length=1, max_length=64, description="The asset's id.")]
PageNumber = Annotated[
    int,
    Field(
        ge=1,
        le=1_000_000,
        description="The page, counted from 1. What is added or removed between two calls shifts the later pages, "
        "so that an entry may be missed or come twice.",
    ),
]
PageSize = Annotated[int, Field(ge=1, le=500, description="Entries per page.")]


AnyContract = TypeVar("AnyContract", bound=Contract)


def read_json(contract: type[AnyContract], arguments: Any) -> AnyContract:
    """Return ``arguments``, as parsed from JSON, as a contract.

    Types are strict, as JSON has them: ``"2"`` is no number.

    Raises:
        BadUserInput: naming each argument that does not fit and its limit, never what was sent.
    """
    if isinstance(arguments, dict) and len(arguments) > len(contract.model_fields) + MOST_PROBLEMS:
        # Pydantic would name every one of them, however many there are.
        raise BadUserInput(f"This operation takes at most {len(contract.model_fields)} arguments.")
    try:
        return contract.model_validate(arguments, strict=True)
    except ValidationError as error:
        raise BadUserInput(_sentence(error)) from None


def read_strictly(body: bytes | str) -> Any:
    """Return what JSON in UTF-8 says: no name twice in an object, since readers differ in which one counts, and no NaN.

    Raises:
        BadUserInput
    """
    try:
        text = body.decode() if isinstance(body, bytes) else body
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        raise BadUserInput("The body is not valid JSON.") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise BadUserInput("The body names an argument twice.")
    return made


def read_query(contract: type[AnyContract], values: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the arguments of a query string in the types that ``contract`` has for them, for :func:`read_json`.

    All is text there, so digits stand for a number, and a list comes comma-separated, repeated, or both.

    Raises:
        BadUserInput: an argument that is no list comes more than once.
    """
    kinds = {field.alias or name: _kind(field.annotation) for name, field in contract.model_fields.items()}
    arguments: dict[str, Any] = {}
    for name, texts in values.items():
        kind = kinds.get(name)
        if kind is list:
            arguments[name] = [part for text in texts for part in text.split(",") if part]
        elif len(texts) > 1:
            raise BadUserInput(f"{name[:NAME_SHOWN]}: comes more than once")
        else:
            is_number = kind is int and INTEGER.fullmatch(texts[0])
            arguments[name] = int(texts[0]) if is_number else texts[0]
    return arguments


def _kind(annotation: Any) -> Any:
    """Return the plain type of a field: that of ``int | None`` is int."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kind(get_args(annotation)[0])
    if origin is list or not origin:
        return origin or annotation
    kinds = [_kind(option) for option in get_args(annotation) if option is not NoneType]
    return kinds[0] if len(kinds) == 1 else None


def _sentence(error: ValidationError) -> str:
    problems = []
    for detail in error.errors(include_url=False, include_context=False, include_input=False)[:MOST_PROBLEMS]:
        where = ".".join(str(part)[:NAME_SHOWN] for part in detail["loc"]) or "arguments"
        what = {"missing": "is required", "extra_forbidden": "is not an argument of this operation"}.get(
            detail["type"], detail["msg"][:1].lower() + detail["msg"][1:]
        )
        if what.startswith("value should have"):  # pydantic's word for the length of any checked text
            what = what.replace("item", "character").removesuffix(" after validation")
        problems.append(f"{where}: {what.removeprefix('value error, ')}")
    return "; ".join(problems)


def json_schema(model: type[BaseModel], *, output: bool = False) -> dict[str, Any]:
    """Return the model's JSON Schema (2020-12) with every definition written out where it is used.

    Older clients and several hosts refuse ``$ref``, so none is left.
    """
    schema = model.model_json_schema(by_alias=True, mode="serialization" if output else "validation")
    definitions = schema.pop("$defs", {})
    return cast("dict[str, Any]", _inlined(schema, definitions))


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = definitions[node["$ref"].removeprefix("#/$defs/")]
        return _inlined({**target, **{key: value for key, value in node.items() if key != "$ref"}}, definitions)
    if "discriminator" in node:
        # OpenAPI's word, which names definitions; ``anyOf`` says the same, and more hosts know it than ``oneOf``.
        node = {"anyOf" if key == "oneOf" else key: value for key, value in node.items() if key != "discriminator"}
    return {
        key: _inlined(value, definitions) for key, value in node.items() if key != "title" or not isinstance(value, str)
    }
