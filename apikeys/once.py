"""Forms that act once: each carries a signed nonce, and sending the same form again does nothing.

A page that shows a secret is the answer to a POST, which a browser offers to repeat; the nonce keeps a repeated one
from making a second secret.
"""

import secrets

from django.core.cache import cache
from django.core.signing import BadSignature, TimestampSigner
from django.db import OperationalError

from orgs.access import OrganizationRef, Principal

LIFETIME_SECONDS = 24 * 3600
NONCE_BYTES = 16


class AlreadySent(Exception):
    """This very form was sent before."""


class OutOfDate(Exception):
    """The form is older than a day, or was made for somebody or something else."""


def issue(action: str, principal: Principal, organization: OrganizationRef) -> str:
    """Return a nonce for one form, good for a day, for this person, organization and action."""
    return _signer(action, principal, organization).sign(secrets.token_urlsafe(NONCE_BYTES))


def spend(nonce: str, action: str, principal: Principal, organization: OrganizationRef) -> None:
    """Use a nonce up; of any number of parallel attempts, one succeeds.

    Call it in the transaction of what the form does: if that fails, the form may be sent again.

    Raises:
        OperationalError: the database is out of reach.
        OutOfDate: it was not issued for this, or too long ago.
        AlreadySent: it was used before.
    """
    try:
        value = _signer(action, principal, organization).unsign(nonce, max_age=LIFETIME_SECONDS)
    except BadSignature:
        raise OutOfDate from None
    name = f"apikeys.once:{value}"
    if not cache.add(name, True, 2 * LIFETIME_SECONDS):
        if cache.get(name) is None:  # the database cache answers so, too, where it could not write
            raise OperationalError
        raise AlreadySent


def _signer(action: str, principal: Principal, organization: OrganizationRef) -> TimestampSigner:
    return TimestampSigner(salt=f"apikeys.once:{action}:{principal.user_id}:{organization.id}")
