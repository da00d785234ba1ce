"""Making a key in the browser: it is shown in one answer, and never again."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.test import Client

from apikeys import secrets
from apikeys.models import APIKey
from orgs.models import AuditEntry
from tests.apikeys.people import TOO_LONG_AGO, Answer, hidden_field, principal_for, sign_in, whole_database
from tests.factories import Cast

pytestmark = pytest.mark.usefixtures("static_files")

NEW = "/acme/settings/api-keys/new"


def fill(client: Client, name: str = "Website CI", **fields: str) -> dict[str, str]:
    return {"nonce": hidden_field(client.get(NEW), "nonce"), "name": name, "expires_in_days": "never", **fields}


def secret_in(answer: Answer) -> str:
    """Return the key that a page shows, and shows no other."""
    (secret,) = {match[0] for match in secrets.PATTERN.finditer(answer.content.decode())}
    return secret


def test_a_form_without_its_nonce_or_with_somebody_elses_makes_nothing(cast: Cast) -> None:
    client = sign_in(cast.alice)
    own = hidden_field(client.get(NEW), "nonce")
    foreign = hidden_field(sign_in(cast.dave).get("/globex/settings/api-keys/new"), "nonce")
    for wrong in ("", "x", own + "x", foreign):
        answer = client.post(NEW, {"name": "Website CI", "expires_in_days": "never", "nonce": wrong})
        assert "open for too long" in answer.content.decode()
        assert 'value="Website CI"' in answer.content.decode()
    assert not APIKey.objects.exists()


def test_a_sign_in_that_is_not_recent_is_asked_for_first(cast: Cast) -> None:
    client = sign_in(cast.alice, seconds_ago=TOO_LONG_AGO)
    for answer in (client.get(NEW), client.post(NEW, {"name": "Website CI"})):
        assert answer.headers["Location"] == "/reauthenticate?next=%2Facme%2Fsettings%2Fapi-keys%2Fnew"
    assert not APIKey.objects.exists()


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "   "}, "This field is required."),
        ({"name": "x" * 101}, "A key&#x27;s name has 1 to 100 characters."),
        ({"name": "a\u202eb"}, "Must be one line of text without control or invisible characters."),
        ({"name": "Taken"}, "This organization already has a key named Taken."),
        ({"name": "CI", "expires_in_days": "31"}, "31 is not one of the available choices."),
        ({"name": "CI", "access.secret": "read"}, "A library was deleted meanwhile."),
    ],
)
def test_a_mistake_is_shown_beside_its_field_and_keeps_what_was_typed(
    cast: Cast, fields: dict[str, str], problem: str
) -> None:
    cast.key("Taken")
    client = sign_in(cast.alice)
    sent = fill(client, **{"access.paris": "read", **fields})
    answer = client.post(NEW, sent)
    page = answer.content.decode()
    assert problem in page
    assert 'name="access.paris" value="read" checked' in page
    assert hidden_field(answer, "nonce") != sent["nonce"]
    assert APIKey.objects.count() == 1
    assert (
        client.post(NEW, fill(client) | {"nonce": hidden_field(answer, "nonce")}).headers["Cache-Control"] == "no-store"
    )


def test_an_unknown_level_is_not_understood(cast: Cast) -> None:
    client = sign_in(cast.alice)
    assert client.post(NEW, fill(client, **{"access.paris": "admin"})).status_code == 400
    assert not APIKey.objects.exists()


def test_the_key_is_in_one_answer_and_nowhere_else(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    client = sign_in(cast.alice)
    answer = client.post(NEW, fill(client, **{"access.barcelona": "write", "access.paris": "none"}))
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    page = answer.content.decode()
    secret = secret_in(answer)
    assert re.search(
        rf'<label for="key">Your new API key</label>\s*<div class="copy">\s*<input id="key" value="{secret}" readonly',
        page,
    )

    assert principal_for(secret).name == "Website CI"
    assert APIKey.objects.get().label in whole_database()
    for hidden in (secret, secret[-38:], secret[-38:-6]):
        assert hidden not in whole_database()
        assert hidden not in caplog.text
        assert hidden not in str(dict(client.session.items()))
        assert hidden not in "".join(str(value) for value in answer.headers.values())
    key = APIKey.objects.get()
    for later in ("", f"/{key.pk}", f"/{key.pk}/regenerate", f"/{key.pk}/status"):
        assert secret[-38:] not in client.get(f"/acme/settings/api-keys{later}").content.decode()


def test_sending_the_form_again_makes_no_second_key(cast: Cast) -> None:
    client = sign_in(cast.alice)
    sent = fill(client)
    client.post(NEW, sent)
    for again in (sent, sent | {"name": "Another"}):
        answer = client.post(NEW, again)
        assert answer.status_code == 409
        assert "This key was already created" in answer.content.decode()
        assert 'href="/acme/settings/api-keys"' in answer.content.decode()
        assert not secrets.PATTERN.search(answer.content.decode())
    assert APIKey.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_forms_sent_at_the_same_moment_one_makes_a_key(cast: Cast) -> None:
    client = sign_in(cast.alice)
    sent = fill(client)

    def send(number: int) -> int:
        browser = Client()
        browser.cookies = client.cookies
        try:
            return browser.post(NEW, sent | {"name": f"Key {number}"}).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        statuses = sorted(threads.map(send, range(4)))
    assert statuses == [200, 409, 409, 409]
    assert APIKey.objects.count() == 1


def test_a_key_is_made_with_the_access_and_the_expiry_that_were_chosen(cast: Cast) -> None:
    client = sign_in(cast.alice)
    client.post(NEW, fill(client, expires_in_days="90", **{"access.barcelona": "write", "access.paris": "read"}))
    key = APIKey.objects.get()
    assert dict(key.grants.values_list("library__slug", "level")) == {"barcelona": 2, "paris": 1}
    assert key.expires is not None
    assert (key.expires - key.created).days in {89, 90}
    assert (key.created_by, key.created_by_name) == (cast.alice, "alice@example.com")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.face, entry.address, entry.user_agent) == (
        "api_key.create",
        "web",
        "127.0.0.1",
        "Tests/1.0",
    )


def test_a_form_whose_key_could_not_be_made_may_be_sent_again(cast: Cast) -> None:
    cast.key("Taken")
    client = sign_in(cast.alice)
    form = fill(client, "Taken")
    assert client.post(NEW, form).status_code == 200
    assert "rstk_" in secret_in(client.post(NEW, {**form, "name": "Free"}))
    assert client.post(NEW, {**form, "name": "Another"}).status_code == 409
