"""A person types the code of their device: wrong codes lock, and nobody takes over what somebody else typed."""

import logging

import pytest
from django.test import Client as Browser
from django.urls import reverse

from accounts.models import RateCount, User
from connections.models import AuthorizationRequest, Client, DeviceAuthorization
from connections.operations.devices import CODES_OF_ADDRESS, CODES_OF_USER, WRONG_CODES_IN_ALL
from tests.apikeys.people import sign_in
from tests.connections.devices import allow, begun, claim, expire, row_of
from tests.connections.factories import make_client
from tests.factories import Cast

WRONG = "This code is not valid"
TOO_OFTEN = "Too many attempts. Try again in 15 minutes."


@pytest.fixture(autouse=True)
def app(cast: Cast) -> None:
    make_client()


def type_code(user: User, code: str, browser: Browser | None = None) -> tuple[int, str]:
    """Send the form; return the status and the page, or where it leads."""
    answer = (browser or sign_in(user)).post("/device", {"code": code})
    return answer.status_code, answer.headers.get("Location", answer.content.decode())


def test_nobody_types_a_code_before_signing_in() -> None:
    codes = begun()
    for answer in (Browser().get("/device?code=BCDF-GHJK"), Browser().post("/device", {"code": codes["user_code"]})):
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/login?next=/device")
    assert row_of(codes).claimed_by is None


def test_a_form_of_another_site_is_refused(cast: Cast) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(cast.alice)
    codes = begun()
    assert browser.post("/device", {"code": codes["user_code"]}).status_code == 403
    assert row_of(codes).claimed_by is None


def test_the_complete_address_fills_the_field_in_and_sends_nothing(cast: Cast) -> None:
    codes = begun()
    page = sign_in(cast.alice).get("/device", {"code": codes["user_code"].lower()})
    assert f'value="{codes["user_code"].lower()}"' in page.content.decode()
    assert row_of(codes).claimed_by is None
    assert not AuthorizationRequest.objects.exists()


@pytest.mark.parametrize("text", ["CALL 555 0100", "<script>", "x" * 5000, "BCDF-GHJK-BCDF", "\x00"])
def test_what_is_no_code_is_not_put_into_the_field(cast: Cast, text: str) -> None:
    page = sign_in(cast.alice).get("/device", {"code": text})
    assert page.status_code == 200
    assert ' value="' not in page.content.decode().partition('name="code"')[2].partition(">")[0]


def test_unknown_expired_used_and_foreign_codes_get_one_answer(cast: Cast) -> None:
    expired, answered, foreign, inactive = begun(), begun(), begun(), begun(client_id=make_client("gone").client_id)
    expire(expired)
    allow(answered, cast.dave, cast.globex)
    claim(foreign, cast.dave)
    Client.objects.filter(client_id="gone").update(is_active=False)
    answers = set()
    for code in ["BCDF-GHJK", *(codes["user_code"] for codes in (expired, answered, foreign, inactive))]:
        status, page = type_code(cast.alice, code)
        assert WRONG in page
        answers.add((status, page.partition("<form")[0]))
        CODES_OF_USER.give_back(cast.alice.pk)
    assert {status for status, _ in answers} == {200} and len(answers) == 1


def test_a_claimed_code_cannot_be_taken_over(cast: Cast) -> None:
    codes = begun()
    assert type_code(cast.alice, codes["user_code"])[0] == 302
    assert WRONG in type_code(cast.bob, codes["user_code"])[1]
    assert row_of(codes).claimed_by == cast.alice


@pytest.mark.parametrize("change", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code} ", " ".join])
def test_case_dash_and_spaces_do_not_matter(cast: Cast, change: object) -> None:
    codes = begun()
    assert callable(change)
    assert type_code(cast.alice, change(codes["user_code"]))[0] == 302


def test_a_right_code_leads_to_the_consent_page(cast: Cast) -> None:
    codes = begun()
    browser = sign_in(cast.alice)
    status, address = type_code(cast.alice, codes["user_code"], browser)
    assert status == 302
    asked = AuthorizationRequest.objects.get()
    assert (asked.user, asked.device, asked.redirect_uri) == (cast.alice, row_of(codes), "")
    assert codes["user_code"] not in address and codes["device_code"] not in address
    page = browser.get(address)
    assert page.status_code == 200 and "Test app" in page.content.decode()


def test_the_same_person_may_type_the_code_again(cast: Cast) -> None:
    codes = begun()
    for _ in range(2):
        assert type_code(cast.alice, codes["user_code"])[0] == 302


def test_five_wrong_codes_lock_even_the_right_one(cast: Cast) -> None:
    codes = begun()
    for _ in range(5):
        assert WRONG in type_code(cast.alice, "BCDF-GHJK")[1]
    status, page = type_code(cast.alice, codes["user_code"])
    assert status == 429 and TOO_OFTEN in page
    assert row_of(codes).claimed_by is None
    assert type_code(cast.bob, codes["user_code"])[0] == 302


def test_a_right_code_does_not_make_up_for_the_wrong_ones_before_it(cast: Cast) -> None:
    for _ in range(4):
        assert WRONG in type_code(cast.alice, "BCDF-GHJK")[1]
    assert type_code(cast.alice, begun()["user_code"])[0] == 302
    assert WRONG in type_code(cast.alice, "BCDF-GHJK")[1]
    assert type_code(cast.alice, begun()["user_code"])[0] == 429


def test_right_codes_are_not_counted(cast: Cast) -> None:
    for _ in range(CODES_OF_USER.most + 1):
        assert type_code(cast.alice, begun()["user_code"])[0] == 302
    assert not RateCount.objects.filter(name__startswith="device code", count__gt=0).exists()


def test_wrong_codes_of_others_at_an_address_hold_nobody_up_for_longer_than_a_minute(cast: Cast) -> None:
    type_code(cast.bob, "BCDF-GHJK")
    RateCount.objects.filter(name__startswith=CODES_OF_ADDRESS.name).update(count=CODES_OF_ADDRESS.most)
    refused = sign_in(cast.alice).post("/device", {"code": begun()["user_code"]})
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert f"Try again in {refused.headers['Retry-After']} seconds." in refused.content.decode()


def test_an_address_tries_so_many_codes_whoever_signs_in(cast: Cast) -> None:
    type_code(cast.alice, "BCDF-GHJK")
    RateCount.objects.filter(name__startswith=CODES_OF_ADDRESS.name).update(count=CODES_OF_ADDRESS.most)
    assert type_code(cast.bob, "BCDF-GHJK")[0] == 429


def test_very_many_wrong_codes_of_everybody_are_logged(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    type_code(cast.alice, "BCDF-GHJK")
    RateCount.objects.filter(name__startswith=WRONG_CODES_IN_ALL.name).update(count=WRONG_CODES_IN_ALL.most)
    with caplog.at_level(logging.WARNING, "raster.limits"):
        assert WRONG in type_code(cast.alice, "BCDF-GHJK")[1]
    assert "Many wrong device codes" in caplog.text and "BCDF" not in caplog.text


def test_the_last_page_says_how_it_went(cast: Cast) -> None:
    browser = sign_in(cast.alice)
    assert "go back to your device" in browser.get(reverse("device_done")).content.decode()
    assert "The request was denied" in browser.get(reverse("device_done"), {"denied": "1"}).content.decode()
    assert Browser().get(reverse("device_done")).status_code == 302
    assert not DeviceAuthorization.objects.exists()
