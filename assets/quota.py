"""What an organization may hold: bytes of originals, and libraries. Its own limits go before the installation's.

One that nobody has claimed yet was given limits of its own, and is told so by errors of their own.
"""

import math

from django.conf import settings

from orgs.models import Library, Organization
from raster.errors import (
    EphemeralLibraryLimitExceeded,
    EphemeralStorageLimitExceeded,
    LibraryLimitExceeded,
    StorageLimitExceeded,
)


def add_use(organization_id: int, size: int) -> None:
    """Count ``size`` bytes of originals that come in or, below zero, go; within the transaction that moves them.

    The organization's row stays locked until the transaction ends, so that of uploads at once none counts on room
    that another one takes. Lock rows of libraries and assets before.

    Raises:
        StorageLimitExceeded: what comes in does not fit. What goes always may.
    """
    organization = Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
    if size > 0:
        _check_room(organization, size)
    organization.storage_used = max(0, organization.storage_used + size)
    organization.save(update_fields=["storage_used"])


def room_left(organization_id: int) -> float:
    """Return how many bytes fit as things are now, infinity without a limit; :func:`add_use` has the last word.

    Raises:
        StorageLimitExceeded: there is no room left.
    """
    organization = Organization.objects.get(pk=organization_id)
    _check_room(organization, 1)
    limit = _storage_limit(organization)
    return math.inf if limit is None else limit - organization.storage_used


def check_libraries(organization_id: int) -> None:
    """Refuse one more library than there may be; the organization's row stays locked until the transaction ends.

    Raises:
        LibraryLimitExceeded: there are as many as there may be.
    """
    organization = Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
    limit = settings.LIBRARY_QUOTA if organization.library_limit is None else organization.library_limit
    if limit is not None and Library.objects.filter(organization=organization).count() >= limit:
        raise LibraryLimitExceeded if organization.unclaimed_until is None else EphemeralLibraryLimitExceeded


def _check_room(organization: Organization, size: int) -> None:
    limit = _storage_limit(organization)
    if limit is not None and organization.storage_used + size > limit:
        raise StorageLimitExceeded if organization.unclaimed_until is None else EphemeralStorageLimitExceeded


def _storage_limit(organization: Organization) -> int | None:
    own: int | None = organization.storage_limit
    installation: int | None = settings.STORAGE_QUOTA
    return installation if own is None else own
