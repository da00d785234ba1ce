"""Guessing passwords is limited, and whoever only knows an email address keeps nobody out of their account."""

import re
import time
from typing import Any

import pytest
from allauth.account import app_settings
from allauth.account.models import EmailAddress
from django.contrib.messages import get_messages
from django.core.cache import cache
from django.core.handlers.base import BaseHandler
from django.core.mail import EmailMessage
from django.core.signals import request_finished
from django.db import close_old_connections, connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

import accounts.sign_in
from accounts.limits import Limit
from accounts.models import RateCount, User
from accounts.sign_in import (
    CHECKS_OF_ADDRESS,
    CODE_SECONDS,
    CODES_OF_ACCOUNT,
    FAILURES_OF_ACCOUNT,
    FAILURES_OF_ADDRESS,
    FAILURES_OF_BROWSER,
    GUESSES_OF_CODE,
    STATE,
    account_subject,
    checking,
)
from tests.apikeys.people import TOO_LONG_AGO, sign_in, whole_database
from tests.factories import PASSWORD, Cast, give_password
from tests.mails import delivered_mails

pytestmark = pytest.mark.usefixtures("static_files")

ALICE, NOBODY = "alice@example.com", "nobody@example.com"
WAIT = re.compile(r"Too many attempts\. Try again in (\d+) (seconds|minutes)\.")


@pytest.fixture(autouse=True)
def password(cast: Cast) -> None:
    give_password(cast.alice)


def attempt(client: Client, password: str = PASSWORD, email: str = ALICE, **more: Any) -> Any:
    address = more.pop("address", "203.0.113.7")
    return client.post("/login", {"login": email, "password": password, **more}, REMOTE_ADDR=address)


def is_signed_in(client: Client) -> bool:
    return client.get("/new").status_code == 200


def use_up(limit: Limit, subject: str | int) -> None:
    for _ in range(limit.most):
        limit.allows(subject)


def under_attack(email: str = ALICE) -> None:
    """Let others have entered as many wrong passwords for this address as are counted."""
    use_up(FAILURES_OF_ACCOUNT, account_subject(email))


def known_browser() -> Client:
    """Return a browser in which alice signed in, and out again."""
    client = Client()
    assert attempt(client).headers["Location"] == "/"
    client.post("/logout")
    assert not is_signed_in(client)
    return client


def code_in(message: EmailMessage) -> str:
    return str(message.body).splitlines()[0]


def enter(client: Client, code: str) -> Any:
    return client.post("/login/code", {"code": code})


def what_is_shown(client: Client, answer: Any, email: str) -> tuple[object, ...]:
    """Return everything in an answer, and in the page that it leads to, that does not change with each request."""
    page = client.get(answer.headers["Location"]).content.decode().replace(email, "EMAIL")
    return answer.status_code, sorted(answer.headers.items()), re.sub(r'value="[^"]{40,}"', "", page)


# --- Unknown browsers share a count for each account --------------------------------------------------------------


def test_after_too_many_wrong_passwords_nothing_tells_right_wrong_and_unknown_apart() -> None:
    shown = set()
    for email, password in ((ALICE, PASSWORD), (ALICE, "wrong"), (NOBODY, PASSWORD)):
        under_attack(email)
        client = Client()
        answer = attempt(client, password, email)
        assert answer.headers["Location"] == "/login/code"
        shown.add(str(what_is_shown(client, answer, email)))
        assert not is_signed_in(client)
    assert len(shown) == 1
    assert [message.to for message in delivered_mails()] == [[ALICE]]


def test_a_wrong_password_and_an_unknown_address_are_counted_alike() -> None:
    for email in (ALICE, NOBODY):
        attempt(Client(), "wrong", email)
    counts = RateCount.objects.filter(name__startswith=f"{FAILURES_OF_ACCOUNT.name}:")
    assert sorted(counts.values_list("name", "count")) == sorted(
        (f"{FAILURES_OF_ACCOUNT.name}:{account_subject(email)}", 1) for email in (ALICE, NOBODY)
    )


def test_the_right_password_and_the_code_sign_in_and_lead_to_what_was_asked_for() -> None:
    under_attack()
    client = Client()
    attempt(client, next="/acme/barcelona")
    assert (
        enter(client, code_in(delivered_mails()[0]).lower().replace("-", " ")).headers["Location"] == "/acme/barcelona"
    )
    assert client.get(f"/acme/settings/members/{User.objects.get(email='bob@example.com').pk}").status_code == 200
    assert client.session.get_expiry_age() > CODE_SECONDS


def test_a_right_password_is_not_counted(cast: Cast) -> None:
    for _ in range(3):
        attempt(Client())
    assert not RateCount.objects.exclude(count=0).exists()


