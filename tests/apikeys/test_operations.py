"""What owners and admins do with keys, who may not, and what a key is worth afterwards."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from apikeys.contracts import CreateKey, DeleteKey, RegenerateKey, RenameKey, ScopeKey
from apikeys.models import APIKey, KeyGrant
from apikeys.operations import create_key, delete_key, regenerate_key, rename_key, scope_key
from apikeys.secrets import checksum
from orgs.access import Origin, UserPrincipal
from orgs.models import AuditEntry, Membership
from raster.errors import (
    BadUserInput,
    Forbidden,
    InvalidAPIKey,
    LibraryNotAuthorized,
    OrganizationNotFound,
    RasterError,
    ResourceNotFound,
)
from tests.apikeys.people import principal_for
from tests.factories import Cast, make_key

OPERATIONS: dict[str, Callable[[Any, int], Any]] = {
    "create": lambda who, _key: create_key(who, CreateKey(organization_id="acme", name="New")),
    "scope": lambda who, key: scope_key(
        who, ScopeKey(organization_id="acme", key_id=key, access={"barcelona": "write"})
    ),
    "rename": lambda who, key: rename_key(who, RenameKey(organization_id="acme", key_id=key, name="New")),
    "regenerate": lambda who, key: regenerate_key(who, RegenerateKey(organization_id="acme", key_id=key)),
    "delete": lambda who, key: delete_key(who, DeleteKey(organization_id="acme", key_id=key)),
}
every_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)


def person(user: User) -> UserPrincipal:
    return UserPrincipal(Origin("web", address="203.0.113.7", user_agent="Firefox", request_id="r1"), user)


def access(key_id: int) -> dict[str, int]:
    return dict(KeyGrant.objects.filter(key=key_id).values_list("library__slug", "level"))


@every_operation
@pytest.mark.parametrize(("name", "error"), [("bob", Forbidden), ("carol", Forbidden), ("dave", OrganizationNotFound)])
def test_only_owners_and_admins_do_anything(
    cast: Cast, operation: Callable[[Any, int], Any], name: str, error: type[RasterError]
) -> None:
    key = cast.key(paris="read")
    before = list(APIKey.objects.values()), access(key.key_id), AuditEntry.objects.count()
    with pytest.raises(error):
        operation(person(getattr(cast, name)), key.key_id)
    assert (list(APIKey.objects.values()), access(key.key_id), AuditEntry.objects.count()) == before


@every_operation
def test_a_key_cannot_touch_keys(cast: Cast, operation: Callable[[Any, int], Any]) -> None:
    key = cast.key(barcelona="write")
    with pytest.raises(Forbidden):
        operation(principal_for(key.secret), key.key_id)


@pytest.mark.parametrize("name", ["scope", "rename", "regenerate", "delete"])
def test_a_key_of_another_organization_is_as_unknown_as_one_that_never_was(cast: Cast, name: str) -> None:
    foreign = make_key(cast.globex)
    messages = set()
    for key_id in (foreign.key_id, 999_999):
        with pytest.raises(ResourceNotFound) as refused:
            OPERATIONS[name](person(cast.alice), key_id)
        messages.add(refused.value.message)
    assert messages == {"API key not found."}
    assert principal_for(foreign.secret).name == "Agent"


@pytest.mark.parametrize("slug", ["secret", "nowhere"])
def test_an_unknown_library_fails_the_whole_call(cast: Cast, slug: str) -> None:
    key = cast.key(paris="read")
    count = AuditEntry.objects.count()
    scope = ScopeKey(organization_id="acme", key_id=key.key_id, access={"barcelona": "write", slug: "read"})
    with pytest.raises(LibraryNotAuthorized):
        scope_key(person(cast.alice), scope)
    with pytest.raises(LibraryNotAuthorized):
        create_key(person(cast.alice), CreateKey(organization_id="acme", name="New", access={slug: "read"}))
    assert access(key.key_id) == {"paris": 1}
    assert APIKey.objects.count() == 1
    assert AuditEntry.objects.count() == count


def test_an_admin_who_is_demoted_may_nothing_from_then_on(cast: Cast) -> None:
    bob = Membership.objects.get(user=cast.bob)
    bob.role = Membership.Role.ADMIN
    bob.save()
    principal = person(cast.bob)
    create_key(principal, CreateKey(organization_id="acme", name="New"))
    bob.role = Membership.Role.MEMBER
    bob.save()
    with pytest.raises(Forbidden):
        create_key(principal, CreateKey(organization_id="acme", name="Newer"))


def test_a_new_key_reaches_nothing_until_it_is_granted_something(cast: Cast) -> None:
    key = create_key(person(cast.alice), CreateKey(organization_id="acme", name="New"))
    assert list(principal_for(key.secret).libraries()) == []
    scope_key(
        person(cast.alice),
        ScopeKey(organization_id="acme", key_id=key.key_id, access={"barcelona": "read", "paris": "none"}),
    )
    assert [library.slug for library in principal_for(key.secret).libraries()] == ["barcelona"]


def test_scoping_leaves_alone_what_it_does_not_name(cast: Cast) -> None:
    key = cast.key(barcelona="write", paris="read")
    scope_key(person(cast.alice), ScopeKey(organization_id="acme", key_id=key.key_id, access={"barcelona": "none"}))
    assert access(key.key_id) == {"paris": 1}


def test_two_keys_of_an_organization_do_not_share_a_name_and_two_organizations_may(cast: Cast) -> None:
    alice, ci = person(cast.alice), cast.key("CI")
    make_key(cast.globex, "CI")
    agent = cast.key("Agent")
    with pytest.raises(BadUserInput, match="already has a key named CI"):
        create_key(alice, CreateKey(organization_id="acme", name=" CI "))
    with pytest.raises(BadUserInput, match="already has a key named CI"):
        rename_key(alice, RenameKey(organization_id="acme", key_id=agent.key_id, name="CI"))
    rename_key(alice, RenameKey(organization_id="acme", key_id=ci.key_id, name="CI"))
    assert APIKey.objects.get(pk=agent.key_id).name == "Agent"


def test_a_regenerated_key_keeps_everything_but_its_value(cast: Cast) -> None:
    old = cast.key("CI", barcelona="write")
    principal_for(old.secret).record_use()
    new = regenerate_key(person(cast.alice), RegenerateKey(organization_id="acme", key_id=old.key_id))
    with pytest.raises(InvalidAPIKey):
        principal_for(old.secret)
    principal = principal_for(new.secret)
    assert (principal.key_id, principal.name, principal.is_shown_writes) == (old.key_id, "CI", True)
    key = APIKey.objects.get()
    assert key.first_used is None
    assert key.last_used is not None
    assert key.regenerated is not None


def test_a_request_that_outlives_the_value_it_came_with_does_not_count_as_the_new_values_first(cast: Cast) -> None:
    old = cast.key()
    late = principal_for(old.secret)
    new = regenerate_key(person(cast.alice), RegenerateKey(organization_id="acme", key_id=old.key_id))
    late.record_use()
    assert APIKey.objects.get().first_used is None
    principal_for(new.secret).record_use()
    assert APIKey.objects.get().first_used is not None


def test_use_is_written_at_most_once_a_minute(cast: Cast) -> None:
    key = cast.key()
    assert principal_for(key.secret).use_is_due
    principal_for(key.secret).record_use()
    first = APIKey.objects.get()
    assert (first.last_used_address, first.last_used_client) == ("203.0.113.7", "curl/8.5")
    assert not principal_for(key.secret).use_is_due
    principal_for(key.secret).record_use()
    assert APIKey.objects.get().last_used == first.last_used
    APIKey.objects.update(last_used=timezone.now() - timedelta(minutes=2))
    assert principal_for(key.secret).use_is_due
    principal_for(key.secret).record_use()
    again = APIKey.objects.get()
    assert again.first_used == first.first_used
    assert again.last_used != first.last_used


def test_a_deleted_key_is_refused_like_one_that_never_was(cast: Cast) -> None:
    key = cast.key(barcelona="write")
    delete_key(person(cast.alice), DeleteKey(organization_id="acme", key_id=key.key_id))
    body = f"rstk_{key.public_id}_{'0' * 32}"
    messages = set()
    for text in (key.secret, body + checksum(body)):
        with pytest.raises(InvalidAPIKey) as refused:
            principal_for(text)
        messages.add(refused.value.message)
    assert messages == {InvalidAPIKey.default_message}
    assert not KeyGrant.objects.exists()


def test_only_whoever_has_the_secret_learns_that_a_key_has_expired(cast: Cast) -> None:
    key = create_key(person(cast.alice), CreateKey(organization_id="acme", name="New", expires_in_days=30))
    assert principal_for(key.secret).name == "New"
    APIKey.objects.update(expires=timezone.now() - timedelta(seconds=1))
    with pytest.raises(InvalidAPIKey, match="has expired"):
        principal_for(key.secret)
    body = f"rstk_{key.public_id}_{'0' * 32}"
    with pytest.raises(InvalidAPIKey) as refused:
        principal_for(body + checksum(body))
    assert refused.value.message == InvalidAPIKey.default_message


def test_a_key_stays_when_its_maker_leaves(cast: Cast) -> None:
    key = create_key(person(cast.alice), CreateKey(organization_id="acme", name="New", access={"paris": "read"}))
    cast.alice.delete()
    assert principal_for(key.secret).label == "New"
    assert APIKey.objects.get().created_by_name == "alice@example.com"


def test_every_change_is_in_the_audit_log_with_what_was_and_what_is(cast: Cast) -> None:
    alice = person(cast.alice)
    key = create_key(alice, CreateKey(organization_id="acme", name="CI", access={"paris": "read"}))
    scope = {"barcelona": "write", "paris": "read"}
    scope_key(alice, ScopeKey.model_validate({"organizationId": "acme", "keyId": key.key_id, "access": scope}))
    rename_key(alice, RenameKey(organization_id="acme", key_id=key.key_id, name="Site"))
    new = regenerate_key(alice, RegenerateKey(organization_id="acme", key_id=key.key_id))
    delete_key(alice, DeleteKey(organization_id="acme", key_id=key.key_id))
    entries = AuditEntry.objects.order_by("id")
    assert [(entry.action, entry.target, entry.before, entry.after) for entry in entries] == [
        ("api_key.create", f"CI (rstk_{key.public_id}…)", {}, {"expires": None, "access": {"paris": "read"}}),
        (
            "api_key.scope",
            f"CI (rstk_{key.public_id}…)",
            {"access": {"barcelona": "none"}},
            {"access": {"barcelona": "write"}},
        ),
        ("api_key.rename", f"CI (rstk_{key.public_id}…)", {"name": "CI"}, {"name": "Site"}),
        (
            "api_key.regenerate",
            f"Site (rstk_{new.public_id}…)",
            {"public_id": key.public_id},
            {"public_id": new.public_id},
        ),
        ("api_key.delete", f"Site (rstk_{new.public_id}…)", {"access": {"barcelona": "write", "paris": "read"}}, {}),
    ]
    assert {(entry.actor, entry.face, entry.address, entry.request_id) for entry in entries} == {
        ("alice@example.com", "web", "203.0.113.7", "r1")
    }
    assert all(secret not in str(entry.__dict__) for entry in entries for secret in (key.secret, new.secret))


def test_saving_what_already_holds_leaves_no_entry(cast: Cast) -> None:
    key = cast.key(paris="read")
    count = AuditEntry.objects.count()
    scope = ScopeKey(organization_id="acme", key_id=key.key_id, access={"paris": "read", "barcelona": "none"})
    scope_key(person(cast.alice), scope)
    assert AuditEntry.objects.count() == count
