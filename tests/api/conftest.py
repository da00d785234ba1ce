"""What tests of uploads share."""

from collections.abc import Iterator

import pytest

from tests.api.uploading import staged_files, wait_for_derivatives
from tests.server import Server


@pytest.fixture
def clean(server: Server) -> Iterator[None]:
    """Make sure that uploads leave nothing in the staging folder, and wait for what they set going."""
    before = staged_files()
    yield
    wait_for_derivatives()
    assert staged_files() == before