def test_ones_own_account_does_not_make_up_for_wrong_passwords_of_others(cast: Cast) -> None:
    give_password(cast.dave)
    for _ in range(2):
        attempt(Client(), "wrong")
        attempt(Client(), email=cast.dave.email)
    rows = [f"{FAILURES_OF_ADDRESS.name}:203.0.113.7", f"{FAILURES_OF_ACCOUNT.name}:{account_subject(ALICE)}"]
    assert [row.count for row in RateCount.objects.filter(name__in=rows)] == [2, 2]


@pytest.mark.parametrize("email", ["ALICE@example.com", " alice@example.com ", "Alice@Example.Com"])
def test_another_spelling_of_the_address_is_counted_as_the_same(email: str) -> None:
    under_attack()
    assert attempt(Client(), email=email).headers["Location"] == "/login/code"


def test_after_an_hour_the_password_is_enough_again(cast: Cast) -> None:
    under_attack()
    RateCount.objects.update(expires=timezone.now())
    assert attempt(Client()).headers["Location"] == "/"


def test_a_full_cache_forgets_no_count(cast: Cast) -> None:
    under_attack()
    use_up(FAILURES_OF_ADDRESS, "203.0.113.8")
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM cache")
        before = cursor.fetchone()
        attempt(Client(), "wrong")
        Client().post("/password/reset", {"email": NOBODY})
        Client().post("/signup", {"email": "new@example.com", "password1": PASSWORD})
        cursor.execute("SELECT COUNT(*) FROM cache")
        assert cursor.fetchone() == before
    cache.clear()
    assert attempt(Client()).headers["Location"] == "/login/code"
    assert attempt(Client(), address="203.0.113.8", email=NOBODY).headers["Location"] == "/login/code"


def test_counting_costs_four_statements_in_an_unknown_browser_and_two_in_a_known_one(cast: Cast) -> None:
    def counted(client: Client) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            assert attempt(client).headers["Location"] == "/"
        return [query["sql"] for query in captured if "accounts_ratecount" in query["sql"]]

    assert len(counted(Client())) == 4
    assert len(counted(known_browser())) == 2


# --- Known browsers are left alone ---------------------------------------------------------------------------------


def test_a_known_browser_signs_in_whatever_others_do() -> None:
    client = known_browser()
    under_attack()
    use_up(FAILURES_OF_ADDRESS, "203.0.113.7")
    use_up(CHECKS_OF_ADDRESS, "203.0.113.7")
    assert attempt(client).headers["Location"] == "/"
    assert is_signed_in(client) and not delivered_mails()


def test_a_known_browser_waits_after_its_own_wrong_passwords_and_other_browsers_do_not(cast: Cast) -> None:
    client, another = known_browser(), known_browser()
    [browser] = _browsers_counted(client)
    use_up(FAILURES_OF_BROWSER, browser)
    refused = attempt(client)
    assert refused.status_code == 429
    assert 290 < int(refused.headers["Retry-After"]) <= FAILURES_OF_BROWSER.seconds
    assert WAIT.search(refused.content.decode())
    assert attempt(another).headers["Location"] == "/"
    assert attempt(Client()).headers["Location"] == "/"


def _browsers_counted(client: Client) -> list[str]:
    """Return as what the browsers are counted in which a wrong password is entered now."""
    RateCount.objects.all().delete()
    attempt(client, "wrong")
    names = RateCount.objects.values_list("name", flat=True)
    return [name.partition(":")[2] for name in names if name.startswith(f"{FAILURES_OF_BROWSER.name}:")]


def test_signing_in_again_does_not_make_a_known_browser_a_new_one(cast: Cast) -> None:
    client = known_browser()
    before = _browsers_counted(client)
    attempt(client)
    client.post("/logout")
    assert _browsers_counted(client) == before != []


def test_a_change_of_the_password_makes_every_browser_unknown(cast: Cast) -> None:
    client = known_browser()
    give_password(cast.alice)
    under_attack()
    assert attempt(client).headers["Location"] == "/login/code"


def test_a_browser_that_is_known_to_one_account_is_unknown_to_another(cast: Cast) -> None:
    """Neither as it is, nor with the cookie of one's own account under the name of somebody else's."""
    give_password(cast.dave)
    client = Client()
    attempt(client, email=cast.dave.email)
    client.post("/logout")
    [name] = [name for name in client.cookies if name.startswith("raster_known_")]
    of_alice = [name for name in known_browser().cookies if name.startswith("raster_known_")]
    under_attack()
    assert attempt(client).headers["Location"] == "/login/code"
    client.cookies[of_alice[0]] = client.cookies[name].value
    assert attempt(client).headers["Location"] == "/login/code"


