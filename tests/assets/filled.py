"""Fills an installation: ``python -m tests.assets.filled 3`` imports three pictures that no other call imports.

It runs on the database and the storage of its environment, in a library that it makes where there is none.
"""

import io
import os
import sys
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "raster.settings")
django.setup(set_prefix=False)

from assets.contracts import ImportFile  # noqa: E402 - needs the settings
from assets.operations.imports import import_file  # noqa: E402
from orgs.models import Library, Organization  # noqa: E402
from tests.factories import OPERATOR  # noqa: E402

PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><title>{}</title></svg>'


def main(pictures: int) -> None:
    """Import so many pictures."""
    acme, _ = Organization.objects.get_or_create(slug="acme", defaults={"name": "Acme"})
    Library.objects.get_or_create(organization=acme, slug="barcelona", defaults={"name": "Barcelona"})
    for _ in range(pictures):
        command = ImportFile(organization_id="acme", library_id="barcelona", file_name="sea.svg")
        import_file(OPERATOR, command, io.BytesIO(PICTURE.format(uuid4()).encode()))


if __name__ == "__main__":
    main(int(sys.argv[1]))
