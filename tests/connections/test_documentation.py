"""The documentation of connecting says what the pages say, and docs/oauth.md tells scanners what a token looks like."""

import re
import tomllib

import pytest
from django.conf import settings as configured
from pytest_django import Settings

from connections import secrets
from connections.ready import ready_clients
from documentation.installation import Installation
from documentation.pages import source_of

OAUTH = (configured.BASE_DIR / "docs" / "oauth.md").read_text()
CLASSES = (secrets.ACCESS_TOKEN, secrets.REFRESH_TOKEN, secrets.DEVICE_CODE)


def words(text: str) -> str:
    """Return text with every gap as one space."""
    return " ".join(text.split())


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", OAUTH, re.DOTALL)
    assert found
    return found[1]


def patterns() -> dict[str, str]:
    trufflehog = re.search(r"token: '(.*)'", block("yaml"))
    form = re.search(r"^    (rst\[.*)$", OAUTH, re.MULTILINE)
    assert trufflehog
    assert form
    return {
        "the form": form[1],
        "gitleaks": tomllib.loads(block("toml"))["rules"][0]["regex"],
        "TruffleHog": trufflehog[1],
    }


def test_the_steps_for_each_client_are_those_of_the_pages(settings: Settings) -> None:
    settings.BASE_URL = "https://raster.test"
    settings.MCP_URL = "https://raster.test/mcp"
    text = source_of("connect", Installation.current())
    sections = {section.partition("\n")[0]: words(section) for section in text.split("\n## ")}
    for client in ready_clients(settings.MCP_URL):
        section = sections[client.name]
        for step in client.steps:
            assert words(step.words) in section, client.name
            assert words(step.text) in section, client.name
        if client.key is None:
            assert "takes no API keys" in section
        else:
            assert words(client.key.text) in section, client.name


@pytest.mark.parametrize("prefix", CLASSES)
@pytest.mark.parametrize("tool", ["the form", "gitleaks", "TruffleHog"])
def test_the_patterns_find_tokens_in_the_middle_of_a_text_and_nothing_shorter(tool: str, prefix: str) -> None:
    pattern = re.compile(patterns()[tool])
    for _ in range(20):
        text = secrets.generate(prefix)
        found = pattern.search(f'TOKEN="{text}";')
        assert found
        assert found[0] == text
        assert not pattern.search(text[:-1])


def test_the_rules_name_every_class_of_token() -> None:
    assert tomllib.loads(block("toml"))["rules"][0]["keywords"] == list(CLASSES)
    assert all(f"- {prefix}" in block("yaml") for prefix in CLASSES)
