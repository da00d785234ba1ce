"""The attacks of RFC 8628, section 5, on the device flow.

Races for one code, slowing down and locks are in test_device_races.py, test_device_flow.py and test_device_page.py.
"""

import re
from collections.abc import Iterator
from math import log2
from typing import Any

import httpx2
import pytest
from django.db import connection as database
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from connections import secrets
from connections.models import AuthorizationRequest, Client, Connection, DeviceAuthorization
from connections.operations.devices import CODES_OF_USER
from orgs.models import AuditEntry
from tests.apikeys.people import sign_in, whole_database
from tests.connections.asking import allow, make_document_client, text, words
from tests.connections.client_bodies import DEVICE_GRANT
from tests.connections.devices import allow as allow_device
from tests.connections.devices import begin, begun, claim, error, let_time_pass, poll, row_of
from tests.connections.factories import make_client
from tests.connections.flow import App, hidden_fields, person, press, refusal, whoami
from tests.factories import Cast
from tests.mails import delivered_mails
from tests.server import Server

WRONG = "This code is not valid"
TOO_OFTEN = "Too many attempts"


@pytest.fixture(autouse=True)
def app(cast: Cast) -> Client:
    return make_client()


@pytest.fixture
def browsers(server: Server, cast: Cast) -> Iterator[dict[str, httpx2.Client]]:
    """A browser of each person who has something in Acme."""
    signed_in = {name: person(server, getattr(cast, name)) for name in ("alice", "bob", "carol")}
    yield signed_in
    for browser in signed_in.values():
        browser.close()


class Device:
    """A device at a running server, as far as it gets without its person."""

    def __init__(self, server: Server, client_id: str = "test-app", **asked: str) -> None:
        self._app = App(server, client_id)
        form = {"client_id": client_id, **asked}
        self.codes: dict[str, Any] = httpx2.post(f"{server.url}/device_authorization", data=form).json()

    def poll(self) -> httpx2.Response:
        let_time_pass(self.codes, 60)
        return self._app.token(grant_type=DEVICE_GRANT, device_code=self.codes["device_code"])


def type_code(browser: httpx2.Client, code: str) -> httpx2.Response:
    """Type a code and return the page that follows, which is the consent page where the code was good."""
    form = {**hidden_fields(browser.get("/device").text), "code": code}
    answer = browser.post("/device", data=form)
    return browser.get(answer.headers["location"]) if answer.is_redirect else answer


# --- 5.1 User code brute forcing ---------------------------------------------------------------------------------


def test_5_1_a_user_code_is_one_of_many() -> None:
    assert log2(len(set(secrets.USER_CODE_ALPHABET))) * secrets.USER_CODE_LENGTH > 34
    codes = {secrets.generate_user_code() for _ in range(2000)}
    assert len(codes) == 2000
    for place in (*range(4), *range(5, 9)):
        assert {code[place] for code in codes} == set(secrets.USER_CODE_ALPHABET)


def test_5_1_five_wrong_codes_lock_the_person_in_every_session_and_browser(
    server: Server, cast: Cast, browsers: dict[str, httpx2.Client]
) -> None:
    device = Device(server)
    for _ in range(5):
        assert WRONG in type_code(browsers["alice"], "BCDF-GHJK").text
    with person(server, cast.alice) as another:
        another.headers["User-Agent"] = "Another/1.0"
        refused = type_code(another, device.codes["user_code"])
    assert refused.status_code == 429 and TOO_OFTEN in refused.text
    assert refusal(device.poll()) == "authorization_pending"
    assert not AuthorizationRequest.objects.exists()


def test_5_1_typing_the_code_of_ones_own_device_in_between_gives_no_more_guesses(cast: Cast) -> None:
    browser = sign_in(cast.alice)
    guesses = 0
    for _ in range(3):
        for code in ("BCDF-GHJK", "BCDF-GHJK", begun()["user_code"]):
            guesses += WRONG in browser.post("/device", {"code": code}).content.decode()
    assert guesses == CODES_OF_USER.most
    assert browser.post("/device", {"code": begun()["user_code"]}).status_code == 429


def test_5_1_the_complete_address_tells_nobody_which_codes_are_good(cast: Cast) -> None:
    browser = sign_in(cast.alice)
    good = begun()["user_code"]
    answers = []
    for code in (good, "BCDF-GHJK"):
        with CaptureQueriesContext(database) as captured:
            page = browser.get("/device", {"code": code})
        hidden = re.sub(r'(name="csrfmiddlewaretoken" value=)"[^"]*"', r"\1", page.content.decode())
        answers.append((page.status_code, hidden.replace(code, "CODE"), len(captured)))
        assert not [entry for entry in captured if "connections_" in entry["sql"]]
    assert answers[0] == answers[1]


# --- 5.2 Device code brute forcing -------------------------------------------------------------------------------


