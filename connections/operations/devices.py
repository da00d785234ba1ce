"""The code that a device shows and a person types: one operation, counted so that nobody guesses codes."""

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.limits import Limit, subject_of_address
from accounts.models import User
from connections import secrets
from connections.models import DeviceAuthorization
from orgs.access import UserPrincipal
from raster.errors import BadUserInput

CODES_OF_USER = Limit("device code of user", 5, 15 * 60)
#: Wrong ones of everybody at an address, who wait for a minute at most. A person's own count is what stops guessing.
CODES_OF_ADDRESS = Limit("device code of address", 20, 60)
WRONG_CODES_IN_ALL = Limit("wrong device codes in all", 200, 3600)


def claim_device(principal: UserPrincipal, user_code: str) -> DeviceAuthorization:
    """Return the waiting device whose code a person typed. From now on nobody else can answer it.

    Call it outside of a transaction: the tries are counted whatever becomes of them.

    Raises:
        BadUserInput: the code is unknown, expired, used or typed by somebody else before: nobody can tell which.
        RateLimited: the person, or somebody at their address, tried too often.
    """
    address = subject_of_address(principal.origin.address)
    CODES_OF_USER.hit(principal.user_id)
    CODES_OF_ADDRESS.hit(address)
    device = _claim(principal.user, user_code)
    if device is not None:
        # Only this code: the code of one's own device must not make up for wrong ones before it.
        CODES_OF_USER.give_back(principal.user_id)
        CODES_OF_ADDRESS.give_back(address)
        return device
    WRONG_CODES_IN_ALL.watch("Many wrong device codes are typed")
    raise BadUserInput("This code is not valid. Check it, or start again on your device to get a new one.")


def _claim(user: User, user_code: str) -> DeviceAuthorization | None:
    digest = secrets.user_code_digest(user_code)
    if digest is None:
        return None
    own = Q(claimed_by=None) | Q(claimed_by=user)
    with transaction.atomic():
        # Locked rather than updated at once: PostgreSQL would ask an update that looks at the client, too, only once.
        device = (
            DeviceAuthorization.objects.select_for_update(of=("self",))
            .select_related("client")
            .filter(own, user_code_digest=digest, state=DeviceAuthorization.State.PENDING, expires__gt=timezone.now())
            .filter(client__is_active=True)
            .first()
        )
        if device is not None:
            device.claimed_by = user
            device.save(update_fields=["claimed_by"])
    return device
