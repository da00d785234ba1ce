"""What every contract (what goes in) and record (what comes out) has in common."""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any, Generic, NoReturn, TypeVar, cast, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, ErrorDetails, core_schema

from raster.errors import BadUserInput, Problem

MOST_PROBLEMS = 5
NAME_SHOWN = 100
#: Of the address of a request, of which uvicorn takes no more.
ADDRESS_LENGTH = 64 * 1024
#: As the standards have it (RFC 5321), and every column for one.
EMAIL_LENGTH = 254
INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
#: Invisible, but part of words in several scripts, and of emoji.
JOINERS = frozenset("\u200c\u200d")
#: Of Unicode's canonical compositions, none makes one character of more than these.
MOST_COMPOSED = 4
_TAGS = "\U000e0000-\U000e007f"
_DIRECTIONS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"
#: One of them chooses how a character looks; more in a row show nothing, and can spell out anything.
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
#: Control and format characters, line and paragraph separators and surrogates, but no joiners.
INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u2028\u2029\u2060-\u2064\ud800-\udfff"
    "\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    f"{_DIRECTIONS}{_TAGS}]|[{_SELECTORS}]{{2,}}"
)
#: What nobody sees in text of several lines, while readers without eyes do. Zero-width spaces break long words there.
_HIDING = f"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufff9-\ufffb{_DIRECTIONS}{_TAGS}"
HIDDEN = re.compile(f"[{_HIDING}]|[{_SELECTORS}]{{2,}}")
#: Finds at least what the one before finds, in a third of the time: lists show hundreds of long descriptions.
_SUSPECT = re.compile(f"[{_HIDING}{_SELECTORS}]")
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


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


def is_invisible(character: str) -> bool:
    """Return whether a character controls text rather than being part of it: directions, line breaks, zero widths."""
    return INVISIBLE.match(character) is not None


def shown_line(text: str) -> str:
    """Return text that somebody wrote as one line of what can be seen: rows may be older than the rule for names."""
    if (text.isascii() and text.isprintable()) or not INVISIBLE.search(text):
        return text
    seen = INVISIBLE.sub("", " ".join(text.split()))
    return " ".join(seen.split())


def shown_prose(text: str) -> str:
    """Return text that somebody wrote without hidden characters; its line breaks stay."""
    return HIDDEN.sub("", text) if _SUSPECT.search(text) else text


def _storable(text: str) -> str:
    """Refuse what no database can store: NUL characters and halves of surrogate pairs."""
    if UNSTORABLE.search(text):
        raise ValueError("must not contain NUL characters or unpaired surrogates")
    return text


def _prose(text: str) -> str:
    if HIDDEN.search(_storable(text)):
        raise ValueError("must not contain control, direction or other hidden characters")
    return text


@dataclass(frozen=True, slots=True)
class Text:
    """Annotates a ``str`` of a contract: ``Annotated[str, Text(500)]``.

    Lengths are in characters and checked before anything else reads the text, which is linear work in a compiled
    expression. A contract has no other texts than these and lines, so that no argument costs more than its limit.
    """

    most: int
    least: int = 0
    pattern: str | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(min_length=self.least or None, max_length=self.most, pattern=self.pattern)
        return core_schema.no_info_after_validator_function(self.check, text)

    def check(self, text: str) -> str:
        """Return the text, whose length is right. Raises ``ValueError``."""
        return _storable(text)


@dataclass(frozen=True, slots=True)
class Prose(Text):
    """Text of several lines that people and models read: without control, direction and other hidden characters."""

    def check(self, text: str) -> str:
        return _prose(text)


@dataclass(frozen=True, slots=True)
class Line:
    """Annotates a ``str`` that names something: one line of text, composed and trimmed before it is measured.

    ``what`` begins the sentence about its length. Composing is quadratic in the length of a run of marks, so a text
    that no composing makes short enough is refused before.
    """

    most: int
    what: str = "a name"
    least: int = 1

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, core_schema.str_schema())

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "minLength": self.least, "maxLength": self.most}

    def check(self, text: str) -> str:
        """Return the text composed and trimmed, without control, direction and zero-width characters.

        Raises:
            ValueError: it holds some, holds nothing that can be seen, or is not as long as it may be.
        """
        if len(text) <= MOST_COMPOSED * self.most:
            text = unicodedata.normalize("NFC", _storable(text).strip())
            if INVISIBLE.search(text):
                raise ValueError("must be one line of text without control or invisible characters")
            if text and JOINERS.issuperset(text):
                raise ValueError("must hold something that can be seen")
        if not self.least <= len(text) <= self.most:
            raise ValueError(f"{self.what} has {self.least or 'up'} to {self.most} characters")
        return text


def sentence(reason: str) -> str:
    """Return the reason of a refusal as a sentence, for a form."""
    return f"{reason[:1].upper()}{reason[1:]}."


#: What records show of the words of people.
ShownLine = Annotated[str, AfterValidator(shown_line)]
ShownProse = Annotated[str, AfterValidator(shown_prose)]
OrganizationId = Annotated[str, Text(63, least=1), Field(description="The organization's id, its slug.")]
LibraryId = Annotated[str, Text(63, least=1), Field(description="The library's id, its slug.")]
AssetId = Annotated[str, Text(64, least=1), Field(description="The asset's id.")]
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
        raise BadUserInput(*problems_of(error)) from None


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
            raise BadUserInput((name[:NAME_SHOWN], "comes more than once"))
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


def problems_of(error: ValidationError) -> list[Problem]:
    """Return the first fields that do not fit, each with its reason."""
    return [_problem(detail) for detail in error.errors(include_url=False, include_input=False)[:MOST_PROBLEMS]]


def _problem(detail: ErrorDetails) -> Problem:
    field = ".".join(str(part)[:NAME_SHOWN] for part in detail["loc"]) or "arguments"
    kind = detail["type"]
    if kind == "value_error":
        return field, str(detail["ctx"]["error"])
    if kind in {"string_too_long", "string_too_short"}:
        return field, detail["msg"].replace("String", "value", 1)
    reasons = {"missing": "is required", "extra_forbidden": "is not an argument of this operation"}
    return field, reasons.get(kind, f"{detail['msg'][:1].lower()}{detail['msg'][1:]}")


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