@pytest.mark.parametrize("changed", ["{}x", "x{}", "x:1:{}", "x" * 3000])
def test_a_changed_cookie_is_worth_nothing_and_costs_no_query(cast: Cast, changed: str) -> None:
    client = known_browser()
    [name] = [name for name in client.cookies if name.startswith("raster_known_")]
    client.cookies[name] = changed.format(client.cookies[name].value)
    under_attack()
    with CaptureQueriesContext(connection) as captured:
        assert attempt(client).headers["Location"] == "/login/code"
    assert not [query for query in captured if '"accounts_user"."id" = ' in query["sql"]]


def test_the_cookie_is_kept_from_scripts_and_names_nobody(cast: Cast) -> None:
    client = known_browser()
    [cookie] = [cookie for name, cookie in client.cookies.items() if name.startswith("raster_known_")]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == "/"
    assert "alice" not in cookie.OutputString() and cast.alice.password.rpartition("$")[2] not in cookie.value


def test_a_known_browser_does_not_wait_while_passwords_of_others_are_checked(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = known_browser()
    monkeypatch.setattr(accounts.sign_in, "WAIT_SECONDS", 0.05)
    with checking(known=False):
        assert attempt(Client()).status_code == 503
        assert attempt(client).headers["Location"] == "/"
    assert attempt(Client()).headers["Location"] == "/"


# --- Everybody at one IP address -----------------------------------------------------------------------------------


def test_wrong_passwords_at_an_address_ask_others_there_for_a_code_and_refuse_nobody() -> None:
    use_up(FAILURES_OF_ADDRESS, "203.0.113.7")
    client = Client()
    assert attempt(client).headers["Location"] == "/login/code"
    assert enter(client, code_in(delivered_mails()[0])).headers["Location"] == "/"
    assert attempt(Client(), address="203.0.113.8").headers["Location"] == "/"


def test_an_address_has_so_many_passwords_checked_and_then_waits_a_minute_at_most(cast: Cast) -> None:
    use_up(FAILURES_OF_ADDRESS, "203.0.113.7")
    use_up(CHECKS_OF_ADDRESS, "203.0.113.7")
    refused = attempt(Client())
    assert refused.status_code == 429
    assert 50 < int(refused.headers["Retry-After"]) <= 60
    [(number, unit)] = WAIT.findall(refused.content.decode())
    assert (int(number), unit) == (int(refused.headers["Retry-After"]), "seconds")


# --- Where no mail can be sent -------------------------------------------------------------------------------------


@pytest.mark.parametrize("email", [ALICE, NOBODY])
def test_without_mail_unknown_browsers_wait_and_known_ones_go_on(settings: Settings, email: str) -> None:
    client = known_browser()
    settings.MAIL_CONFIGURED = False
    under_attack(email)
    refused = attempt(Client(), email=email)
    assert refused.status_code == 429
    assert 3500 < int(refused.headers["Retry-After"]) <= 3600
    assert WAIT.findall(refused.content.decode()) == [("60", "minutes")]
    assert attempt(client).headers["Location"] == "/"


# --- The code ------------------------------------------------------------------------------------------------------


def asked(password: str = PASSWORD) -> tuple[Client, str]:
    """Return a browser that a code is asked of, and the code in the newest mail."""
    under_attack()
    client = Client()
    attempt(client, password)
    return client, code_in(delivered_mails()[-1]) if delivered_mails() else ""


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_wrong_codes_use_the_code_up() -> None:
    client, code = asked()
    for _ in range(GUESSES_OF_CODE.most):
        assert "This code is wrong" in text(enter(client, "BCDF-GHJK"))
    refused = enter(client, code)
    assert refused.headers["Location"] == "/login"
    assert [str(message) for message in get_messages(refused.wsgi_request)] == [
        "Too many wrong codes. Sign in again to get a new one."
    ]
    assert enter(client, code).headers["Location"] == "/login"
    assert not is_signed_in(client)


def test_a_code_counts_only_in_the_session_that_it_was_made_for() -> None:
    _, code = asked()
    thief, _ = asked("wrong")
    assert "This code is wrong" in text(enter(thief, code))
    assert enter(Client(), code).headers["Location"] == "/login"


def test_a_new_code_replaces_the_one_before() -> None:
    client, first = asked()
    attempt(client)
    second = code_in(delivered_mails()[-1])
    assert "This code is wrong" in text(enter(client, first))
    assert enter(client, second).headers["Location"] == "/"


def test_a_code_expires() -> None:
    client, code = asked()
    session = client.session
    session[STATE] = {**session[STATE], "expires": time.time() - 1}
    session.save()
    assert enter(client, code).headers["Location"] == "/login"
    assert "This code has expired" in client.get("/login").content.decode()
    assert not is_signed_in(client)


def test_a_code_works_once() -> None:
    client, code = asked()
    enter(client, code)
    client.post("/logout")
    assert enter(client, code).headers["Location"] == "/login"


def test_a_code_does_not_outlive_the_password(cast: Cast) -> None:
    client, code = asked()
    give_password(cast.alice)
    assert "This code is wrong" in text(enter(client, code))


def test_a_code_is_mailed_after_the_answer_whose_time_tells_nothing() -> None:
    under_attack()
    request = RequestFactory().post("/login", {"login": ALICE, "password": PASSWORD})
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]  # as Django's test client does
    handler = BaseHandler()
    handler.load_middleware()
    answer = handler.get_response(request)
    assert answer.headers["Location"] == "/login/code" and not delivered_mails()
    request_finished.disconnect(close_old_connections)  # as Django's test client does: the test's transaction goes on
    try:
        answer.close()
    finally:
        request_finished.connect(close_old_connections)
    assert len(delivered_mails()) == 1


