"""The Connect page is for an organization's members, and says what works on this installation."""

import base64
import json
import shlex
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.conf import settings as configured
from django.test import Client
from pytest_django import Settings

from connections import scopes
from connections.models import AppPolicy
from connections.ready import ReadyClient, ready_clients
from connections.resources import organization_mcp_url, row_of
from tests.factories import Cast

URL = "https://raster.example.com/mcp"

pytestmark = pytest.mark.django_db


def page(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def ready(id_: str, name: str = "raster") -> ReadyClient:
    [client] = [each for each in ready_clients(URL, name) if each.id == id_]
    return client


@pytest.mark.parametrize("path", ["/acme/connect", "/nobody/connect"])
def test_it_is_for_members_alone(client: Client, cast: Cast, path: str) -> None:
    assert client.get(path).headers["Location"].startswith("/login")
    client.force_login(cast.dave)
    assert client.get(path).status_code == 404


def test_a_member_finds_both_addresses_and_no_link_to_what_they_may_not_see(client: Client, cast: Cast) -> None:
    client.force_login(cast.carol)
    text = page(client, "/acme/connect")
    assert f'value="{configured.MCP_URL}"' in text
    assert f'value="{configured.MCP_URL}/o/acme"' in text
    assert "/acme/settings/api-keys" not in text
    assert "an owner or admin of Acme makes one for you" in text
    client.force_login(cast.alice)
    assert "/acme/settings/api-keys" in page(client, "/acme/connect")


def test_the_commands_are_for_the_address_that_was_chosen(client: Client, cast: Cast) -> None:
    client.force_login(cast.bob)
    assert f"claude mcp add --transport http raster {configured.MCP_URL}\n" in page(client, "/acme/connect").replace(
        "</pre>", "\n"
    )
    own = page(client, "/acme/connect?address=own")
    assert f"claude mcp add --transport http raster-acme {configured.MCP_URL}/o/acme" in own


def test_it_says_where_apps_are_not_allowed(client: Client, cast: Cast) -> None:
    client.force_login(cast.bob)
    assert "do not let members connect apps" not in page(client, "/acme/connect")
    AppPolicy.objects.create(organization=cast.acme, allows_apps=False)
    assert "do not let members connect apps" in page(client, "/acme/connect")


def test_everybody_reads_the_documentation_and_learns_no_organization(client: Client, cast: Cast) -> None:
    text = page(client, "/docs/connect")
    assert "claude mcp add" in text
    assert all(scope in text for scope in (scopes.READ, scopes.WRITE, scopes.OFFLINE, scopes.ALL_ORGANIZATIONS))
    assert "If it does not connect" in text
    assert "acme" not in text.lower()
    client.force_login(cast.alice)
    assert "acme" not in page(client, "/docs/connect").lower()


def test_the_metadata_names_a_page_that_is_there(client: Client) -> None:
    metadata = client.get("/.well-known/oauth-authorization-server", secure=True).json()
    assert metadata["service_documentation"].startswith(configured.BASE_URL)
    page(client, metadata["service_documentation"].removeprefix(configured.BASE_URL))


@pytest.mark.parametrize(
    "mcp_url", ["https://raster.example.com/mcp", "https://mcp.example.com/"], ids=["own path", "own host"]
)
def test_an_organizations_address_is_the_resource_of_that_organization(settings: Settings, mcp_url: str) -> None:
    settings.MCP_URL = mcp_url
    settings.MCP_HOST = "mcp.example.com"
    settings.BASE_SCHEME = "https"
    settings.SERVED_HOSTS = frozenset({"raster.example.com", "mcp.example.com"})
    assert row_of(organization_mcp_url("acme")) == "mcp/o/acme"


def test_the_links_of_one_click_hold_the_name_and_the_address_and_no_secret() -> None:
    cursor = urlsplit(ready("cursor", "raster-acme").steps[0].link)
    query = parse_qs(cursor.query)
    assert (cursor.scheme, cursor.netloc, cursor.path) == ("cursor", "anysphere.cursor-deeplink", "/mcp/install")
    assert query["name"] == ["raster-acme"]
    assert json.loads(base64.b64decode(query["config"][0], validate=True)) == {"url": URL}

    address, _, server = ready("vs-code").steps[0].link.partition("?")
    assert address == "vscode:mcp/install"
    assert json.loads(unquote(server)) == {"name": "raster", "type": "http", "url": URL}


def test_as_oneself_nothing_holds_a_key_and_with_a_key_all_that_take_one_do() -> None:
    for client in ready_clients(URL):
        assert not any("rstk_" in step.text + step.link for step in client.steps), client.id
        assert client.key is None or "rstk_…" in client.key.text, client.id
    assert [client.id for client in ready_clients(URL) if client.key is None] == ["claude", "chatgpt"]


def test_commands_are_words_that_a_shell_reads_as_they_are_meant() -> None:
    assert shlex.split(ready("claude-code").steps[0].text) == [
        "claude",
        "mcp",
        "add",
        "--transport",
        "http",
        "raster",
        URL,
    ]
    assert shlex.split(ready("codex").steps[0].text) == ["codex", "mcp", "add", "raster", "--url", URL]
    program, option, server = shlex.split(ready("vs-code").steps[1].text)
    assert (program, option) == ("code", "--add-mcp")
    assert json.loads(server) == {"name": "raster", "type": "http", "url": URL}
    key = ready("inspector").key
    assert key is not None
    assert shlex.split(key.text)[-2:] == ["--header", "Authorization: Bearer rstk_…"]
