"""How many organizations a user may own."""

from accounts.models import User
from orgs.models import Membership
from raster.errors import BadUserInput

MOST_OWNED_ORGANIZATIONS = 20


def check_may_own_more(user: User) -> None:
    """Return if a person may own one more organization.

    Raises:
        BadUserInput: they own as many as one person may.
    """
    owned = Membership.objects.filter(user=user, role=Membership.Role.OWNER).count()
    if owned >= MOST_OWNED_ORGANIZATIONS:
        raise BadUserInput(f"You own {owned} organizations, which is as many as one person may.")
