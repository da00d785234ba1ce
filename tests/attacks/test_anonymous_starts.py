"""A thousand starts without an account, from a hundred addresses of one customer, close the door to nobody else."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2

from apikeys.models import Claim
from apikeys.unclaimed import STARTS_OF_CUSTOMER
from tests.attacks.bystander import make_bystander, working
from tests.factories import Cast
from tests.mails import delivered_mails
from tests.server import Server, running_server

ADDRESSES = 100
STARTS_EACH = 10
AT_ONCE = 8


def start(server: Server, address: str, email: str) -> int:
    """Start an organization from behind a proxy; return the status of the answer."""
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": address, "Api-Version": "2026-07-08"}
    return httpx2.post(f"{server.url}/api/libraries", json={"email": email}, headers=headers, timeout=60).status_code


def test_a_thousand_starts_of_one_customer(
    transactional_db: None, static_files: None, cast: Cast, tmp_path: Path
) -> None:
    trusted = {"RASTER_TRUSTED_PROXIES": "127.0.0.0/8, ::1"}
    with running_server(tmp_path / "server.log", **trusted) as server:

        def attack(number: int) -> list[int]:
            address = f"2001:db8:0:{number:x}::1"
            return [start(server, address, f"stranger{number}.{again}@example.com") for again in range(STARTS_EACH)]

        with working(make_bystander(server, cast)), ThreadPoolExecutor(AT_ONCE) as attackers:
            statuses = [status for attacked in attackers.map(attack, range(ADDRESSES)) for status in attacked]
        most = STARTS_OF_CUSTOMER.most
        assert {status: statuses.count(status) for status in set(statuses)} == {
            200: most,
            429: ADDRESSES * STARTS_EACH - most,
        }
        assert Claim.objects.count() == len(delivered_mails()) == most
        assert start(server, "2001:db8:1::1", "erin@example.com") == 200
