"""What is allowed is what was shown, once: the connection, its code, the log and the mail."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from connections import secrets
from connections.models import AuthorizationCode, Client, Connection
from orgs.models import AuditEntry, Membership
from raster.tasks.models import QueuedTask
from tests.apikeys.people import sign_in, whole_database
from tests.connections.asking import STATE, allow, asked, cancel, make_document_client, told, words
from tests.connections.factories import RETURN_ADDRESS, make_client
from tests.factories import Cast
from tests.mails import delivered_mails


@pytest.fixture(autouse=True)
def app(cast: Cast) -> Client:
    return make_client()


def allowed(cast: Cast, organization: str = "acme", fields: dict[str, Any] | None = None, **changes: Any) -> Connection:
    """Let alice allow what an app asks for; return the connection."""
    browser = sign_in(cast.alice)
    allow(browser, asked(browser, **changes), organization, **(fields or {}))
    connection: Connection = Connection.objects.latest("pk")
    return connection


def test_read_only_withholds_write(cast: Cast) -> None:
    connection = allowed(cast, fields={"read_only": "on"})
    assert (connection.asked_write, connection.may_write) == (True, False)


def test_a_connection_is_one_organization_for_a_year_and_not_used_yet(cast: Cast) -> None:
    Membership.objects.create(organization=cast.globex, user=cast.alice)
    connection = allowed(cast)
    assert [grant.membership.organization.slug for grant in connection.granted.all()] == ["acme"]
    assert (connection.may_write, connection.narrowed, connection.all_organizations) == (True, False, False)
    assert (connection.redeemed, connection.ended, connection.way) == (None, None, "browser")
    assert connection.expires - timezone.now() > timedelta(days=364)


def test_all_organizations_are_given_to_an_app_that_asks_and_a_person_who_chooses_so(cast: Cast) -> None:
    Membership.objects.create(organization=cast.globex, user=cast.alice)
    connection = allowed(cast, "*", scope="library:read organizations:all")
    assert connection.all_organizations and not connection.granted.exists()
    assert set(AuditEntry.objects.values_list("organization__slug", "action")) == {
        ("acme", "connection.create"),
        ("globex", "connection.create"),
    }


def test_the_code_goes_to_the_app_with_its_state_and_who_gives_it(cast: Cast, settings: Settings) -> None:
    browser = sign_in(cast.alice)
    answer = allow(browser, asked(browser))
    assert answer.headers["Location"].startswith(f"{RETURN_ADDRESS}?")
    parameters = told(answer)
    [code] = parameters.pop("code")
    assert parameters == {"state": [STATE], "iss": [settings.BASE_URL]}
    row = AuthorizationCode.objects.get()
    assert bytes(row.digest) == secrets.digest(code)
    assert (row.redirect_uri, row.code_challenge, row.connection) == (
        RETURN_ADDRESS,
        "a" * 43,
        Connection.objects.get(),
    )
    assert code not in whole_database()


def test_without_a_state_none_is_sent_back(cast: Cast) -> None:
    browser = sign_in(cast.alice)
    assert set(told(allow(browser, asked(browser, state=None)))) == {"code", "iss"}


@pytest.mark.parametrize(
    ("uri", "seconds"), [(RETURN_ADDRESS, 60), ("http://127.0.0.1:3118/callback", 60), ("cursor://mcp/callback", 300)]
)
def test_a_code_lasts_a_minute_and_five_where_browsers_ask_first(
    cast: Cast, app: Client, uri: str, seconds: int
) -> None:
    Client.objects.filter(pk=app.pk).update(redirect_uris=[uri])
    connection = allowed(cast, redirect_uri=uri)
    left = (connection.code.expires - timezone.now()).total_seconds()
    assert seconds - 5 < left <= seconds


def test_cancel_tells_the_app_so_and_connects_nothing(cast: Cast, settings: Settings) -> None:
    browser = sign_in(cast.alice)
    answer = cancel(browser, asked(browser))
    assert told(answer) == {"error": ["access_denied"], "state": [STATE], "iss": [settings.BASE_URL]}
    assert not Connection.objects.exists() and not AuditEntry.objects.exists()


def test_two_tabs_do_not_mix(cast: Cast) -> None:
    make_client("other-app", name="Other", redirect_uris=["https://other.example.com/cb"])
    browser = sign_in(cast.alice)
    first = asked(browser, state="first")
    second = asked(
        browser,
        client_id="other-app",
        redirect_uri="https://other.example.com/cb",
        state="second",
        scope="library:read",
    )
    assert "“Test app” wants" in words(browser.get(first)) and "“Other” wants" in words(browser.get(second))
    answers = [allow(browser, second), allow(browser, first)]
    assert [told(answer)["state"] for answer in answers] == [["second"], ["first"]]
    assert answers[0].headers["Location"].startswith("https://other.example.com/cb?")
    assert dict(Connection.objects.values_list("client__name", "may_write")) == {"Other": False, "Test app": True}


def test_reloading_shows_the_same_request(cast: Cast) -> None:
    browser = sign_in(cast.alice)
    address = asked(browser)
    assert [browser.get(address).status_code for _ in range(3)] == [200, 200, 200]
    assert set(told(allow(browser, address))) == {"code", "state", "iss"}


def test_the_log_says_who_allowed_what_and_from_where(cast: Cast, settings: Settings) -> None:
    fields = {"library": ["acme/paris"], "read_only": "on"}
    connection = allowed(cast, fields=fields, resource=f"{settings.BASE_URL}/mcp/o/acme")
    [entry] = AuditEntry.objects.all()
    assert (entry.action, entry.organization, entry.actor) == ("connection.create", cast.acme, "alice@example.com")
    assert f"connection {connection.pk}" in entry.target and "Test app" in entry.target
    assert entry.after == {
        "client_id": "test-app",
        "trust": "self-named",
        "access": "read",
        "scope": "library:read",
        "resource": "mcp/o/acme",
        "all_organizations": "no",
        "libraries": "paris",
        "way": "browser",
    }
    assert (entry.face, entry.address, entry.user_agent) == ("web", "127.0.0.1", "Tests/1.0")


def test_the_log_tells_apps_of_one_name_apart(cast: Cast) -> None:
    make_client("claude-1", name="Claude")
    make_client("claude-2", name="Claude")
    make_document_client("https://evil.example/c.json", redirect_uris=[RETURN_ADDRESS])
    make_document_client("https://claude.ai/c.json", redirect_uris=["https://claude.ai/cb"])
    for client_id in ("claude-1", "claude-2", "https://evil.example/c.json"):
        allowed(cast, client_id=client_id)
    scope = "library:read organizations:all"
    allowed(cast, "*", client_id="https://claude.ai/c.json", redirect_uri="https://claude.ai/cb", scope=scope)
    entries = AuditEntry.objects.order_by("pk")
    assert [(entry.after["client_id"], entry.after["trust"]) for entry in entries] == [
        ("claude-1", "self-named"),
        ("claude-2", "self-named"),
        ("https://evil.example/c.json", "document, elsewhere"),
        ("https://claude.ai/c.json", "verified domain"),
    ]
    last = entries.last()
    assert last is not None
    assert (last.after["all_organizations"], last.after["libraries"], last.after["resource"]) == ("yes", "all", "any")
    assert last.after["scope"] == "library:read organizations:all"


def test_the_owner_is_told_by_mail_and_led_to_where_it_can_be_ended(
    cast: Cast,
) -> None:
    allowed(cast, fields={"read_only": "on"})
    [message] = delivered_mails()
    assert (message.to, message.subject) == (["alice@example.com"], "“Test app” was connected to Raster")
    body = str(message.body)
    assert "/settings/connected-apps" in body and "Acme (acme)" in body and "read only" in body and "127.0.0.1" in body
    assert "named itself" in body and "disconnect?" not in body


def test_no_mail_is_queued_where_none_is_configured_or_nothing_was_allowed(cast: Cast, settings: Settings) -> None:
    browser = sign_in(cast.alice)
    allow(browser, asked(browser), library=["acme/none"])
    cancel(browser, asked(browser))
    settings.MAIL_CONFIGURED = False
    allowed(cast)
    assert not QueuedTask.objects.exists()


def test_a_resource_is_bound_to_the_connection(cast: Cast, settings: Settings) -> None:
    connection = allowed(cast, resource=f"{settings.BASE_URL}/mcp/o/acme")
    assert connection.resource == "mcp/o/acme"
    assert allowed(cast, resource=f"{settings.BASE_URL}/mcp").resource == "mcp"
    assert allowed(cast).resource == ""


def test_the_edition_that_was_shown_is_kept(cast: Cast) -> None:
    client = make_document_client(edition=7)
    connection = allowed(cast, client_id=client.client_id, redirect_uri="https://claude.ai/callback")
    assert connection.client_edition == 7
