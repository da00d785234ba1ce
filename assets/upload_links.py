"""Using an upload link: files come into one library once, without the credential that the link was made with.

A link is claimed before its upload is read, so that of two uses at once one wins. It is spent once its upload came
whole, whatever became of the files; one that broke off gives the link back.
"""

from collections.abc import Callable
from datetime import datetime

from django.utils import timezone

from assets.admission import Admission
from assets.models import UploadLink
from orgs.access import Level, Origin, Principal, libraries_of
from raster import tokens
from raster.errors import (
    EndpointNotFound,
    Forbidden,
    InsufficientScope,
    InvalidAPIKey,
    LibraryNotAuthorized,
    LibraryReadOnly,
    OrganizationNotFound,
    RasterError,
    Unauthenticated,
)

PREFIX = "rstu_"
PATH = "/upload/"
#: Who a credential is at this moment: connections/bearer.py.
PrincipalFor = Callable[[tuple[str, int], datetime, Origin], Principal]
#: The credential of a link that there is not: looked for all the same.
NOBODY = ("key", 0)

REFUSED = (
    "This upload link is of no use: it is unknown, was used, has expired, or whoever made it may not upload there any "
    "more. Make a new one."
)
#: What refuses the caller who made a link, and not the files that came with it.
OF_MAKER = (
    Forbidden,
    InsufficientScope,
    InvalidAPIKey,
    LibraryNotAuthorized,
    LibraryReadOnly,
    OrganizationNotFound,
    Unauthenticated,
)


def admit(text: str, origin: Origin, principal_for: PrincipalFor) -> Admission:
    """Return whom a link lets in, and where to.

    Whatever is wrong with a link, the same is asked of the database.

    Raises:
        EndpointNotFound: it lets nobody in.
    """
    links = UploadLink.objects.select_related("library__organization")
    link = links.filter(digest=tokens.digest(text)).first()
    principal = _maker(link, origin, principal_for)
    reach = libraries_of(0) if principal is None else principal.libraries()
    library = reach.filter(pk=0 if link is None else link.library_id).first()
    if link is None or principal is None or library is None or library.level < Level.WRITE:
        raise EndpointNotFound(REFUSED)
    if link.used is not None or link.expires <= timezone.now():
        raise EndpointNotFound(REFUSED)
    return Admission(principal, link.library.organization.slug, library.slug)


def refusal_of_link(refusal: RasterError) -> RasterError:
    """Return what the link's bearer is told of a refusal: nothing about the caller who made the link."""
    return EndpointNotFound(REFUSED) if isinstance(refusal, OF_MAKER) else refusal


def claim(text: str) -> None:
    """Take a link for one upload.

    Raises:
        EndpointNotFound: another upload has it, or had it.
    """
    now = timezone.now()
    free = UploadLink.objects.filter(digest=tokens.digest(text), used=None, expires__gt=now)
    if not free.update(used=now):
        raise EndpointNotFound(REFUSED)


def give_back(text: str) -> None:
    """Let a link be used again whose upload broke off."""
    UploadLink.objects.filter(digest=tokens.digest(text)).update(used=None)


def _maker(link: UploadLink | None, origin: Origin, principal_for: PrincipalFor) -> Principal | None:
    credential = NOBODY if link is None else (link.credential_class, link.credential_id)
    made = timezone.now() if link is None else link.created
    try:
        return principal_for(credential, made, origin)
    except RasterError:
        return None
