"""Snapshots: files with what the code made when somebody last meant to change it.

``make snapshots`` writes them anew and shows the difference, which is either a mistake or meant.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

OPTION = "--write-snapshots"
Check = Callable[[Path, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, action="store_true", help="write the snapshots in place of comparing with them")


@pytest.fixture
def check_snapshot(request: pytest.FixtureRequest) -> Check:
    """Compare a text with its snapshot, or write it."""

    def check(path: Path, text: str) -> None:
        if request.config.getoption(OPTION):
            path.write_text(text)
        assert path.is_file() and path.read_text() == text, f"{path} differs: run make snapshots if this is meant."

    return check
