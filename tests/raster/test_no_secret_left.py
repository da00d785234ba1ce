"""No secret is left anywhere: not in the database, not on the admin's pages, not in the logs of the whole test run."""

import re
from http.cookies import SimpleCookie

import httpx2
import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client

from accounts.models import User
from apikeys.contracts import RegenerateKey, StartOrganization
from apikeys.operations import regenerate_key
from apikeys.unclaimed import start_organization
from connections.models import Client as OAuthClient
from orgs.access import Origin, UserPrincipal
from raster.tasks.models import QueuedTask
from tests.api.uploading import make_link, upload
from tests.connections.factories import ALL_GRANTS, RETURN_ADDRESS, connect, tokens_of
from tests.environment import TEST_LOG
from tests.factories import OPERATOR, PASSWORD, Cast, give_password
from tests.mails import delivered_mails
from tests.mcp.client import MODERN, call_tool
from tests.server import Server

#: A whole key or token of any class.
WHOLE = re.compile(r"rstk_[0-9A-Za-z]{10}_[0-9A-Za-z]{38}|rst[cordu]_[0-9A-Za-z]{49}")


def database_dump() -> str:
    """Return every value of every table as text; bytes both as hexadecimal and as the text they may be."""
    parts: list[str] = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for value in (value for row in cursor.fetchall() for value in row):
                raw = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                parts += [raw.decode("latin-1"), raw.hex()]
    return "\n".join(parts)


def oauth_secrets(server: Server, cast: Cast) -> dict[str, str]:
    """Use what the authorization server gives, where it belongs and in addresses, where it does not."""
    metadata = {
        "client_name": "Agent",
        "redirect_uris": [RETURN_ADDRESS],
        "grant_types": ALL_GRANTS,
        "token_endpoint_auth_method": "client_secret_post",
    }
    registered = httpx2.post(f"{server.url}/register", json=metadata).json()
    itself = {name: registered[name] for name in ("client_id", "client_secret")}
    device = httpx2.post(f"{server.url}/device_authorization", data=itself).json()
    first = tokens_of(connect(cast.bob, OAuthClient.objects.get(client_id=registered["client_id"]), cast.acme))
    second = httpx2.post(
        f"{server.url}/token", data={**itself, "grant_type": "refresh_token", "refresh_token": first.refresh}
    ).json()
    for token in (first.access, second["access_token"]):
        assert call_tool(f"{server.mcp_url}?access_token={token}", token, MODERN, "whoami", {}).status_code == 200
    return {
        "a client's secret": itself["client_secret"],
        "a device code": device["device_code"],
        "a user code": device["user_code"],
        "an access token": first.access,
        "a refresh token": first.refresh,
        "its successor": second["refresh_token"],
        "the successor's access token": second["access_token"],
    }


@pytest.fixture
def secrets_in_use(server: Server, cast: Cast, client: Client) -> dict[str, str]:
    """Use everything that has a secret, and return the secrets: keys, tokens, codes, passwords, sessions, links."""
    give_password(cast.alice)
    first = cast.key("Agent", barcelona="write")
    second = regenerate_key(OPERATOR, RegenerateKey(organization_id="acme", key_id=first.key_id))
    for secret in (first.secret, second.secret):
        call_tool(f"{server.mcp_url}?key={secret}", secret, MODERN, "whoami", {})
    client.post("/login", {"login": cast.alice.email, "password": PASSWORD})
    client.get("/acme/settings/api-keys")
    cookies: SimpleCookie = client.cookies
    Client().post("/password/reset", {"email": cast.alice.email})
    reset = Client()
    [message] = delivered_mails()
    link = re.search(r"/password/reset/key/([\w-]+)", str(message.body))
    assert link is not None
    reset.get(link[0], follow=True)
    upload_link = make_link(UserPrincipal(Origin("web"), cast.alice))
    assert upload(server, upload_link, ("words.txt", b"only words")).status_code == 400
    started = start_organization(Origin("mcp", "192.0.2.1"), StartOrganization(email="erin@example.com"))
    claim_link = started.claim_url.rpartition("/")[2]
    assert QueuedTask.objects.get().about == "claim link · erin@example.com"  # which waits for a worker
    httpx2.get(f"{server.url}/claim/{claim_link}", follow_redirects=True)
    httpx2.post(f"{server.url}/claim/{claim_link}")
    return {
        "an upload link": upload_link,
        "a claim link": claim_link,
        "a key of nobody yet": started.api_key[16:],
        **oauth_secrets(server, cast),
        "a key": first.secret[16:],
        "its new value": second.secret[16:],
        "a password": PASSWORD,
        "a session": cookies["raster_session"].value,
        "a form's token": cookies["raster_csrf"].value,
        "a reset link": link[1].partition("-")[2],
        "a reset session": reset.cookies["raster_session"].value,
    }


def test_a_copy_of_the_database_holds_no_secret(secrets_in_use: dict[str, str]) -> None:
    dump = database_dump()
    assert "alice@example.com" in dump
    assert {name for name, secret in secrets_in_use.items() if secret in dump or secret.encode().hex() in dump} == set()


def test_no_page_of_the_admin_shows_a_secret(secrets_in_use: dict[str, str], cast: Cast, client: Client) -> None:
    client.force_login(User.objects.create_superuser("staff@example.com"))
    seen = 0
    for model in admin.site._registry:
        address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        pages = [address, *(f"{address}{row.pk}/change/" for row in model._default_manager.all()[:20])]
        for page in pages:
            text = client.get(page, follow=True).content.decode()
            seen += "Raster" in text
            assert [name for name, secret in secrets_in_use.items() if secret in text] == [], page
            for stored in ("argon2$", bytes(cast.acme.api_keys.get().digest).hex()):
                assert stored not in text, page
    assert seen > len(admin.site._registry)


@pytest.mark.last
def test_the_logs_of_the_whole_run_hold_no_secret(server: Server) -> None:
    for log in (server.log, TEST_LOG):
        text = log.read_text()
        assert text
        assert WHOLE.search(text) is None, log
        for secret in (PASSWORD, "raster_session=", "raster_csrf=", "sessionid="):
            assert secret not in text, log
