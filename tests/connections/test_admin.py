"""The Django admin of apps and connections: for staff alone, without a secret, and what has rules goes by them."""

import base64
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db.models import Model
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from accounts.models import RateCount, User
from connections import secrets
from connections.models import (
    AccessToken,
    AppPolicy,
    AuthorizationCode,
    AuthorizationRequest,
    Client,
    Connection,
    ConnectionLibrary,
    ConnectionMembership,
    DeviceAuthorization,
    RefreshToken,
)
from orgs.models import AuditEntry
from tests.apikeys.people import TOO_LONG_AGO, sign_in
from tests.connections.factories import ALL_GRANTS, RETURN_ADDRESS, connect, make_client, refused, tokens_of
from tests.factories import PASSWORD, Cast

MODELS = [
    AccessToken,
    AppPolicy,
    AuthorizationCode,
    AuthorizationRequest,
    Client,
    Connection,
    ConnectionLibrary,
    ConnectionMembership,
    DeviceAuthorization,
    RefreshToken,
    RateCount,
]
FORM = {
    "name": "Build server",
    "redirect_uris": f"{RETURN_ADDRESS}\nhttp://127.0.0.1/callback",
    "authentication": "client_secret_basic",
    "grant_types": ["authorization_code", "refresh_token"],
    "keys_url": "",
    "is_active": "on",
}

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


def address(model: type[Model], page: str, *arguments: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


@pytest.fixture
def staff(cast: Cast) -> Browser:
    return sign_in(User.objects.create_superuser("root@example.com", PASSWORD))


@pytest.fixture
def helper(cast: Cast) -> Browser:
    """A member of the staff who may look at everything here and change nothing."""
    User.objects.filter(pk=cast.carol.pk).update(is_staff=True)
    apps = Permission.objects.filter(content_type__app_label="connections", codename__startswith="view_")
    cast.carol.user_permissions.set(apps)
    cast.carol.refresh_from_db()
    return sign_in(cast.carol)


def make_rows(cast: Cast) -> set[str]:
    """Make a row of every model; return what of them must not be seen."""
    client = make_client(secret_digest=secrets.digest("the-secret"))
    connection = connect(cast.bob, client, cast.acme, narrowed=True)
    ConnectionLibrary.objects.create(connection=connection, library=cast.barcelona)
    pair = tokens_of(connection)
    later = timezone.now() + timedelta(hours=1)
    AuthorizationCode.objects.create(
        connection=connection, digest=secrets.digest("the-code"), code_challenge="the-challenge", expires=later
    )
    device = DeviceAuthorization.objects.create(
        digest=secrets.digest("the-device"),
        user_code_digest=secrets.digest("the-user-code"),
        client=client,
        asked_write=True,
        claimed_by=cast.bob,
        expires=later,
    )
    AuthorizationRequest.objects.create(
        digest=secrets.digest("the-request"),
        session_digest="the-session",
        user=cast.bob,
        client=client,
        client_edition=1,
        device=device,
        state="the-state",
        asked_write=True,
        expires=later,
    )
    AppPolicy.objects.create(organization=cast.acme)
    RateCount.objects.create(name="limit:203.0.113.7", count=1, expires=later)
    names = ("the-secret", "the-code", "the-device", "the-user-code", "the-request", *pair)
    digests = [secrets.digest(name) for name in names]
    hidden = {*names, "the-session", "the-state", "the-challenge"}
    return hidden | {digest.hex() for digest in digests} | {repr(digest) for digest in digests}


def test_every_model_of_the_app_is_there_and_none_can_be_deleted_or_made_but_clients(
    staff: Browser, cast: Cast
) -> None:
    make_rows(cast)
    registered = {model for model in admin.site._registry if model._meta.app_label == "connections"}
    assert registered == {model for model in MODELS if model is not RateCount}
    for model in MODELS:
        row = model._default_manager.get()
        assert staff.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403, model
        if model is not Client:
            assert staff.get(address(model, "add")).status_code == 403, model
            assert staff.post(address(model, "change", row.pk), {"may_write": ""}).status_code == 403, model


def test_every_page_can_be_looked_at_and_searched_and_shows_no_secret(staff: Browser, cast: Cast) -> None:
    hidden = make_rows(cast)
    for model in MODELS:
        row = model._default_manager.get()
        pages = [staff.get(address(model, "changelist")), staff.get(address(model, "changelist"), {"q": "example"})]
        pages += [staff.get(address(model, page, row.pk)) for page in ("change", "history")]
        for page in pages:
            assert page.status_code == 200, model
            assert [secret for secret in hidden if secret in page.content.decode()] == [], model


def test_lists_take_as_many_queries_for_many_rows_as_for_one(
    staff: Browser, cast: Cast, django_assert_max_num_queries: Any
) -> None:
    make_rows(cast)
    for number in range(10):
        connection = connect(cast.alice, make_client(f"app-{number}"), cast.acme)
        ConnectionLibrary.objects.create(connection=connection, library=cast.paris)
        tokens_of(connection)
    for model in MODELS:
        with django_assert_max_num_queries(10):
            staff.get(address(model, "changelist"))


def test_staff_who_may_only_look_change_nothing(helper: Browser, cast: Cast) -> None:
    make_rows(cast)
    client, connection = Client.objects.get(), Connection.objects.get()
    assert helper.get(address(Client, "changelist")).status_code == 200
    assert helper.post(address(Client, "add"), FORM).status_code == 403
    assert helper.post(address(Client, "change", client.pk), {"name": "Mine"}).status_code == 403
    for action, row in (("disable", client), ("end", connection)):
        helper.post(address(type(row), "changelist"), {"action": action, "_selected_action": row.pk})
    client.refresh_from_db()
    connection.refresh_from_db()
    assert (client.name, client.is_active, connection.ended) == ("Test app", True, None)


def test_registering_a_client_needs_a_recent_sign_in(staff: Browser) -> None:
    late = sign_in(User.objects.get(email="root@example.com"), seconds_ago=TOO_LONG_AGO)
    assert late.post(address(Client, "add"), FORM).headers["Location"].startswith(reverse("account_reauthenticate"))
    assert not Client.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("redirect_uris", "http://evil.example/callback", "an https address"),
        ("redirect_uris", "javascript:alert(1)", "an https address"),
        ("redirect_uris", "https://app.example.com/#fragment", "an https address"),
        ("redirect_uris", "", "redirect_uris is required"),
        ("name", "", "required"),
        ("authentication", "private_key_jwt", "jwks"),
        ("grant_types", ["password"], "valid choice"),
    ],
)
def test_a_client_that_breaks_the_rules_is_not_made(staff: Browser, field: str, value: Any, word: str) -> None:
    answer = staff.post(address(Client, "add"), {**FORM, field: value})
    assert word in answer.content.decode()
    assert not Client.objects.exists()


