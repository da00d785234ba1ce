"""What the tests of files share: what lies in the storage, and a way to import bytes."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from assets.contracts import ImportFile
from assets.derivatives import derive_all
from assets.models import Asset
from assets.operations.imports import import_file
from orgs.access import Principal
from tests.factories import OPERATOR

StoredFiles = Callable[[], set[str]]
Importer = Callable[..., Asset]


def _stored() -> set[str]:
    root = Path(settings.MEDIA_ROOT)
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def stored_files() -> StoredFiles:
    """Return the names of the files that a test has added to the storage so far."""
    before = _stored()
    return lambda: _stored() - before


@pytest.fixture
def imported() -> Importer:
    """Import bytes into a library of the cast and make their sizes: ``imported(data, "sea.jpg", library="paris")``."""

    def importing(
        data: bytes,
        file_name: str = "sea.jpg",
        *,
        organization: str = "acme",
        library: str = "barcelona",
        principal: Principal = OPERATOR,
    ) -> Asset:
        command = ImportFile(organization_id=organization, library_id=library, file_name=file_name)
        row = Asset.objects.filter(pk=import_file(principal, command, io.BytesIO(data)).asset_id)
        derive_all(row)
        return row.get()

    return importing
