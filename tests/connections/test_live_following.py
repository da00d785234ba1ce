"""A connection reaches what its person reaches at the moment of the request, in every process."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from django.utils import timezone

from accounts.models import User
from connections.contracts import RemoveConnection
from connections.ending import end_connection
from connections.models import AccessToken, AppPolicy, Client, Connection, ConnectionLibrary
from connections.operations.connections import list_member_connections, remove_connection
from connections.secrets import Pair
from orgs.access import OrganizationRef, Origin, UserPrincipal
from orgs.models import Library, LibraryMembership, Membership
from tests.connections.factories import connect, make_client, tokens_of
from tests.factories import AssetFactory, Cast, LibraryFactory, OrganizationFactory
from tests.mcp.client import MODERN, WIRES, call_tool, connected, post
from tests.server import Server, running_server
from tests.waiting import wait_until

ACME = {"organizationId": "acme"}
BARCELONA = {**ACME, "libraryId": "barcelona"}


@pytest.fixture(scope="module")
def other_process(django_db_setup: None, static_files: None, server_log: Path) -> Iterator[Server]:
    """A second server process on the same database."""
    with running_server(server_log) as server:
        yield server


def access_of(user: User, cast: Cast, **fields: object) -> str:
    return tokens_of(connect(user, make_client(f"app {Client.objects.count()}"), cast.acme, **fields)).access


@pytest.mark.parametrize("wire", WIRES)
def test_a_changed_role_is_followed_by_the_next_request_of_a_connected_client(
    server: Server, other_process: Server, cast: Cast, wire: str
) -> None:
    asset = AssetFactory(library=cast.barcelona)
    tag = {**BARCELONA, "assetIds": [asset.pk], "tags": ["sea"]}
    role = LibraryMembership.objects.filter(membership__user=cast.bob)
    access = access_of(cast.bob, cast)
    with connected(server.mcp_url, access, wire) as one, connected(other_process.mcp_url, access, wire) as two:
        for number, client in enumerate((one, two)):
            assert client.data("tag_assets", **{**tag, "tags": [f"tag {number}"]})["taggedCount"] == 1
            assert client.data("whoami")["libraries"] == [{"library": "barcelona", "access": "write"}]
        role.update(role="viewer")
        for client in (one, two):
            assert client.error("tag_assets", **tag)["code"] == "API_KEY_READ_ONLY"
            assert client.data("whoami")["libraries"] == [{"library": "barcelona", "access": "read"}]
            assert client.data("list_assets", **BARCELONA)["total"] == 1
        role.delete()
        for client in (one, two):
            assert client.error("list_assets", **BARCELONA)["code"] == "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY"
            assert client.data("whoami")["libraries"] == []
            assert client.data("list_libraries", **ACME)["total"] == 0
        Membership.objects.filter(user=cast.bob).update(role="admin")
        LibraryFactory(organization=cast.acme, name="Later", slug="later")
        for client in (one, two):
            slugs = [library["library"] for library in client.data("whoami")["libraries"]]
            assert slugs == ["barcelona", "later", "paris"]
            assert client.data("list_libraries", **ACME)["total"] == 3


def test_a_deleted_library_is_gone_and_one_with_no_library_left_keeps_the_connection(
    server: Server, cast: Cast
) -> None:
    with connected(server.mcp_url, access_of(cast.carol, cast), MODERN) as client:
        assert client.data("list_assets", **BARCELONA)["total"] == 0
        Library.objects.get(slug="barcelona").delete()
        assert client.error("list_assets", **BARCELONA)["status"] == 404
        assert client.data("whoami")["libraries"] == []


def leave(cast: Cast) -> None:
    Membership.objects.filter(user=cast.bob).delete()


def deactivate(cast: Cast) -> None:
    User.objects.filter(pk=cast.bob.pk).update(is_active=False)


def delete_organization(cast: Cast) -> None:
    cast.acme.delete()


@pytest.mark.parametrize("everything_goes", [leave, deactivate, delete_organization])
@pytest.mark.parametrize("all_organizations", [False, True])
def test_a_connection_that_has_lost_its_person_or_organizations_is_refused_and_ends(
    server: Server,
    other_process: Server,
    cast: Cast,
    everything_goes: Callable[[Cast], None],
    all_organizations: bool,
) -> None:
    connection = connect(
        cast.bob,
        make_client(),
        *([] if all_organizations else [cast.acme]),
        all_organizations=all_organizations,
    )
    access = tokens_of(connection).access
    assert call_tool(other_process.mcp_url, access, MODERN, "whoami", {}).status_code == 200
    everything_goes(cast)
    response = call_tool(server.mcp_url, access, MODERN, "whoami", {})
    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["www-authenticate"]
    wait_until(lambda: Connection.objects.get().ended is not None)
    # What was lost does not come back to life with the person.
    User.objects.filter(pk=cast.bob.pk).update(is_active=True)
    Membership.objects.get_or_create(user=cast.bob, organization=cast.globex)
    assert call_tool(server.mcp_url, access, MODERN, "whoami", {}).status_code == 401


def test_somebody_who_left_and_came_back_has_to_connect_again(server: Server, cast: Cast) -> None:
    access = access_of(cast.bob, cast)
    Membership.objects.filter(user=cast.bob).delete()
    Membership.objects.create(user=cast.bob, organization=cast.acme, role="admin")
    assert call_tool(server.mcp_url, access, MODERN, "whoami", {}).status_code == 401
    wait_until(lambda: Connection.objects.get().ended is not None)


def test_a_disconnected_client_is_cut_off_in_every_process(server: Server, other_process: Server, cast: Cast) -> None:
    connection = connect(cast.bob, make_client(), cast.acme)
    access = tokens_of(connection).access
    with connected(server.mcp_url, access, MODERN) as one, connected(other_process.mcp_url, access, MODERN) as two:
        assert one.data("whoami") == two.data("whoami")
        end_connection(None, connection, "a test")
        for url in (server.mcp_url, other_process.mcp_url):
            assert call_tool(url, access, MODERN, "whoami", {}).status_code == 401


@pytest.mark.parametrize(
    ("model", "change"),
    [
        (AccessToken, {"expires": timezone.now() - timedelta(seconds=1)}),
        (Connection, {"expires": timezone.now() - timedelta(seconds=1)}),
        (Connection, {"ended": timezone.now()}),
        (Client, {"is_active": False}),
    ],
)
def test_a_token_is_refused_when_it_its_connection_or_its_client_is_over(
    server: Server, cast: Cast, model: type[AccessToken | Connection | Client], change: dict[str, object]
) -> None:
    access = access_of(cast.bob, cast)
    model.objects.update(**change)
    assert call_tool(server.mcp_url, access, MODERN, "whoami", {}).status_code == 401


def test_a_connection_reaches_the_organizations_that_it_was_granted_and_no_other(server: Server, cast: Cast) -> None:
    Membership.objects.create(user=cast.bob, organization=cast.globex, role="owner")
    with connected(server.mcp_url, access_of(cast.bob, cast), MODERN) as client:
        assert client.data("whoami")["organizationId"] == "acme"
        for organization in ("globex", "no-such-one"):
            error = client.error("list_libraries", organizationId=organization)
            assert error == {"code": "ORGANIZATION_NOT_FOUND", "message": "Organization not found.", "status": 404}
            assert client.error("list_assets", organizationId=organization, libraryId="secret") == error


def test_a_connection_with_all_organizations_is_told_of_each_and_follows_them(server: Server, cast: Cast) -> None:
    connection = connect(cast.bob, make_client(), all_organizations=True)
    with connected(server.mcp_url, tokens_of(connection).access, MODERN) as client:
        assert [each["organizationId"] for each in client.data("whoami")["organizations"]] == ["acme"]
        Membership.objects.create(user=cast.bob, organization=OrganizationFactory(slug="later", name="Later"))
        identities = client.data("whoami")["organizations"]
        assert [each["organizationId"] for each in identities] == ["acme", "later"]
        assert identities[1]["libraries"] == []
        assert client.data("list_libraries", organizationId="later")["total"] == 0
        assert client.error("list_libraries", organizationId="globex")["code"] == "ORGANIZATION_NOT_FOUND"


@pytest.mark.parametrize(
    ("way", "policy", "reached"),
    [
        ("browser", {"allows_apps": False}, False),
        ("device", {"allows_apps": False}, False),
        ("device", {"allows_devices": False}, False),
        ("browser", {"allows_devices": False}, True),
        ("browser", {}, True),
    ],
)
def test_a_connection_with_all_organizations_does_not_follow_into_one_that_forbids_it(
    server: Server, cast: Cast, way: str, policy: dict[str, bool], reached: bool
) -> None:
    connection = connect(cast.bob, make_client(), all_organizations=True, way=way)
    AppPolicy.objects.create(organization=cast.globex, **policy)
    Membership.objects.create(user=cast.bob, organization=cast.globex, role="admin")
    # The organization that was reached before it forbade apps stays: only new ones are forbidden.
    AppPolicy.objects.create(organization=cast.acme, allows_apps=False)
    expected = ["acme", "globex"] if reached else ["acme"]
    with connected(server.mcp_url, tokens_of(connection).access, MODERN) as client:
        assert [each["organizationId"] for each in client.data("whoami")["organizations"]] == expected
        if not reached:
            unreachable = client.error("list_libraries", organizationId="globex")
            assert unreachable == client.error("list_libraries", organizationId="unknown")
    assert [
        row.organization.slug for row in connection.reached_memberships().order_by("organization__slug")
    ] == expected
    dave, alice = UserPrincipal(Origin("web"), cast.dave), UserPrincipal(Origin("web"), cast.alice)
    globex, acme = (OrganizationRef(row.pk, row.slug, row.name) for row in (cast.globex, cast.acme))
    assert len(list_member_connections(dave, globex)) == int(reached)
    assert len(list_member_connections(alice, acme)) == 1


def test_what_is_left_of_all_organizations_is_told_whole(server: Server, cast: Cast) -> None:
    Membership.objects.create(user=cast.bob, organization=cast.globex, role="admin")
    Membership.objects.create(user=cast.bob, organization=OrganizationFactory(slug="third", name="Third"))
    connection = connect(cast.bob, make_client(), all_organizations=True)
    pair = tokens_of(connection)
    alice = UserPrincipal(Origin("web"), cast.alice)
    remove_connection(alice, RemoveConnection(organization_id="acme", connection_id=connection.pk))
    with connected(server.mcp_url, pair.access, MODERN) as client:
        assert [each["organizationId"] for each in client.data("whoami")["organizations"]] == ["globex", "third"]
    form = {"client_id": "test-app", "grant_type": "refresh_token", "refresh_token": pair.refresh}
    granted = "library:read library:write offline_access organizations:all"
    answer = httpx2.post(f"{server.url}/token", data={**form, "scope": granted})
    assert answer.json()["scope"] == "library:read library:write offline_access"


def test_a_token_from_before_the_app_changed_is_refused_at_once(server: Server, cast: Cast) -> None:
    access = access_of(cast.bob, cast)
    Client.objects.update(edition=2)
    assert call_tool(server.mcp_url, access, MODERN, "whoami", {}).status_code == 401


def test_a_narrowed_connection_reaches_the_chosen_libraries_alone(server: Server, cast: Cast) -> None:
    connection = connect(cast.alice, make_client(), cast.acme, narrowed=True)
    ConnectionLibrary.objects.create(connection=connection, library=cast.paris)
    with connected(server.mcp_url, tokens_of(connection).access, MODERN) as client:
        assert client.data("whoami")["libraries"] == [{"library": "paris", "access": "write"}]
        assert [row["id"] for row in client.data("list_libraries", **ACME)["data"]] == ["paris"]
        unknown = client.error("list_assets", **ACME, libraryId="no-such-one")
        assert client.error("list_assets", **BARCELONA) == unknown
        made = client.data("create_library", **ACME, name="Made by the app", slug="barcelona")
        assert made["id"].startswith("barcelona-"), "a taken slug is told only to those who see every library"
        assert client.data("rename_library", **ACME, libraryId=made["id"], name="Renamed")["name"] == "Renamed"
    # The person goes on reaching what they chose only while their role reaches it.
    Membership.objects.filter(user=cast.alice).update(role="member")
    with connected(server.mcp_url, tokens_of(connection).access, MODERN) as client:
        assert client.data("whoami")["libraries"] == []


def test_creating_takes_an_owner_and_renaming_the_librarys_owner_or_an_admin(server: Server, cast: Cast) -> None:
    access = access_of(cast.bob, cast)
    rename = {**BARCELONA, "name": "Changed"}
    membership = Membership.objects.get(user=cast.bob)
    with connected(server.mcp_url, access, MODERN) as client:
        for role in ("member", "admin"):
            Membership.objects.filter(pk=membership.pk).update(role=role)
            assert client.error("create_library", **ACME, name="New")["code"] == "FORBIDDEN"
        Membership.objects.filter(pk=membership.pk).update(role="member")
        assert client.error("rename_library", **rename)["code"] == "FORBIDDEN"
        LibraryMembership.objects.filter(membership=membership).update(role="owner")
        assert client.data("rename_library", **rename)["name"] == "Changed"
        LibraryMembership.objects.filter(membership=membership).update(role="viewer")
        assert client.error("rename_library", **rename)["code"] == "API_KEY_READ_ONLY"
        Membership.objects.filter(pk=membership.pk).update(role="owner")
        assert client.data("rename_library", **rename)["name"] == "Changed"
        assert client.data("create_library", **ACME, name="New", slug="new-one")["id"] == "new-one"


def tool_names(url: str, access: str) -> set[str]:
    return {tool["name"] for tool in post(url, access, MODERN, "tools/list", {}).json()["result"]["tools"]}


def test_write_that_the_person_withheld_is_a_plain_error_and_its_tools_are_not_listed(
    server: Server, cast: Cast
) -> None:
    AssetFactory(library=cast.barcelona)
    access = access_of(cast.bob, cast, may_write=False)
    assert "list_assets" in tool_names(server.mcp_url, access)
    assert "tag_assets" not in tool_names(server.mcp_url, access)
    with connected(server.mcp_url, access, MODERN) as client:
        assert client.data("whoami")["libraries"] == [{"library": "barcelona", "access": "read"}]
        assert client.data("list_libraries", **ACME)["data"][0]["access"] == "read"
        error = client.error("rename_library", **BARCELONA, name="Changed")
        assert (error["code"], error["status"]) == ("INSUFFICIENT_SCOPE", 403)
        assert "withheld" in error["message"]
        # What is out of reach is told first, so that scopes tell nothing of libraries.
        unknown = client.error("rename_library", **ACME, libraryId="paris", name="Changed")
        assert unknown["code"] == "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY"


@pytest.mark.parametrize("wire", WIRES)
def test_write_that_the_client_never_asked_for_is_a_challenge_that_names_every_scope(
    server: Server, cast: Cast, wire: str
) -> None:
    access = access_of(cast.bob, cast, asked_write=False, may_write=False)
    assert "tag_assets" in tool_names(server.mcp_url, access)
    response = call_tool(server.mcp_url, access, wire, "rename_library", {**BARCELONA, "name": "Changed"})
    assert response.status_code == 403
    assert response.json()["error"]["code"] == "INSUFFICIENT_SCOPE"
    assert response.headers["www-authenticate"] == (
        f'Bearer error="insufficient_scope", resource_metadata="{server.url}'
        '/.well-known/oauth-protected-resource/mcp", scope="library:read library:write"'
    )
    assert Library.objects.filter(name="Changed").count() == 0
    assert call_tool(server.mcp_url, access, wire, "whoami", {}).status_code == 200


def test_a_token_that_was_asked_for_without_write_is_challenged_too(server: Server, cast: Cast) -> None:
    connection = connect(cast.bob, make_client(), cast.acme)
    narrow = tokens_of(connection, may_write=False).access
    assert call_tool(server.mcp_url, narrow, MODERN, "rename_library", {**BARCELONA, "name": "N"}).status_code == 403


def at(server: Server, path: str) -> str:
    return f"{server.url}{path}"


@pytest.mark.parametrize(
    ("resource", "welcome"),
    [
        ("", {"/mcp", "/mcp/"}),
        ("mcp", {"/mcp", "/mcp/"}),
        ("mcp/o/acme", {"/mcp/o/acme", "/mcp/o/acme/"}),
        ("mcp/o/globex", set()),
        ("api", set()),
    ],
)
def test_a_token_works_at_its_own_resource_and_nowhere_else(
    server: Server, cast: Cast, resource: str, welcome: set[str]
) -> None:
    access = access_of(cast.bob, cast, resource=resource)
    for path in ("/mcp", "/mcp/", "/mcp/o/acme", "/mcp/o/acme/", "/mcp/o/globex", "/mcp/o/no-such-one"):
        response = call_tool(at(server, path), access, MODERN, "whoami", {})
        assert response.status_code == (200 if path in welcome else 401), path
        if path not in welcome:
            metadata = at(server, f"/.well-known/oauth-protected-resource{path.removesuffix('/')}")
            assert f'resource_metadata="{metadata}"' in response.headers["www-authenticate"]


def test_a_token_for_one_organizations_address_reaches_that_organization_alone(server: Server, cast: Cast) -> None:
    Membership.objects.create(user=cast.bob, organization=cast.globex, role="owner")
    connection = connect(cast.bob, make_client(), all_organizations=True, resource="mcp/o/acme")
    with connected(at(server, "/mcp/o/acme"), tokens_of(connection).access, MODERN) as client:
        assert client.data("whoami")["organizationId"] == "acme"
        assert client.error("list_libraries", organizationId="globex")["code"] == "ORGANIZATION_NOT_FOUND"


def test_a_key_works_at_its_own_organizations_address_and_the_others_do_not_exist_for_it(
    server: Server, cast: Cast
) -> None:
    key = cast.key(barcelona="read").secret
    assert call_tool(at(server, "/mcp/o/acme"), key, MODERN, "whoami", {}).status_code == 200
    answers = [call_tool(at(server, f"/mcp/o/{slug}"), key, MODERN, "whoami", {}) for slug in ("globex", "unknown")]
    assert [(answer.status_code, answer.json()) for answer in answers] == [
        (404, {"error": {"code": "ORGANIZATION_NOT_FOUND", "message": "Organization not found."}})
    ] * 2


@pytest.mark.parametrize("kind", ["refresh", "cut", "another checksum", "unknown"])
def test_what_is_no_access_token_is_refused(server: Server, cast: Cast, kind: str) -> None:
    pair: Pair = tokens_of(connect(cast.bob, make_client(), cast.acme))
    text = {
        "refresh": pair.refresh,
        "cut": pair.access[:-1],
        "another checksum": pair.access[:-6] + "000000",
        "unknown": tokens_of(connect(cast.bob, make_client("b"), cast.acme)).access,
    }[kind]
    if kind == "unknown":
        AccessToken.objects.all().delete()
    assert call_tool(server.mcp_url, text, MODERN, "whoami", {}).status_code == 401


def test_the_last_use_is_written_down(server: Server, cast: Cast) -> None:
    access = access_of(cast.bob, cast)
    assert call_tool(server.mcp_url, access, MODERN, "whoami", {}).status_code == 200
    wait_until(lambda: Connection.objects.get().last_used is not None)
    connection = Connection.objects.get()
    assert connection.last_used_address in {"127.0.0.1", "::1"}
    assert "python-httpx" in connection.last_used_client