def test_5_2_a_device_code_holds_256_bits_and_a_guess_is_refused_without_a_look() -> None:
    codes = begun()
    random = codes["device_code"].removeprefix(secrets.DEVICE_CODE)[:-6]  # without its checksum
    assert random.isalnum() and log2(62) * len(random) >= 256
    guess = codes["device_code"][:-1] + ("a" if codes["device_code"][-1] != "a" else "b")
    with CaptureQueriesContext(database) as captured:
        assert error(poll({"device_code": guess})) == "invalid_grant"
    assert not [entry for entry in captured if "connections_deviceauthorization" in entry["sql"]]


def test_5_2_unknown_foreign_and_used_codes_are_one_answer(cast: Cast) -> None:
    make_client("other")
    used, foreign = begun(), begun(client_id="other")
    allow_device(used, cast.alice, cast.acme)
    assert poll(used).status_code == 200
    unknown = {"device_code": secrets.generate(secrets.DEVICE_CODE)}
    answers = {(answer.status_code, answer.content) for answer in map(poll, (used, foreign, unknown))}
    assert len(answers) == 1
    assert b"invalid_grant" in answers.pop()[1]


# --- 5.3 Device trustworthiness ----------------------------------------------------------------------------------


def test_5_3_what_a_device_says_of_itself_is_shown_as_unproven(cast: Cast) -> None:
    make_client("fake", name="Claude\u202e Code", logo=b"\x89PNG")
    published = make_document_client(grant_types=["authorization_code", DEVICE_GRANT], logo=b"\x89PNG")
    for client_id, label in (("fake", "Not verified"), (published.client_id, "claude.ai's app, on a device")):
        codes = begun(client_id=client_id)
        browser = sign_in(cast.alice)
        page = browser.get(browser.post("/device", {"code": codes["user_code"]}).headers["Location"])
        said = words(page)
        assert label in said and "Verified domain" not in said
        assert "/authorize/logo/" not in text(page) and "\u202e" not in text(page)
    assert "any program that shows you a code could claim to be it" in said
    assert "Its name resembles Claude" in words(_shown(cast, begun(client_id="fake")))


def _shown(cast: Cast, codes: dict[str, Any]) -> Any:
    browser = sign_in(cast.bob)
    return browser.get(browser.post("/device", {"code": codes["user_code"]}).headers["Location"])


# --- 5.4 Remote phishing -----------------------------------------------------------------------------------------


def test_5_4_a_link_that_somebody_sent_connects_nothing_by_being_followed(
    server: Server, browsers: dict[str, httpx2.Client]
) -> None:
    device = Device(server)
    link = device.codes["verification_uri_complete"]
    page = browsers["alice"].get(link)
    assert page.status_code == 200 and device.codes["user_code"] in page.text
    assert "If somebody sent you a code, do not type it" in page.text
    assert row_of(device.codes).claimed_by is None
    forged = browsers["alice"].post(link, data={"code": device.codes["user_code"]})
    assert forged.status_code == 403
    assert refusal(device.poll()) == "authorization_pending"
    assert not AuthorizationRequest.objects.exists()


def test_5_4_the_page_says_where_the_device_is_and_gives_reading_alone_unless_told_otherwise(
    server: Server, browsers: dict[str, httpx2.Client]
) -> None:
    device = Device(server)
    DeviceAuthorization.objects.update(address="203.0.113.99", user_agent="curl/8 in a far-away place")
    page = type_code(browsers["alice"], device.codes["user_code"])
    for said in (
        "If somebody sent you this code, cancel", "203.0.113.99", "curl/8 in a far-away place", "127.0.0.1",
        "Signed in as <b>alice@example.com</b>", "You can end it at any time",
    ):  # fmt: skip
        assert said in page.text
    switch = re.search(r'<input type="checkbox" id="read_only"[^>]*>', page.text)
    assert switch and " checked" in switch[0]
    assert 'name="decision" value="cancel"' in page.text
    press(browsers["alice"], page, read_only="on")
    token = device.poll().json()
    assert token["scope"] == "library:read"
    assert {each["access"] for each in whoami(server, token["access_token"])["libraries"]} == {"read"}


@pytest.mark.parametrize("scope", ["library:write", "library:read library:write offline_access"])
def test_5_4_the_token_names_what_the_device_asked_for_where_its_person_gives_all_of_it(
    server: Server, browsers: dict[str, httpx2.Client], scope: str
) -> None:
    device = Device(server, scope=scope)
    press(browsers["alice"], type_code(browsers["alice"], device.codes["user_code"]))
    assert device.poll().json()["scope"] == scope


def test_5_4_nobody_is_asked_again_on_the_strength_of_an_earlier_yes(
    server: Server, browsers: dict[str, httpx2.Client]
) -> None:
    first, second = Device(server), Device(server)
    press(browsers["alice"], type_code(browsers["alice"], first.codes["user_code"]))
    assert first.poll().status_code == 200
    assert refusal(second.poll()) == "authorization_pending"
    assert "wants to connect" in type_code(browsers["alice"], second.codes["user_code"]).text
    assert refusal(second.poll()) == "authorization_pending"


