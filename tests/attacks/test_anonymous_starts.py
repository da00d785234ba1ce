"""A thousand starts without an account, from a hundred addresses of one customer, close the door to nobody else."""

from contextlib import suppress

from pytest_django import Settings

from apikeys.contracts import StartOrganization
from apikeys.models import Claim
from apikeys.unclaimed import STARTS_OF_CUSTOMER, start_organization
from orgs.access import Origin
from raster.errors import RateLimited
from tests.mails import delivered_mails

ADDRESSES = 100
STARTS_EACH = 10


def test_a_thousand_starts_of_one_customer(db: None, settings: Settings) -> None:
    settings.MAIL_CONFIGURED = True

    def start(address: str, email: str) -> None:
        start_organization(Origin("mcp", address), StartOrganization(email=email))

    for number in range(ADDRESSES):
        for again in range(STARTS_EACH):
            with suppress(RateLimited):
                start(f"2001:db8:0:{number:x}::1", f"stranger{number}.{again}@example.com")
    assert Claim.objects.count() == len(delivered_mails()) == STARTS_OF_CUSTOMER.most
    start("2001:db8:1::1", "erin@example.com")
    assert Claim.objects.count() == STARTS_OF_CUSTOMER.most + 1
