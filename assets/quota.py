"""What an organization may hold: bytes of originals, and libraries. Its own limits go before the installation's.

One that nobody has claimed yet was given limits of its own, and is told so by errors of their own.
"""

import math
from dataclasses import dataclass

from django.conf import settings

from orgs.models import Library, Organization
from raster.errors import (
    EphemeralLibraryLimitExceeded,
    EphemeralStorageLimitExceeded,
    LibraryLimitExceeded,
    RasterError,
    StorageLimitExceeded,
)


@dataclass(frozen=True, slots=True)
class Room:
    """For how many more bytes there is room, and what is told of more; without a limit any number fits."""

    size: float = math.inf
    refusal: type[RasterError] = StorageLimitExceeded

    def check(self, size: float) -> None:
        """Return if ``size`` bytes fit, else raise ``refusal``."""
        if size > self.size:
            raise self.refusal


def add_use(organization_id: int, size: int) -> None:
    """Count ``size`` bytes of originals that come in or, below zero, go; within the transaction that moves them.

    The organization's row stays locked until the transaction ends, so that of uploads at once none counts on room
    that another one takes. Lock rows of libraries and assets before.

    Raises:
        StorageLimitExceeded: what comes in does not fit. What goes always may.
    """
    organization = Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
    if size > 0:
        _room(organization).check(size)
    organization.storage_used = max(0, organization.storage_used + size)
    organization.save(update_fields=["storage_used"])


def room_left(organization_id: int) -> Room:
    """Return what fits as things are now; :func:`add_use` has the last word.

    Raises:
        StorageLimitExceeded: there is no room left.
    """
    organization = Organization.objects.get(pk=organization_id)
    room = _room(organization)
    room.check(1)
    return room


def check_libraries(organization_id: int) -> None:
    """Refuse one more library than there may be; the organization's row stays locked until the transaction ends.

    Raises:
        LibraryLimitExceeded: there are as many as there may be.
    """
    organization = Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
    limit = settings.LIBRARY_QUOTA if organization.library_limit is None else organization.library_limit
    if limit is not None and Library.objects.filter(organization=organization).count() >= limit:
        raise LibraryLimitExceeded if organization.unclaimed_until is None else EphemeralLibraryLimitExceeded


def _room(organization: Organization) -> Room:
    refusal = StorageLimitExceeded if organization.unclaimed_until is None else EphemeralStorageLimitExceeded
    own: int | None = organization.storage_limit
    limit: int | None = settings.STORAGE_QUOTA if own is None else own
    return Room(math.inf if limit is None else limit - organization.storage_used, refusal)
