"""Making upload links (assets/upload_links.py)."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from assets.contracts import MOST_FILES, CreateUploadLink, UploadLinkRecord
from assets.models import UploadLink
from assets.upload_links import PATH, PREFIX
from orgs import audit
from orgs.access import Level, Principal
from raster import tokens
from raster.errors import Forbidden


def create_upload_link(principal: Principal, command: CreateUploadLink) -> UploadLinkRecord:
    """Make a link with which files can be uploaded to a library once, by whoever has it."""
    library = principal.library(command.organization_id, command.library_id, Level.WRITE)
    if principal.credential is None:
        raise Forbidden
    text = tokens.generate(PREFIX)
    credential_class, credential_id = principal.credential
    with transaction.atomic():
        link = UploadLink.objects.create(
            digest=tokens.digest(text),
            library=library,
            credential_class=credential_class,
            credential_id=credential_id,
            expires=timezone.now() + timedelta(seconds=command.expires_in),
        )
        audit.record(
            principal,
            library.organization_id,
            "upload_link.create",
            str(library),
            after={"seconds": command.expires_in},
        )
    url = f"{settings.BASE_URL}{PATH}{text}"
    return UploadLinkRecord(
        url=url,
        expires_at=int(link.expires.timestamp() * 1000),
        curl=f'curl --fail-with-body -sS -F "file=@PATH" "{url}"',
        max_files=MOST_FILES,
        max_bytes=settings.MAX_FILE_SIZE,
    )
