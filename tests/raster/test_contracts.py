"""What a name and any other text may be, whatever it is for, and that every text of a contract is one of them."""

import sys
import unicodedata
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

import apikeys.contracts
from assets.contracts import RESERVED_TAGS, Person, TagText, VariantRecord
from raster.contracts import (
    HIDDEN,
    INVISIBLE,
    JOINERS,
    MOST_COMPOSED,
    Contract,
    Line,
    Prose,
    Text,
    is_invisible,
    read_json,
    shown_line,
    shown_prose,
)
from raster.errors import BadUserInput
from tests.attacks.places import CONTRACTS

LINE = TypeAdapter[str](Annotated[str, Line(100)])
PROSE = TypeAdapter[str](Annotated[str, Prose(100)])
#: What hides in text: controls, tags, directions, and runs of selectors.
HIDING = ["\x1b", "\x7f", "\x85", "\u202e", "\u2066", "\u200e", "\u061c", "\U000e0041", "\U000e0001", "\ufe0f\ufe0f"]


# --- Every text has a length ---------------------------------------------------------------------------------------


def unbounded(node: Any) -> Iterator[str]:
    """Yield what a schema of pydantic's core has of texts that something reads before their length is checked."""
    if isinstance(node, list | tuple):
        for each in node:
            yield from unbounded(each)
    elif isinstance(node, dict) and not _is_line(node):
        if problem := _problem(node):
            yield problem
        for name, each in node.items():
            if name not in {"metadata", "serialization"}:
                yield from unbounded(each)


def _is_line(node: dict[str, Any]) -> bool:
    if node.get("type") != "function-after" or node["schema"].get("type") != "str":
        return False
    return isinstance(getattr(node["function"]["function"], "__self__", None), Line)


def _problem(node: dict[str, Any]) -> str:
    kind = node.get("type")
    if kind in {"function-before", "function-wrap"}:
        return "something is done before the length is checked"
    if kind == "function-plain" and node["function"]["function"].__name__ != "_decoded":  # which checks it itself
        return "a validator in place of a length"
    return "no length" if kind == "str" and "max_length" not in node else ""


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_text_of_every_contract_has_a_length_that_is_checked_first(contract: type[Contract]) -> None:
    assert not list(unbounded(contract.__pydantic_core_schema__))


class _Careless(Contract):
    name: str


class _Late(Contract):
    name: Annotated[str, Text(10)] | dict[str, int]


@pytest.mark.parametrize("contract", [_Careless, _Late])
def test_a_text_without_a_length_is_found(contract: type[Contract]) -> None:
    assert list(unbounded(contract.__pydantic_core_schema__))


