"""What tests of uploads share."""

from collections.abc import Iterator

import pytest

from tests.api.uploading import staged_files
from tests.server import Server


@pytest.fixture
def clean(server: Server) -> Iterator[None]:
    """Make sure that uploads leave nothing in the staging folder."""
    before = staged_files()
    yield
    assert staged_files() == before
