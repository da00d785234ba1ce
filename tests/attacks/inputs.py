"""Long inputs: one list for every place of every interface that takes a text."""

from collections.abc import Callable

#: Texts that grow with a number of characters. Each has cost some program more than its length.
LONG: dict[str, Callable[[int], str]] = {
    "letters": lambda size: "a" * size,
    "capitals": lambda size: "İ" * size,
    "marks": lambda size: "a" + "\u0301" * (size // 2) + "\u0316" * (size // 2),
    "mixed marks": lambda size: "a" + "\u0301\u0316" * (size // 2),
    "decomposed": lambda size: "e\u0301" * (size // 2),
    "ligatures": lambda size: "\ufdfa" * size,
    "jamo": lambda size: "\u1112\u1161\u11ab" * (size // 3),
    "digits": lambda size: "9" * size,
    "spaces": lambda size: " " * size,
    "words": lambda size: "a " * (size // 2),
    "commas": lambda size: "," * size,
    "lines": lambda size: "\n" * size,
    "hyphens": lambda size: "a-" * (size // 2),
    "dots": lambda size: "a." * (size // 2),
    "ats": lambda size: "a@" * (size // 2),
    "slashes": lambda size: "/" * size,
    "brackets": lambda size: "[" * size,
    "braces": lambda size: "{" * size,
    "markup": lambda size: "<b>" * (size // 3),
    "percents": lambda size: "%41" * (size // 3),
    "backslashes": lambda size: "\\" * size,
    "emoji": lambda size: "👩\u200d👩\u200d👧" * (size // 5),
    "joiners": lambda size: "\u200d" * size,
    "directions": lambda size: "\u202e" * size,
    "isolates": lambda size: "\u2067\u2069" * (size // 2),
    "tags": lambda size: "\U000e0041" * size,
    "selectors": lambda size: "\ufe0f" * size,
    "controls": lambda size: "\x1b" * size,
    "scripts": lambda size: "漢" * size,
}
