"""An attacker who knows a person's email address tries to keep the person out, and to guess the password."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Self

import httpx2
import pytest

from accounts.limits import Limit
from accounts.sign_in import FAILURES_OF_ACCOUNT, FAILURES_OF_ADDRESS, account_subject
from apikeys.models import APIKey
from tests.attacks.bystander import Bystander, working
from tests.factories import PASSWORD, Cast, give_password
from tests.mails import delivered_mails
from tests.server import Server
from tests.waiting import wait_until

ALICE = "alice@example.com"
#: All of these lead to the server: this machine's own addresses.
ADDRESSES = [f"127.0.0.{number}" for number in range(101, 121)]
VICTIM_ADDRESS = "127.0.0.50"
SECONDS = 60
CODE_LINE = re.compile(r"^([A-Z]{4}-[A-Z]{4})$", re.MULTILINE)
WRONG, CODE, WAIT = "wrong", "code", "wait"


class Visitor:
    """A browser at an IP address of its own."""

    def __init__(self, server: Server, address: str) -> None:
        transport = httpx2.HTTPTransport(local_address=address)
        port = server.url.rpartition(":")[2]
        self.browser = httpx2.Client(
            # By its number, since the name may lead to ::1, which an IPv4 address does not reach.
            base_url=f"http://127.0.0.1:{port}",
            transport=transport,
            timeout=SECONDS,
        )

    def send(self, path: str, **fields: str) -> httpx2.Response:
        """Fill in a page's form and send it."""
        page = self.browser.get(path)
        assert page.status_code == 200, page.text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        assert token
        return self.browser.post(path, data={"csrfmiddlewaretoken": token[1], **fields})

    def sign_in(self, password: str = PASSWORD, email: str = ALICE) -> httpx2.Response:
        return self.send("/login", login=email, password=password)

    def sign_out(self) -> None:
        self.send("/logout")

    def guess(self) -> str:
        """Enter a wrong password; return what came of it."""
        answer = self.sign_in("a wrong guess")
        if answer.is_redirect:
            assert answer.headers["location"] == "/login/code"
            return CODE
        return WAIT if answer.status_code == 429 else WRONG

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.browser.close()


@contextmanager
def hammering(server: Server, blow: Callable[[Visitor], object]) -> Iterator[None]:
    """Have attackers at many addresses do something again and again until the block ends."""
    stop: list[bool] = []

    def hammer(addresses: list[str]) -> None:
        visitors = [Visitor(server, address) for address in addresses]
        while not stop:
            for visitor in visitors:
                blow(visitor)
        for visitor in visitors:
            visitor.browser.close()

    with ThreadPoolExecutor(2) as pool:
        attackers = [pool.submit(hammer, ADDRESSES[half::2]) for half in range(2)]
        try:
            yield
        finally:
            stop.append(True)
        for attacker in attackers:
            attacker.result()


def use_up(limit: Limit, subject: str, *, but: int = 0) -> None:
    """Count what the attacker did before the test looks at it; ``but`` so many are left."""
    for _ in range(limit.most - but):
        limit.allows(subject)


def delete_key(victim: Visitor, key_id: int) -> None:
    """Do as a person does who signed in long ago: prove who they are, then delete the key."""
    confirmed = victim.send("/reauthenticate", password=PASSWORD)
    assert confirmed.is_redirect, confirmed.text
    deleted = victim.send(f"/acme/settings/api-keys/{key_id}/delete", name="Agent")
    assert deleted.is_redirect, deleted.text


@pytest.fixture
def victim(server: Server, cast: Cast) -> Iterator[Visitor]:
    """Alice's browser, in which she signed in before."""
    give_password(cast.alice)
    with Visitor(server, VICTIM_ADDRESS) as visitor:
        assert visitor.sign_in().headers["location"] == "/"
        yield visitor


def codes() -> list[str]:
    """Return the codes that were mailed, oldest first."""
    return [code for mail in delivered_mails() for code in CODE_LINE.findall(str(mail.body))]


def test_hammering_at_sign_in_stops_neither_the_victim_nor_a_bystander(
    server: Server, cast: Cast, victim: Visitor, bystander: Bystander
) -> None:
    key = cast.key("Agent")
    use_up(FAILURES_OF_ACCOUNT, account_subject(ALICE), but=3)
    with working(bystander), hammering(server, Visitor.guess):
        with Visitor(server, "127.0.0.60") as attacker:
            wait_until(lambda: attacker.guess() == CODE)
        victim.sign_out()
        assert victim.sign_in().headers["location"] == "/"
        delete_key(victim, key.key_id)
    assert not APIKey.objects.filter(pk=key.key_id).exists()


def test_the_victim_signs_in_with_a_code_in_a_browser_that_is_new(server: Server, cast: Cast) -> None:
    give_password(cast.alice)
    use_up(FAILURES_OF_ACCOUNT, account_subject(ALICE))
    with hammering(server, Visitor.guess), Visitor(server, VICTIM_ADDRESS) as visitor:
        assert visitor.sign_in().headers["location"] == "/login/code"
        wait_until(lambda: bool(codes()))
        assert visitor.send("/login/code", code=codes()[-1]).headers["location"] == "/"
        assert visitor.browser.get("/new").status_code == 200
    assert len(codes()) == 1, "The attackers, who do not know the password, have no mail sent."


def test_many_addresses_at_once_get_as_many_guesses_as_one_and_not_one_more(server: Server, cast: Cast) -> None:
    give_password(cast.alice)

    def guesses(address: str) -> Counter[str]:
        with Visitor(server, address) as visitor:
            return Counter(visitor.guess() for _ in range(6))

    with ThreadPoolExecutor(8) as pool:
        results = sum(pool.map(guesses, ADDRESSES), Counter[str]())
    assert results == {WRONG: FAILURES_OF_ACCOUNT.most, CODE: 6 * len(ADDRESSES) - FAILURES_OF_ACCOUNT.most}


def test_an_attacker_in_the_same_office_keeps_nobody_there_out(server: Server, cast: Cast, victim: Visitor) -> None:
    give_password(cast.bob)
    victim.sign_out()
    use_up(FAILURES_OF_ADDRESS, VICTIM_ADDRESS)
    assert victim.sign_in().headers["location"] == "/"
    with Visitor(server, VICTIM_ADDRESS) as colleague:
        assert colleague.sign_in(email=cast.bob.email).headers["location"] == "/login/code"
        wait_until(lambda: bool(codes()))
        assert colleague.send("/login/code", code=codes()[-1]).headers["location"] == "/"


def test_asking_for_resets_in_the_victims_name_floods_no_mailbox_and_keeps_no_link_from_working(
    server: Server, cast: Cast, victim: Visitor
) -> None:
    victim.sign_out()
    for address in ADDRESSES:
        with Visitor(server, address) as attacker:
            assert attacker.send("/password/reset", email=ALICE).headers["location"] == "/password/reset/done"
    mailed = [mail for mail in delivered_mails() if mail.to == [ALICE] and "/key/" in str(mail.body)]
    assert len(mailed) == 5
    link = re.search(r"http://localhost:\d+(/password/reset/key/\S+)", str(mailed[0].body))
    assert link
    shown = victim.browser.get(link[1], follow_redirects=True)
    assert "Choose a new password" in shown.text
    assert victim.sign_in().headers["location"] == "/"
