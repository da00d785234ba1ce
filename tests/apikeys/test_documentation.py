"""docs/api-keys.md tells scanners what a key looks like: its patterns and its rule for the checksum hold."""

import re
import tomllib

import pytest
from django.conf import settings

from apikeys import secrets

TEXT = (settings.BASE_DIR / "docs" / "api-keys.md").read_text()


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    assert found
    return found[1]


def patterns() -> dict[str, str]:
    trufflehog = re.search(r"key: '(.*)'", block("yaml"))
    form = re.search(r"^    (rstk_\[.*)$", TEXT, re.MULTILINE)
    assert trufflehog
    assert form
    return {
        "the form": form[1],
        "gitleaks": tomllib.loads(block("toml"))["rules"][0]["regex"],
        "TruffleHog": trufflehog[1],
    }


@pytest.mark.parametrize("tool", ["the form", "gitleaks", "TruffleHog"])
def test_the_patterns_find_keys_in_the_middle_of_a_text_and_nothing_shorter(tool: str) -> None:
    pattern = re.compile(patterns()[tool])
    for _ in range(50):
        text = secrets.generate().text
        found = pattern.search(f'KEY="{text}";')
        assert found
        assert found[0] == text
        assert not pattern.search(text[:-1])


def test_the_rule_for_the_checksum_is_the_one_that_keys_are_made_by() -> None:
    names: dict[str, object] = {}
    exec(block("python"), names)
    is_key = names["is_key"]
    assert callable(is_key)
    for _ in range(50):
        text = secrets.generate().text
        assert is_key(text)
        assert not is_key(text[:-1] + ("a" if text[-1] != "a" else "b"))
