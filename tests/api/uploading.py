"""Upload links and uploads for tests: over HTTP as programs send them, and what they leave on the disk."""

from pathlib import Path
from typing import Any

import httpx2
from django.conf import settings
from django.db.models import Q

from assets.contracts import CreateUploadLink
from assets.models import Asset
from assets.operations.upload_links import create_upload_link
from assets.upload_links import PATH
from orgs.access import Principal
from tests.assets import pictures
from tests.server import Server
from tests.waiting import wait_until

JPEG = ("sea.jpg", pictures.jpeg())
TEXT = ("words.png", b"only words")
#: What differs between two answers that are alike.
PERISHABLE = {"date", "x-request-id"}


def make_link(principal: Principal, library: str = "barcelona", seconds: int = 600) -> str:
    """Return the text of a new upload link into a library of Acme."""
    command = CreateUploadLink(organization_id="acme", library_id=library, expires_in=seconds)
    return create_upload_link(principal, command).url.rpartition("/")[2]


def upload(server: Server, link: str, *files: tuple[str, bytes], **more: Any) -> httpx2.Response:
    """Post files to the address of a link, or of ``web/<ticket>``."""
    parts = [("file", file) for file in files]
    return httpx2.post(f"{server.url}{PATH}{link}", files=parts, timeout=60, **more)


def comparable(response: httpx2.Response) -> tuple[int, dict[str, str], str]:
    """Return what two answers must share to be equal."""
    headers = {name: value for name, value in response.headers.items() if name not in PERISHABLE}
    return response.status_code, headers, response.text


def staged_files() -> list[Path]:
    """Return what lies in the staging folder."""
    return sorted((Path(settings.DATA_DIR) / "staging").glob("*"))


def wait_for_derivatives() -> None:
    """Wait until no server has anything to make: on PostgreSQL, emptying the tables would deadlock with it."""
    wait_until(lambda: not Asset.objects.filter(Q(derivatives="pending")).exists())


def stored_files() -> set[Path]:
    """Return what lies in the storage."""
    return {path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()}
