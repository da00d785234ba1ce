"""The package index has a package called raster that is not this one: nothing tells anybody to install it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

#: Extras of it, and commands that install it, by whichever program.
STRANGER = re.compile(r"""\braster\[|\binstall\s+(?:-\S+\s+)*["']?raster(?![\w.-])""")
LEFT_OUT = {".git", ".venv", "var", "node_modules", "tests"}


def texts() -> Iterator[tuple[Path, str]]:
    """Yield the path of every text file of the product, and what is in it."""
    for path in sorted(settings.BASE_DIR.rglob("*")):
        inside = path.relative_to(settings.BASE_DIR)
        if path.is_file() and LEFT_OUT.isdisjoint(inside.parts) and not any("cache" in part for part in inside.parts):
            try:
                yield inside, path.read_text()
            except UnicodeDecodeError:
                continue


@pytest.mark.parametrize("command", ["pip install raster", "pip install 'raster[s3]'", "pipx install -U raster\n"])
def test_such_a_command_would_be_found(command: str) -> None:
    assert STRANGER.search(f"Run: {command}")


@pytest.mark.parametrize("command", ["pip install -r requirements/extras.txt", "uv tool install raster-dam"])
def test_other_commands_are_none(command: str) -> None:
    assert STRANGER.search(f"Run: {command}") is None


def test_no_file_names_it() -> None:
    found = dict(texts())
    assert {Path("README.md"), Path("raster/environment.py"), Path("docs/configuration.md")} <= found.keys()
    assert [str(path) for path, text in found.items() if STRANGER.search(text)] == []