def test_an_account_that_was_switched_off_meanwhile_does_not_sign_in(cast: Cast) -> None:
    client, code = asked()
    User.objects.filter(pk=cast.alice.pk).update(is_active=False)
    assert enter(client, code).headers["Location"] == "/inactive"
    assert not is_signed_in(client)


def test_a_code_is_stored_nowhere() -> None:
    client, code = asked()
    stored = f"{whole_database()} {client.session[STATE]}".lower()
    assert code.lower() not in stored and code.lower().replace("-", "") not in stored


def test_an_address_that_nobody_confirmed_is_mailed_no_code(cast: Cast, settings: Settings) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = app_settings.EmailVerificationMethod.MANDATORY
    address = EmailAddress.objects.create(user=cast.alice, email=ALICE, primary=True)
    asked()
    assert not delivered_mails()
    EmailAddress.objects.filter(pk=address.pk).update(verified=True)
    client, code = asked()
    assert enter(client, code).headers["Location"] == "/"


def test_so_many_codes_are_mailed_in_a_day(cast: Cast) -> None:
    use_up(CODES_OF_ACCOUNT, cast.alice.pk)
    asked()
    assert not delivered_mails()


def test_the_message_says_what_to_do_if_somebody_knows_the_password() -> None:
    asked()
    assert delivered_mails()[0].subject == "Your code to sign in to Raster"
    assert "somebody knows your password" in str(delivered_mails()[0].body)
    assert "/password/reset" in str(delivered_mails()[0].body)


def test_the_page_for_the_code_leads_on_whoever_is_signed_in(cast: Cast) -> None:
    assert Client().get("/login/code").headers["Location"] == "/login"
    assert sign_in(cast.alice).get("/login/code").headers["Location"] == "/"


# --- Asking again for a recent sign-in -----------------------------------------------------------------------------


def confirm(client: Client, password: str) -> Any:
    return client.post("/reauthenticate", {"password": password, "next": "/new"})


def test_nobody_else_keeps_a_person_from_confirming_who_they_are(cast: Cast) -> None:
    client = sign_in(cast.alice, seconds_ago=TOO_LONG_AGO)
    under_attack()
    use_up(FAILURES_OF_ADDRESS, "127.0.0.1")
    use_up(CHECKS_OF_ADDRESS, "127.0.0.1")
    another = sign_in(cast.alice, seconds_ago=TOO_LONG_AGO)
    for _ in range(10):
        assert confirm(another, "").status_code == 200
    assert confirm(another, PASSWORD).status_code == 429
    assert confirm(client, PASSWORD).headers["Location"] == "/new"


def test_a_session_confirms_ten_times_a_minute(cast: Cast) -> None:
    client = sign_in(cast.alice, seconds_ago=TOO_LONG_AGO)
    for _ in range(10):
        confirm(client, "")
    refused = confirm(client, PASSWORD)
    assert refused.status_code == 429
    assert WAIT.findall(refused.content.decode()) == [(refused.headers["Retry-After"], "seconds")]
    RateCount.objects.update(expires=timezone.now())
    assert confirm(client, PASSWORD).headers["Location"] == "/new"


def test_confirming_with_the_password_of_somebody_else_does_not_count(cast: Cast) -> None:
    give_password(cast.dave)
    User.objects.filter(pk=cast.alice.pk).update(password="!")
    client = sign_in(User.objects.get(pk=cast.alice.pk), seconds_ago=TOO_LONG_AGO)
    assert confirm(client, PASSWORD).status_code == 403