@pytest.mark.parametrize("text", ["\u0301" * 500_000, "a" * 500_000, " " * 500_000])
def test_a_name_that_no_composing_makes_short_enough_is_not_composed(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    def composed(form: str, given: str) -> str:
        raise AssertionError(f"{form} of {len(given)} characters")

    with monkeypatch.context() as patched:  # pytest itself composes what it prints
        patched.setattr(unicodedata, "normalize", composed)
        with pytest.raises(ValidationError, match="a name has 1 to 100 characters"):
            LINE.validate_python(text)


def test_no_character_is_composed_of_more_than_that() -> None:
    most = max(len(unicodedata.normalize("NFD", chr(code))) for code in range(sys.maxunicode + 1))
    assert most == MOST_COMPOSED


def test_names_are_measured_when_they_are_composed_and_trimmed() -> None:
    assert LINE.validate_python("  " + "e\u0301" * 100 + " ") == "é" * 100
    with pytest.raises(ValidationError):
        LINE.validate_python("é" * 101)


@pytest.mark.parametrize("length", [101, 1_000_000])
def test_one_length_is_refused_in_the_same_words_whatever_is_over_it(length: int) -> None:
    command = {"organizationId": "acme", "name": "x" * length}
    with pytest.raises(BadUserInput, match=r"^name: a key's name has 1 to 100 characters$"):
        read_json(apikeys.contracts.CreateKey, command)
    with pytest.raises(BadUserInput, match=r"^organizationId: value should have at most 63 characters$"):
        read_json(apikeys.contracts.CreateKey, {"organizationId": "x" * length, "name": "x"})


def test_a_refusal_has_each_field_with_its_reason_and_is_worded_from_them() -> None:
    with pytest.raises(BadUserInput) as refused:
        read_json(apikeys.contracts.CreateKey, {"name": "a: b\u202e", "access": {"paris": "all"}, "x: y": 1})
    assert refused.value.problems == [
        ("organizationId", "is required"),
        ("name", "must be one line of text without control or invisible characters"),
        ("access.paris", "input should be 'none', 'read' or 'write'"),
        ("x: y", "is not an argument of this operation"),
    ]
    assert refused.value.message == "; ".join(f"{field}: {reason}" for field, reason in refused.value.problems)


def test_a_problem_of_no_field_is_its_sentence() -> None:
    assert BadUserInput("Send it again.").problems == [("", "Send it again.")]
    assert BadUserInput("Send it again.").message == "Send it again."
    assert BadUserInput().message == BadUserInput.default_message


# --- Names are one line of what can be seen ------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["\u200b", "a\nb", "\u200d", "nul\x00", "a\u2028b", *(f"a{each}b" for each in HIDING)])
def test_what_cannot_be_seen_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        LINE.validate_python(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("  برشلونة ", "برشلونة"),
        ("דוד בן־גוריון", "דוד בן־גוריון"),
        ("مُحَمَّد", "مُحَمَّد"),
        ("cafe\u0301", "café"),
        ("👩\u200d🎨", "👩\u200d🎨"),
        ("❤\ufe0f\u200d🔥", "❤\ufe0f\u200d🔥"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("葛\U000e0100城", "葛\U000e0100城"),
    ],
)
def test_words_of_every_script_are_kept(text: str, kept: str) -> None:
    assert LINE.validate_python(text) == kept
    assert PROSE.validate_python(text) == text
    assert shown_line(kept) == shown_prose(kept) == kept


def test_the_expression_has_every_character_that_cannot_be_seen() -> None:
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        hides = unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and character not in JOINERS
        assert not hides or is_invisible(character), hex(code)
        # Some are younger than the Unicode of this Python.
        young = unicodedata.category(character) == "Cn"
        assert hides or young or not is_invisible(character), hex(code)


# --- Descriptions and notes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HIDING)
def test_what_hides_in_a_description_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="must not contain control, direction or other hidden characters"):
        PROSE.validate_python(f"Look at this.\n{text}Ignore it.")


def test_a_description_keeps_its_line_breaks_and_spaces() -> None:
    text = " One.\r\n\n\tTwo.\u2028Three\u00a0four.\u200bFive. "
    assert PROSE.validate_python(text) == shown_prose(text) == text


# --- What rows hold that are older ---------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [*HIDING, "\u200b", "\n", "\u2028", "\x00"])
def test_what_hides_in_older_rows_is_not_shown(text: str) -> None:
    name = Person(name=f"Eve{text}Ignore all of this").name
    assert not INVISIBLE.search(name)
    assert name.startswith("Eve") and name.endswith("Ignore all of this")


def test_every_word_of_people_in_the_records_of_assets_is_clean() -> None:
    hiding = "".join(HIDING)
    shown = VariantRecord.model_validate(
        {
            **dict.fromkeys(("id", "organization_id", "library_id", "content_type", "url", "app_url"), "x"),
            **dict.fromkeys(("width", "height", "blurhash", "parent_id")),
            "size": 1,
            "created": 1,
            "updated": 1,
            "sizes": {},
            "type": "main",
            "derivatives": "ready",
            "name": f"a{hiding}\nb",
            "description": f"One\n{hiding}two",
            "tags": [f"a{hiding}b"],
            "approval": {"state": "approved", "note": f"a{hiding}\nb", "by": {"name": f"a{hiding}b"}, "at": 1},
            "uploaded_by": {"name": f"a\n{hiding}b"},
        }
    )
    assert (shown.name, shown.description, shown.tags) == ("a b", "One\ntwo", ["a b"])
    assert shown.uploaded_by.name == "a b"
    assert shown.approval is not None
    assert (shown.approval.note, shown.approval.by.name) == ("a\nb", "a b")
    assert not HIDDEN.search(shown.model_dump_json())


def test_tags_are_names_too() -> None:
    tag = TypeAdapter[str](TagText)
    for text in (*RESERVED_TAGS, "a,b", "a\nb", "a\u202eb", "", "x" * 65):
        with pytest.raises(ValidationError):
            tag.validate_python(text)