def test_a_registered_client_gets_a_secret_that_is_shown_once_and_works(staff: Browser) -> None:
    answer = staff.post(address(Client, "add"), FORM)
    text = answer.content.decode()
    found = re.search(r'id="client-secret" value="([^"]+)"', text)
    assert found
    secret = found[1]
    assert "no-store" in answer.headers["Cache-Control"]
    assert not any(secret in morsel.value for morsel in answer.cookies.values())

    client = Client.objects.get()
    assert client.client_id in text
    assert (client.source, client.name, client.edition) == (Client.Source.STAFF, "Build server", 1)
    assert client.redirect_uris == [RETURN_ADDRESS, "http://127.0.0.1/callback"]
    assert client.grant_types == ["authorization_code", "refresh_token"]
    assert client.secret_digest is not None
    assert bytes(client.secret_digest) == secrets.digest(secret)
    assert LogEntry.objects.get().object_id == str(client.pk)
    for page in (address(Client, "change", client.pk), address(Client, "changelist"), address(Client, "add")):
        assert secret not in staff.get(page).content.decode()

    form = {"grant_type": "refresh_token", "refresh_token": "none", "client_id": client.client_id}
    for given, status in ((secret, 400), ("another", 401)):
        basic = Browser().post("/token", form, secure=True, headers={"authorization": basic_header(client, given)})
        assert basic.status_code == status