# --- 5.5 Session spying ------------------------------------------------------------------------------------------


def test_5_5_whoever_saw_a_code_after_it_was_typed_can_do_nothing_with_it(
    server: Server, cast: Cast, browsers: dict[str, httpx2.Client]
) -> None:
    device = Device(server)
    page = type_code(browsers["alice"], device.codes["user_code"])
    assert WRONG in type_code(browsers["bob"], device.codes["user_code"]).text
    with person(server, cast.alice) as other_session:
        for intruder in (browsers["bob"], other_session):
            path = page.url.path
            assert intruder.get(path).status_code == 404
            form = {**hidden_fields(intruder.get("/device").text), "decision": "allow", "organization": "acme"}
            assert intruder.post(path, data=form).status_code == 404
    assert refusal(device.poll()) == "authorization_pending"
    press(browsers["alice"], page)
    assert WRONG in type_code(browsers["bob"], device.codes["user_code"]).text
    assert device.poll().status_code == 200
    assert Connection.objects.get().user == cast.alice


def test_5_5_a_spy_who_is_faster_connects_the_device_to_what_is_the_spys_own(
    server: Server, cast: Cast, browsers: dict[str, httpx2.Client]
) -> None:
    device = Device(server)
    press(browsers["carol"], type_code(browsers["carol"], device.codes["user_code"]))
    assert WRONG in type_code(browsers["alice"], device.codes["user_code"]).text
    assert whoami(server, device.poll().json()["access_token"])["libraries"] == [
        {"library": "barcelona", "access": "read"}
    ]
    assert not Connection.objects.filter(user=cast.alice).exists()


# --- 5.6 Non-confidential clients --------------------------------------------------------------------------------


def test_5_6_an_app_that_took_another_ones_id_or_code_gets_nothing_without_the_person(
    server: Server, browsers: dict[str, httpx2.Client]
) -> None:
    make_client("thief")
    device = Device(server)
    thief = App(server, "thief")
    press(browsers["alice"], type_code(browsers["alice"], device.codes["user_code"]))
    stolen = device.codes["device_code"]
    assert refusal(thief.token(grant_type=DEVICE_GRANT, device_code=stolen)) == "invalid_grant"
    assert refusal(thief.token(client_id=None, grant_type=DEVICE_GRANT, device_code=stolen), 401) == "invalid_client"
    impostor = Device(server)  # with the id of the app that alice trusts
    assert refusal(impostor.poll()) == "authorization_pending"
    assert device.poll().status_code == 200


def test_5_6_an_app_with_a_secret_proves_itself_at_both_endpoints(cast: Cast) -> None:
    digest = secrets.digest("the-secret")
    make_client("box", authentication=Client.Authentication.POST, secret_digest=digest)
    assert begin(client_id="box").status_code == begin(client_id="box", client_secret="x").status_code == 401
    codes = begun(client_id="box", client_secret="the-secret")
    allow_device(codes, cast.alice, cast.acme)
    assert (
        poll(codes, client_id="box").status_code == poll(codes, client_id="box", client_secret="x").status_code == 401
    )
    assert poll(codes, client_id="box", client_secret="the-secret").status_code == 200


# --- 5.7 Non-visual code transmission ----------------------------------------------------------------------------


def test_5_7_a_code_that_was_read_aloud_is_heard_right_and_written_down_nowhere(cast: Cast, settings: Settings) -> None:
    settings.MAIL_CONFIGURED = True
    codes = begun()
    letters = codes["user_code"].replace("-", "")
    assert not set(letters) & set("AEIOUY0123456789")
    browser = sign_in(cast.alice)
    spelt = ". ".join(letters.lower()).replace(".", "")
    address = browser.post("/device", {"code": spelt}).headers["Location"]
    answered = allow(browser, address)
    heard = [address, answered.headers["Location"], text(browser.get("/settings/connected-apps")), whole_database()]
    heard += [f"{message.subject}\n{message.body}" for message in delivered_mails()]
    heard += [str(entry.__dict__) for entry in AuditEntry.objects.all()]
    for place in heard:
        assert codes["user_code"] not in place and letters not in place and codes["device_code"] not in place


def test_5_7_only_the_answer_to_the_device_ever_holds_its_code(cast: Cast) -> None:
    codes = begun()
    claim(codes, cast.alice)
    page = Browser().get("/device", {"code": codes["user_code"]})
    assert page.status_code == 302 and page.headers["Location"].startswith("/login?next=/device")
    consent = sign_in(cast.alice)
    shown = consent.get(consent.post("/device", {"code": codes["user_code"]}).headers["Location"])
    assert codes["user_code"] not in text(shown) and codes["device_code"] not in text(shown)