def basic_header(client: Client, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()


def test_a_public_client_has_no_secret(staff: Browser) -> None:
    answer = staff.post(address(Client, "add"), {**FORM, "authentication": "none"})
    assert answer.status_code == 302
    assert Client.objects.get().secret_digest is None


def test_a_new_name_or_address_of_a_staff_client_asks_everybody_anew(staff: Browser, cast: Cast) -> None:
    client = make_client(source=Client.Source.STAFF)
    connection = connect(cast.bob, client, cast.acme)
    refresh = tokens_of(connection).refresh
    page = address(Client, "change", client.pk)
    same = {"name": client.name, "redirect_uris": RETURN_ADDRESS, "is_active": "on"}
    staff.post(page, same)
    client.refresh_from_db()
    assert client.edition == 1

    staff.post(page, {**same, "redirect_uris": "http://evil.example/"})
    client.refresh_from_db()
    assert (client.redirect_uris, client.edition) == ([RETURN_ADDRESS], 1)

    staff.post(page, {**same, "redirect_uris": "https://new.example.com/callback", "grant_types": "password"})
    client.refresh_from_db()
    assert (client.redirect_uris, client.edition) == (["https://new.example.com/callback"], 2)
    assert client.grant_types == ALL_GRANTS
    form = {"grant_type": "refresh_token", "refresh_token": refresh, "client_id": client.client_id}
    assert Browser().post("/token", form, secure=True).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("source", [Client.Source.REGISTERED, Client.Source.DOCUMENT])
def test_what_other_clients_say_of_themselves_is_not_changed_and_they_can_be_refused(
    staff: Browser, source: Client.Source
) -> None:
    client = make_client("https://app.example.com/client.json", source=source)
    staff.post(address(Client, "change", client.pk), {"name": "Trust me", "redirect_uris": "https://new.example.com/"})
    client.refresh_from_db()
    assert (client.name, client.redirect_uris, client.edition) == ("Test app", [RETURN_ADDRESS], 1)
    assert not client.is_active


def test_disabled_clients_are_refused_until_they_are_enabled(staff: Browser, cast: Cast) -> None:
    client = make_client()
    refresh = tokens_of(connect(cast.bob, client, cast.acme)).refresh
    form = {"grant_type": "refresh_token", "refresh_token": refresh, "client_id": client.client_id}
    staff.post(address(Client, "changelist"), {"action": "disable", "_selected_action": client.pk})
    assert Browser().post("/token", form, secure=True).status_code == 401
    staff.post(address(Client, "changelist"), {"action": "enable", "_selected_action": client.pk})
    assert Browser().post("/token", form, secure=True).status_code == 200
    assert [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")] == ["Disabled.", "Enabled."]


def test_staff_end_connections_and_each_organization_reads_who_did(staff: Browser, cast: Cast) -> None:
    client = make_client()
    gone, stays = (connect(user, client, cast.acme) for user in (cast.bob, cast.alice))
    access = tokens_of(gone).access
    staff.post(address(Connection, "changelist"), {"action": "end", "_selected_action": gone.pk})
    gone.refresh_from_db()
    stays.refresh_from_db()
    assert gone.ended is not None
    assert stays.ended is None
    assert refused(access)
    entry = AuditEntry.objects.get(action="connection.end")
    assert (entry.actor, entry.face, entry.after) == (
        "staff root@example.com",
        "admin",
        {"reason": "ended by staff"},
    )


def test_a_connection_says_what_it_reaches(staff: Browser, cast: Cast) -> None:
    make_rows(cast)
    everywhere = connect(cast.alice, Client.objects.get(), all_organizations=True)
    narrowed = Connection.objects.exclude(pk=everywhere.pk).get()
    assert "acme/barcelona" in staff.get(address(Connection, "change", narrowed.pk)).content.decode()
    text = staff.get(address(Connection, "change", everywhere.pk)).content.decode()
    assert "All of the person&#x27;s" in text
    found = staff.get(address(Connection, "changelist"), {"q": "acme"}).content.decode()
    assert cast.bob.email in found
    assert cast.alice.email not in found


def test_clients_are_found_by_where_they_return_to(staff: Browser) -> None:
    make_client()
    make_client("other", name="Another app", redirect_uris=["https://other.example.com/"])
    found = staff.get(address(Client, "changelist"), {"q": "app.example.com/callback"}).content.decode()
    assert "Test app" in found
    assert "Another app" not in found
